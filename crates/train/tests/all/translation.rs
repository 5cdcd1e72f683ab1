//! Translation, from a file to answers, on every device.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use backdraft_train::{
    AttentionKind, Recurrence, TaskSettings, Training, Translate, TranslateOptions,
};
use serde_json::Value;

use crate::support::{
    answers, backdraft, command, drawn, goes_out_and_comes_back, learned, nonsense, refused,
    succeeded,
};

/// Pairs of letters, each of which is written as two, in the opposite order.
pub fn pairs(folder: &Path) -> std::path::PathBuf {
    let mut table = String::from("source\ttarget\n");
    let letters = ["a", "b", "c", "d"];
    for number in 0..256_usize {
        let length = 1 + number % 3;
        let word: Vec<&str> = (0..length)
            .map(|place| letters[(number / 3) >> (2 * place) & 3])
            .collect();
        let target: Vec<String> = word
            .iter()
            .rev()
            .map(|letter| letter.to_uppercase())
            .collect();
        writeln!(table, "{}\t{}", word.join(" "), target.join(" ")).unwrap();
    }
    let path = folder.join("pairs.tsv");
    fs::write(&path, table).unwrap();
    path
}

#[test]
fn what_is_written_backwards_is_learned_on_every_device() {
    let folder = tempfile::tempdir().unwrap();
    let data = pairs(folder.path());
    let runs = folder.path().join("runs");
    let settings = TaskSettings {
        recurrence: Recurrence {
            hidden: 24,
            embedding: 12,
            dropout: 0.0,
            ..Recurrence::default()
        },
        options: TranslateOptions {
            attention: AttentionKind::General,
            beam: 2,
            case: true,
            ..TranslateOptions::default()
        },
        training: Training {
            batch: 32,
            epochs: Some(20),
            lr: 2e-2,
            valid_fraction: 0.2,
            ..Training::default()
        },
        ..TaskSettings::default()
    };
    learned::<Translate>(&settings, &data, &runs, |report, device| {
        let exact = report.figures["word_accuracy"];
        assert!(exact > 0.9, "{device}: {report:?}");
    });
    let told = answers(&runs, &data);
    assert_eq!(told.len(), 256);
    let right = told.iter().filter(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        cells.len() == 3 && cells[0] == cells[1]
    });
    assert!(right.count() > 230, "{told:?}");
    let (page, pictures) = drawn(&runs);
    assert!(page.contains("What each symbol looks at"), "{page}");
    assert!(
        pictures.contains(&"attention-1.svg".to_string()),
        "{pictures:?}"
    );
    goes_out_and_comes_back(&runs);
    // Sources alone are answered, too; of those the first line is a name, and whoever meant another is told.
    let alone = folder.path().join("alone.tsv");
    fs::write(&alone, "source\na b\nc\n").unwrap();
    let (run, alone) = (runs.join("flex"), alone.to_str().unwrap());
    let output = backdraft(&["predict", run.to_str().unwrap(), alone]);
    let (answers, note) = (output.stdout, String::from_utf8(output.stderr).unwrap());
    assert_eq!(String::from_utf8(answers).unwrap(), "B A\ta b\nC\tc\n");
    let expected = "note: ALONE: the first line, `source`, is taken for the name of the column and not answered\n";
    assert_eq!(note.replace(alone, "ALONE"), expected);
}

/// The writer learns from its own symbols, too: the same ones for the same seed, more of them as it goes.
#[test]
fn scheduled_sampling_is_a_way_to_learn() {
    let folder = tempfile::tempdir().unwrap();
    let data = pairs(folder.path());
    let loss = |name: &str, more: &[&str]| {
        let run = folder.path().join(name);
        let train = [
            "train",
            "translate",
            "--data",
            data.to_str().unwrap(),
            "--out",
            run.to_str().unwrap(),
            "--hidden",
            "12",
            "--dropout",
            "0",
            "--epochs",
            "4",
            "--device",
            "flex",
            "--json",
        ];
        let report: Value = serde_json::from_str(&succeeded(&[&train, more].concat())).unwrap();
        assert!(report["bleu"].as_f64().is_some(), "{report}");
        report["loss"].as_f64().unwrap()
    };
    let rising = ["--scheduled-sampling", "0.8", "--sampling-steps", "10"];
    let risen = loss("rising", &rising);
    assert_eq!(risen, loss("again", &rising));
    assert_ne!(risen, loss("at-once", &rising[..2]));
    assert_ne!(risen, loss("taught", &[]));
}

/// What `predict RUN -` prints for these lines.
fn piped(run: &str, lines: &str, more: &[&str]) -> Vec<String> {
    let mut command = command(&[&["predict", run, "-", "--device", "flex"], more].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(lines.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_string).collect()
}

/// Two files, of which some lines have a name that occurs once: `Xeno-7 a b` and `B A Xeno-7`.
fn parallel(folder: &Path) -> [std::path::PathBuf; 2] {
    let table = fs::read_to_string(pairs(folder)).unwrap();
    let rows = table.lines().skip(1).enumerate();
    let (mut sources, mut targets) = (String::new(), String::new());
    for (number, row) in rows {
        let (source, target) = row.split_once('\t').unwrap();
        if number % 2 == 0 {
            writeln!(sources, "Xeno{number} {source}").unwrap();
            writeln!(targets, "{target} Xeno{number}").unwrap();
        } else {
            writeln!(sources, "{source}").unwrap();
            writeln!(targets, "{target}").unwrap();
        }
    }
    let [source, target] = ["all.low", "all.up"].map(|name| folder.join(name));
    fs::write(&source, sources).unwrap();
    fs::write(&target, targets).unwrap();
    [source, target]
}

#[test]
fn how_answers_are_searched_for_can_be_asked_for_anew() {
    let folder = tempfile::tempdir().unwrap();
    let [data, targets] = parallel(folder.path());
    let run = folder.path().join("run");
    let (data, run) = (data.to_str().unwrap(), run.to_str().unwrap());
    let train = [
        "train",
        "translate",
        "--data",
        data,
        "--target-extension",
        "up",
        "--out",
        run,
        "--input-feeding",
        "--min-count",
        "2",
        "--hidden",
        "24",
        "--embedding",
        "12",
        "--dropout",
        "0",
        "--batch",
        "32",
        "--epochs",
        "12",
        "--lr",
        "2e-2",
        "--beam",
        "2",
        "--device",
        "flex",
    ];
    succeeded(&train);

    // An answer for each line, and nothing for an empty one.
    let lines = "a b\n\nXeno999 c\n";
    let plain = piped(run, lines, &[]);
    assert_eq!(plain.len(), 3, "{plain:?}");
    assert_eq!(plain[1], "\t");
    assert!(plain[2].contains("<UNK>"), "{plain:?}");
    let file = folder.path().join("questions.low");
    fs::write(&file, lines).unwrap();
    let from_file = succeeded(&["predict", run, file.to_str().unwrap(), "--device", "flex"]);
    assert_eq!(from_file.lines().collect::<Vec<_>>(), plain);

    // What is not known is a word of the source, as it is written there; the rest stays.
    let replaced = piped(run, lines, &["--replace-unknown"]);
    assert_eq!(replaced[..2], plain[..2]);
    let [before, after] = [&plain[2], &replaced[2]].map(|line| line.split('\t').next().unwrap());
    let mut unknown = 0;
    for (before, after) in before.split(' ').zip(after.split(' ')) {
        if before == "<UNK>" {
            assert!(["Xeno999", "c"].contains(&after), "{replaced:?}");
            unknown += 1;
        } else {
            assert_eq!(before, after);
        }
    }
    assert!(unknown > 0);

    // Several answers, the best first; the first is that of the same beam.
    let best = piped(run, lines, &["--beam", "4", "--n-best", "3"]);
    assert_eq!(best.len(), 3 + 1 + 3, "{best:?}");
    let one = piped(run, lines, &["--beam", "4"]);
    assert_eq!(best[0].split('\t').next(), one[0].split('\t').next());
    let score = |line: &String| line.split('\t').nth(1).unwrap().parse::<f64>().unwrap();
    assert!(score(&best[0]) >= score(&best[1]) && score(&best[1]) >= score(&best[2]));
    let json = piped(run, "a b\n", &["--beam", "4", "--n-best", "3", "--json"]);
    let json: Value = serde_json::from_str(&json[0]).unwrap();
    assert_eq!(json["translation"].as_array().unwrap().len(), 3);
    assert_eq!(json["score"][0], score(&best[0]));
    // A wider beam finds nothing worse.
    let of_width = |width: &str| -> f64 {
        let lines = fs::read_to_string(data).unwrap();
        let told = piped(run, &lines, &["--beam", width, "--n-best", "1"]);
        told.iter().map(score).sum()
    };
    let [greedy, wide] = ["1", "4"].map(of_width);
    // But for rounding: rows are computed in other batches.
    assert!(wide >= greedy - 1e-3, "{wide} against {greedy}");

    let expected = "--n-best: expected at least 1 and at most 2, the width of the beam, found 3";
    refused(&["predict", run, data, "--n-best", "3"], expected);

    succeeded(&["report", run]);
    let page = fs::read_to_string(Path::new(run).join("report.html")).unwrap();
    for name in [
        "Encoder, layer 1, reverse: spectral radius",
        "Encoder, layer 1, reverse: how open the gates are",
        "Encoder, layer 1, reverse: the same, as training went on",
        "Decoder, layer 1: how open the gates are",
        "Norm of dL/dh_t in the layers of the encoder",
        "Norm of dL/dh_t in the layers of the decoder",
    ] {
        assert!(page.contains(name), "{name} is not in {page}");
    }
    let report = succeeded(&["evaluate", run, "--beam", "1", "--device", "flex"]);
    assert!(
        report.contains("source symbols    pairs   exact"),
        "{report}"
    );
    let other = |beam: &str| -> Value {
        let told = succeeded(&["evaluate", run, "--data", data, "--beam", beam, "--json"]);
        serde_json::from_str(&told).unwrap()
    };
    assert_eq!(other("1")["examples"], 256);

    // The targets are data, too.
    let mut changed = fs::read_to_string(&targets).unwrap();
    changed.replace_range(..1, "Q");
    fs::write(&targets, &changed).unwrap();
    refused(
        &["evaluate", run],
        "are not those that the run was started with",
    );
    fs::write(&targets, "A\n").unwrap();
    refused(&["evaluate", run, "--data", data], "expected 256 lines");
}

/// Long pairs are left out of what is learned, and of nothing else.
#[test]
fn long_pairs_are_measured_and_not_learned() {
    let folder = tempfile::tempdir().unwrap();
    let data = pairs(folder.path());
    let (data, run) = (data.to_str().unwrap(), folder.path().join("run"));
    let run = run.to_str().unwrap();
    let told = succeeded(&[
        "train",
        "translate",
        "--data",
        data,
        "--out",
        run,
        "--max-steps",
        "2",
        "--valid-fraction",
        "0.5",
        "--hidden",
        "8",
        "--embedding",
        "4",
        "--epochs",
        "1",
        "--device",
        "flex",
        "--json",
    ]);
    let report: Value = serde_json::from_str(&told).unwrap();
    let count = |name: &str| report[name].as_u64().unwrap();
    assert_eq!(count("valid_examples"), 128);
    // A third of the pairs have three symbols.
    assert_eq!(count("examples") + count("skipped_rows"), 128);
    assert!(count("skipped_rows") > 20, "{report}");
    let told = succeeded(&[
        "evaluate", run, "--data", data, "--device", "flex", "--json",
    ]);
    let all: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (&all["examples"], &all["skipped_rows"]),
        (&256.into(), &0.into())
    );
}

#[test]
fn settings_that_exclude_each_other_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = pairs(folder.path());
    let data = data.to_str().unwrap();
    let train = |more: &[&str], expected: &str| {
        nonsense(
            &[&["train", "translate", "--data", data], more].concat(),
            expected,
        );
    };
    train(
        &["--input-feeding", "--attention", "off"],
        "--input-feeding: expected a model with attention, found --attention off",
    );
    train(
        &["--input-feeding", "--recurrent-dropout", "0.1"],
        "--input-feeding: expected no drop connect or recurrent dropout",
    );
    train(
        &["--target-extension", "tsv"],
        "--target-extension: expected another extension than that of the sources, found",
    );
    train(
        &["--target-extension", "a/b"],
        "--target-extension: expected an extension, such as `es`",
    );
}

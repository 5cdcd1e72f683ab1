//! Tagging, forecasting, translation and transcription, from a file to answers, on every device.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use backdraft_train::{
    Forecast, ForecastOptions, Recurrence, Tag, TagOptions, TaskSettings, Training, Transcribe,
    TranscribeOptions, Translate, TranslateOptions,
};
use serde_json::{Value, json};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::support::{
    answers, backdraft, drawn, goes_out_and_comes_back, learned, refused, succeeded,
};

/// Names of two words, the first with a capital letter that no other word has; words are new in each
/// sentence, so that it is their spelling and their place that tell.
fn sentences(folder: &Path) -> std::path::PathBuf {
    let mut text = String::new();
    for number in 0..120_u32 {
        let stem = |place: u32| {
            let letter =
                |shift: u32| char::from(b'a' + ((number * 7 + place * 5 + shift) % 26) as u8);
            format!("{}{}{}", letter(0), letter(3), letter(11))
        };
        let name = stem(1);
        let capital = name[..1].to_uppercase() + &name[1..];
        for place in 0..number % 3 {
            writeln!(text, "{}\tO", stem(place + 4)).unwrap();
        }
        writeln!(
            text,
            "{capital}\tB-NAME\n{}\tI-NAME\n{}\tO\n",
            stem(2),
            stem(3)
        )
        .unwrap();
    }
    let path = folder.join("names.tsv");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn names_are_found_by_their_spelling_on_every_device() {
    let folder = tempfile::tempdir().unwrap();
    let data = sentences(folder.path());
    let runs = folder.path().join("runs");
    let settings = TaskSettings {
        recurrence: Recurrence {
            hidden: 12,
            embedding: 6,
            dropout: 0.0,
            ..Recurrence::default()
        },
        options: TagOptions {
            characters: 8,
            character_embedding: 6,
            ..TagOptions::default()
        },
        training: Training {
            batch: 16,
            epochs: Some(15),
            lr: 2e-2,
            valid_fraction: 0.2,
            ..Training::default()
        },
        ..TaskSettings::default()
    };
    learned::<Tag>(&settings, &data, &runs, |report, device| {
        let f1 = report.figures["span_f1"];
        assert!(f1 > 0.9, "{device}: {report:?}");
        assert!(report.figures["strict_span_f1"] > 0.9, "{report:?}");
    });
    let told = answers(&runs, &data);
    assert_eq!(told.len(), 120);
    assert!(told[0].starts_with("B-NAME I-NAME O\t"), "{}", told[0]);
    let run = runs.join("flex");
    let likely = [
        "predict",
        run.to_str().unwrap(),
        data.to_str().unwrap(),
        "--probabilities",
    ];
    let likely = succeeded(&[&likely[..], &["--json"]].concat());
    let first: Value = serde_json::from_str(likely.lines().next().unwrap()).unwrap();
    let first = first["probabilities"].as_array().unwrap();
    assert_eq!(first.len(), 3);
    for (word, tag) in first.iter().zip(["B-NAME", "I-NAME", "O"]) {
        let all = word.as_object().unwrap().values().filter_map(Value::as_f64);
        assert!((all.sum::<f64>() - 1.0).abs() < 1e-3, "{word}");
        assert!(word[tag].as_f64().unwrap() > 0.5, "{word}");
    }
    let (page, pictures) = drawn(&runs);
    assert!(page.contains("Tags that are taken for others"), "{page}");
    assert!(page.contains("span  precision  recall"), "{page}");
    assert!(
        pictures.contains(&"confusion.svg".to_string()),
        "{pictures:?}"
    );
    goes_out_and_comes_back(&runs);
}

/// A model that has learned nothing yet tells what keeps to the scheme, unless any sequence is asked for.
#[test]
fn told_tags_keep_to_the_scheme_of_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let data = sentences(folder.path());
    let data = data.to_str().unwrap();
    let breaks = |name: &str, more: &[&str]| {
        let run = folder.path().join(name).to_str().unwrap().to_string();
        let train = [
            "train", "tag", "--data", data, "--out", &run, "--steps", "1",
        ];
        let small = ["--hidden", "4", "--characters", "0", "--device", "flex"];
        succeeded(&[&train, &small[..], more].concat());
        let told = succeeded(&["predict", &run, data]);
        let is_broken = |line: &&str| {
            let tags = line.split('\t').next().unwrap();
            let mut before = "O";
            tags.split(' ').any(|tag| {
                let broken = tag == "I-NAME" && before == "O";
                before = tag;
                broken
            })
        };
        told.lines().filter(is_broken).count()
    };
    assert_eq!(breaks("crf", &[]), 0);
    assert_eq!(breaks("softmax", &["--decoder", "softmax"]), 0);
    assert!(breaks("any", &["--decoder", "softmax", "--scheme", "off"]) > 0);
}

/// Two series that swing, the one ten times as far as the other, with gaps.
fn swings(folder: &Path) -> std::path::PathBuf {
    let mut table = String::from("day,who,sold\n");
    for (name, size) in [("small", 1.0), ("large", 10.0)] {
        for step in 0..160_u32 {
            let swing = (f64::from(step) * std::f64::consts::TAU / 8.0).sin();
            let value = match step % 13 {
                5 => String::new(),
                _ => format!("{:.4}", size * (2.0 + swing)),
            };
            writeln!(table, "{},{name},{value}", 2000 + step).unwrap();
        }
    }
    let path = folder.join("swings.csv");
    fs::write(&path, table).unwrap();
    path
}

#[test]
fn a_swing_is_foreseen_on_every_device() {
    let folder = tempfile::tempdir().unwrap();
    let data = swings(folder.path());
    let runs = folder.path().join("runs");
    let settings = TaskSettings {
        recurrence: Recurrence {
            hidden: 12,
            ..Recurrence::default()
        },
        options: ForecastOptions {
            series_column: Some("who".to_string()),
            window: 40,
            horizon: 4,
            valid_steps: Some(24),
            ..ForecastOptions::default()
        },
        training: Training {
            batch: 4,
            epochs: Some(30),
            lr: 2e-2,
            ..Training::default()
        },
        ..TaskSettings::default()
    };
    learned::<Forecast>(&settings, &data, &runs, |report, device| {
        for figure in ["rmse", "coverage_50", "weighted_quantile_loss"] {
            assert!(
                report.figures[figure] > 0.0,
                "{figure} on {device}: {report:?}"
            );
        }
        let of_naive = report.figures["of_naive"];
        assert!(of_naive < 0.5, "{device}: {report:?}");
    });
    let told = answers(&runs, &data);
    assert_eq!(told.len(), 2);
    let cells: Vec<&str> = told[1].split('\t').collect();
    assert_eq!(cells[..2], ["large", "2160 2161 2162 2163"]);
    // 160 steps are 20 swings: what comes next begins another.
    let mean: Vec<f64> = cells[2].split(' ').map(|n| n.parse().unwrap()).collect();
    assert!(mean[2] > 25.0 && mean[0] < 25.0, "{mean:?}");
    let (page, pictures) = drawn(&runs);
    assert!(page.contains("The last part of each series"), "{page}");
    let run = runs.join("flex");
    refused(
        &[
            "predict",
            run.to_str().unwrap(),
            data.to_str().unwrap(),
            "--probabilities",
        ],
        "--probabilities: expected a run of `train classify` or `train tag`, found one of `train forecast`",
    );
    rolls(run.to_str().unwrap());
    for picture in ["forecast-1.svg", "forecast-2.svg"] {
        assert!(pictures.contains(&picture.to_string()), "{pictures:?}");
    }
    goes_out_and_comes_back(&runs);
}

/// Eight steps at a time, of 24 that are held out of two series.
fn rolls(run: &str) {
    let evaluate = |more: &[&str]| -> Value {
        let told = succeeded(&[&["evaluate", run, "--json"], more].concat());
        serde_json::from_str(&told).unwrap()
    };
    let all = evaluate(&["--horizon", "8"]);
    assert_eq!(
        (&all["forecasts"], &all["horizon"]),
        (&json!(34), &json!(8))
    );
    let error = |report: &Value| report["mase"].as_f64().unwrap();
    assert!(
        error(&all) < 0.7 * all["naive_mase"].as_f64().unwrap(),
        "{all}"
    );
    assert!(all["coverage_90"].as_f64().unwrap() > 0.5, "{all}");
    let some = evaluate(&["--horizon", "8", "--every", "8"]);
    assert_eq!(some["forecasts"], 6);
    // One step at a time is nearly what is foreseen without sampling.
    let (ahead, one) = (evaluate(&["--horizon", "1"]), evaluate(&[]));
    let apart = (error(&ahead) - error(&one)).abs();
    assert!(apart < 0.1 * error(&one), "{ahead} beside {one}");
    refused(
        &["evaluate", run, "--horizon", "25"],
        "--horizon: expected at most 24, the steps of series `small` that are held out, found 25",
    );
}

/// Pairs of letters, each of which is written as two, in the opposite order.
fn pairs(folder: &Path) -> std::path::PathBuf {
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

/// What never changes is foreseen, and has no figure in units of its changes.
#[test]
fn a_constant_series_is_learned_beside_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    type Step = fn(u32) -> u32;
    let train = |name: &str, series: &[(&str, Step)]| -> Value {
        let mut table = String::from("time,value,series\n");
        for (name, value) in series {
            for step in 0..40 {
                writeln!(table, "{},{},{name}", 2000 + step, value(step)).unwrap();
            }
        }
        let data = path(&format!("{name}.csv"));
        fs::write(&data, table).unwrap();
        let out = path(name);
        let train = [
            "train",
            "forecast",
            "--data",
            &data,
            "--out",
            &out,
            "--series-column",
            "series",
            "--epochs",
            "1",
            "--hidden",
            "4",
            "--device",
            "flex",
            "--json",
        ];
        serde_json::from_str(&succeeded(&train)).unwrap()
    };
    let alone = train("alone", &[("still", |_| 3)]);
    assert!(alone["mase"].is_null(), "{alone}");
    assert!(alone["crps"].as_f64().is_some(), "{alone}");
    let both = train("both", &[("still", |_| 3), ("moving", |step| step % 5)]);
    assert!(both["mase"].as_f64().is_some_and(f64::is_finite), "{both}");
    assert!(
        both["of_naive"].as_f64().is_some_and(f64::is_finite),
        "{both}"
    );
    // Those of zeros alone have no size that they could be divided by.
    let zeros = train("zeros", &[("zeros", |_| 0)]);
    assert!(
        zeros["loss"].as_f64().is_some_and(f64::is_finite),
        "{zeros}"
    );
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

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// Sounds of two letters, each some frames long, with a pause between; two features.
fn sounds(folder: &Path) -> std::path::PathBuf {
    let (mut frames, mut lengths, mut classes) = (Vec::<f32>::new(), Vec::new(), Vec::new());
    for number in 0..160_usize {
        let class = number % 4;
        let mut length = 0;
        for (place, letter) in [class / 2, class % 2].into_iter().enumerate() {
            let pause = 1 + (number / 4 + place) % 2;
            for _ in 0..pause {
                frames.extend([0.0, 0.0]);
            }
            let held = 1 + (number / 8 + place) % 3;
            for _ in 0..held {
                frames.extend(if letter == 0 { [1.0, 0.1] } else { [-0.1, 1.0] });
            }
            length += pause + held;
        }
        lengths.push(length as i64);
        classes.push(class as i64);
    }
    let bytes = |values: &[i64]| {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let floats: Vec<u8> = frames
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let rows = format!("({},)", lengths.len());
    let path = folder.join("sounds.npz");
    let mut archive = ZipWriter::new(fs::File::create(&path).unwrap());
    for (name, content) in [
        (
            "X",
            npy("<f4", &format!("({}, 2)", frames.len() / 2), &floats),
        ),
        ("lengths", npy("<i8", &rows, &bytes(&lengths))),
        ("y", npy("<i8", &rows, &bytes(&classes))),
    ] {
        archive
            .start_file(format!("{name}.npy"), SimpleFileOptions::default())
            .unwrap();
        archive.write_all(&content).unwrap();
    }
    archive.finish().unwrap();
    path
}

#[test]
fn what_is_said_is_learned_on_every_device_without_being_told_when() {
    let folder = tempfile::tempdir().unwrap();
    let data = sounds(folder.path());
    let runs = folder.path().join("runs");
    let settings = TaskSettings {
        recurrence: Recurrence {
            hidden: 12,
            dropout: 0.0,
            ..Recurrence::default()
        },
        options: TranscribeOptions {
            names: ["oo", "oh", "ho", "hh"].map(String::from).to_vec(),
            beam: 3,
            ..TranscribeOptions::default()
        },
        training: Training {
            batch: 16,
            epochs: Some(20),
            lr: 2e-2,
            valid_fraction: 0.2,
            ..Training::default()
        },
        ..TaskSettings::default()
    };
    learned::<Transcribe>(&settings, &data, &runs, |report, device| {
        let errors = report.figures["label_error_rate"];
        assert!(errors < 0.1, "{device}: {report:?}");
    });
    let told = answers(&runs, &data);
    assert_eq!(told.len(), 160);
    let right = told.iter().filter(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        cells.len() == 2 && cells[0] == cells[1]
    });
    assert!(right.count() > 140, "{told:?}");
    goes_out_and_comes_back(&runs);
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (pairs, sounds) = (pairs(folder.path()), sounds(folder.path()));
    let (pairs, sounds) = (pairs.to_str().unwrap(), sounds.to_str().unwrap());
    let out = path("none");
    let refuse = |task: &str, data: &str, more: &[&str], expected: &str| {
        let arguments = ["train", task, "--data", data, "--out", &out];
        refused(&[&arguments, more].concat(), expected);
    };
    refuse("translate", pairs, &["--hidden", "25"], "an even number");
    refuse(
        "translate",
        pairs,
        &["--beam", "0"],
        "--beam: expected at least 1, found 0",
    );
    refuse(
        "translate",
        pairs,
        &["--target-column", "word"],
        "expected a column `word`",
    );
    refuse(
        "translate",
        pairs,
        &["--scheduled-sampling", "1.5"],
        "--scheduled-sampling: expected at least 0 and at most 1",
    );
    refuse(
        "translate",
        pairs,
        &["--sampling-steps", "5"],
        "expected 0 without scheduled sampling",
    );
    refuse(
        "transcribe",
        sounds,
        &["--names", "a,b"],
        "--names: expected 4 names",
    );
    refuse(
        "transcribe",
        pairs,
        &[],
        "pairs.tsv: expected a list of WAV files, whose names are beside it or whole paths, found `a`",
    );
    let priced = "day,sold,price\n2000,1,5\n2001,2,\n2002,3,5\n2003,4,5\n";
    fs::write(path("priced.csv"), priced).unwrap();
    let asked = ["--covariates", "price", "--value-column", "sold"];
    refuse(
        "forecast",
        &path("priced.csv"),
        &asked,
        "priced.csv: column `price`: expected a number at 2001",
    );
    fs::write(path("one.tsv"), "source\ttarget\n\tx\n").unwrap();
    refuse(
        "translate",
        &path("one.tsv"),
        &[],
        "expected examples, found none; 1 row could",
    );
    fs::write(path("head.tsv"), "source\ttarget\n").unwrap();
    for task in ["translate", "classify"] {
        let expected =
            "expected text, found none: no row after the first line, which names the columns";
        refuse(task, &path("head.tsv"), &[], expected);
    }
    fs::write(path("words.tsv"), "dog\tN\nruns\tV\n".repeat(9)).unwrap();
    refuse(
        "tag",
        &path("words.tsv"),
        &[],
        "the sentences: expected at least 2, with an empty line between them, found 1, of 18 words",
    );
}

/// What a run cannot answer, or cannot be told of, is not passed over in silence.
#[test]
fn data_of_another_kind_and_data_that_changed_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (pairs, sounds) = (pairs(folder.path()), sounds(folder.path()));
    let (pairs, sounds) = (pairs.to_str().unwrap(), sounds.to_str().unwrap());
    let train = |arguments: &[&str]| {
        let small = [
            "--epochs", "1", "--hidden", "4", "--device", "flex", "--json",
        ];
        let output = backdraft(&[arguments, &small].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
    };
    let (of_vectors, of_texts) = (path("of-vectors"), path("of-texts"));
    train(&["train", "classify", "--data", sounds, "--out", &of_vectors]);
    let kind = "pairs.tsv: expected vectors of 2 features, as was learned from; found a text";
    refused(&["evaluate", &of_vectors, "--data", pairs], kind);
    refused(&["predict", &of_vectors, pairs], kind);
    let valid = path("valid.tsv");
    fs::copy(pairs, &valid).unwrap();
    let arguments = ["train", "translate", "--data", pairs, "--valid", &valid];
    train(&[&arguments[..], &["--out", &of_texts]].concat());
    fs::write(&valid, "source\ttarget\na\tA\n").unwrap();
    refused(
        &["evaluate", &of_texts],
        "are not those that the run was started with",
    );
}

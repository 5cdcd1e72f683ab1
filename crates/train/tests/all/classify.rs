//! Classes of whole sequences, from a file to answers: what is learned, refused, saved and resumed.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use backdraft_train::{
    Classify, ClassifyOptions, Decoding, Display, PoolingKind, Recurrence, TaskSettings, Training,
    Ways, evaluate_task, train_task,
};
use serde_json::Value;

use crate::support::{alone, backdraft, command, cpus, killed_at, refused, wgpu_follows_flex};

/// Which of two words comes first: the same words are in each text, among others.
pub fn rule(folder: &Path) -> String {
    let mut table = String::from("label\ttext\n");
    for number in 0..240_u32 {
        let filler = |place: u32| ["oak", "elm", "fir"][((number / 2 + place) % 3) as usize];
        let (first, second) = match number % 2 {
            0 => ("salt", "pepper"),
            _ => ("pepper", "salt"),
        };
        let label = format!("{first}-first");
        let before = (0..number % 5).map(filler).collect::<Vec<_>>().join(" ");
        writeln!(table, "{label}\t{before} {first} {} {second}", filler(7)).unwrap();
    }
    let path = folder.join("order.tsv");
    fs::write(&path, table).unwrap();
    path.to_str().unwrap().to_string()
}

fn small() -> TaskSettings<ClassifyOptions> {
    TaskSettings {
        recurrence: Recurrence {
            hidden: 12,
            embedding: 8,
            dropout: 0.0,
            ..Recurrence::default()
        },
        options: ClassifyOptions {
            ways: Ways::Forward,
            pooling: PoolingKind::Last,
            ..ClassifyOptions::default()
        },
        training: Training {
            batch: 24,
            epochs: Some(12),
            lr: 2e-2,
            valid_fraction: 0.2,
            ..Training::default()
        },
        ..TaskSettings::default()
    }
}

pub const SMALL: [&str; 20] = [
    "--hidden",
    "12",
    "--embedding",
    "8",
    "--dropout",
    "0.1",
    "--batch",
    "24",
    "--lr",
    "0.02",
    "--valid-fraction",
    "0.2",
    "--ways",
    "forward",
    "--pooling",
    "last",
    "--device",
    "flex",
    "--save-steps",
    "4",
];

/// On each device, and the same figures after the weights went through a file.
#[test]
fn the_order_of_two_words_is_learned_on_every_device() {
    let folder = tempfile::tempdir().unwrap();
    let data = rule(folder.path());
    let alone = alone();
    for device in cpus() {
        let run = folder.path().join(device.name.replace([' ', '/'], "-"));
        let report =
            train_task::<Classify>(&small(), Path::new(&data), &run, &device, Display::Silent)
                .unwrap();
        assert!(
            report.figures["accuracy"] > 0.95,
            "{}: {report:?}",
            device.name
        );
        assert_eq!(report.examples + report.valid_examples, 240);
        let again = evaluate_task::<Classify>(&run, None, &Decoding::default(), &device).unwrap();
        assert_eq!(again.figures["accuracy"], report.figures["accuracy"]);
        assert_eq!(again.figures["macro_f1"], report.figures["macro_f1"]);
        assert!((again.loss - report.loss).abs() < 1e-5, "{}", device.name);
        assert_eq!(again.examples, report.valid_examples);
    }
    drop(alone);
    wgpu_follows_flex::<Classify>(&small(), Path::new(&data), folder.path());
}

pub fn trained(data: &str, run: &str, more: &[&str]) -> Value {
    let arguments = [
        &["train", "classify", "--data", data, "--out", run, "--json"],
        &SMALL[..],
        more,
    ];
    let output = backdraft(&arguments.concat());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

pub fn told(arguments: &[&str]) -> String {
    let output = backdraft(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_run_answers_files_and_pipes_and_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let data = rule(folder.path());
    let run = folder.path().join("run").to_str().unwrap().to_string();
    let report = trained(&data, &run, &["--epochs", "12"]);
    assert_eq!(report["task"], "classify");
    assert!(report["accuracy"].as_f64().unwrap() > 0.9, "{report}");

    let evaluated: Value = serde_json::from_str(&told(&["evaluate", &run, "--json"])).unwrap();
    assert_eq!(evaluated["accuracy"], report["accuracy"]);
    assert_eq!(evaluated["macro_f1"], report["macro_f1"]);
    let table = told(&["evaluate", &run, "--data", &data]);
    assert!(table.contains("240 examples, 0 rows skipped"), "{table}");
    assert!(table.contains("pepper-first"), "{table}");

    // A line in, a line out, before the pipe is closed.
    let mut child = command(&["predict", &run, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    for (line, class) in [
        ("elm salt oak pepper", "salt-first"),
        ("pepper fir salt", "pepper-first"),
    ] {
        writeln!(input, "{line}").unwrap();
        input.flush().unwrap();
        let mut answer = String::new();
        std::io::BufRead::read_line(&mut output, &mut answer).unwrap();
        let cells: Vec<&str> = answer.trim_end().split('\t').collect();
        assert_eq!((cells[0], cells[2]), (class, line), "{answer}");
    }
    drop(input);
    assert!(child.wait().unwrap().success());

    let answers = told(&["predict", &run, &data, "--json"]);
    assert_eq!(answers.lines().count(), 240);
    let first: Value = serde_json::from_str(answers.lines().next().unwrap()).unwrap();
    assert_eq!(first["expected"], "salt-first");
    let likely = told(&["predict", &run, &data, "--json", "--probabilities"]);
    let likely: Value = serde_json::from_str(likely.lines().next().unwrap()).unwrap();
    let p = &likely["probabilities"];
    let class = likely["class"].as_str().unwrap();
    assert_eq!(p[class], likely["probability"]);
    let both = ["salt-first", "pepper-first"].map(|class| p[class].as_f64().unwrap());
    assert!((both[0] + both[1] - 1.0).abs() < 1e-3, "{likely}");

    told(&["report", &run]);
    let page = fs::read_to_string(Path::new(&run).join("report.html")).unwrap();
    assert!(page.contains("Loss: learned (thin), and held out"));
    assert!(page.contains("Classes that are taken for others"));
    assert!(page.contains("salt-first"), "{page}");
    // What recurs, over the training and of the weights kept.
    for shown in ["spectral radius of each", "untrained", "the weights kept"] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }
    for shown in [
        "Norm of dL/dh_t, by how far t is back",
        "Layer 1: the same, as training went on",
        "Layer 1: how open the gates are",
        "Milliseconds a step, by part",
    ] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }
    // Before the training, midway and at its end.
    let gradients = fs::read_to_string(Path::new(&run).join("gradients.jsonl")).unwrap();
    let lines: Vec<Value> = gradients
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let steps: Vec<u64> = lines
        .iter()
        .map(|line| line["step"].as_u64().unwrap())
        .collect();
    let last_step = last_step(&run);
    assert_eq!(
        (steps.len(), steps[0], steps[2]),
        (3, 0, last_step),
        "{steps:?}"
    );
    assert!(
        steps[1].abs_diff(last_step / 2) <= last_step / 10,
        "{steps:?}"
    );
    for line in &lines {
        let norms = line["gradients"][0]["norms"].as_array().unwrap();
        assert!(
            norms.len() > 1 && norms[0]["median"].as_f64().unwrap() > 0.0,
            "{line}"
        );
    }
    let metrics = fs::read_to_string(Path::new(&run).join("metrics.jsonl")).unwrap();
    let last: Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    assert!(last["accuracy"].is_number(), "{last}");
}

/// Killed when there is a checkpoint, and gone on with: the same weights to the last bit.
#[test]
fn a_training_that_was_killed_goes_on_to_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let data = rule(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (whole, killed) = (path("whole"), path("killed"));
    let report = trained(&data, &whole, &["--epochs", "30"]);
    let arguments = ["train", "classify", "--data", &data, "--out", &killed];
    let arguments = [&arguments, &SMALL[..], &["--epochs", "30"]].concat();
    killed_at("checkpoint/complete", 2, &arguments);
    let gone_on = told(&["train", "--resume", &killed, "--json"]);
    let gone_on: Value = serde_json::from_str(&gone_on).unwrap();
    for figure in ["loss", "accuracy", "steps", "positions"] {
        assert_eq!(gone_on[figure], report[figure], "{figure}");
    }
    // The ids of parameters differ in the files; the numbers must not.
    let on_all = |run: &str| -> Value {
        let evaluated = told(&["evaluate", run, "--data", &data, "--json"]);
        serde_json::from_str(&evaluated).unwrap()
    };
    assert_eq!(on_all(&whole)["loss"], on_all(&killed)["loss"]);
}

#[test]
fn nonsense_is_answered_with_one_clear_message() {
    let folder = tempfile::tempdir().unwrap();
    let data = rule(folder.path());
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_string()
    };
    let out = folder.path().join("none").to_str().unwrap().to_string();
    let refuse = |data: &str, more: &[&str], expected: &str| {
        let arguments = ["train", "classify", "--data", data, "--out", &out];
        refused(&[&arguments, more].concat(), expected);
    };
    refuse("missing.tsv", &[], "cannot read missing.tsv");
    let one = write("one.tsv", "label\ttext\nx\ta\nx\tb\nx\tc\n");
    refuse(
        &one,
        &[],
        "the number of classes: expected at least 2, found 1 (x)",
    );
    let ragged = write("ragged.tsv", "label\ttext\nx\ta\ny\n");
    refuse(
        &ragged,
        &[],
        "ragged.tsv: line 3: expected 2 cells, found 1",
    );
    let empty = write("empty.tsv", "label\ttext\n\t\n");
    refuse(
        &empty,
        &[],
        "expected examples, found none; 1 row could not be used",
    );
    refuse(
        &data,
        &["--label-column", "mood"],
        "expected a column `mood`, found label, text",
    );
    refuse(
        &data,
        &["--min-count", "0"],
        "--min-count: expected at least 1",
    );
    refuse(
        &data,
        &["--hidden", "0"],
        "--hidden: expected at least 1, found 0",
    );
    refuse(
        &data,
        &["--valid", &data, "--valid-fraction", "0.5"],
        "--valid-fraction cannot be combined with --valid",
    );
    let empty = write("empty.tsv", "");
    refuse(
        &empty,
        &[],
        "empty.tsv: expected examples, found an empty file",
    );
    let arrays = write("broken.npz", "no arrays");
    refuse(&arrays, &[], "broken.npz");
    refused(
        &["train", "classify", "--out", &out],
        "--data: expected the file with the examples",
    );
    let unknown = write("mine.toml", "task = \"classify\"\npoling = \"max\"\n");
    refused(
        &["train", &unknown],
        "unknown key `poling`; did you mean `pooling`?",
    );

    let run = folder.path().join("run").to_str().unwrap().to_string();
    trained(&data, &run, &["--epochs", "1"]);
    refused(
        &["generate", &run],
        "expected a run of `backdraft train lm`, found one of `train classify`",
    );
    refused(&["train", "--resume", &run], "this training has ended");
    let task = Path::new(&run).join("task.json");
    fs::write(&task, "{}").unwrap();
    refused(&["evaluate", &run], "task.json");
    fs::remove_file(&data).unwrap();
}

/// The examples are elsewhere now, or others are to be learned from.
#[test]
fn examples_may_move_and_others_may_be_learned_with_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let data = rule(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (run, moved) = (path("run"), path("moved.tsv"));
    let asked = |out: &str, more: &[&str]| -> Vec<String> {
        let fixed = ["train", "classify", "--data", &data, "--out", out];
        let all = [&fixed[..], &SMALL, more].concat();
        all.into_iter().map(str::to_string).collect()
    };
    let started = asked(&run, &["--epochs", "2"]);
    let started: Vec<&str> = started.iter().map(String::as_str).collect();
    killed_at("step", 12, &started);
    fs::rename(&data, &moved).unwrap();
    refused(
        &["train", "--resume", &run],
        "if the data have moved, pass the new path with --data",
    );
    let report = backdraft(&["train", "--resume", &run, "--data", &moved, "--json"]);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();

    // A step of almost nothing leaves the weights as they are.
    let (again, other) = (path("again"), path("other.tsv"));
    let from = |data: &str, more: &[&str]| {
        let fixed = [
            "train", "classify", "--from", &run, "--data", data, "--out", &again,
        ];
        command(
            &[
                &fixed[..],
                &["--steps", "1", "--lr", "1e-9", "--json"],
                more,
            ]
            .concat(),
        )
        .output()
        .unwrap()
    };
    let begun: Value = serde_json::from_slice(&from(&moved, &[]).stdout).unwrap();
    let loss = |report: &Value| report["loss"].as_f64().unwrap();
    assert!(
        (loss(&begun) - loss(&report)).abs() < 1e-4,
        "{begun} after {report}"
    );
    assert_eq!(begun["accuracy"], report["accuracy"]);

    fs::remove_dir_all(&again).unwrap();
    let rows = "salt-first\tsalt oak pepper\nneither\toak fir\n".repeat(40);
    fs::write(&other, format!("label\ttext\n{rows}")).unwrap();
    let says = |output: std::process::Output, expected: &str| {
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && error.contains(expected),
            "{error}"
        );
        assert!(!Path::new(&again).exists());
    };
    says(
        from(&other, &[]),
        "expected one of the classes pepper-first, salt-first, found `neither`",
    );
    says(
        from(&moved, &["--hidden", "13"]),
        "--hidden: expected 12, as in ",
    );
}

/// The number of the last step of a run.
fn last_step(run: &str) -> u64 {
    let metrics = fs::read_to_string(Path::new(run).join("metrics.jsonl")).unwrap();
    let last: Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    last["step"].as_u64().unwrap()
}

//! The program, run as a stranger runs it: what it prints, and what it says to nonsense.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{
    backdraft, command, killed_at, refused, succeeded, text, train_arguments, trained,
};

#[test]
fn a_run_is_trained_evaluated_and_written_with() {
    let folder = tempfile::tempdir().unwrap();
    let (run, report) = trained(folder.path(), &["--epochs", "2", "--lr", "0.02"]);
    for key in [
        "loss",
        "bits_per_character",
        "symbols",
        "device",
        "seconds",
        "steps",
        "symbols_per_second",
        "parameters",
        "run",
    ] {
        assert!(!report[key].is_null(), "no {key} in {report}");
    }
    let path = report["path"].as_str().unwrap();
    assert!(path.starts_with("kernel ("), "{path}");
    let loss = report["loss"].as_f64().unwrap();
    let bits = report["bits_per_character"].as_f64().unwrap();
    assert!((bits - loss / 2f64.ln()).abs() < 1e-12);
    assert_eq!(report["run"], run);

    // The text itself is not needed any more.
    fs::remove_file(folder.path().join("text.txt")).unwrap();
    let output = backdraft(&["evaluate", &run, "--json", "--device", "flex"]);
    let again: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(again["loss"], report["loss"]);

    let write = |more: &[&str]| {
        let fixed = ["generate", &run, "--device", "flex", "--length", "60"];
        let output = backdraft(&[&fixed[..], more].concat());
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let greedy = write(&["--prompt", "one f", "--temperature", "0"]);
    assert!(greedy.starts_with("one fish "), "{greedy}");
    assert_eq!(greedy.chars().count(), 5 + 60 + 1);
    assert_eq!(write(&["--seed", "3"]), write(&["--seed", "3"]));
    let sampling = ["--temperature", "1.5", "--top-k", "9", "--top-p", "0.99"];
    let (one, two) = (
        [&sampling[..], &["--seed", "1"]],
        [&sampling[..], &["--seed", "2"]],
    );
    assert_ne!(write(&one.concat()), write(&two.concat()));

    let output = backdraft(&[
        "generate",
        &run,
        "--device",
        "flex",
        "--prompt",
        "\u{1F525}x",
    ]);
    assert!(output.status.success());
    let note = String::from_utf8_lossy(&output.stderr);
    assert!(note.contains("does not know 2 symbols"), "{note}");
}

#[test]
fn a_seed_gives_the_same_run_to_the_last_digit() {
    let loss = |seed: &str| {
        let folder = tempfile::tempdir().unwrap();
        let more = [
            "--steps",
            "23",
            "--layers",
            "2",
            "--dropout",
            "0.2",
            "--seed",
            seed,
        ];
        let (run, report) = trained(folder.path(), &more);
        let samples = fs::read_to_string(Path::new(&run).join("samples.txt")).unwrap();
        let last = format!(
            "--- after 23 steps ---\n{}\n",
            report["sample"].as_str().unwrap()
        );
        assert!(samples.ends_with(&last), "{samples}");
        (report["loss"].to_string(), samples)
    };
    assert_eq!(loss("7"), loss("7"));
    assert_ne!(loss("7").0, loss("8").0);
}

#[test]
fn devices_are_told() {
    let output = backdraft(&["devices", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<_> = report["devices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| &d["name"])
        .collect();
    assert_eq!(names, ["wgpu", "flex", "ndarray"]);
    assert!(report["auto"]["reason"].as_str().unwrap().len() > 10);
    assert!(backdraft(&["devices"]).status.success());
}

#[test]
fn nonsense_is_answered_with_one_clear_message() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (text, run) = (
        text(folder.path()).to_str().unwrap().to_string(),
        path("run"),
    );
    let (binary, empty, short) = (path("binary"), path("empty"), path("short"));
    fs::write(&binary, [0x7F, b'E', b'L', b'F', 0xFF, 0xFE]).unwrap();
    fs::write(&empty, "").unwrap();
    fs::write(&short, "too short").unwrap();

    let train = |data: &str, more: &[&str], expected: &str| {
        refused(&train_arguments(data, &run, more), expected);
        assert!(!Path::new(&run).exists(), "{more:?} left a folder behind");
    };
    train(&path("missing"), &[], "cannot read ");
    train(
        &binary,
        &[],
        "expected UTF-8 text, found the byte 0xff at offset 4 (line 1)",
    );
    train(&empty, &[], "an empty file");
    train(&short, &[], "the text is too short");
    let with = |option, value, expected: &str| {
        let arguments = ["train", "lm", "--data", &text, "--out", &run, option, value];
        refused(&arguments, expected);
        assert!(
            !Path::new(&run).exists(),
            "{option} {value} left a folder behind"
        );
    };
    with("--batch", "0", "--batch: expected at least 1, found 0");
    with("--hidden", "0", "--hidden: expected at least 1, found 0");
    with("--embedding", "0", "--embedding: ");
    with("--layers", "0", "--layers: ");
    with("--unroll", "0", "--unroll: ");
    with("--epochs", "0", "--epochs: ");
    with("--steps", "0", "--steps: ");
    with(
        "--lr",
        "NaN",
        "--lr: expected a finite number above 0, found NaN",
    );
    with("--lr", "inf", "--lr: ");
    with("--lr=-1", "--tensorboard", "--lr: ");
    with("--dropout", "1", "--dropout: ");
    with("--clip-norm", "0", "--clip-norm: ");
    with("--clip-value", "NaN", "--clip-value: ");
    with("--valid-fraction", "1", "--valid-fraction: ");
    with(
        "--valid-fraction",
        "0.99",
        "--valid-fraction: expected a part that leaves at least",
    );
    let warmup = ["--epochs", "2", "--warmup", "9999"];
    train(&text, &warmup, "--warmup: expected fewer than all");
    with(
        "--momentum",
        "0.5",
        "--momentum has an effect only with --optimizer sgd",
    );
    let other = ["--cell", "min-gru", "--drop-connect", "0.5"];
    train(
        &text,
        &other,
        "--drop-connect: expected 0, as min-gru cells do not support it, found 0.5",
    );
    let other = ["--cell", "s-lstm", "--drop-connect", "0.5"];
    train(
        &text,
        &other,
        "--drop-connect: expected 0, as s-lstm cells do not support it",
    );
    with(
        "--hidden",
        "many",
        "--hidden: expected a whole number that is not negative, found `many`",
    );
    with(
        "--hidden",
        "99999999999",
        "--hidden: expected a size with at most",
    );
    with(
        "--cell",
        "transformer",
        "--cell: expected elman, high-order-elman, jordan, ",
    );
    with(
        "--device",
        "abacus",
        "--device: expected auto, flex, ndarray or wgpu, found `abacus`",
    );
    if !cfg!(feature = "wgpu") {
        with("--device", "wgpu", "build with `--features wgpu`");
    }
    if !cfg!(feature = "ndarray") {
        with("--device", "ndarray", "build with `--features ndarray`");
    }
    refused(
        &["train", "lm", "--data", &text, "--out", &text],
        "found a file",
    );
    let folder_in_use = folder.path().to_str().unwrap();
    refused(
        &["train", "lm", "--data", &text, "--out", folder_in_use],
        "found other files",
    );

    for command in ["generate", "evaluate"] {
        refused(&[command, &path("missing")], "expected a run folder");
        refused(&[command, &text], "found a file");
        refused(&[command, folder_in_use], "no readable run.toml");
    }
}

#[test]
fn a_damaged_run_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = trained(folder.path(), &["--steps", "3"]);
    let weights = Path::new(&run).join("model.bpk");
    let whole = fs::read(&weights).unwrap();
    let both = |expected: &str| {
        refused(&["evaluate", &run, "--device", "flex"], expected);
        refused(&["generate", &run, "--device", "flex"], expected);
    };
    for keep in [0, 1, 7, 20, 100, 400, whole.len() / 2, whole.len() - 1] {
        fs::write(&weights, &whole[..keep]).unwrap();
        both("the file is damaged");
    }
    fs::write(
        &weights,
        b"this is a text and no checkpoint at all".repeat(100),
    )
    .unwrap();
    both("the file is damaged");
    fs::remove_file(&weights).unwrap();
    both("model.bpk");
    fs::write(&weights, &whole).unwrap();

    let refused_with = |file: &str, content: &str, expected: &str| {
        let path = Path::new(&run).join(file);
        let before = fs::read(&path).unwrap();
        fs::write(&path, content).unwrap();
        both(expected);
        fs::write(&path, before).unwrap();
    };
    refused_with("run.toml", "{\"backdraft\": ", "the file is damaged");
    let without = |file: &str| {
        let path = Path::new(&run).join(file);
        let before = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        both(&format!("{file}: the file is missing"));
        fs::write(&path, before).unwrap();
    };
    without("vocabulary.json");
    without("checksums.txt");
    refused_with(
        "vocabulary.json",
        "[1, 2",
        "vocabulary.json: the file is damaged: its content does not match the checksum",
    );
    // It would be a vocabulary, but of another size than the weights are for.
    refused_with(
        "vocabulary.json",
        "{\"characters\": \"ab\"}",
        "vocabulary.json: the file is damaged",
    );

    refused(
        &["generate", &run, "--device", "flex", "--temperature", "nan"],
        "--temperature: ",
    );
    refused(
        &["generate", &run, "--device", "flex", "--temperature", "-1"],
        "--temperature: expected a finite number, at least 0, found -1",
    );
    refused(
        &["generate", &run, "--device", "flex", "--top-k", "0"],
        "--top-k: ",
    );
    refused(
        &["generate", &run, "--device", "flex", "--top-p", "2"],
        "--top-p: ",
    );
    let text = folder.path().join("text.txt");
    refused(
        &[
            "train",
            "lm",
            "--data",
            text.to_str().unwrap(),
            "--out",
            &run,
        ],
        "found a run",
    );
    assert!(
        backdraft(&["evaluate", &run, "--device", "flex"])
            .status
            .success()
    );
}

#[test]
fn a_killed_training_leaves_nothing_that_later_commands_choke_on() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path()).to_str().unwrap().to_string();
    let kills = [
        ("run/run.toml", 1, Err("expected a run folder")),
        ("run/checksums.txt", 1, Err("expected a run folder")),
        ("step", 1, Err("this run has no trained weights yet")),
        (
            "run/model.bpk",
            1,
            Err("this run has no trained weights yet"),
        ),
        ("run/model.bpk", 2, Ok(())),
        ("step", 150, Ok(())),
    ];
    for (attempt, (place, time, usable)) in kills.into_iter().enumerate() {
        let run = folder.path().join(format!("run-{attempt}"));
        let run = run.to_str().unwrap();
        killed_at(
            place,
            time,
            &train_arguments(&text, run, &["--steps", "1000"]),
        );
        for command in ["evaluate", "generate"] {
            let arguments = [command, run, "--device", "flex"];
            match usable {
                Ok(()) => drop(succeeded(&arguments)),
                Err(expected) => refused(&arguments, expected),
            }
        }
    }
}

/// A test that misspells a place would pass without its kill.
#[test]
fn a_place_that_is_none_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path());
    let run = folder.path().join("run").to_str().unwrap().to_string();
    for asked in ["nonsense", "kill:step", "stop:step:1", "hang:step:soon"] {
        let mut command = command(&train_arguments(text.to_str().unwrap(), &run, &[]));
        let output = command.env("BACKDRAFT_FAILPOINT", asked).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(&format!("found `{asked}`")), "{error}");
        assert!(!Path::new(&run).exists());
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = trained(folder.path(), &["--steps", "2"]);
    let long = ["generate", &run, "--device", "flex", "--length", "5000"];
    let mut child = command(&long)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The weights of one run, in one that was trained by more streams.
#[test]
fn what_a_text_costs_does_not_depend_on_how_the_model_was_trained() {
    let folder = tempfile::tempdir().unwrap();
    let (run, report) = trained(folder.path(), &["--steps", "20"]);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (file, like, copy) = (path("weights.safetensors"), path("like"), path("copy"));
    let text = path("text.txt");
    let mut of_seven = train_arguments(&text, &like, &["--steps", "1"]);
    let streams = of_seven.iter().position(|option| *option == "--batch");
    of_seven[streams.unwrap() + 1] = "7";
    succeeded(&of_seven);
    succeeded(&["export", &run, &file]);
    succeeded(&["import", &file, "--like", &like, "--out", &copy]);
    let evaluate = |run: &str, more: &[&str]| -> Value {
        let told = succeeded(&[&["evaluate", run, "--json"], more].concat());
        serde_json::from_str(&told).unwrap()
    };
    let (one, same) = (
        evaluate(&run, &["--data", &text]),
        evaluate(&copy, &["--data", &text]),
    );
    assert_eq!(one["streams"], 1);
    assert_eq!(one["loss"], same["loss"]);
    // All but the first symbol are foreseen.
    assert_eq!(one["symbols"], fs::read_to_string(&text).unwrap().len() - 1);
    let several = evaluate(&run, &["--data", &text, "--streams", "4"]);
    assert_eq!(several["streams"], 4);
    assert_ne!(several["loss"], one["loss"]);
    // What was held out is read as it was in training.
    let held_out = evaluate(&run, &[]);
    assert_eq!(held_out["loss"], report["loss"]);
    assert!(held_out["streams"].as_u64().unwrap() > 1);
    let told = succeeded(&["evaluate", &run, "--data", &text]);
    assert!(told.contains("read as one stream, on "), "{told}");
    refused(
        &["evaluate", &run, "--streams", "0"],
        "--streams: expected at least 1",
    );
}

/// Its loss is a finite number, and no guard minds it.
#[test]
fn a_training_that_ends_worse_than_guessing_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path()).to_str().unwrap().to_string();
    for (lr, is_worse) in [("1e30", true), ("0.01", false)] {
        let run = folder.path().join(lr).to_str().unwrap().to_string();
        let more = ["--steps", "40", "--optimizer", "sgd", "--lr", lr];
        let output = backdraft(&train_arguments(&text, &run, &more));
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        let warned = error.contains("of a uniform guess: the training diverged");
        assert_eq!(warned, is_worse, "{error}");
    }
}

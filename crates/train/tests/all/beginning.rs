//! A training that begins: its run folder appears whole or not at all, whoever else begins at the same time;
//! and with the weights of another run.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::folder::state;
use crate::support::{
    command, killed_at, refused, succeeded, text, train_arguments, trained, waiting_after,
};

/// A script that restarts what was killed is never stuck.
#[test]
fn killed_as_it_begins_there_is_a_whole_run_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path()).to_str().unwrap().to_string();
    let run = folder.path().join("run").to_str().unwrap().to_string();
    let arguments = train_arguments(&text, &run, &["--steps", "20"]);
    for place in [
        "run/vocabulary.json",
        "run/checksums.txt",
        "run/held-out.txt",
        "run/state.json",
        "run/run.toml",
        "checkpoint/model.bpk",
        "checkpoint/complete",
        "run/complete",
    ] {
        killed_at(place, 1, &arguments);
        assert!(!Path::new(&run).exists(), "{place}");
    }
    // Now it is there.
    killed_at("run/spectra.jsonl", 1, &arguments);
    assert_eq!(state(&run)["state"], "running");
    refused(&arguments, "found a run");
    refused(&["generate", &run], "this run has no trained weights yet");
    succeeded(&["train", "--resume", &run]);
    assert_eq!(state(&run)["state"], "finished");
    assert_eq!(state(&run)["steps"], 20);
    let left = fs::read_dir(folder.path()).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = left.filter(|name| name.starts_with('.')).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn trainings_that_begin_at_once_take_a_folder_each() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path()).to_str().unwrap().to_string();
    let begun = (0..4).map(|_| {
        let mut command = command(&[
            "train", "lm", "--data", &text, "--hidden", "8", "--steps", "3",
        ]);
        command.current_dir(folder.path()).stdout(Stdio::null());
        command.stderr(Stdio::piped()).spawn().unwrap()
    });
    let begun: Vec<_> = begun.collect();
    for child in begun {
        let output = child.wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
    }
    for number in 1..=4 {
        let run = folder.path().join(format!("runs/lm-{number}"));
        assert_eq!(state(run.to_str().unwrap())["state"], "finished");
    }
    assert_eq!(fs::read_dir(folder.path().join("runs")).unwrap().count(), 4);
}

#[test]
fn a_run_that_was_stopped_before_its_first_evaluation_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path()).to_str().unwrap().to_string();
    for (name, average) in [("plain", "off"), ("averaged", "ema")] {
        let run = folder.path().join(name).to_str().unwrap().to_string();
        let more = ["--steps", "1000", "--average", average];
        let waiting = waiting_after(40, &train_arguments(&text, &run, &more));
        let (error, code) = waiting.interrupt();
        assert_eq!(code, Some(130), "{error}");
        assert!(!Path::new(&run).join("model.bpk").exists());
        let output = command(&["evaluate", &run, "--json"]).output().unwrap();
        let note = String::from_utf8_lossy(&output.stderr);
        assert!(
            note.contains("the weights after 40 steps, of the last checkpoint"),
            "{note}"
        );
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(report["loss"].as_f64().unwrap() < 3.0, "{report}");
        succeeded(&["generate", &run]);
    }
}

#[test]
fn a_training_begins_with_the_weights_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let (origin, before) = trained(folder.path(), &["--epochs", "1", "--lr", "0.02"]);
    let loss = |report: &Value| report["loss"].as_f64().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let from = |name: &str, more: &[&str]| -> Value {
        let out = path(name);
        let asked = ["train", "lm", "--from", &origin, "--out", &out, "--json"];
        serde_json::from_str(&succeeded(&[&asked[..], more].concat())).unwrap()
    };

    // With the settings of the run but for what is given, and on its text.
    let again = from("again", &["--steps", "1", "--lr", "1e-9"]);
    assert!(
        (loss(&again) - loss(&before)).abs() < 1e-4,
        "{again} after {before}"
    );
    assert_eq!(again["parameters"], before["parameters"]);
    let description = fs::read_to_string(path("again/run.toml")).unwrap();
    assert!(description.contains("[made.from]"), "{description}");
    assert!(description.contains(&origin) && description.contains("hidden = 24"));
    let more = from("more", &["--epochs", "2"]);
    assert!(loss(&more) < loss(&before), "{more} after {before}");

    // From one that begins so, cut off before it was saved: its weights are in it.
    let cut = path("cut");
    let asked = ["train", "lm", "--from", &origin, "--out", &cut];
    killed_at(
        "step",
        1,
        &[&asked[..], &["--steps", "1", "--lr", "1e-9"]].concat(),
    );
    let resumed = succeeded(&["train", "--resume", &cut, "--json"]);
    let resumed: Value = serde_json::from_str(&resumed).unwrap();
    assert_eq!(loss(&resumed), loss(&again));

    // From weights that were imported, and of a run that was stopped.
    let (file, imported) = (path("weights.safetensors"), path("imported"));
    succeeded(&["export", &origin, &file]);
    succeeded(&["import", &file, "--like", &origin, "--out", &imported]);
    let text = path("text.txt");
    let stopped = path("stopped");
    let waiting = waiting_after(30, &train_arguments(&text, &stopped, &["--steps", "1000"]));
    waiting.interrupt();
    for (run, name) in [(&imported, "from-imported"), (&stopped, "from-stopped")] {
        let out = path(name);
        succeeded(&["train", "lm", "--from", run, "--out", &out, "--steps", "3"]);
    }

    // Its text has changed since.
    fs::write(&text, "one fish blue fish two fish red fish\n".repeat(120)).unwrap();
    let out = path("changed");
    let asked = [
        "train", "lm", "--from", &origin, "--out", &out, "--steps", "3",
    ];
    let output = command(&asked).output().unwrap();
    let warning = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{warning}");
    let expected = format!("warning: {origin}/run.toml: the data, {text}, has changed since");
    assert!(warning.contains(&expected), "{warning}");

    // Another text: with symbols that the run does not know, or without.
    let other = path("other.txt");
    fs::write(
        &other,
        "two fish one fish \u{e9}\u{1F525} blue fish\n".repeat(120),
    )
    .unwrap();
    let out = path("other");
    let asked = [
        "train", "lm", "--from", &origin, "--out", &out, "--data", &other, "--steps", "5",
    ];
    refused(&asked, "found 240 others: \u{e9} \u{1F525}");
    assert!(!Path::new(&out).exists());
    let output = command(&[&asked[..], &["--vocabulary", "keep"]].concat())
        .output()
        .unwrap();
    let note = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{note}");
    assert!(
        note.contains("note: 240 symbols of the text are unknown"),
        "{note}"
    );

    // Another model is none to begin with.
    let nowhere = path("nowhere");
    for (option, value, expected) in [
        ("--hidden", "32", "--hidden: expected 24, as in "),
        ("--cell", "lstm", "--cell: expected gru, as in "),
        ("--layers", "2", "--layers: expected 1, as in "),
        ("--unit", "word", "--unit: expected char, as in "),
    ] {
        let asked = [
            "train", "lm", "--from", &origin, "--out", &nowhere, option, value,
        ];
        refused(&asked, expected);
        assert!(!Path::new(&nowhere).exists());
    }
    // Nor are there new weights to begin with.
    let asked = ["train", "lm", "--from", &origin, "--out", &nowhere];
    let expected = "--forget-bias cannot be combined with --from";
    refused(&[&asked[..], &["--forget-bias", "1"]].concat(), expected);
    refused(&["train", "lm", "--vocabulary", "keep"], "--from");
}

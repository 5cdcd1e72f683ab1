//! One file that describes a run, and what a run would be before it is begun.

use std::fs;

use serde_json::Value;

use crate::support::{backdraft, refused, succeeded, text, train_arguments, trained};

/// A file instead of flags, flags over a file, and the file of a run as the file of another.
#[test]
fn one_file_describes_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path()).to_str().unwrap().to_string();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let file = path("mine.toml");
    let write = |content: &str| fs::write(&file, format!("data = '{text}'\n{content}")).unwrap();
    let small = "hidden = 24\nembedding = 8\nbatch = 4\nunroll = 16\ndevice = 'flex'\n";
    write(&format!(
        "{small}lr = 0.02\nsteps = 30\n[clipping]\nnorm = 0.5\n"
    ));
    let train = |file: &str, run: &str, more: &[&str]| -> Value {
        let output = backdraft(&[&["train", file, "--out", run, "--json"], more].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let by_file = train(&file, &path("one"), &[]);
    let flags = ["--lr", "0.02", "--steps", "30", "--clip-norm", "0.5"];
    let (_, by_flags) = trained(folder.path(), &flags);
    assert_eq!(by_file["loss"], by_flags["loss"]);
    // The resolved file of the run makes the same run.
    let resolved = format!("{}/run.toml", path("one"));
    assert_eq!(train(&resolved, &path("two"), &[])["loss"], by_file["loss"]);
    // What is typed counts more.
    let longer = train(&resolved, &path("three"), &["--steps", "40", "--seed", "7"]);
    assert_eq!(longer["steps"], 40);
    let text = fs::read_to_string(format!("{}/run.toml", path("three"))).unwrap();
    for line in [
        "seed = 7",
        "hidden = 24",
        "norm = 0.5",
        "sha256 = \"",
        "device = \"flex\"",
    ] {
        assert!(text.contains(line), "no {line} in {text}");
    }

    let refuse = |content: &str, expected: &str| {
        write(content);
        refused(&["train", &file, "--out", &path("none")], expected);
    };
    refuse(
        "hiden = 5",
        "mine.toml: unknown key `hiden`; did you mean `hidden`?",
    );
    refuse(
        "lr = -1",
        "mine.toml: `lr`: expected a finite number above 0, found -1",
    );
    refuse("task = 'chess'", "`compose`, found `chess`");
    refuse("lr = = 1", "line 2");
    refused(&["train", &path("missing.toml")], "missing.toml: ");
}

#[test]
fn a_dry_run_tells_what_a_run_would_be_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path()).to_str().unwrap().to_string();
    let run = folder.path().join("run");
    let arguments = train_arguments(
        &text,
        run.to_str().unwrap(),
        &["--dry-run", "--epochs", "2"],
    );
    let output = backdraft(&arguments);
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    for word in ["Gru(8 -> 24)", "parameters", "MiB", "kernel", "about 0:0"] {
        assert!(told.contains(word), "no {word} in {told}");
    }
    let output = backdraft(&[&arguments[..], &["--json"]].concat());
    let estimate: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!run.exists());
    let (_, report) = trained(folder.path(), &["--epochs", "2"]);
    assert_eq!(estimate["parameters"], report["parameters"]);
    assert_eq!(estimate["steps"], report["steps"]);
    assert_eq!(estimate["vocabulary"], report["vocabulary"]);
    assert!(estimate["seconds"].as_f64().unwrap() > 0.0);
}

/// Windows that go back further than they learn, several of them in a step, the last step of an epoch a part of one.
#[test]
fn a_dry_run_counts_the_symbols_that_are_learned_from() {
    let folder = tempfile::tempdir().unwrap();
    for (name, more) in [
        ("accumulated", "--accumulate 7 --stride 5 --epochs 2"),
        ("more-than-there-are", "--accumulate 100000 --epochs 2"),
        ("drawn", "--drawn --steps 50"),
        ("stopped", "--accumulate 3 --steps 41"),
    ] {
        let folder = folder.path().join(name);
        fs::create_dir(&folder).unwrap();
        let more: Vec<&str> = more.split(' ').collect();
        let (_, report) = trained(&folder, &more);
        let (text, run) = (text(&folder), folder.join("none"));
        let arguments = train_arguments(text.to_str().unwrap(), run.to_str().unwrap(), &more);
        let told = succeeded(&[&arguments[..], &["--dry-run", "--json"]].concat());
        let estimate: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(estimate["symbols"], report["symbols"], "{name}");
        assert_eq!(estimate["steps"], report["steps"], "{name}");
    }
}

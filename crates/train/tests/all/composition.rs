//! Composition, from tunes or vectors to texts, on every device and from the shell.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use backdraft_train::{Compose, ComposeOptions, Recurrence, TaskSettings, Training};
use serde_json::Value;

use crate::support::{answers, learned, refused, succeeded};

/// Little tunes in ABC notation: reels go up from the tonic, jigs come down to it.
pub fn tunes(folder: &Path) -> std::path::PathBuf {
    let mut text = String::from("% made up\n\n");
    for number in 0..120_usize {
        let (key, scale) = [("C", "CDEFG"), ("G", "GABcd")][number / 2 % 2];
        let up: String = scale.chars().take(3 + number / 4 % 3).collect();
        let (rhythm, notes) = match number % 2 {
            0 => ("reel", up),
            _ => ("slip jig", up.chars().rev().collect()),
        };
        writeln!(
            text,
            "X:{number}\nT:tune {number}\nR:{rhythm}\nK:{key}\n{notes}|\n"
        )
        .unwrap();
    }
    let path = folder.join("tunes.abc");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn tunes_are_composed_of_their_keys_on_every_device() {
    let folder = tempfile::tempdir().unwrap();
    let data = tunes(folder.path());
    let runs = folder.path().join("runs");
    let settings = TaskSettings {
        recurrence: Recurrence {
            hidden: 24,
            embedding: 8,
            dropout: 0.0,
            ..Recurrence::default()
        },
        options: ComposeOptions {
            key_size: 6,
            ..ComposeOptions::default()
        },
        training: Training {
            batch: 16,
            epochs: Some(25),
            lr: 2e-2,
            valid_fraction: 0.2,
            ..Training::default()
        },
        ..TaskSettings::default()
    };
    learned::<Compose>(&settings, &data, &runs, |report, device| {
        // A tune is three, four or five notes; all else is told by its key.
        let expected = (3_f64.ln() / 6.0).exp();
        let perplexity = report.figures["perplexity"];
        assert!(perplexity < expected + 0.1, "{device}: {report:?}");
    });
    let told = answers(&runs, &data);
    assert_eq!(told.len(), 120);
    let right = told.iter().filter(|line| {
        let (notes, key) = line.split_once('\t').unwrap();
        let scale = if key.ends_with("K:C") {
            "CDEFG"
        } else {
            "GABcd"
        };
        let mut notes: Vec<char> = notes.trim_end_matches([' ', '|']).chars().collect();
        if key.starts_with("R:slip_jig ") {
            notes.reverse();
        }
        scale.starts_with(&notes.iter().collect::<String>())
    });
    assert!(right.count() > 105, "{told:?}");

    // The same from the shell: of a key, of a prompt, and what is likeliest.
    let run = runs.join("flex").to_str().unwrap().to_string();
    let write = |more: &[&str]| {
        let written = succeeded(&[&["generate", &run, "--condition", "R:reel K:G"], more].concat());
        written.lines().map(str::to_string).collect::<Vec<_>>()
    };
    let several = write(&["--samples", "3", "--json"]);
    assert_eq!(several.len(), 3);
    for line in &several {
        let text: Value = serde_json::from_str(line).unwrap();
        assert!(text["text"].as_str().unwrap().starts_with("GAB"), "{line}");
    }
    assert!(write(&["--beam", "4"])[0].starts_with("GAB"));
    assert!(write(&["--prompt", "GA", "--temperature", "0"])[0].starts_with("GAB"));
    assert_eq!(write(&["--until", "A"]), ["GA"]);
    refused(
        &["generate", &run],
        "--condition: expected a key to write about",
    );
    refused(
        &["generate", &run, "--condition", " "],
        "the key: expected a key, found nothing",
    );
}

/// A name of a vector, by the command of a language model that is told something.
#[test]
fn a_text_can_be_told_of_a_vector_by_the_command_of_a_language_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let rows = (0..60).map(|row| match row % 2 {
        0 => "1 0.5\tab\\nc\n",
        _ => "-1 0.5\tdd\n",
    });
    let table = rows.collect::<String>();
    fs::write(path("names.tsv"), format!("where\tname\n{table}")).unwrap();
    let (data, run) = (path("names.tsv"), path("run"));
    let train = [
        "train",
        "lm",
        "--condition",
        "state",
        "--data",
        &data,
        "--key-unit",
        "number",
        "--out",
        &run,
        "--hidden",
        "16",
        "--epochs",
        "30",
        "--lr",
        "0.02",
        "--batch",
        "8",
        "--device",
        "flex",
        "--json",
    ];
    let report: Value = serde_json::from_str(&succeeded(&train)).unwrap();
    assert_eq!(report["task"], "compose");
    assert!(
        report["bits_per_character"].as_f64().unwrap() < 0.3,
        "{report}"
    );
    let written = succeeded(&["generate", &run, "--condition", "1 0.5"]);
    assert_eq!(written, "ab\nc\n");
    fs::write(path("where.tsv"), "where\n-1 0.5\n").unwrap();
    let told = succeeded(&["predict", &run, &path("where.tsv")]);
    assert_eq!(told, "dd\t-1 0.5\n");
    refused(
        &["generate", &run, "--condition", "1 x"],
        "the key: expected a key of numbers, found `x` in it",
    );
    refused(
        &["generate", &run, "--condition", "1 2 3"],
        "expected vectors of 2 features",
    );
    let refuse = |data: &str, more: &[&str], expected: &str| {
        let train = ["train", "compose", "--data", data, "--out", &path("none")];
        refused(&[&train, more].concat(), expected);
    };
    fs::write(path("alone.tsv"), "name\nanna\n").unwrap();
    refuse(
        &path("alone.tsv"),
        &[],
        "expected a column of keys and one of texts",
    );
    let numbers = ["--key-unit", "number"];
    fs::write(path("bad.tsv"), "where\tname\n1\ta\nx\tb\n").unwrap();
    refuse(
        &path("bad.tsv"),
        &numbers,
        "bad.tsv: example 2: expected a key of numbers",
    );
    fs::write(path("odd.tsv"), "where\tname\n1\ta\n1 2\tb\n").unwrap();
    refuse(
        &path("odd.tsv"),
        &numbers,
        "odd.tsv: expected vectors of 1 features, as was learned from",
    );
    refuse(
        &data,
        &["--min-count", "2"],
        "--min-count: expected 1, as the unit is a character",
    );
    refuse(
        &path("tunes.abc"),
        &["--fields", "RM"],
        "--fields: expected letters",
    );
}

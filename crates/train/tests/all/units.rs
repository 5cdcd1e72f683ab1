//! Language models of words and of pieces of words, as a stranger runs them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{self, succeeded, trained};

fn told(arguments: &[&str]) -> Value {
    serde_json::from_str(&succeeded(arguments)).unwrap()
}

fn number(report: &Value, name: &str) -> f64 {
    report[name]
        .as_f64()
        .unwrap_or_else(|| panic!("no {name} in {report}"))
}

/// Six words in a fixed order and the end of the line: nothing is left to guess.
#[test]
fn words_are_learned_and_written_in_lines() {
    let folder = tempfile::tempdir().unwrap();
    let more = [
        "--unit",
        "word",
        "--epochs",
        "30",
        "--lr",
        "0.02",
        "--adaptive",
        "2,4",
    ];
    let (run, report) = trained(folder.path(), &more);
    assert_eq!(report["unit"], "word");
    // one fish two red blue, the end of a line, and what is not known.
    assert_eq!(report["vocabulary"], 7);
    let (loss, perplexity) = (number(&report, "loss"), number(&report, "perplexity"));
    assert!((perplexity - loss.exp()).abs() < 1e-9);
    assert!(perplexity < 1.3, "{perplexity}");
    // A line has 37 characters and 9 symbols.
    let bits = loss / std::f64::consts::LN_2 * 9.0 / 37.0;
    let found = number(&report, "bits_per_character");
    assert!((found / bits - 1.0).abs() < 0.05, "{found} {bits}");

    let again = told(&["evaluate", &run, "--device", "flex", "--json"]);
    assert!(
        (number(&again, "perplexity") / perplexity - 1.0).abs() < 1e-4,
        "{again}"
    );

    let write = |more: &[&str]| {
        let arguments = ["generate", &run, "--device", "flex", "--temperature", "0"];
        succeeded(&[&arguments, more].concat())
    };
    let line = "one fish two fish red fish blue fish\n";
    assert_eq!(
        write(&["--prompt", "one fish two", "--until", "\\n"]),
        format!("{line}\n")
    );
    // A word for a symbol, and the line breaks that were asked for.
    let words = write(&["--length", "9"]);
    assert!(
        words.split_whitespace().all(|word| line.contains(word)),
        "{words}"
    );

    // A word that was not there.
    let other = folder.path().join("other.txt");
    fs::write(&other, "one fish two fish green fish blue fish\n".repeat(5)).unwrap();
    let other = other.to_str().unwrap();
    let report = told(&[
        "evaluate", &run, "--data", other, "--device", "flex", "--json",
    ]);
    assert_eq!(report["unknown"], 5);
}

/// No text has a byte that is not known, and a character is written when its last byte is there.
#[test]
fn bytes_are_learned_and_written_as_characters() {
    let folder = tempfile::tempdir().unwrap();
    let line = "na\u{ef}ve \u{1F525} caf\u{e9}\n";
    let text = folder.path().join("bytes.txt");
    fs::write(&text, line.repeat(120)).unwrap();
    let run = folder.path().join("run");
    let (text, run) = (text.to_str().unwrap(), run.to_str().unwrap());
    let more = ["--unit", "byte", "--epochs", "30", "--lr", "0.02"];
    let report = told(&[&support::train_arguments(text, run, &more)[..], &["--json"]].concat());
    assert_eq!(
        (&report["unit"], &report["vocabulary"]),
        (&json!("byte"), &json!(256))
    );
    let (loss, bits) = (
        number(&report, "loss"),
        number(&report, "bits_per_character"),
    );
    let bytes = line.len() as f64 / line.chars().count() as f64;
    let expected = loss / std::f64::consts::LN_2 * bytes;
    // What is held out may begin amid a line.
    assert!((bits / expected - 1.0).abs() < 0.05, "{bits} {expected}");
    let write = |prompt: &str| {
        let arguments = ["generate", run, "--device", "flex", "--temperature", "0"];
        succeeded(&[&arguments[..], &["--prompt", prompt, "--until", "\\n"]].concat())
    };
    assert_eq!(write("na\u{ef}ve"), format!("{line}\n"));
    let other = folder.path().join("other.txt");
    fs::write(&other, "\u{df}\u{43f}\u{4e2d}\n".repeat(9)).unwrap();
    let other = other.to_str().unwrap();
    let report = told(&[
        "evaluate", run, "--data", other, "--device", "flex", "--json",
    ]);
    assert_eq!(report["unknown"], 0);
}

/// Words by their spaces, as byte pairs of no merges would be too long to write here.
pub fn tokenizer(folder: &Path, words: &[&str]) -> String {
    let vocabulary: serde_json::Map<String, Value> = words
        .iter()
        .zip(0..)
        .map(|(word, number)| ((*word).to_string(), Value::from(number)))
        .collect();
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null,
        "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"}
    });
    let path = folder.join("tokenizer.json");
    fs::write(&path, file.to_string()).unwrap();
    path.to_str().unwrap().to_string()
}

#[test]
fn pieces_of_a_tokenizer_are_learned_without_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["<unk>", "one", "two", "fish", "red", "blue"];
    let file = tokenizer(folder.path(), &words);
    let more = ["--unit", &file, "--epochs", "30", "--lr", "0.02"];
    let (run, report) = trained(folder.path(), &more);
    assert_eq!(
        (&report["unit"], &report["vocabulary"]),
        (&json!(file), &json!(6))
    );
    let perplexity = number(&report, "perplexity");
    assert!(perplexity < 1.3, "{perplexity}");
    // What the run needs of it, it has.
    fs::remove_file(&file).unwrap();
    let again = told(&["evaluate", &run, "--device", "flex", "--json"]);
    assert!(
        (number(&again, "perplexity") / perplexity - 1.0).abs() < 1e-4,
        "{again}"
    );
}

#[test]
fn what_means_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = support::text(folder.path());
    let run = folder.path().join("run");
    let (text, run) = (text.to_str().unwrap(), run.to_str().unwrap());
    let refused = |more: &[&str], expected: &str| {
        support::refused(&support::train_arguments(text, run, more), expected);
    };
    let arguments = ["generate", run, "--until", ""];
    support::refused(&arguments, "expected some text, found none");
    refused(
        &["--unit", "letter"],
        "expected char, byte, word or the name of a tokenizer",
    );
    refused(
        &["--min-count", "3"],
        "--min-count: expected word as the unit",
    );
    refused(
        &["--unit", "word", "--min-count", "0"],
        "--min-count: expected at least 1, found 0",
    );
    refused(&["--unit", "missing.json"], "missing.json");
    refused(
        &["--adaptive", "5,3"],
        "--adaptive: expected rising numbers above 0, found 5,3",
    );
}

//! Data that a task cannot learn, or did not begin with.

use std::fs;

use crate::support::{backdraft, refused};
use crate::transcription::sounds;
use crate::translation::pairs;

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

//! Spans of tags, and how many were found, against what the program `conlleval` says and what the package `seqeval`
//! does; `spans/seqeval.py` recorded the latter.

use backdraft_models::{Accuracy, SpanScores, TagScheme, are_spans, spans, strict_spans};
use serde::Deserialize;

/// The spans of tags, written `kind first..last`.
fn told(tags: &str) -> Vec<String> {
    let tags: Vec<&str> = tags.split_whitespace().collect();
    let told = spans(&tags).into_iter();
    told.map(|span| format!("{} {}..{}", span.kind, span.words.start, span.words.end))
        .collect()
}

#[test]
fn each_scheme_marks_the_same_spans() {
    let expected = ["PER 0..2", "PER 2..3", "LOC 4..5", "ORG 5..8"];
    for tags in [
        "B-PER I-PER B-PER O B-LOC B-ORG I-ORG I-ORG",
        "B-PER E-PER S-PER O S-LOC B-ORG I-ORG E-ORG",
        "I-PER I-PER B-PER O I-LOC I-ORG I-ORG I-ORG",
    ] {
        assert_eq!(told(tags), expected, "{tags}");
    }
}

#[test]
fn impossible_tags_are_read_as_conlleval_reads_them() {
    assert_eq!(told("O I-PER E-PER O"), ["PER 1..3"]);
    assert_eq!(told("B-PER I-LOC O"), ["PER 0..1", "LOC 1..2"]);
    assert_eq!(
        told("E-PER E-PER I-PER"),
        ["PER 0..1", "PER 1..2", "PER 2..3"]
    );
    assert_eq!(told("S-PER I-PER"), ["PER 0..1", "PER 1..2"]);
    assert_eq!(told("B-a-b I-a-b"), ["a-b 0..2"]);
    assert_eq!(told("B I O"), [" 0..2"]);
    assert_eq!(told("NN NN VB"), ["NN 0..2", "VB 2..3"]);
    assert!(told("O O").is_empty());
    assert!(told("").is_empty());
}

#[test]
fn scores_count_whole_spans() {
    let tags = ["B-PER", "I-PER", "O", "B-LOC", "O", "B-ORG"];
    let found = ["B-PER", "I-PER", "O", "B-ORG", "O", "O"];
    let mut scores = SpanScores::default();
    scores.count(&tags, &found);
    scores.count(&["B-PER", "I-PER"], &["B-PER", "O"]);
    assert_eq!((scores.there, scores.found, scores.right), (4, 3, 1));
    assert_eq!(scores.precision(), 1.0 / 3.0);
    assert_eq!(scores.recall(), 0.25);
    assert_eq!(scores.f1(), 2.0 / 7.0);
    let mut people = SpanScores::default();
    people.count_where(&tags, &found, |kind| kind == "PER");
    assert_eq!((people.there, people.found, people.right), (1, 1, 1));
    let nothing = SpanScores::default();
    let scores = [nothing.precision(), nothing.recall(), nothing.f1()];
    assert_eq!(scores, [0.0; 3]);
}

#[test]
fn accuracy_counts_words() {
    let mut accuracy = Accuracy::default();
    assert_eq!(accuracy.accuracy(), 0.0);
    accuracy.count(&["NN", "VB", "NN"], &["NN", "NN", "NN"]);
    accuracy.count(&["VB"], &["VB"]);
    assert_eq!(accuracy.accuracy(), 0.75);
}

#[test]
fn scores_are_those_of_seqeval() {
    #[derive(Deserialize)]
    struct Case {
        scheme: TagScheme,
        right: Vec<String>,
        found: Vec<String>,
        lenient: [f64; 3],
        strict: [f64; 3],
    }
    let cases: Vec<Case> = serde_json::from_str(include_str!("spans/seqeval.json")).unwrap();
    assert_eq!(cases.len(), 40);
    let (mut differ, mut nothing) = (0, 0);
    for (number, case) in cases.iter().enumerate() {
        let (mut lenient, mut strict) = (SpanScores::default(), SpanScores::default());
        for (right, found) in case.right.iter().zip(&case.found) {
            let [right, found] = [right, found].map(|tags| tags.split(' ').collect::<Vec<&str>>());
            lenient.count(&right, &found);
            let spans = |tags: &[&str]| strict_spans(tags, case.scheme);
            strict.count_spans(spans(&right), spans(&found));
        }
        for (what, scores, expected) in [
            ("lenient", lenient, case.lenient),
            ("strict", strict, case.strict),
        ] {
            let found = [scores.precision(), scores.recall(), scores.f1()];
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 1e-12,
                    "{number}, {what}: {found} for {expected}"
                );
            }
        }
        differ += usize::from(lenient != strict);
        nothing += usize::from(strict.right == 0);
    }
    assert!(
        differ > 30 && nothing < 15,
        "{differ} differ, {nothing} have nothing"
    );
}

#[test]
fn tags_that_mark_spans_are_known_by_their_letters() {
    for tags in [
        &["O", "B-PER"][..],
        &["B", "I", "O"],
        &["S-LOC", "O"],
        &["I-a", "X"],
    ] {
        assert!(are_spans(tags), "{tags:?}");
    }
    for tags in [&["NN", "VB"][..], &["O"], &["B", "NN"], &["x-ray", "O"]] {
        assert!(!are_spans(tags), "{tags:?}");
    }
}

//! Tagging, from a file to answers, on every device.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use backdraft_train::{Recurrence, Tag, TagOptions, TaskSettings, Training};
use serde_json::Value;

use crate::support::{answers, drawn, goes_out_and_comes_back, learned, succeeded};

/// Names of two words, the first with a capital letter that no other word has; words are new in each
/// sentence, so that it is their spelling and their place that tell.
pub fn sentences(folder: &Path) -> std::path::PathBuf {
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

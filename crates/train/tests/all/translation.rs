//! Translation, from a file to answers, on every device.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use backdraft_train::{Recurrence, TaskSettings, Training, Translate, TranslateOptions};
use serde_json::Value;

use crate::support::{answers, backdraft, drawn, goes_out_and_comes_back, learned, succeeded};

/// Pairs of letters, each of which is written as two, in the opposite order.
pub fn pairs(folder: &Path) -> std::path::PathBuf {
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

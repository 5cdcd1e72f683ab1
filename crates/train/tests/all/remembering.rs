//! What can only be answered by remembering: the first symbol of a sequence at its end, and the symbol before each.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use backdraft_train::{
    Classify, ClassifyOptions, PoolingKind, Recurrence, Tag, TagOptions, TaskSettings, TextUnit,
    Training, Ways,
};

use crate::support::learned;

/// Sequences of 3 to 50 of four letters, all of them different.
fn sequences(count: usize) -> Vec<Vec<char>> {
    let mut state = 1_u64;
    let mut draw = |below: u64| {
        // Knuth's generator; its high bits are the random ones.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut sequence = || {
        let length = 3 + draw(48);
        (0..length)
            .map(|_| ['a', 'b', 'c', 'd'][draw(4) as usize])
            .collect()
    };
    (0..count).map(|_| sequence()).collect()
}

fn training(epochs: usize) -> Training {
    Training {
        batch: 16,
        epochs: Some(epochs),
        lr: 1e-2,
        valid_fraction: 0.2,
        ..Training::default()
    }
}

fn layers() -> Recurrence {
    Recurrence {
        hidden: 24,
        embedding: 8,
        dropout: 0.0,
        ..Recurrence::default()
    }
}

fn written(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("data.tsv");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_label_that_is_the_first_of_up_to_fifty_symbols_is_learned() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = String::from("label\ttext\n");
    for sequence in sequences(600) {
        let text: String = sequence.iter().collect();
        writeln!(table, "{}\t{text}", sequence[0]).unwrap();
    }
    let data = written(folder.path(), &table);
    let settings = TaskSettings {
        recurrence: layers(),
        // The last state alone is seen, of a layer that reads forward: it must have kept the first symbol.
        options: ClassifyOptions {
            unit: TextUnit::Char,
            ways: Ways::Forward,
            pooling: PoolingKind::Last,
            ..ClassifyOptions::default()
        },
        training: training(12),
        ..TaskSettings::default()
    };
    let runs = folder.path().join("runs");
    learned::<Classify>(&settings, &data, &runs, |report, device| {
        assert_eq!(report.valid_examples, 120);
        assert_eq!(report.figures["accuracy"], 1.0, "{device}: {report:?}");
    });
}

#[test]
fn a_tag_that_is_the_symbol_before_is_learned() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = String::new();
    for sequence in sequences(240) {
        let mut before = "NONE".to_string();
        for symbol in sequence {
            writeln!(table, "{symbol}\t{before}").unwrap();
            before = symbol.to_string();
        }
        table.push('\n');
    }
    let data = written(folder.path(), &table);
    let settings = TaskSettings {
        recurrence: layers(),
        options: TagOptions {
            characters: 0,
            ..TagOptions::default()
        },
        training: training(12),
        ..TaskSettings::default()
    };
    let runs = folder.path().join("runs");
    learned::<Tag>(&settings, &data, &runs, |report, device| {
        assert_eq!(report.figures["accuracy"], 1.0, "{device}: {report:?}");
    });
}

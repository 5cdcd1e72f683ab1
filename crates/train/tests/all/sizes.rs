//! What is too large for the memory of any machine: refused before anything large is allocated.

use std::fs;
use std::path::Path;

use backdraft_train::{CellKind, LanguageSettings, Lexicon, Recurrence};
use burn::module::Module;
use burn::tensor::Device;
use clap::ValueEnum;

use crate::support::{alone, refused};

/// So many features of each of some thousand symbols: terabytes.
const HUGE: [&str; 6] = [
    "--embedding",
    "500000000",
    "--hidden",
    "1",
    "--device",
    "flex",
];

/// Three thousand characters, each often enough to be known.
fn characters() -> Vec<char> {
    ('\u{4E00}'..).take(3000).collect()
}

#[test]
fn a_model_that_no_memory_holds_is_refused_before_it_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (text, table, run) = (path("text.txt"), path("table.tsv"), path("run"));
    let all: String = characters().into_iter().collect();
    fs::write(&text, all.repeat(4)).unwrap();
    let words = all.split("").collect::<Vec<_>>().join(" ");
    let row = |class: &str| format!("{class}\t{words}\n");
    let rows = [row("good"), row("bad")].concat().repeat(10);
    fs::write(&table, format!("label\ttext\n{rows}")).unwrap();

    let expected = "too large for this machine: ";
    for more in [&[][..], &["--dry-run"]] {
        let lm = ["train", "lm", "--data", &text, "--out", &run];
        refused(&[&lm[..], &HUGE, more].concat(), expected);
        let classify = ["train", "classify", "--data", &table, "--out", &run];
        refused(&[&classify[..], &HUGE, more].concat(), expected);
        assert!(!Path::new(&run).exists(), "{more:?} left a folder behind");
    }
}

#[test]
fn weights_are_counted_as_they_are_built() {
    let _alone = alone();
    for &cell in CellKind::value_variants() {
        for (tied, adaptive, layers) in [
            (false, vec![], 1),
            (true, vec![], 3),
            (false, vec![5, 30], 2),
        ] {
            let recurrence = Recurrence {
                cell,
                layers,
                hidden: 12,
                embedding: if tied { 12 } else { 7 },
                ..Recurrence::default()
            };
            let lexicon = Lexicon {
                adaptive,
                ..Lexicon::default()
            };
            let settings = LanguageSettings {
                recurrence,
                lexicon,
                tied,
                ..LanguageSettings::default()
            };
            let model = settings.model(41).init(&Device::flex()).unwrap();
            let counted = settings.num_params(41).unwrap();
            assert_eq!(counted, model.num_params(), "{settings:?}");
        }
    }
}

//! The recipes: settings of well-known papers, as files that the program trains from.

use std::fs;
use std::path::{Path, PathBuf};

use backdraft_train::{Asked, LanguageSettings, RunDescription};
use serde_json::Value;

use crate::support::folder::Folder;
use crate::support::succeeded;

fn recipes() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let files = fs::read_dir(folder).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    files
}

#[test]
fn each_describes_the_model_of_its_paper() {
    let parameters: Vec<(String, usize)> = recipes()
        .iter()
        .map(|path| {
            let recipe = RunDescription::<LanguageSettings>::read(path).unwrap();
            recipe.settings.check().unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, recipe.settings.num_params(10_000).unwrap())
        })
        .collect();
    // Of the Penn Treebank's 10,000 words: 24 million in Merity's table 1, and 20 million in Zaremba's.
    let lstm = |input: usize, hidden: usize| 4 * hidden * (input + hidden + 2);
    let awd = lstm(400, 1150) + lstm(1150, 1150) + lstm(1150, 400) + 10_000 * (400 + 1);
    let karpathy = 2 * lstm(128, 128) + 10_000 * (128 + 128 + 1);
    let zaremba = 2 * lstm(650, 650) + 10_000 * (650 + 650 + 1);
    assert_eq!((awd / 1_000_000, zaremba / 1_000_000), (24, 19));
    let expected = [
        ("awd-lstm", awd),
        ("char-rnn", karpathy),
        ("zaremba-medium", zaremba),
    ];
    let expected = expected.map(|(name, parameters)| (name.to_string(), parameters));
    assert_eq!(parameters, expected);
}

/// With smaller layers and batches, so that it takes no time.
#[test]
fn each_trains() {
    let folder = Folder::new();
    for (number, recipe) in recipes().iter().enumerate() {
        let run = folder.run(&number.to_string());
        let mut arguments = vec!["train", recipe.to_str().unwrap(), "--data", &folder.text];
        arguments.extend(["--out", &run, "--device", "flex", "--json"]);
        arguments.extend("--hidden 12 --embedding 8 --batch 4 --unroll 9 --steps 4".split(' '));
        if recipe.ends_with("awd-lstm.toml") {
            arguments.extend(["--last-hidden", "8"]);
        }
        let report: Value = serde_json::from_str(&succeeded(&arguments)).unwrap();
        assert_eq!(report["steps"], 4, "{recipe:?}");
    }
}

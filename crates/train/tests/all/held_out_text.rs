//! A language model that is tested with a text of its own.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::folder::{Folder, weights};
use crate::support::{killed_at, nonsense, refused, succeeded, train_arguments};

/// A text that begins like the one that is learned, and says something else.
const OTHER: &str = "A text of its own, which nobody has learned.\n";

fn asked(valid: &str) -> [&str; 6] {
    ["--valid", valid, "--steps", "40", "--save-steps", "5"]
}

#[test]
fn all_of_the_text_is_learned_and_the_other_is_measured() {
    let folder = Folder::new();
    let valid = folder.path().join("valid.txt");
    fs::write(&valid, OTHER.repeat(30)).unwrap();
    let valid = valid.to_str().unwrap();
    let text = fs::read_to_string(&folder.text).unwrap();

    let run = folder.run("one");
    let arguments = train_arguments(&folder.text, &run, &asked(valid));
    let report: Value =
        serde_json::from_str(&succeeded(&[&arguments[..], &["--json"]].concat())).unwrap();
    let learned = text.chars().count() as u64;
    assert!(report["symbols"].as_u64().unwrap() <= learned);
    let described = fs::read_to_string(Path::new(&run).join("run.toml")).unwrap();
    assert!(
        described.contains(&format!("characters = {learned}")),
        "{described}"
    );
    assert!(described.contains("valid_sha256"), "{described}");
    let held_out = fs::read_to_string(Path::new(&run).join("held-out.txt")).unwrap();
    assert_eq!(held_out, OTHER.repeat(30));
    // Each symbol of it but the first of each stream is foreseen.
    let measured = report["valid_symbols"].as_u64().unwrap();
    let all = held_out.chars().count() as u64;
    assert!(
        measured < all && measured + 100 > all,
        "{measured} of {all}"
    );
    let evaluated: Value = serde_json::from_str(&succeeded(&["evaluate", &run, "--json"])).unwrap();
    let [a, b] = [&report["loss"], &evaluated["loss"]].map(|loss| loss.as_f64().unwrap());
    assert!((a - b).abs() < 1e-6, "{a} against {b}");

    // A folder will do as well, and run.toml says where it was.
    let texts = folder.path().join("texts");
    fs::create_dir(&texts).unwrap();
    fs::write(texts.join("a.txt"), OTHER.repeat(30)).unwrap();
    let again = folder.run("again");
    let arguments = train_arguments(&folder.text, &again, &asked(texts.to_str().unwrap()));
    succeeded(&arguments);
    assert!(weights(&again) == weights(&run), "other weights");
    let third = folder.run("third");
    let described = Path::new(&run).join("run.toml");
    succeeded(&["train", described.to_str().unwrap(), "--out", &third]);
    assert!(weights(&third) == weights(&run), "other weights");
}

#[test]
fn a_training_goes_on_with_the_text_that_it_began_with() {
    let folder = Folder::new();
    let valid = folder.path().join("valid.txt");
    fs::write(&valid, OTHER.repeat(30)).unwrap();
    let whole = folder.run("whole");
    succeeded(&train_arguments(
        &folder.text,
        &whole,
        &asked(valid.to_str().unwrap()),
    ));

    let run = folder.run("killed");
    let arguments = train_arguments(&folder.text, &run, &asked(valid.to_str().unwrap()));
    killed_at("checkpoint/checksums.txt", 3, &arguments);
    fs::write(&valid, OTHER.repeat(31)).unwrap();
    refused(
        &["train", "--resume", &run],
        "the held-out text is not the one that the run was started with",
    );
    fs::remove_file(&valid).unwrap();
    refused(&["train", "--resume", &run], "--valid");
    let moved = folder.path().join("moved.txt");
    fs::write(&moved, OTHER.repeat(30)).unwrap();
    succeeded(&[
        "train",
        "--resume",
        &run,
        "--valid",
        moved.to_str().unwrap(),
    ]);
    assert!(weights(&run) == weights(&whole), "other weights");
}

#[test]
fn a_held_out_text_that_cannot_be_used_is_refused() {
    let folder = Folder::new();
    let valid = folder.path().join("valid.txt");
    fs::write(&valid, "a").unwrap();
    let run = folder.run("one");
    let with = |more: &[&'static str]| {
        let asked = [&asked(valid.to_str().unwrap())[..], more].concat();
        train_arguments(&folder.text, &run, &asked)
            .into_iter()
            .map(str::to_string)
            .collect::<Vec<String>>()
    };
    let arguments = with(&[]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    refused(&arguments, "the held-out part of the text");
    let arguments = with(&["--valid-fraction", "0.1"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    nonsense(
        &arguments,
        "--valid-fraction cannot be combined with --valid",
    );
    fs::remove_file(&valid).unwrap();
    let arguments = with(&[]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    refused(&arguments, "valid.txt");
    assert!(!Path::new(&run).exists());
}

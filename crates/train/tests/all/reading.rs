//! What goes into the program: prompts, standard input, folders with other files in them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::support::{backdraft, command, refused, succeeded, text, train_arguments, trained};

fn with_input(arguments: &[&str], input: &Path) -> Output {
    let mut command = command(arguments);
    command.stdin(File::open(input).unwrap()).output().unwrap()
}

fn written(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path
}

/// What was asked for makes no sense, and nothing was made.
#[track_caller]
fn nonsense(arguments: &[&str], expected: &str) {
    refused(arguments, expected);
    assert_eq!(backdraft(arguments).status.code(), Some(2), "{arguments:?}");
}

#[test]
fn a_prompt_may_begin_with_a_dash_and_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = trained(folder.path(), &["--steps", "30"]);
    let fixed = ["generate", &run, "--device", "flex", "--length", "20"];
    let write = |more: &[&str]| succeeded(&[&fixed[..], more].concat());
    let by_flag = write(&["--prompt", "-> one\n\n"]);
    assert!(by_flag.starts_with("-> one\n\n"), "{by_flag}");
    assert!(write(&["--prompt", "--seed"]).starts_with("--seed"));

    let prompt = written(folder.path(), "prompt.txt", "\u{FEFF}-> one\n\n\r\n");
    let by_file = write(&["--prompt-file", prompt.to_str().unwrap()]);
    assert_eq!(by_file, by_flag);
    let from_input = with_input(&[&fixed[..], &["--prompt-file", "-"]].concat(), &prompt);
    assert_eq!(String::from_utf8(from_input.stdout).unwrap(), by_flag);

    let both = ["--prompt", "a", "--prompt-file", "-"];
    refused(
        &[&fixed[..], &both].concat(),
        "--prompt cannot be combined with --prompt-file FILE",
    );
    let latin = written(folder.path(), "latin.txt", b"caf\xE9 noir");
    let latin = ["--prompt-file", latin.to_str().unwrap()];
    refused(&[&fixed[..], &latin].concat(), "`iconv -f ISO-8859-1 ");
    let none = [&fixed[..], &["--prompt-file", "none"]].concat();
    refused(&none, "cannot read none: ");
}

#[test]
fn samples_and_their_end_have_the_names_that_others_give_them() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = trained(folder.path(), &["--steps", "30"]);
    let fixed = ["generate", &run, "--device", "flex", "--length", "20"];
    let write = |more: &[&str]| succeeded(&[&fixed[..], more].concat());
    assert_eq!(write(&["--num-samples", "3"]), write(&["--samples", "3"]));
    assert_eq!(write(&["--stop", "h"]), write(&["--until", "h"]));
    assert!(write(&["--stop", "-"]).len() > 20);
}

#[test]
fn a_text_from_standard_input_is_learned_and_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (_, by_file) = trained(folder.path(), &["--steps", "5"]);
    let run = path("from-input");
    let arguments = train_arguments("-", &run, &["--steps", "5", "--json"]);
    let output = with_input(&arguments, &text);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["loss"], by_file["loss"]);
    assert_eq!(report["data"], "standard input");
    let evaluate = ["evaluate", &run, "--data", "-", "--json"];
    let output = with_input(&evaluate, &text);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["data"], "standard input");

    // Not with the source of Burn.
    let file = format!("{run}/run.toml");
    nonsense(
        &["train", &file, "--out", &path("again")],
        "`data`: expected a file or a folder, since the text of this run cannot be found again",
    );
    assert!(!Path::new(&path("again")).exists());
    let data = text.to_str().unwrap();
    succeeded(&["train", &file, "--out", &path("again"), "--data", data]);

    let run = path("cut-off");
    let mut killed = command(&train_arguments("-", &run, &["--save-steps", "2"]));
    killed.env("BACKDRAFT_FAILPOINT", "kill:step:5");
    killed.stdin(File::open(&text).unwrap()).output().unwrap();
    refused(
        &["train", "--resume", &run],
        "standard input, cannot be found again automatically",
    );

    let empty = written(folder.path(), "empty", "");
    let output = with_input(&train_arguments("-", &path("none"), &[]), &empty);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("standard input: expected text, found none"),
        "{error}"
    );
    assert!(!Path::new(&path("none")).exists());
}

#[test]
fn of_a_folder_what_is_asked_for_is_read_and_what_is_no_text_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (_, by_file) = trained(folder.path(), &["--steps", "5"]);
    let data = folder.path().join("data");
    let lines = |count| "one fish two fish red fish blue fish\n".repeat(count);
    written(&data, "a.txt", lines(50));
    written(&data, "below/b.txt", format!("\u{FEFF}{}", lines(70)));
    written(&data, "below/c.png", b"\x89PNG\r\n\x1A\n\0");
    written(&data, "d.html", b"caf\xE9 noir");
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let data = data.to_str().unwrap();
    let train = |run: &str, more: &[&str]| {
        let more = [&["--steps", "5", "--json"], more].concat();
        let output = backdraft(&train_arguments(data, &path(run), &more));
        let error = String::from_utf8(output.stderr).unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).expect(&error);
        assert_eq!(report["loss"], by_file["loss"]);
        (report, error)
    };
    let (report, error) = train("all", &[]);
    assert_eq!(report["skipped_files"], 2);
    assert!(
        error.contains("skipped: 2: ") && error.contains("c.png: expected UTF-8"),
        "{error}"
    );
    let (report, error) = train("some", &["--include", "a.*", "--include", "below/*.txt"]);
    assert_eq!(report["skipped_files"], 0);
    assert!(!error.contains("skipped"), "{error}");
    let file = path("some/run.toml");
    let again = ["train", &file, "--out", &path("again"), "--json"];
    let report: Value = serde_json::from_str(&succeeded(&again)).unwrap();
    assert_eq!(report["loss"], by_file["loss"]);

    // Another file that is not asked for makes no other text.
    let run = path("cut-off");
    let more = ["--include", "*.txt", "--save-steps", "2", "--steps", "8"];
    let mut killed = command(&train_arguments(data, &run, &more));
    killed
        .env("BACKDRAFT_FAILPOINT", "kill:step:5")
        .output()
        .unwrap();
    written(Path::new(data), "e.md", "more\n");
    succeeded(&["train", "--resume", &run]);

    let none = path("none");
    let refuse = |data: &str, include: &str, expected: &str| {
        let more = ["--include", include];
        nonsense(&train_arguments(data, &none, &more), expected);
        assert!(!Path::new(&none).exists());
    };
    refuse(data, "a**b", "--include: expected patterns");
    let one = text(folder.path());
    refuse(
        one.to_str().unwrap(),
        "*.txt",
        "--include: expected --data with a folder",
    );
    refuse("-", "*.txt", "--include: expected --data with a folder");
    nonsense(
        &["train", "lm", "--include", "*.rs", "--out", &none],
        "--data with a folder",
    );
    let more = ["--include", "*.py"];
    refused(
        &train_arguments(data, &none, &more),
        "no file with text in this folder is `*.py`",
    );
}

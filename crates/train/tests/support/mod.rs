//! The program, as a stranger runs it.
#![allow(dead_code, reason = "each test needs a part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

pub fn backdraft(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backdraft"));
    command.args(arguments).env("RUST_BACKTRACE", "1");
    // Without it, Mesa's Vulkan drivers write a line of their own to standard error.
    command.env("XDG_RUNTIME_DIR", std::env::temp_dir());
    command
}

/// A text of a few words that follow each other in a fixed order.
pub fn text(folder: &Path) -> PathBuf {
    let path = folder.join("text.txt");
    fs::write(&path, "one fish two fish red fish blue fish\n".repeat(120)).unwrap();
    path
}

pub const SMALL: [&str; 10] = [
    "--hidden",
    "24",
    "--embedding",
    "8",
    "--batch",
    "4",
    "--unroll",
    "16",
    "--device",
    "flex",
];

pub fn train_arguments<'a>(text: &'a str, run: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [
        &["train", "lm", "--data", text, "--out", run],
        &SMALL[..],
        more,
    ]
    .concat()
}

/// A finished run, and the JSON object that `train` printed.
pub fn trained(folder: &Path, more: &[&str]) -> (String, Value) {
    let text = text(folder);
    let run = folder.join("run").to_str().unwrap().to_string();
    let arguments = train_arguments(text.to_str().unwrap(), &run, more);
    let output = backdraft(&[&arguments[..], &["--json"]].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    (
        run,
        serde_json::from_slice(&output.stdout).expect("one JSON object and nothing else"),
    )
}

#[track_caller]
pub fn refused(arguments: &[&str], expected: &str) {
    let output = backdraft(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    assert!(
        matches!(code, Some(1 | 2)),
        "{arguments:?}: exit code {code:?}: {error}"
    );
    assert!(
        output.stdout.is_empty(),
        "{arguments:?}: something on standard output"
    );
    assert!(
        error.contains(expected),
        "{arguments:?}: expected `{expected}` in: {error}"
    );
    for word in ["panicked", "backtrace", "internal error", "unwrap"] {
        assert!(!error.contains(word), "{arguments:?}: {word} in: {error}");
    }
    let messages = error.lines().filter(|line| line.starts_with("error:"));
    assert_eq!(messages.count(), 1, "{arguments:?}: {error}");
}

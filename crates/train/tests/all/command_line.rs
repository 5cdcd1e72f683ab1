//! What is typed, and files that describe runs: how they are understood, and what is said of what is wrong.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{SMALL, backdraft, nonsense, succeeded, text, trained};

/// Each flag that people know from other programs is understood, or answered with the one that is meant.
#[test]
fn flags_of_other_programs_are_understood_or_answered() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path()).to_str().unwrap().to_string();
    let estimate = |flags: &[&str]| -> Value {
        let fixed = [
            "train",
            "lm",
            "--data",
            &text,
            "--dry-run",
            "--json",
            "--device",
            "flex",
        ];
        serde_json::from_str(&succeeded(&[&fixed[..], flags].concat())).unwrap()
    };
    let own = [
        "--cell",
        "lstm",
        "--hidden",
        "12",
        "--layers",
        "2",
        "--batch",
        "3",
        "--unroll",
        "7",
        "--lr",
        "0.1",
        "--clip-norm",
        "2",
    ];
    let elsewhere = [
        "--model",
        "lstm",
        "--hidden-size",
        "12",
        "--num-layers",
        "2",
        "--batch-size",
        "3",
        "--bptt",
        "7",
        "--learning-rate",
        "0.1",
        "--grad-clip",
        "2",
    ];
    let (own, elsewhere) = (estimate(&own), estimate(&elsewhere));
    for figure in ["model", "parameters", "steps", "symbols"] {
        assert_eq!(own[figure], elsewhere[figure], "{figure}");
    }
    assert_eq!(
        estimate(&["--seq-len", "7", "--steps", "3"])["symbols"],
        estimate(&["--unroll", "7", "--steps", "3"])["symbols"]
    );

    for (command, flag, meant) in [
        ("train lm", "--rnn-size", "--hidden"),
        ("train lm", "--nhid", "--hidden"),
        ("train lm", "--nlayers", "--layers"),
        ("train lm", "--emsize", "--embedding"),
        ("train tag", "--max-epochs", "--epochs"),
        ("train lm", "--checkpoint", "backdraft train --resume"),
        ("train lm", "--max-grad-norm", "--clip-norm"),
        ("train lm", "--droput", "--dropout"),
        ("generate", "--prime", "--prompt"),
        ("generate", "--temp", "--temperature"),
        ("generate", "--max-length", "--length"),
    ] {
        let arguments: Vec<&str> = command.split(' ').chain([flag, "1"]).collect();
        let expected = format!("unknown flag `{flag}`; did you mean `{meant}`?\n");
        nonsense(&arguments, &expected);
    }
    nonsense(
        &["train", "lm", "--xyzzy"],
        "unknown flag `--xyzzy`; `backdraft train lm --help` lists those there are\n",
    );
}

#[test]
fn with_json_an_error_is_an_object_too() {
    let told = |arguments: &[&str], code: i32, kind: &str| {
        let output = backdraft(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        let object: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!(object["kind"], kind, "{arguments:?}");
        let message = object["error"].as_str().unwrap();
        assert_eq!(error.trim_end(), format!("error: {message}"));
    };
    told(&["train", "lm", "--lr", "0", "--json"], 2, "invalid");
    told(&["train", "lm", "--lr", "x", "--json"], 2, "usage");
    told(&["train", "lm", "--json", "--xyzzy"], 2, "usage");
    told(&["train", "none.toml", "--json"], 2, "undescribed");
    told(&["train", "lm", "--data", "none", "--json"], 1, "data");
    told(&["train", "--json"], 2, "usage");
    told(&["probe", "adding", "--steps", "0", "--json"], 2, "invalid");
    told(&["baselines", "lm", "--data", "none", "--json"], 1, "data");
    for arguments in [
        &["train", "--resume", "none"][..],
        &["generate", "none"],
        &["predict", "none", "-"],
        &["evaluate", "none"],
        &["inspect", "none"],
        &["export", "none", "weights.safetensors"],
    ] {
        told(&[arguments, &["--json"]].concat(), 1, "not_a_run");
    }
    let import = [
        "import", "none", "--like", "none", "--out", "none", "--json",
    ];
    told(&import, 1, "not_a_run");
}
/// A run's description is used again: of another text, after an edit, by an older program.
#[test]
fn a_description_that_is_used_again_says_what_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = trained(folder.path(), &["--steps", "2"]);
    let described = Path::new(&run).join("run.toml");
    let (path, content) = (
        described.to_str().unwrap(),
        fs::read_to_string(&described).unwrap(),
    );
    assert!(content.contains("origin = \"file\""), "{content}");
    let dry_run = |more: &[&str]| {
        let output = backdraft(&[&["train", path, "--dry-run"], more].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{error}");
        error
    };
    assert_eq!(dry_run(&[]), "");

    // Edited inside the run: the run is not what it was, but the file can be used.
    fs::write(&described, content.replace("hidden = 24", "hidden = 12")).unwrap();
    let output = backdraft(&["evaluate", &run]);
    let error = String::from_utf8_lossy(&output.stderr);
    let advice = format!("`backdraft train {path} --out NEW` trains with the new settings");
    assert!(error.contains(&advice), "{error}");
    assert_eq!(dry_run(&[]), "");

    let version = env!("CARGO_PKG_VERSION");
    let newer = content.replace(&format!("\"{version}\""), "\"99.1.0\"");
    fs::write(&described, newer).unwrap();
    let warning = dry_run(&[]);
    let expected = format!("warning: {path}: it was written by backdraft 99.1.0, which is newer");
    assert!(warning.starts_with(&expected), "{warning}");

    fs::write(&described, &content).unwrap();
    let text = folder.path().join("text.txt");
    let other = "one fish two fish red fish blue fish\n".repeat(100);
    fs::write(&text, &other).unwrap();
    let warning = dry_run(&[]);
    for expected in [
        format!("warning: {path}: the data, "),
        text.display().to_string(),
    ] {
        assert!(warning.contains(&expected), "{warning}");
    }
    // Whoever names the text means that one.
    assert_eq!(dry_run(&["--data", text.to_str().unwrap()]), "");

    // Without `data`, the source of Burn: but not where a program handed over the text.
    let lines = content.lines().filter(|line| !line.starts_with("data ="));
    let lost = lines.collect::<Vec<_>>().join("\n");
    let lost = lost.replace("origin = \"file\"", "origin = \"caller\"");
    fs::write(&described, lost).unwrap();
    let expected =
        format!("{path}: `data`: expected a file or a folder, since the text of this run");
    nonsense(&["train", path], &expected);
}

/// What is wrong is told without what it was wrapped in: layers of the library, files beside the one that
/// was named, advice that cannot help.
#[test]
fn what_cannot_be_done_is_told_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = trained(folder.path(), &["--steps", "2"]);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    fs::write(path("one.txt"), "x").unwrap();
    let told = |arguments: &[&str]| {
        let output = backdraft(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        error
    };
    assert_eq!(
        told(&["evaluate", &run, "--data", &path("one.txt")]),
        "error: the text is too short: expected at least 2 symbols, found 1; use more text\n"
    );
    assert_eq!(
        told(&["baselines", "lm", "--data", &path("one.txt")]),
        "error: the text: expected at least 2 characters to learn from and 2 that are held out, found 1 and \
         0\n"
    );
    let file = path("none/weights.safetensors");
    let expected = format!("error: cannot write {file}: No such file or directory (os error 2)\n");
    assert_eq!(told(&["export", &run, &file]), expected);
    let expected =
        "error: the run: expected one of `train classify` or another task with answers, as";
    let found = told(&["predict", &run, &path("one.txt")]);
    assert!(found.starts_with(expected), "{found}");
}

#[cfg(unix)]
#[test]
fn a_path_that_a_description_cannot_hold_is_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use crate::support::command;

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join(OsStr::from_bytes(b"t\xffxt"));
    fs::rename(text(folder.path()), &data).unwrap();
    let run = folder.path().join("run");
    let mut command = command(&["train", "lm", "--out", run.to_str().unwrap()]);
    let output = command
        .args(SMALL)
        .arg("--data")
        .arg(&data)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(
        error.starts_with("error: --data: expected a path in UTF-8"),
        "{error}"
    );
    assert!(!run.exists());
}

#[test]
fn a_name_cannot_give_orders_to_a_terminal() {
    let output = backdraft(&["train", "lm", "--data", "a\u{1b}[2J\r.txt"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(r"cannot read a\u{1b}[2J\r.txt: "), "{error}");
}

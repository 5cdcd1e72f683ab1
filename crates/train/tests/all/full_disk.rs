//! A disk that is full: whatever is written when the last room goes, the training ends in a line that says so,
//! and goes on when there is room again.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{command, succeeded, text, train_arguments};

const STEPS: [&str; 6] = ["--steps", "80", "--save-steps", "4", "--layers", "2"];

/// Goes on to the end that it would have had.
fn goes_on(run: &str, expected: &Value) {
    let report = succeeded(&["train", "--resume", run, "--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    for same in ["loss", "steps", "sample"] {
        assert_eq!(report[same], expected[same], "{same}");
    }
}

/// In each file that a training writes, and in a checkpoint at each of its parts.
#[test]
fn wherever_the_room_goes_the_training_ends_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path()).to_str().unwrap().to_string();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let whole = path("whole");
    let report = succeeded(&[&train_arguments(&text, &whole, &STEPS)[..], &["--json"]].concat());
    let report: Value = serde_json::from_str(&report).unwrap();
    for (number, (place, time, is_there)) in [
        ("run/run.toml", 1, false),
        ("checkpoint/model.bpk", 1, false),
        ("run/spectra.jsonl", 1, true),
        ("run/gradients.jsonl", 1, true),
        ("run/metrics.jsonl", 1, true),
        ("run/samples.txt", 3, true),
        ("run/model.bpk", 1, true),
        ("run/checksums.txt", 10, true),
        ("checkpoint/checkpoint.json", 5, true),
        ("checkpoint/state.bpk", 5, true),
        ("checkpoint/optimizer.bpk", 5, true),
        ("checkpoint/checksums.txt", 20, true),
        ("run/result.json", 1, true),
    ]
    .into_iter()
    .enumerate()
    {
        let run = path(&format!("run-{number}"));
        let mut command = command(&train_arguments(&text, &run, &STEPS));
        command.env("BACKDRAFT_FAILPOINT", format!("full:{place}:{time}"));
        let output = command.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{place}: {error}");
        let last = error.lines().last().unwrap();
        assert!(
            last.starts_with("error: cannot write ") && last.contains("No space left on device"),
            "{place}: {error}"
        );
        assert!(!error.contains("internal error"), "{place}: {error}");
        assert_eq!(Path::new(&run).exists(), is_there, "{place}");
        match is_there {
            true => goes_on(&run, &report),
            false => drop(succeeded(&train_arguments(&text, &run, &STEPS))),
        }
    }
}

/// The same on a small disk in memory, where the system lets a program have one.
#[cfg(target_os = "linux")]
#[test]
fn on_a_small_disk_it_ends_in_a_line_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path()).to_str().unwrap().to_string();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let run = disk.join("run").to_str().unwrap().to_string();
    let program = env!("CARGO_BIN_EXE_backdraft");
    let in_memory = |script: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
        unshare.output()
    };
    let disk = disk.display();
    let may = in_memory(&format!("mount -t tmpfs -o size=100k none {disk}"));
    if !may.is_ok_and(|output| output.status.success()) {
        println!("not tested: this system gives no program a disk in memory");
        return;
    }
    let arguments = train_arguments(&text, &run, &STEPS).join(" ");
    let mut full = 0;
    for kilobytes in [60, 130, 200, 270, 340, 410, 480] {
        let script = format!(
            "mount -t tmpfs -o size={kilobytes}k none {disk} && {program} {arguments}; code=$?
             mount -o remount,size=20m {disk}
             if [ -e {run} ]; then
                 {program} train --resume {run} >&2
             else
                 {program} {arguments} >&2
             fi
             echo $code $?"
        );
        let output = in_memory(&script).unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(!error.contains("internal error"), "{kilobytes}: {error}");
        match printed.lines().last().unwrap() {
            "1 0" => {
                let mut lines = error.lines();
                let line = lines.find(|line| line.starts_with("error: "));
                let line = line.unwrap_or_else(|| panic!("{kilobytes}: {error}"));
                assert!(
                    line.starts_with("error: cannot write "),
                    "{kilobytes}: {error}"
                );
                full += 1;
            }
            // There was room for all of it, so it has ended.
            "0 1" => assert!(error.contains("this training has ended"), "{error}"),
            other => panic!("{kilobytes}: exit codes {other}: {error}"),
        }
    }
    assert!(full > 2, "{full} of them were full");
}

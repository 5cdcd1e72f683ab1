//! What a person at a terminal meets: however a training is stopped there, it is saved, says so, and goes on;
//! and the terminal is as it was.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::folder::{Folder, last_saved, state};
use crate::support::terminal::{Terminal, had_dashboard};
use crate::support::{command, refused, succeeded, train_arguments};

/// More steps than anybody waits for.
const ENDLESS: [&str; 2] = ["--steps", "100000000"];

/// It was saved where it was stopped, and says so in one line and by its exit code.
#[track_caller]
fn was_interrupted(run: &str, seen: &str, code: Option<i32>) {
    assert_eq!(code, Some(130), "{seen}");
    assert!(!seen.contains("internal error"), "{seen}");
    let state = state(run);
    assert_eq!(state["state"], "interrupted", "{seen}");
    let steps = state["steps"].as_u64().unwrap() as usize;
    assert_eq!(last_saved(run), Some(steps), "{seen}");
    let line = format!("interrupted after {steps} steps, and saved: `backdraft train --resume");
    assert!(seen.contains(&line), "{seen}");
}

fn send(signal: &str, process: u32) {
    let kill = Command::new("kill")
        .args([&format!("-{signal}"), &process.to_string()])
        .status();
    assert!(kill.unwrap().success());
}

#[test]
fn ctrl_c_and_signals_stop_a_training_that_has_the_dashboard() {
    let folder = Folder::new();
    for signal in ["ctrl-c", "INT", "TERM", "HUP"] {
        let run = folder.run(signal);
        let arguments = train_arguments(&folder.text, &run, &ENDLESS);
        let mut terminal = Terminal::start(&arguments, Some("wait:step:50"));
        terminal.see("waiting at step 50");
        match signal {
            "ctrl-c" => terminal.press("\x03"),
            signal => send(signal, terminal.process()),
        }
        let (seen, code) = terminal.end();
        assert!(had_dashboard(&seen), "{signal}: {seen}");
        was_interrupted(&run, &seen, code);
        assert_eq!(state(&run)["steps"], 50, "{signal}");
    }
    // And it goes on from there, where nobody looks.
    let run = folder.run("ctrl-c");
    let mut terminal = Terminal::start(&["train", "--resume", &run], Some("wait:step:3"));
    terminal.see("waiting at step 3");
    terminal.press("\x03");
    let (seen, code) = terminal.end();
    was_interrupted(&run, &seen, code);
    assert_eq!(state(&run)["steps"], 53);
}

/// Before the first evaluation, and before there is anything to show.
#[test]
fn q_stops_the_training_or_leaves_at_once() {
    let folder = Folder::new();
    for (keys, saved) in [("qs", true), ("qk", false)] {
        let run = folder.run(keys);
        let arguments = train_arguments(&folder.text, &run, &ENDLESS);
        let mut terminal = Terminal::start(&arguments, None);
        terminal.see("Controls");
        terminal.press(keys);
        let (seen, code) = terminal.end();
        match saved {
            true => was_interrupted(&run, &seen, code),
            false => {
                assert_eq!(code, Some(130), "{seen}");
                assert_eq!(state(&run)["state"], "running", "{seen}");
            }
        }
        let mut resumed = Terminal::start(&["train", "--resume", &run], Some("wait:step:1"));
        resumed.see("waiting at step 1");
        resumed.press("\x03");
        let (seen, code) = resumed.end();
        assert_eq!(code, Some(130), "{seen}");
    }
}

#[test]
fn a_second_ctrl_c_leaves_at_once() {
    let folder = Folder::new();
    for progress in ["dashboard", "plain"] {
        let run = folder.run(progress);
        let more = [&ENDLESS[..], &["--progress", progress]].concat();
        let arguments = train_arguments(&folder.text, &run, &more);
        let mut terminal = Terminal::start(&arguments, Some("hang:step:50"));
        terminal.see("waiting at step 50");
        terminal.press("\x03");
        terminal.see("Ctrl-C again leaves at once");
        terminal.press("\x03");
        let (seen, code) = terminal.end();
        assert_eq!(code, Some(130), "{seen}");
        assert_eq!(had_dashboard(&seen), progress == "dashboard");
        assert_eq!(state(&run)["state"], "running");
    }
}

#[test]
fn a_terminal_that_goes_away_takes_nothing_with_it() {
    let folder = Folder::new();
    for progress in ["dashboard", "plain"] {
        let run = folder.run(progress);
        let more = [&ENDLESS[..], &["--progress", progress]].concat();
        let arguments = train_arguments(&folder.text, &run, &more);
        let mut terminal = Terminal::start(&arguments, Some("wait:step:50"));
        terminal.see("waiting at step 50");
        assert_eq!(terminal.close(), Some(130), "{progress}");
        assert_eq!(state(&run)["state"], "interrupted", "{progress}");
        assert_eq!(last_saved(&run), Some(50), "{progress}");
    }
}

/// What is said goes to a full disk.
#[cfg(target_os = "linux")]
#[test]
fn nobody_who_listens_is_no_reason_to_end() {
    let folder = Folder::new();
    let run = folder.run("run");
    let more = [&ENDLESS[..], &["--save-steps", "1"]].concat();
    let mut command = command(&train_arguments(&folder.text, &run, &more));
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut child = command.stdout(Stdio::null()).stderr(full).spawn().unwrap();
    while last_saved(&run).is_none_or(|steps| steps < 2) {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    send("INT", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(state(&run)["state"], "interrupted");
}

/// By `nohup`, or by a shell for what it starts in the background.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    let folder = Folder::new();
    let run = folder.run("run");
    let arguments = train_arguments(&folder.text, &run, &ENDLESS).join(" ");
    let program = env!("CARGO_BIN_EXE_backdraft");
    let script = format!("trap '' HUP; exec {program} {arguments} --progress plain");
    let shell = pty_process::blocking::Command::new("sh").args(["-c", &script]);
    let mut terminal = Terminal::run(shell, Some("wait:step:50"), "xterm");
    terminal.see("waiting at step 50");
    send("HUP", terminal.process());
    // Heard, that would be the first of two, and this one would leave without saving.
    send("INT", terminal.process());
    let (seen, code) = terminal.end();
    was_interrupted(&run, &seen, code);
}

#[test]
fn in_the_background_and_on_a_plain_terminal_there_are_plain_lines() {
    let folder = Folder::new();
    let program = env!("CARGO_BIN_EXE_backdraft");
    for (name, kind) in [("background", "xterm"), ("plain", "dumb")] {
        let run = folder.run(name);
        let arguments = train_arguments(&folder.text, &run, &["--steps", "20"]).join(" ");
        let script = match name {
            "background" => format!("set -m; {program} {arguments} & wait $!"),
            _ => format!("{program} {arguments}"),
        };
        let shell = pty_process::blocking::Command::new("sh").args(["-c", &script]);
        let (seen, code) = Terminal::run(shell, None, kind).end();
        assert_eq!(code, Some(0), "{name}: {seen}");
        assert!(!had_dashboard(&seen), "{name}: {seen}");
        assert!(
            seen.contains("epoch 1/1  train  20/20 windows"),
            "{name}: {seen}"
        );
    }
}

#[test]
fn progress_is_shown_as_it_is_asked_for() {
    let folder = Folder::new();
    let quiet = folder.run("quiet");
    let more = ["--steps", "20", "--progress", "none"];
    let arguments = train_arguments(&folder.text, &quiet, &more);
    let output = command(&arguments).output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(String::from_utf8_lossy(&output.stdout).contains("bits per character"));

    let run = folder.run("run");
    let dashboard = |more: &[&'static str]| {
        let asked = [&["--steps", "20", "--progress", "dashboard"], more].concat();
        train_arguments(&folder.text, &run, &asked).join(" ")
    };
    let arguments = dashboard(&[]);
    let arguments: Vec<&str> = arguments.split(' ').collect();
    refused(
        &arguments,
        "--progress: expected a terminal on standard output for a dashboard, found a file or a pipe",
    );
    let arguments = dashboard(&["--json"]);
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let error = String::from_utf8(command(&arguments).output().unwrap().stderr).unwrap();
    let expected = "--progress dashboard cannot be combined with --json";
    assert!(error.contains(expected), "{error}");
    assert!(!Path::new(&run).exists());
    succeeded(&["evaluate", &quiet]);
}

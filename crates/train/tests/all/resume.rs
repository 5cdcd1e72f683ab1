//! A training that is cut off and goes on: to the same weights, whatever it was cut off at; and what
//! is said where it cannot go on.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::folder::{Folder, checkpoints, weights};
use crate::support::{
    backdraft, command, killed_at, refused, succeeded, train_arguments, waiting_after,
};

/// Two epochs and a half, with masks that are drawn, and saved all the time.
const LONG: [&str; 12] = [
    "--steps",
    "400",
    "--dropout",
    "0.3",
    "--layers",
    "2",
    "--lr",
    "0.01",
    "--warmup",
    "20",
    "--save-steps",
    "3",
];

fn resume(run: &str) -> Value {
    let output = backdraft(&["train", "--resume", run, "--json"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What the last checkpoint has of the training, but for the time that it took and what is written
/// of that.
fn position(run: &str) -> Value {
    let last = checkpoints(run).pop().unwrap();
    let position = fs::read(last.join("checkpoint.json")).unwrap();
    let mut position: Value = serde_json::from_slice(&position).unwrap();
    for timed in ["seconds", "metrics"] {
        position["observer"][timed] = Value::Null;
    }
    position
}

/// The lines of metrics.jsonl, but for the time: one of each step, and those of the evaluations.
fn figures(run: &str, steps: usize) -> Vec<Value> {
    let text = fs::read_to_string(Path::new(run).join("metrics.jsonl")).unwrap();
    let lines = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        assert!(line["seconds"].take().is_f64());
        line.as_object_mut().unwrap().remove("times");
        line
    });
    let lines: Vec<Value> = lines.collect();
    let of = |split: &str| lines.iter().filter(|line| line["split"] == split).count();
    assert!(of("train") == steps && of("valid") >= 3, "{text}");
    lines
}

impl Folder {
    fn arguments<'a>(&'a self, run: &'a str) -> Vec<&'a str> {
        train_arguments(&self.text, run, &LONG)
    }

    /// A training that nobody touches.
    fn whole(&self) -> (String, Value) {
        let run = self.run("whole");
        let output = backdraft(&[&self.arguments(&run)[..], &["--json"]].concat());
        assert!(output.status.success());
        (run, serde_json::from_slice(&output.stdout).unwrap())
    }

    /// A training that was killed after its first evaluation, in the middle of a step between two epochs'
    /// ends: saved twice, with something carried, and with weights.
    fn cut_off(&self, name: &str) -> String {
        let run = self.run(name);
        killed_at("checkpoint/checksums.txt", 30, &self.arguments(&run));
        assert_eq!(checkpoints(&run).len(), 2);
        run
    }
}

/// A run folder with all that is in it.
fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) {
    fs::create_dir(&to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = (
            entry.as_ref().unwrap().path(),
            to.as_ref().join(entry.unwrap().file_name()),
        );
        match from.is_dir() {
            true => copy(from, to),
            false => drop(fs::copy(from, to).unwrap()),
        }
    }
}

/// What the run of this name is made anew, or goes on, with.
fn started_or_resumed<'a>(run: &'a str, started: &[&'a str]) -> Vec<&'a str> {
    match Path::new(run).join("run.toml").exists() {
        true => vec!["train", "--resume", run],
        false => {
            fs::remove_dir_all(run).ok();
            started.to_vec()
        }
    }
}

/// Runs a training that is left alone, and one on which `kill` is called, with what it is started with; then
/// lets that one end, and compares them.
fn ends_as_one_left_alone(asked: &[&str], kill: impl Fn(&str, &[&str])) {
    let folder = Folder::new();
    let whole = folder.run("whole");
    let arguments = train_arguments(&folder.text, &whole, asked);
    let report = succeeded(&[&arguments[..], &["--json"]].concat());
    let report: Value = serde_json::from_str(&report).unwrap();

    let run = folder.run("killed");
    kill(&run, &train_arguments(&folder.text, &run, asked));

    let again = resume(&run);
    for same in [
        "loss",
        "symbols",
        "valid_symbols",
        "steps",
        "epochs",
        "sample",
    ] {
        assert_eq!(again[same], report[same], "{same}");
    }
    assert!(weights(&run) == weights(&whole), "other weights");
    assert_eq!(position(&run), position(&whole));
    for name in ["samples.txt", "spectra.jsonl", "gradients.jsonl"] {
        let content = |run: &str| fs::read_to_string(Path::new(run).join(name)).unwrap();
        assert_eq!(content(&run), content(&whole), "{name}");
    }
    let steps = report["steps"].as_u64().unwrap() as usize;
    assert_eq!(figures(&run, steps), figures(&whole, steps));
    assert_eq!(checkpoints(&run).len(), 2, "the last two stay");
    refused(&["train", "--resume", &run], "this training has ended");
}

/// Killed at each of these places, one after the other.
fn killed_and_resumed(asked: &[&str], places: &[(&str, usize)]) {
    ends_as_one_left_alone(asked, |run, started| {
        for (place, time) in places {
            killed_at(place, *time, &started_or_resumed(run, started));
        }
    });
}

/// In each file that it writes, between them, before there is anything, and after each kind of step.
#[test]
fn killed_anywhere_it_ends_with_the_same_weights() {
    let places = [
        ("run/run.toml", 1),
        ("run/spectra.jsonl", 1),
        ("run/gradients.jsonl", 1),
        ("step", 1),
        ("checkpoint/checkpoint.json", 1),
        ("checkpoint/model.bpk", 1),
        ("checkpoint/state.bpk", 2),
        ("checkpoint/optimizer.bpk", 3),
        ("checkpoint/schedule.bpk", 3),
        ("checkpoint/checksums.txt", 3),
        ("checkpoint/complete", 3),
        ("run/metrics.jsonl", 2),
        ("step", 7),
        ("run/model.bpk", 1),
        ("run/samples.txt", 1),
        ("checkpoint/replaced", 1),
        ("step", 2),
        ("run/checksums.txt", 2),
        ("checkpoint/model.bpk", 11),
        ("step", 100),
    ];
    killed_and_resumed(&LONG, &places);
}

/// Whatever else a training may be made of: what is drawn for each epoch and each step, an average
/// that begins by itself, a rate that has fallen, documents.
#[test]
fn killed_with_everything_on_it_ends_with_the_same_weights() {
    let asked = everything("300");
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let places = [
        ("step", 20),
        ("checkpoint/model.bpk", 5),
        ("step", 61),
        ("checkpoint/average.bpk", 3),
        ("checkpoint/complete", 7),
        ("step", 40),
        ("run/metrics.jsonl", 60),
    ];
    killed_and_resumed(&asked, &places);
}

/// The optimisers and schedules that those above leave out, and what a window draws once.
#[test]
fn killed_with_the_other_optimisers_it_ends_with_the_same_weights() {
    let shared = "--steps 60 --save-steps 3 --evaluate-steps 25 --layers 2 --dropout 0.2 \
                  --variational --embedding-dropout 0.1 --input-dropout 0.3 --average ema --average-decay 0.9";
    let places = [("checkpoint/optimizer.bpk", 4), ("step", 20)];
    for asked in [
        "--optimizer rmsprop --rms-decay 0.95 --decay one-cycle --warmup 20",
        "--optimizer adagrad --decay step --fall-after 1 --weight-decay 0.01",
    ] {
        let asked: Vec<&str> = shared.split_whitespace().chain(asked.split(' ')).collect();
        killed_and_resumed(&asked, &places);
    }
}

fn everything(steps: &str) -> Vec<String> {
    let asked = "--save-steps 3 --dropout 0.2 --optimizer sgd --lr 0.5 \
         --average nt-asgd --average-after 1 --evaluate-steps 40 --decay plateau --fall-after 3 \
         --fall-factor 0.9 --stride 10 --drawn --carry documents --accumulate 2 \
         --recompute --gradient-noise 0.001 --weight-decay 0.001 --label-smoothing 0.1 \
         --temporal-penalty 0.1 --clip-adaptive 0.05 --clip-norm 1 --tensorboard --steps";
    let asked = asked.split_whitespace().map(str::to_string);
    let more = [steps, "--separator", "blue fish\\n"].map(str::to_string);
    asked.chain(more).collect()
}

/// A soak: whatever moment chance finds. Half of the moments are at any time after the start, so that some
/// fall before the training goes on; half are shortly after a new checkpoint, so that it comes on and saves
/// are hit. That the same holds at every place above does not depend on it.
fn killed_at_random(asked: &[&str], kills: usize) {
    ends_as_one_left_alone(asked, |run, started| {
        let mut random: u64 = 7;
        let mut wait = |most: u64| {
            random = random
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            std::thread::sleep(Duration::from_micros((random >> 33) % most));
        };
        let last = || checkpoints(run).pop();
        for kill in 0..kills {
            let before = last();
            let mut command = command(&started_or_resumed(run, started));
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            if kill % 2 == 0 {
                wait(60_000);
            } else {
                while last() == before && child.try_wait().unwrap().is_none() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                wait(15_000);
            }
            child.kill().unwrap();
            child.wait().unwrap();
        }
    });
}

#[test]
#[ignore = "a soak: random moments are other ones on each machine"]
fn killed_thirty_times_at_random_it_ends_with_the_same_weights() {
    killed_at_random(&[&["--steps", "2000"], &LONG[2..]].concat(), 30);
    let asked = everything("1000");
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    killed_at_random(&asked, 10);
}

/// On a GPU the order of sums is not fixed: the losses are the same to five digits.
#[cfg(feature = "wgpu")]
#[test]
fn cut_off_on_a_gpu_it_goes_on_to_the_same_losses() {
    let folder = Folder::new();
    let asked = ["--steps", "60", "--device", "wgpu", "--save-steps", "7"];
    let [whole, run] = ["whole", "killed"].map(|name| folder.run(name));
    for path in [&whole, &run] {
        let arguments = train_arguments(&folder.text, path, &[]);
        // A device is named once: the arguments have one already.
        let arguments: Vec<&str> = arguments
            .into_iter()
            .filter(|argument| !["--device", "flex"].contains(argument))
            .chain(asked)
            .collect();
        match path == &whole {
            true => drop(succeeded(&arguments)),
            false => killed_at("checkpoint/checksums.txt", 3, &arguments),
        }
    }
    resume(&run);
    let losses = |run: &str| -> Vec<f64> {
        let text = fs::read_to_string(Path::new(run).join("metrics.jsonl")).unwrap();
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|line| line["loss"].as_f64().unwrap()).collect()
    };
    let (found, expected) = (losses(&run), losses(&whole));
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-5,
            "{found} against {expected}"
        );
    }
}

#[cfg(unix)]
#[test]
fn interrupted_it_saves_and_says_how_to_go_on() {
    let folder = Folder::new();
    let (whole, _) = folder.whole();
    let run = folder.run("interrupted");
    // Saved by nothing else than the interruption.
    let more = [&LONG[..10], &["--save-seconds", "3600"]].concat();
    let arguments = train_arguments(&folder.text, &run, &more);
    let (error, code) = waiting_after(50, &arguments).interrupt();
    assert_eq!(code, Some(130), "{error}");
    assert!(
        error.contains(&format!("`backdraft train --resume {run}`")),
        "{error}"
    );
    assert_eq!(position(&run)["steps"], 50);
    assert!(error.contains("interrupted after 50 steps"), "{error}");
    resume(&run);
    assert!(weights(&run) == weights(&whole), "other weights");
}

/// Each file of the last checkpoint with one bit turned, and cut short: it is named, and the one
/// before it is taken, to the same end.
#[test]
fn a_damaged_checkpoint_is_named_and_the_one_before_it_taken() {
    let folder = Folder::new();
    let [whole, killed] = ["whole", "killed"].map(|name| folder.run(name));
    // It ends soon after: that it would go on for long is shown above.
    let asked = [&["--steps", "130"], &LONG[2..]].concat();
    let arguments = |run| train_arguments(&folder.text, run, &asked);
    succeeded(&arguments(&whole));
    let expected = weights(&whole);
    killed_at("checkpoint/checksums.txt", 30, &arguments(&killed));
    let last = checkpoints(&killed).pop().unwrap();
    let last = last.file_name().unwrap().to_string_lossy();
    for (file, cut) in [
        ("model.bpk", false),
        ("optimizer.bpk", true),
        ("schedule.bpk", false),
        ("state.bpk", false),
        ("checkpoint.json", true),
        ("checksums.txt", false),
    ] {
        let run = folder.run(&format!("damaged-{file}"));
        copy(&killed, &run);
        let last = Path::new(&run).join("checkpoints").join(&*last);
        let path = last.join(file);
        let mut content = fs::read(&path).unwrap();
        match cut {
            true => content.truncate(content.len() / 2),
            false => {
                let middle = content.len() / 2;
                content[middle] ^= 4;
            }
        }
        fs::write(&path, content).unwrap();
        let output = backdraft(&["train", "--resume", &run, "--json"]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{file}: {error}");
        assert!(error.contains("the file is damaged"), "{file}: {error}");
        assert!(error.contains("it is set aside"), "{file}: {error}");
        let name = last.file_name().unwrap().to_string_lossy();
        assert!(last.with_file_name(format!("damaged-{name}")).exists());
        assert!(weights(&run) == expected, "{file}: other weights");
    }
}

#[test]
fn what_cannot_go_on_says_why() {
    let folder = Folder::new();
    let run = folder.cut_off("run");
    let resume = ["train", "--resume", &run];

    // Another text than the one it began with.
    let text = fs::read(&folder.text).unwrap();
    fs::write(&folder.text, [&text[..], b"more"].concat()).unwrap();
    refused(
        &resume,
        "is not the one that the run was started with: expected the SHA-256",
    );
    fs::remove_file(&folder.text).unwrap();
    refused(&resume, "cannot read ");
    fs::write(&folder.text, text).unwrap();

    // A bit turned in a file of the run itself.
    for file in ["run.toml", "vocabulary.json", "held-out.txt", "model.bpk"] {
        let path = Path::new(&run).join(file);
        let content = fs::read(&path).unwrap();
        let mut other = content.clone();
        let middle = other.len() / 2;
        other[middle] ^= 1;
        fs::write(&path, &other).unwrap();
        let evaluate = ["evaluate", &run, "--device", "flex"];
        for arguments in [&resume[..], &evaluate] {
            refused(arguments, &format!("{file}: the file is damaged"));
        }
        fs::write(&path, content).unwrap();
    }

    // Something else where the checkpoints were.
    let folder_of = Path::new(&run).join("checkpoints");
    let aside = Path::new(&run).join("aside");
    fs::rename(&folder_of, &aside).unwrap();
    fs::write(&folder_of, "in the way").unwrap();
    refused(&resume, "checkpoints: the file is damaged: ");
    fs::remove_file(&folder_of).unwrap();
    fs::rename(&aside, &folder_of).unwrap();

    // Two programs on one run.
    let first = waiting_after(1, &resume);
    refused(&resume, "another program is writing to this run");
    first.kill();

    // Nothing that is whole.
    for path in checkpoints(&run) {
        fs::write(path.join("model.bpk"), "").unwrap();
    }
    refused(&resume, "all checkpoints are damaged");
    refused(
        &["train", "--resume", &folder.run("none")],
        "expected a run folder",
    );
    refused(
        &["train", "--resume", &run, "lm"],
        "lm cannot be combined with --resume RUN",
    );
}

//! A training that is cut off and goes on: to the same weights, whatever it was cut off at; and what
//! is said where it cannot go on.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;
use support::{backdraft, command, refused, text, train_arguments};

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

fn child(arguments: &[&str]) -> Child {
    let mut command = command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn resume(run: &str) -> Value {
    let output = backdraft(&["train", "--resume", run, "--json"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The weights of a run, by name and number alone.
fn weights(run: &str) -> Vec<u8> {
    let file = format!("{run}.safetensors");
    let output = backdraft(&["export", run, &file]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    fs::read(file).unwrap()
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

fn checkpoints(run: &str) -> Vec<PathBuf> {
    let folder = fs::read_dir(Path::new(run).join("checkpoints")).unwrap();
    let mut all: Vec<PathBuf> = folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("step-")
        })
        .collect();
    all.sort();
    all
}

/// The lines of metrics.jsonl, but for the time.
fn figures(run: &str) -> Vec<Value> {
    let text = fs::read_to_string(Path::new(run).join("metrics.jsonl")).unwrap();
    let lines = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        assert!(line["seconds"].take().is_f64());
        line
    });
    let lines: Vec<Value> = lines.collect();
    let of = |split: &str| lines.iter().filter(|line| line["split"] == split).count();
    assert!(of("train") >= 400 && of("valid") >= 3, "{text}");
    lines
}

struct Folder {
    folder: tempfile::TempDir,
    text: String,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = text(folder.path()).to_str().unwrap().to_string();
        Self { folder, text }
    }

    fn run(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        path.to_str().unwrap().to_string()
    }

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

    /// A training that was killed when it had been saved at least twice.
    fn cut_off(&self, name: &str) -> String {
        let run = self.run(name);
        let mut child = child(&self.arguments(&run));
        let folder = Path::new(&run).join("checkpoints");
        while !folder.exists() || checkpoints(&run).len() < 2 {
            std::thread::sleep(Duration::from_millis(1));
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        run
    }
}

/// Runs a training that is left alone, and one that is killed so many times, and compares them. Half
/// of the moments are at any time after the start, so that some fall before the training goes on;
/// half are shortly after a new checkpoint, so that it comes on and saves are hit.
fn killed_and_resumed(kills: usize, asked: &[&str]) {
    let folder = Folder::new();
    let whole = folder.run("whole");
    let arguments = train_arguments(&folder.text, &whole, asked);
    let output = backdraft(&[&arguments[..], &["--json"]].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();

    let run = folder.run("killed");
    let started = train_arguments(&folder.text, &run, asked);
    let mut random: u64 = 7;
    let mut wait = |most: u64| {
        random = random
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        std::thread::sleep(Duration::from_micros((random >> 33) % most));
    };
    let last = || match Path::new(&run).join("checkpoints").exists() {
        true => checkpoints(&run).pop(),
        false => None,
    };
    for kill in 0..kills {
        let before = last();
        let mut child = match Path::new(&run).join("run.toml").exists() {
            true => child(&["train", "--resume", &run]),
            false => {
                fs::remove_dir_all(&run).ok();
                child(&started)
            }
        };
        if kill % 2 == 0 {
            wait(60_000);
        } else {
            while last() == before && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            wait(15_000);
        }
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "it ended by itself before kill {kill}");
        child.kill().unwrap();
        child.wait().unwrap();
    }

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
    for name in ["samples.txt", "spectra.jsonl"] {
        let content = |run: &str| fs::read_to_string(Path::new(run).join(name)).unwrap();
        assert_eq!(content(&run), content(&whole), "{name}");
    }
    assert_eq!(figures(&run), figures(&whole));
    assert_eq!(checkpoints(&run).len(), 2, "the last two stay");
    refused(&["train", "--resume", &run], "this training has ended");
}

#[test]
fn killed_thirty_times_it_ends_with_the_same_weights() {
    killed_and_resumed(30, &[&["--steps", "2000"], &LONG[2..]].concat());
}

/// Whatever else a training may be made of: what is drawn for each epoch and each step, an average
/// that begins by itself, a rate that has fallen, documents.
#[test]
fn killed_with_everything_on_it_ends_with_the_same_weights() {
    let asked = "--steps 1000 --save-steps 3 --dropout 0.2 --optimizer sgd --lr 0.5 \
         --average nt-asgd --average-after 1 --evaluate-steps 40 --decay plateau --fall-after 3 \
         --fall-factor 0.9 --stride 10 --drawn --carry documents --accumulate 2 \
         --recompute --gradient-noise 0.001 --weight-decay 0.001 --label-smoothing 0.1 \
         --temporal-penalty 0.1 --clip-adaptive 0.05 --clip-norm 1 --tensorboard";
    let mut asked: Vec<&str> = asked.split_whitespace().collect();
    asked.extend(["--separator", "blue fish\\n"]);
    killed_and_resumed(10, &asked);
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
        // The last device that is named is taken: the arguments have one already.
        let arguments: Vec<&str> = arguments
            .into_iter()
            .filter(|argument| !["--device", "flex"].contains(argument))
            .chain(asked)
            .collect();
        if path == &whole {
            assert!(backdraft(&arguments).status.success());
            continue;
        }
        let mut child = child(&arguments);
        let folder = Path::new(path).join("checkpoints");
        while !folder.exists() || checkpoints(path).len() < 2 {
            std::thread::sleep(Duration::from_millis(1));
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        }
        child.kill().unwrap();
        child.wait().unwrap();
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
    let mut command = command(&arguments);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    while !Path::new(&run).join("samples.txt").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let kill = std::process::Command::new("sh")
        .args(["-c", &format!("kill -INT {}", child.id())])
        .status();
    assert!(kill.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{error}");
    assert!(
        error.contains(&format!("`backdraft train --resume {run}`")),
        "{error}"
    );
    let steps = position(&run)["steps"].as_u64().unwrap();
    assert!(
        error.contains(&format!("interrupted after {steps} steps")),
        "{error}"
    );
    resume(&run);
    assert!(weights(&run) == weights(&whole), "other weights");
}

/// Each file of the last checkpoint with one bit turned, and cut short: it is named, and the one
/// before it is taken, to the same end.
#[test]
fn a_damaged_checkpoint_is_named_and_the_one_before_it_taken() {
    let folder = Folder::new();
    let (whole, _) = folder.whole();
    let expected = weights(&whole);
    for (file, cut) in [
        ("model.bpk", false),
        ("optimizer.bpk", true),
        ("schedule.bpk", false),
        ("state.bpk", false),
        ("checkpoint.json", true),
        ("checksums.txt", false),
    ] {
        let run = folder.cut_off(&format!("damaged-{file}"));
        let last = checkpoints(&run).pop().unwrap();
        let path = last.join(file);
        if !path.exists() {
            // At the end of an epoch nothing is carried.
            assert_eq!(file, "state.bpk");
            continue;
        }
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
        assert!(error.contains("it is put aside"), "{file}: {error}");
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
        "is not the one that the run began with: expected the SHA-256",
    );
    fs::remove_file(&folder.text).unwrap();
    refused(&resume, "cannot read ");
    fs::write(&folder.text, text).unwrap();

    // A bit turned in a file of the run itself.
    for file in ["run.toml", "vocabulary.json", "held-out.txt", "model.bpk"] {
        let path = Path::new(&run).join(file);
        let Ok(content) = fs::read(&path) else {
            assert_eq!(file, "model.bpk");
            continue;
        };
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
    let mut first = child(&resume);
    while !is_training(&run) {
        assert!(first.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(1));
    }
    refused(&resume, "another program is writing to this run");
    first.kill().unwrap();
    first.wait().unwrap();

    // Nothing that is whole.
    for path in checkpoints(&run) {
        fs::write(path.join("model.bpk"), "").unwrap();
    }
    refused(&resume, "no checkpoint is whole");
    refused(
        &["train", "--resume", &folder.run("none")],
        "expected a run folder",
    );
    refused(&["train", "--resume", &run, "lm"], "cannot be used with");
    refused(&["train", "--json"], "--resume");
}

/// Whether another program holds the lock.
fn is_training(run: &str) -> bool {
    let lock = fs::File::open(Path::new(run).join("lock")).unwrap();
    lock.try_lock().is_err()
}

//! The program, as a stranger runs it.
#![allow(dead_code, reason = "each test needs a part of it")]

pub mod folder;
#[cfg(target_os = "linux")]
pub mod terminal;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use backdraft_train::{
    Decoding, DeviceChoice, Display, ExampleTask, PickedDevice, TaskReport, TaskSettings,
    evaluate_task, train_task,
};
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

/// Runs the program until it dies at a place, the `time`-th time that it is there.
#[track_caller]
pub fn killed_at(place: &str, time: usize, arguments: &[&str]) {
    let mut command = command(arguments);
    command.env("BACKDRAFT_FAILPOINT", format!("kill:{place}:{time}"));
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    // One who is killed has no exit code of his own, or a large one.
    let code = output.status.code();
    let ended = matches!(code, Some(0 | 1 | 2 | 101));
    assert!(!ended, "not killed at {place}, exit code {code:?}: {error}");
}

/// Starts the program, and comes back when it waits after so many steps: for Ctrl-C, or to be killed.
pub fn waiting_after(steps: usize, arguments: &[&str]) -> Waiting {
    let mut command = command(arguments);
    command.env("BACKDRAFT_FAILPOINT", format!("wait:step:{steps}"));
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut error = String::new();
    while !error.ends_with(&format!("waiting at step {steps}\n")) {
        let read = told.read_line(&mut error).unwrap();
        assert!(read > 0, "it ended before step {steps}: {error}");
    }
    Waiting { child, told }
}

pub struct Waiting {
    child: Child,
    told: BufReader<ChildStderr>,
}

impl Waiting {
    /// As Ctrl-C does it; what it then said, and its exit code.
    #[cfg(unix)]
    pub fn interrupt(mut self) -> (String, Option<i32>) {
        let kill = format!("kill -INT {}", self.child.id());
        let killed = Command::new("sh").args(["-c", &kill]).status();
        assert!(killed.unwrap().success());
        let mut error = String::new();
        self.told.read_to_string(&mut error).unwrap();
        (error, self.child.wait().unwrap().code())
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
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

/// What the program printed, which did what it was asked.
#[track_caller]
pub fn succeeded(arguments: &[&str]) -> String {
    let output = backdraft(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// What was asked for makes no sense: the program says so by this message, with exit code 2.
#[track_caller]
pub fn nonsense(arguments: &[&str], expected: &str) {
    let output = backdraft(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
    let message = error.strip_prefix("error: ").unwrap_or(&error);
    assert!(message.starts_with(expected), "{arguments:?}: {error}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
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

/// Held by each test that trains or draws in this process: a seed is one for all of it, and so is what is
/// drawn after it. What the program does, which is a process of its own, needs no such thing.
pub fn alone() -> MutexGuard<'static, ()> {
    static RANDOM: Mutex<()> = Mutex::new(());
    RANDOM.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What whole trainings are tested on. A software GPU takes minutes for one, since it compiles for each
/// shape of a batch: there, [`wgpu_follows_flex`].
pub fn cpus() -> Vec<PickedDevice> {
    let choices = [
        DeviceChoice::Flex,
        #[cfg(feature = "ndarray")]
        DeviceChoice::NdArray,
    ];
    choices.map(|choice| choice.pick().unwrap()).to_vec()
}

/// A few steps on WGPU are those on Flex, and what is evaluated after the weights went through a file
/// is what training gave.
pub fn wgpu_follows_flex<T: ExampleTask>(
    settings: &TaskSettings<T::Options>,
    data: &Path,
    runs: &Path,
) {
    if !cfg!(feature = "wgpu") {
        return;
    }
    let _alone = alone();
    let mut few = settings.clone();
    few.training.steps = Some(4);
    let mut losses = Vec::new();
    for choice in [DeviceChoice::Flex, DeviceChoice::Wgpu] {
        let device = choice.pick().unwrap();
        let run = runs.join(format!("few-{choice:?}"));
        let report = train_task::<T>(&few, data, &run, &device, Display::Silent).unwrap();
        let again = evaluate_task::<T>(&run, None, &Decoding::default(), &device).unwrap();
        assert!((again.loss - report.loss).abs() < 1e-4, "{choice:?}");
        losses.push(report.loss);
    }
    let [flex, wgpu] = losses[..] else {
        unreachable!("two devices")
    };
    let apart = (flex - wgpu).abs() / flex.abs().max(1.0);
    assert!(apart < 1e-3, "{flex} on flex, {wgpu} on wgpu");
}

/// Trains on each device; the figures are the same after the weights went through a file.
pub fn learned<T: ExampleTask>(
    settings: &TaskSettings<T::Options>,
    data: &Path,
    runs: &Path,
    check: impl Fn(&TaskReport, &str),
) {
    let alone = alone();
    for device in cpus() {
        let run = runs.join(device.name.replace([' ', '/'], "-"));
        let report = train_task::<T>(settings, data, &run, &device, Display::Silent).unwrap();
        check(&report, &device.name);
        let again = evaluate_task::<T>(&run, None, &Decoding::default(), &device).unwrap();
        for (name, value) in again.figures {
            assert_eq!(value, report.figures[name], "{name} on {}", device.name);
        }
        assert!((again.loss - report.loss).abs() < 1e-4, "{}", device.name);
    }
    drop(alone);
    wgpu_follows_flex::<T>(settings, data, runs);
}

pub fn answers(runs: &Path, data: &Path) -> Vec<String> {
    let run = runs.join("flex");
    let arguments = ["predict", run.to_str().unwrap(), data.to_str().unwrap()];
    let output = backdraft(&arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_string).collect()
}

/// The page about the run on Flex, and the names of the pictures beside it.
pub fn drawn(runs: &Path) -> (String, Vec<String>) {
    let (run, pictures) = (runs.join("flex"), runs.join("pictures"));
    let run_name = run.to_str().unwrap();
    succeeded(&["report", run_name, "--svg", pictures.to_str().unwrap()]);
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    let files = fs::read_dir(&pictures).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    (page, names.collect())
}

/// The weights of the run on Flex go out to a file of PyTorch's and come back to a run that reaches the same.
pub fn goes_out_and_comes_back(runs: &Path) {
    let path = |name: &str| runs.join(name).to_str().unwrap().to_string();
    let (run, file, imported) = (path("flex"), path("weights.safetensors"), path("imported"));
    succeeded(&["export", &run, &file]);
    succeeded(&["import", &file, "--like", &run, "--out", &imported]);
    let figures = |run: &str| -> Value {
        let told = succeeded(&["evaluate", run, "--device", "flex", "--json"]);
        let mut told: Value = serde_json::from_str(&told).unwrap();
        told["seconds"].take();
        told
    };
    assert_eq!(figures(&imported), figures(&run));
}

//! `backdraft train`: of a language model, and what is the same for every task.

mod arguments;
mod at_terminal;
mod keeping;
mod layering;
mod optimising;
mod running;
mod shaping;
mod task;

use std::path::{Path, PathBuf};

pub(super) use arguments::Arguments;
pub(super) use at_terminal::AtTerminal;
use running::Running;
pub(super) use task::{Arguments as TaskArguments, run as run_task};

use super::print::{print, print_json};
use super::reading::{is_standard_input, open_text};
use crate::run::checksums::checksum;
use crate::say::say;
use crate::tasks::language::held_out_text;
use crate::{
    DeviceChoice, Display, LanguageSettings, PickedDevice, Pretrained, Resumed, Run,
    RunDescription, Text, TrainError, estimate_task, interrupt, resume_task, train_task,
    train_task_from,
};

/// What is asked of a training that goes on.
#[derive(Debug, clap::Args)]
pub(super) struct Resuming {
    /// Where to find the data, if they have moved
    #[arg(long, value_name = "PATH", requires = "resume")]
    data: Option<PathBuf>,
    /// Where to find the file of held-out examples, if it has moved
    #[arg(long, value_name = "FILE", requires = "resume")]
    valid: Option<PathBuf>,
    /// Device to compute on [default: the one that the training started on]
    #[arg(long, value_enum, requires = "resume")]
    device: Option<DeviceChoice>,
    /// Number of devices of that kind to train on [default: as many as the training started on]
    #[arg(long, value_name = "N", requires = "resume")]
    devices: Option<usize>,
    /// How to show progress
    #[arg(long, value_enum, default_value_t, requires = "resume")]
    progress: Display,
    /// Print one JSON object on standard output and nothing else
    #[arg(long, requires = "resume")]
    json: bool,
}

/// `backdraft train lm`.
pub(super) fn run(arguments: &Arguments, typed: &dyn Fn(&str) -> bool) -> Result<(), TrainError> {
    let asked = arguments.description(typed)?;
    let pretrained = arguments.pretrained()?;
    let text = text(&asked)?;
    if let Some(file) = arguments.running.file_of_data(typed) {
        let valid = held_out_text(&asked.settings)?;
        let valid = valid.map(|text| checksum(text.as_bytes()));
        let data = checksum(text.content.as_bytes());
        warn(&asked.warnings(&file, &data, valid.as_deref()));
    }
    launch(&arguments.running, &asked, &text, pretrained.as_ref())
}

/// Trains what is asked for, or tells what that would take.
fn launch<T: AtTerminal>(
    running: &Running,
    asked: &RunDescription<T::Settings>,
    source: &T::Source,
    pretrained: Option<&Pretrained<T>>,
) -> Result<(), TrainError> {
    let device = asked.device.pick()?.with_devices(asked.devices)?;
    let settings = &asked.settings;
    tell_devices(&device, running.dry_run);
    if running.dry_run {
        let estimate = estimate_task(pretrained, settings, source, &device)?;
        return match running.json {
            true => print_json(&estimate),
            false => print(&estimate.to_string()),
        };
    }
    let display = display(running.progress, running.json)?;
    interrupt::listen();
    let report = in_a_folder(running.out.as_deref(), T::NAME, |path| match pretrained {
        Some(pretrained) => train_task_from(pretrained, settings, source, path, &device, display),
        None => train_task::<T>(settings, source, path, &device, display),
    })?;
    tell::<T>(&report, display, running.json)
}

/// `backdraft train --resume`.
pub(super) fn resume<T: AtTerminal>(path: &Path, asked: &Resuming) -> Result<(), TrainError> {
    let display = display(asked.progress, asked.json)?;
    interrupt::listen();
    let data = match &asked.data {
        Some(data) => {
            let (_, description) = Run::open_as::<T::Settings>(path)?;
            Some(T::source(data, &description.settings)?)
        }
        None => None,
    };
    let resumed = Resumed {
        data: data.as_deref(),
        valid: asked.valid.clone(),
        device: asked.device,
        devices: asked.devices,
    };
    let report = resume_task::<T>(path, resumed, display)?;
    tell::<T>(&report, display, asked.json)
}

fn tell<T: AtTerminal>(report: &T::Report, display: Display, json: bool) -> Result<(), TrainError> {
    match json {
        true => print_json(report),
        false => print(&T::told(report, display)?),
    }
}

/// Tells what several devices are good for, where somebody may expect something else.
fn tell_devices(device: &PickedDevice, dry_run: bool) {
    if device.others.is_empty() {
        return;
    }
    if device.is_cpu() {
        say(format_args!(
            "note: {} uses all cores of the CPU as one device; --devices is for GPUs, and for tests",
            device.name
        ));
    }
    if dry_run {
        say("note: the time is estimated for one device");
    }
}

/// Tells what somebody may want to know before a file is used again.
fn warn(warnings: &[String]) {
    for warning in warnings {
        say(format_args!("warning: {warning}"));
    }
}

/// The text that is asked for.
fn text(asked: &RunDescription<LanguageSettings>) -> Result<Text, TrainError> {
    let (data, include) = (asked.data.as_deref(), &asked.settings.include);
    let is_one = |path: &Path| is_standard_input(path) || (path.exists() && !path.is_dir());
    if data.is_none_or(is_one) && !include.is_empty() {
        return Err(TrainError::Invalid {
            setting: "include",
            expected: "--data with a folder".to_string(),
            found: include.join(" "),
        });
    }
    match data {
        Some(path) => open_text(path, &asked.settings),
        None => Text::open(None, &asked.settings),
    }
}

/// Trains in the folder that was asked for, or else in the first of lm-1, lm-2 .. that is free: several
/// programs that begin at once take one each.
fn in_a_folder<R>(
    out: Option<&Path>,
    task: &str,
    train: impl Fn(&Path) -> Result<R, TrainError>,
) -> Result<R, TrainError> {
    if let Some(out) = out {
        return train(out);
    }
    let numbered = (1..).map(|number| PathBuf::from(format!("runs/{task}-{number}")));
    let mut results = numbered
        .filter(|path| !path.exists())
        .map(|path| train(&path));
    let taken = |result: &Result<R, TrainError>| {
        matches!(
            result,
            Err(TrainError::RunExists { .. } | TrainError::RunInUse { .. })
        )
    };
    results
        .find(|result| !taken(result))
        .expect("there are more numbers than folders")
}

/// How the training shows itself: what is asked for, but where standard output is for one JSON object.
fn display(progress: Display, json: bool) -> Result<Display, TrainError> {
    match (progress, json) {
        (Display::Auto, true) => Ok(Display::Plain),
        (Display::Dashboard, true) => Err(TrainError::Usage {
            reason:
                "--progress dashboard cannot be combined with --json: both need standard output"
                    .to_string(),
        }),
        (progress, _) => progress.settled(),
    }
}

//! `backdraft train lm`, with flags or with a file.

mod arguments;
mod keeping;
mod layering;
mod optimising;
mod shaping;
mod task;

use std::path::{Path, PathBuf};

pub(super) use arguments::Arguments;
pub(super) use task::{Arguments as TaskArguments, run as run_task};

use super::print::{print, print_json};
use super::reading::{is_standard_input, open_text};
use crate::run::checksums::checksum;
use crate::say::say;
use crate::{
    Asked, DeviceChoice, Display, LanguageSettings, Resumed, Run, RunDescription, Task, Text,
    TrainError, TrainReport, estimate_language_model, interrupt, resume_language_model,
    train_language_model, train_language_model_from,
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
    /// How to show progress
    #[arg(long, value_enum, default_value_t, requires = "resume")]
    progress: Display,
    /// Print one JSON object on standard output and nothing else
    #[arg(long, requires = "resume")]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, typed: &dyn Fn(&str) -> bool) -> Result<(), TrainError> {
    let asked = arguments.description(typed)?;
    let pretrained = arguments.pretrained()?;
    let text = text(&asked)?;
    if let Some(file) = arguments.file_of_data(typed) {
        warn(&asked.warnings(&file, &checksum(text.content.as_bytes()), None));
    }
    let device = asked.device.pick()?;
    if arguments.dry_run {
        let estimate =
            estimate_language_model(pretrained.as_ref(), &asked.settings, &text, &device)?;
        return match arguments.json {
            true => print_json(&estimate),
            false => print(&estimate.to_string()),
        };
    }
    let display = display(arguments.progress, arguments.json)?;
    interrupt::listen();
    let report =
        in_a_folder(
            arguments.out.as_deref(),
            LanguageSettings::TASK,
            |path| match &pretrained {
                Some(pretrained) => train_language_model_from(
                    pretrained,
                    &asked.settings,
                    &text,
                    path,
                    &device,
                    display,
                ),
                None => train_language_model(&asked.settings, &text, path, &device, display),
            },
        )?;
    tell(&report, display, arguments.json)
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

/// `backdraft train --resume`.
pub(super) fn resume(path: &Path, asked: &Resuming) -> Result<(), TrainError> {
    let display = display(asked.progress, asked.json)?;
    interrupt::listen();
    let text = match &asked.data {
        Some(data) => {
            let (_, description) = Run::open(path)?;
            Some(open_text(data, &description.settings)?)
        }
        None => None,
    };
    if asked.valid.is_some() {
        return Err(TrainError::Invalid {
            setting: "valid",
            expected: "a run of a task that has such a file".to_string(),
            found: format!("{}, a language model", path.display()),
        });
    }
    let report = resume_language_model(path, text, asked.device, display)?;
    tell(&report, display, asked.json)
}

/// `backdraft train --resume` of a task.
pub(super) fn resume_run<T: Task>(path: &Path, asked: &Resuming) -> Result<(), TrainError> {
    let display = display(asked.progress, asked.json)?;
    interrupt::listen();
    let resumed = Resumed {
        data: asked.data.clone(),
        valid: asked.valid.clone(),
        device: asked.device,
    };
    let report = crate::resume_task::<T>(path, resumed, display)?;
    task::tell(&report, asked.json)
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

fn tell(report: &TrainReport, display: Display, json: bool) -> Result<(), TrainError> {
    if json {
        return print_json(report);
    }
    // The dashboard leaves no room for samples while it is there.
    let written = match display {
        Display::Dashboard => Run::open(&report.run)?.0.samples()?,
        _ => format!("{}\n", report.sample),
    };
    print(&format!(
        "{written}\n\
         {:.4} bits per character ({:.4} nats, perplexity {:.2}) on the held-out part\n\
         {} steps, {} symbols, {:.0} symbols/s, {:.0} s on {}, {}; {} parameters\n\
         write with it:  backdraft generate {}\n",
        report.bits_per_character,
        report.loss,
        report.perplexity,
        report.steps,
        report.symbols,
        report.symbols_per_second,
        report.seconds,
        report.device,
        report.path,
        report.parameters,
        report.run,
    ))
}

//! `backdraft train lm`, with flags or with a file.

mod arguments;
mod keeping;
mod layering;
mod optimising;
mod shaping;
mod task;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

pub(super) use arguments::Arguments;
pub(super) use task::{Arguments as TaskArguments, run as run_task};

use super::escape::escape;
use super::print::{print, print_json};
use crate::checksums::checksum;
use crate::{
    Asked, Display, PickedDevice, Run, Settings, Task, Text, TrainError, TrainReport,
    estimate_language_model, interrupt, resume_language_model, train_language_model,
};

pub(super) fn run(arguments: &Arguments, typed: &dyn Fn(&str) -> bool) -> Result<(), TrainError> {
    let asked = arguments.description(typed)?;
    let text = Text::open(asked.data.as_deref(), &asked.settings.windows)?;
    if let Some(file) = arguments.file_of_data(typed) {
        warn(&asked.warnings(file, &checksum(text.content.as_bytes()), None));
    }
    let device = asked.device.pick()?;
    if arguments.dry_run {
        let estimate = estimate_language_model(&asked.settings, &text, &device)?;
        return match arguments.json {
            true => print_json(&estimate),
            false => print(&estimate.to_string()),
        };
    }
    let path = begin(
        arguments.out.as_deref(),
        Settings::TASK,
        &text.source,
        &device,
    );
    let display = display(arguments.json);
    let report = train_language_model(&asked.settings, &text, &path, &device, display)?;
    tell(&report, &path, arguments.json)
}

/// Tells what somebody may want to know before a file is used again.
fn warn(warnings: &[String]) {
    for warning in warnings {
        eprintln!("warning: {}", escape(warning));
    }
}

/// Tells what is about to be learned from, and where the run is written; takes Ctrl-C from now on.
fn begin(out: Option<&Path>, task: &str, source: &str, device: &PickedDevice) -> PathBuf {
    let path = out.map_or_else(|| next_free(Path::new("runs"), task), Path::to_path_buf);
    eprintln!(
        "learning from {source} on {} ({})",
        device.name, device.reason
    );
    eprintln!("the run is written to {}", path.display());
    interrupt::listen();
    path
}

/// `backdraft train --resume`.
pub(super) fn resume(path: &Path, json: bool) -> Result<(), TrainError> {
    interrupt::listen();
    let report = resume_language_model(path, None, display(json))?;
    tell(&report, path, json)
}

/// `backdraft train --resume` of a task.
pub(super) fn resume_run<T: Task>(path: &Path, json: bool) -> Result<(), TrainError> {
    interrupt::listen();
    let report = crate::resume_task::<T>(path, display(json))?;
    task::tell(&report, json)
}

fn display(json: bool) -> Display {
    match json {
        true => Display::Plain,
        false => Display::Dashboard,
    }
}

fn tell(report: &TrainReport, path: &Path, json: bool) -> Result<(), TrainError> {
    if json {
        return print_json(report);
    }
    // The dashboard leaves no room for samples while it is there.
    let written = match std::io::stdout().is_terminal() {
        true => Run::open(path)?.0.samples()?,
        false => format!("{}\n", report.sample),
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

/// The first of lm-1, lm-2 .. that is not there.
fn next_free(folder: &Path, task: &str) -> PathBuf {
    let numbered = (1..).map(|number| folder.join(format!("{task}-{number}")));
    let mut free = numbered.filter(|path| !path.exists());
    free.next().expect("there are more numbers than folders")
}

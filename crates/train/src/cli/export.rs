//! `backdraft export`.

use std::path::PathBuf;

use super::print::{print, print_json};
use super::tasks::with_task;
use crate::{Run, TrainError, export_task};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the run
    run: PathBuf,
    /// File to write: a state dict for a module with an RNN, LSTM or GRU called `recurrent`, a Linear called
    /// `output`, and so on: the documentation of backdraft-exchange has the names for each task
    #[arg(value_name = "FILE.safetensors", value_parser = safetensors)]
    file: PathBuf,
    /// Overwrite the file if it exists
    #[arg(long)]
    force: bool,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
}

/// A file that another program knows by its name.
fn safetensors(name: &str) -> Result<PathBuf, String> {
    match name.ends_with(".safetensors") {
        true => Ok(PathBuf::from(name)),
        false => Err(format!(
            "expected a name that ends in .safetensors, found `{name}`"
        )),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), TrainError> {
    if arguments.file.exists() && !arguments.force {
        return Err(TrainError::Unfit {
            what: "the file to write",
            expected: "a new one (--force overwrites it)".to_string(),
            found: format!("{}, which exists", arguments.file.display()),
        });
    }
    let (run, file) = (&arguments.run, &arguments.file);
    let (_, task, _) = Run::asked(run)?;
    let report = with_task!(task.as_str(), |Named| export_task::<Named>(run, file))?;
    if arguments.json {
        return print_json(&report);
    }
    print(&format!(
        "{}: {} tensors, {} parameters\n",
        report.file, report.tensors, report.parameters
    ))
}

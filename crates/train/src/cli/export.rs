//! `backdraft export`.

use std::path::PathBuf;

use super::print::{print, print_json};
use crate::{TrainError, export_language_model};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the run
    run: PathBuf,
    /// File to write: a state dict for a module with an Embedding called `embedding`, an RNN, LSTM or
    /// GRU called `recurrent` and a Linear called `output`
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
    let report = export_language_model(&arguments.run, &arguments.file)?;
    if arguments.json {
        return print_json(&report);
    }
    print(&format!(
        "{}: {} tensors, {} parameters\n",
        report.file, report.tensors, report.parameters
    ))
}

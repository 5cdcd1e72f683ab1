//! `backdraft export`.

use std::path::PathBuf;

use super::print::{print, print_json};
use crate::{TrainError, export_language_model};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The run folder
    run: PathBuf,
    /// The .safetensors file to write: a state dict, with the names of a module that has an
    /// Embedding called embedding, an RNN, LSTM or GRU called recurrent and a Linear called output
    #[arg(value_name = "FILE.safetensors")]
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), TrainError> {
    let report = export_language_model(&arguments.run, &arguments.file)?;
    if arguments.json {
        return print_json(&report);
    }
    print(&format!(
        "{}: {} tensors, {} parameters\n",
        report.file, report.tensors, report.parameters
    ))
}

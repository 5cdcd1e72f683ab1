//! `backdraft import`.

use std::path::PathBuf;

use super::print::{print, print_json};
use crate::{TrainError, import_language_model};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A state dict: .safetensors, or what torch.save wrote
    file: PathBuf,
    /// The run of the same model, whose settings, characters and held-out text the new one gets
    #[arg(long, value_name = "RUN")]
    like: PathBuf,
    /// The folder to make for the new run
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// What the names of the model's tensors begin with, such as `model.`
    #[arg(long, value_name = "PREFIX", default_value = "")]
    prefix: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), TrainError> {
    let (file, like) = (&arguments.file, &arguments.like);
    let report = import_language_model(file, &arguments.prefix, like, &arguments.out)?;
    if arguments.json {
        return print_json(&report);
    }
    print(&format!(
        "{} tensors, {} parameters\nuse it:  backdraft evaluate {}\n",
        report.tensors, report.parameters, report.run
    ))
}

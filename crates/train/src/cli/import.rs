//! `backdraft import`.

use std::path::PathBuf;

use super::print::{print, print_json};
use super::tasks::with_task;
use crate::{Run, TrainError, import_task};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// State dict: a .safetensors file, or a file that torch.save wrote
    file: PathBuf,
    /// Run of the same model, from which to copy settings, vocabulary and what is held out
    #[arg(long, value_name = "RUN")]
    like: PathBuf,
    /// Folder of the new run
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Prefix of the names of the tensors, such as `model.`
    #[arg(long, value_name = "PREFIX", default_value = "")]
    prefix: String,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), TrainError> {
    let (file, prefix) = (&arguments.file, &arguments.prefix);
    let (like, out) = (&arguments.like, &arguments.out);
    let (_, task, _) = Run::asked(like)?;
    let report = with_task!(task.as_str(), |Named| import_task::<Named>(
        file, prefix, like, out
    ))?;
    if arguments.json {
        return print_json(&report);
    }
    print(&format!(
        "{} tensors, {} parameters\nuse it:  backdraft evaluate {}\n",
        report.tensors, report.parameters, report.run
    ))
}

//! `backdraft import`.

use std::path::PathBuf;

use backdraft_exchange::pytorch::Rename;

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
    /// Rule for the names of the tensors; may be given several times. Parts of a name, between its dots, that are FROM
    /// become TO: `module=`, `encoder.lstm=recurrent`. Braces stand for any text of a part: `{w}_raw={w}`
    #[arg(long, value_name = "FROM=TO")]
    rename: Vec<Rename>,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), TrainError> {
    let (file, prefix, rules) = (&arguments.file, &arguments.prefix, &arguments.rename);
    let (like, out) = (&arguments.like, &arguments.out);
    let (_, task, _) = Run::asked(like)?;
    let report = with_task!(task.as_str(), |Named| import_task::<Named>(
        file, prefix, rules, like, out
    ))?;
    if arguments.json {
        return print_json(&report);
    }
    print(&format!(
        "{} tensors, {} parameters\nuse it:  backdraft evaluate {}\n",
        report.tensors, report.parameters, report.run
    ))
}

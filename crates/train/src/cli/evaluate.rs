//! `backdraft evaluate`.

use std::path::PathBuf;

use super::print::{print, print_json};
use crate::{DeviceChoice, Text, TrainError, evaluate_language_model};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The run folder
    run: PathBuf,
    /// A text file or a folder of them; by default the part held out of the run's own text
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// What to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), TrainError> {
    let text = arguments.data.as_deref().map(Text::read).transpose()?;
    let device = arguments.device.pick()?;
    let report = evaluate_language_model(&arguments.run, text, &device)?;
    if arguments.json {
        return print_json(&report);
    }
    print(&format!(
        "{:.4} bits per character ({:.4} nats) over {} symbols, {} of them unknown: {}\n\
         on {}, {:.1} s\n",
        report.bits_per_character,
        report.loss,
        report.symbols,
        report.unknown,
        report.data,
        report.device,
        report.seconds
    ))
}

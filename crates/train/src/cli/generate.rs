//! `backdraft generate`.

use std::path::PathBuf;

use backdraft_models::Sampling;

use super::print::print;
use crate::{DeviceChoice, TrainError, open_writer};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The run folder
    run: PathBuf,
    /// What to write on from; a new line by default
    #[arg(long, value_name = "TEXT", default_value = "")]
    prompt: String,
    /// Characters to write
    #[arg(long, value_name = "N", default_value_t = 500)]
    length: usize,
    /// Below 1 prefers what is likely, above 1 evens out; 0 always takes the likeliest
    #[arg(long, value_name = "F", default_value_t = 0.7)]
    temperature: f64,
    /// Draw among the K likeliest characters only
    #[arg(long, value_name = "K")]
    top_k: Option<usize>,
    /// Draw among the fewest likeliest characters that together have probability P only
    #[arg(long, value_name = "P")]
    top_p: Option<f64>,
    /// The same seed writes the same text
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// What to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), TrainError> {
    let sampling = Sampling::new()
        .with_temperature(arguments.temperature)
        .with_top_k(arguments.top_k)
        .with_top_p(arguments.top_p);
    let device = arguments.device.pick()?;
    let (run, prompt) = (&arguments.run, &arguments.prompt);
    let writer = open_writer(run, prompt, sampling, arguments.seed, &device)?;
    if writer.unknown > 0 {
        eprintln!(
            "note: the model does not know {} characters of the prompt",
            writer.unknown
        );
    }
    print(prompt)?;
    let mut written = 0;
    for character in writer.take(arguments.length) {
        print(character.encode_utf8(&mut [0; 4]))?;
        written += 1;
    }
    print("\n")?;
    if written < arguments.length {
        return Err(TrainError::NoSymbol);
    }
    Ok(())
}

//! The program `backdraft`.

mod devices;
mod evaluate;
mod export;
mod generate;
mod import;
mod print;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::TrainError;

/// Recurrent sequence models, trained by backpropagation through time.
#[derive(Debug, Parser)]
#[command(name = "backdraft", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a model
    #[command(subcommand)]
    Train(Train),
    /// Write text with the model of a run
    Generate(generate::Arguments),
    /// Tell how well the model of a run foresees a text
    Evaluate(evaluate::Arguments),
    /// Write the weights of a run for PyTorch
    Export(export::Arguments),
    /// Make a run of weights from PyTorch
    Import(import::Arguments),
    /// Tell what this build can compute on, and what it picks
    Devices(devices::Arguments),
}

#[derive(Debug, Subcommand)]
enum Train {
    /// A language model: what comes next, character by character
    Lm(Box<train::Arguments>),
}

/// Runs the program: 0 when it did what was asked, 1 when it could not, 2 when what was asked
/// makes no sense.
pub fn run() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("backdraft: internal error, please report it: {panic}");
    }));
    let result = match Arguments::parse().command {
        Command::Train(Train::Lm(arguments)) => train::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Devices(arguments) => devices::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(if matches!(error, TrainError::Invalid { .. }) {
                2
            } else {
                1
            })
        }
    }
}

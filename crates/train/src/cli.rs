//! The program `backdraft`.

mod devices;
mod evaluate;
mod export;
mod generate;
mod import;
mod print;
mod train;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{TrainError, interrupt};

/// Recurrent sequence models, trained by backpropagation through time.
#[derive(Debug, Parser)]
#[command(name = "backdraft", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a model, or go on with a training that was cut off
    #[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
    Train {
        /// A run whose training was cut off: it goes on as if it had never stopped
        #[arg(long, value_name = "RUN")]
        resume: Option<PathBuf>,
        /// Print one JSON object on standard output, and nothing else there
        #[arg(long, requires = "resume")]
        json: bool,
        #[command(subcommand)]
        task: Option<Task>,
    },
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
enum Task {
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
        Command::Train {
            task: Some(Task::Lm(arguments)),
            ..
        } => train::run(&arguments),
        Command::Train {
            task: None,
            resume: Some(run),
            json,
        } => train::resume(&run, json),
        Command::Train { .. } => unreachable!("clap asks for a task or --resume"),
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
            ExitCode::from(match error {
                TrainError::Invalid { .. } => 2,
                TrainError::Interrupted { .. } => interrupt::EXIT_CODE,
                _ => 1,
            })
        }
    }
}

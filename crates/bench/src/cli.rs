//! The program `backdraft-bench`.

mod backends;
mod launches;
mod measuring;
mod paths;
mod peers;
mod print;
mod scaling;
mod variants;

use std::process::ExitCode;

use backdraft_train::program::report_panics;
use clap::{Parser, Subcommand};

use crate::BenchError;

/// How fast Backdraft's cells are: backends, paths and peers, side by side.
#[derive(Debug, Parser)]
#[command(
    name = "backdraft-bench",
    version,
    about,
    arg_required_else_help = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Forward and training step on several backends
    Backends(backends::Arguments),
    /// Our kernels against our unrolled cells and against burn-nn's own modules
    Paths(paths::Arguments),
    /// Ours against PyTorch on the CPU
    Peers(peers::Arguments),
    /// Kernel launches of a training step on WGPU, ours and burn-nn's
    Launches(launches::Arguments),
    /// Time, and bytes kept for backward, against steps, rows and units
    Scaling(scaling::Arguments),
    /// What each other cell costs beside the plain one of its kind and size
    Variants(variants::Arguments),
}

/// Runs the program: 0 when it measured, 1 when it could not, 2 when what was asked makes no sense.
pub fn run() -> ExitCode {
    report_panics("backdraft-bench");
    let result = match Arguments::parse().command {
        Command::Backends(arguments) => backends::run(&arguments),
        Command::Paths(arguments) => paths::run(&arguments),
        Command::Peers(arguments) => peers::run(&arguments),
        Command::Launches(arguments) => launches::run(&arguments),
        Command::Scaling(arguments) => scaling::run(&arguments),
        Command::Variants(arguments) => variants::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(match error {
                BenchError::Invalid { .. } => 2,
                _ => 1,
            })
        }
    }
}

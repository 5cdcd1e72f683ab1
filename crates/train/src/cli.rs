//! The program `backdraft`.

mod baselines;
mod devices;
mod drawing;
mod evaluate;
mod export;
mod generate;
mod import;
mod inspect;
mod lexicon;
mod ngram;
mod parsing;
mod predict;
mod print;
mod probe;
mod reading;
mod report;
mod tasks;
mod train;
mod typed;
mod usage;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use parsing::{is_typed, parse};
use print::print_json;
use serde_json::json;
use tasks::{Task, with_task};

use crate::names::field;
use crate::program::report_panics;
use crate::say::say;
use crate::{Run, TrainError, failpoint, interrupt};

/// Train and use recurrent sequence models.
#[derive(Debug, Parser)]
#[command(name = "backdraft", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a model, or continue a training that was interrupted
    #[command(
        args_conflicts_with_subcommands = true,
        arg_required_else_help = true,
        override_usage = "backdraft train <COMMAND> [OPTIONS]\n       \
                          backdraft train FILE.toml [OPTIONS]\n       \
                          backdraft train --resume <RUN> [--data <PATH>] [--device <DEVICE>] [OPTIONS]",
        after_help = "`backdraft train FILE.toml` trains as the file says: the run.toml of a run, or a \
                      file like it. Flags after it override it."
    )]
    Train {
        /// Continue the interrupted training of this run, as if it had never stopped
        #[arg(long, value_name = "RUN")]
        resume: Option<PathBuf>,
        #[command(flatten)]
        resuming: train::Resuming,
        #[command(subcommand)]
        task: Option<Task>,
    },
    /// Generate text with a language model
    Generate(generate::Arguments),
    /// Predict labels, tags, forecasts or texts for a file, or for each line of standard input
    Predict(predict::Arguments),
    /// Measure a model on its held-out data, or on other data
    Evaluate(evaluate::Arguments),
    /// Write a page about a run: curves, settings, samples and the inside of the model
    Report(report::Report),
    /// Look inside a model: weights, spectra, gradients through time, gates, units
    Inspect(inspect::Arguments),
    /// Compare runs on one page
    Compare(report::Compare),
    /// Export the weights of a run to PyTorch
    Export(export::Arguments),
    /// Import weights from PyTorch into a new run
    Import(import::Arguments),
    /// Compare recurrent models with simpler ones on the same data
    Baselines(baselines::Arguments),
    /// Count the n-grams of a text, and write them as an ARPA file
    Ngram(ngram::Arguments),
    /// Test how long cells remember, on problems that need memory
    Probe(probe::Arguments),
    /// List the devices that this build can use, and the one it picks
    Devices(devices::Arguments),
}

/// Runs the program: 0 when it did what was asked, 1 when it could not, 2 when what was asked
/// makes no sense.
pub fn run() -> ExitCode {
    report_panics("backdraft");
    failpoint::check();
    let typed: Vec<OsString> = std::env::args_os().collect();
    // Even where the rest of what was typed cannot be understood.
    let json = typed.iter().any(|argument| argument == "--json");
    let (arguments, matches) = match parse(typed) {
        Ok(parsed) => parsed,
        Err(error) => return fail(&error, json),
    };
    let result = match arguments.command {
        Command::Train {
            task: Some(task), ..
        } => {
            let matches = matches.subcommand_matches("train");
            let matches = matches.and_then(|train| train.subcommand());
            let (_, matches) = matches.expect("clap knows the task");
            let typed = |name: &str| is_typed(matches, name);
            let file = matches.get_one::<PathBuf>("config");
            let trained = task.train(&typed);
            trained.map_err(|error| by_key(error, file, &typed))
        }
        Command::Train {
            task: None,
            resume: Some(run),
            resuming,
        } => resume(&run, &resuming),
        Command::Train { .. } => unreachable!("clap asks for a task or --resume"),
        Command::Generate(arguments) => {
            let matches = matches.subcommand_matches("generate");
            let matches = matches.expect("clap knows the command");
            generate::run(&arguments, &|name| is_typed(matches, name))
        }
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Evaluate(arguments) => {
            let matches = matches.subcommand_matches("evaluate");
            let matches = matches.expect("clap knows the command");
            evaluate::run(&arguments, &|name| is_typed(matches, name))
        }
        Command::Report(arguments) => report::report(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Compare(arguments) => report::compare(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Baselines(arguments) => baselines::run(&arguments),
        Command::Ngram(arguments) => ngram::run(&arguments),
        Command::Probe(arguments) => probe::run(&arguments),
        Command::Devices(arguments) => devices::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, json),
    }
}

/// A setting that is from a file and was not typed is told by its key there.
fn by_key(error: TrainError, file: Option<&PathBuf>, typed: &dyn Fn(&str) -> bool) -> TrainError {
    let Some(path) = file else { return error };
    let is_written = |setting: &str| !typed(&field(setting));
    let reason = match &error {
        TrainError::Invalid {
            setting,
            expected,
            found,
        } if is_written(setting) => format!("`{setting}`: expected {expected}, found {found}"),
        TrainError::Idle { setting, with } if is_written(setting) => {
            format!("`{setting}` has an effect only with {with}")
        }
        TrainError::Excluded { setting, other } if is_written(setting) => {
            format!("`{setting}` cannot be combined with `{other}`")
        }
        _ => return error,
    };
    let path = path.clone();
    TrainError::Undescribed { path, reason }
}

/// `backdraft train --resume`, of whatever the run is for.
fn resume(run: &Path, asked: &train::Resuming) -> Result<(), TrainError> {
    let (_, task, _) = Run::asked(run)?;
    with_task!(task.as_str(), |Named| train::resume::<Named>(run, asked))
}

fn fail(error: &TrainError, json: bool) -> ExitCode {
    let message = error.to_string();
    say(format_args!("error: {message}"));
    if json {
        let told = json!({ "error": message, "kind": error.kind() });
        // It has been told already where somebody reads it.
        print_json(&told).ok();
    }
    ExitCode::from(code(error))
}

/// The exit code of an error.
fn code(error: &TrainError) -> u8 {
    match error {
        TrainError::Invalid { .. }
        | TrainError::Idle { .. }
        | TrainError::Excluded { .. }
        | TrainError::Undescribed { .. }
        | TrainError::Usage { .. } => 2,
        TrainError::Interrupted { .. } => interrupt::EXIT_CODE,
        _ => 1,
    }
}

//! The program `backdraft`.

mod devices;
mod evaluate;
mod export;
mod generate;
mod import;
mod print;
mod report;
mod train;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{RunDescription, TrainError, interrupt};

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
    #[command(
        args_conflicts_with_subcommands = true,
        arg_required_else_help = true,
        after_help = "`backdraft train FILE.toml` does what the file says: run.toml of a run, or \
                      one like it; flags after it count more."
    )]
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
    /// Draw a run: a page with its curves, its settings and what it wrote
    Report(report::Report),
    /// Draw runs beside each other
    Compare(report::Compare),
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
    let (arguments, matches) = match parse(std::env::args_os().collect()) {
        Ok(parsed) => parsed,
        Err(error) => return fail(&error),
    };
    let result = match arguments.command {
        Command::Train {
            task: Some(Task::Lm(arguments)),
            ..
        } => {
            let task = matches.subcommand_matches("train");
            let task = task.and_then(|train| train.subcommand_matches("lm"));
            let typed = |name: &str| {
                let source = task.and_then(|task| task.value_source(name));
                source == Some(ValueSource::CommandLine)
            };
            train::run(&arguments, &typed)
        }
        Command::Train {
            task: None,
            resume: Some(run),
            json,
        } => train::resume(&run, json),
        Command::Train { .. } => unreachable!("clap asks for a task or --resume"),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::Compare(arguments) => report::compare(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Devices(arguments) => devices::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// What was asked for, and where each part of it is from.
fn parse(mut arguments: Vec<OsString>) -> Result<(Arguments, ArgMatches), TrainError> {
    // `train FILE.toml ..` is `train TASK --config FILE.toml ..`, of the task in the file.
    let is_file = |argument: &OsString| Path::new(argument).extension() == Some("toml".as_ref());
    if arguments.get(1).is_some_and(|first| first == "train")
        && arguments.get(2).is_some_and(is_file)
    {
        let task = RunDescription::read(Path::new(&arguments[2]))?.task;
        arguments.splice(2..2, [task.into(), "--config".into()]);
    }
    let matches = Arguments::command().get_matches_from(arguments);
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    Ok((arguments, matches))
}

fn fail(error: &TrainError) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(match error {
        TrainError::Invalid { .. } | TrainError::Undescribed { .. } => 2,
        TrainError::Interrupted { .. } => interrupt::EXIT_CODE,
        _ => 1,
    })
}

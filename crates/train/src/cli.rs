//! The program `backdraft`.

mod baselines;
mod devices;
mod drawing;
mod escape;
mod evaluate;
mod export;
mod generate;
mod import;
mod inspect;
mod predict;
mod print;
mod probe;
mod reading;
mod report;
mod train;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use toml::{Table, Value};

use crate::description::task_of;
use crate::say::say;
use crate::{
    Classify, ClassifyOptions, Compose, ComposeOptions, Forecast, ForecastOptions, Run, Tag,
    TagOptions, TaskOptions, TaskSettings, TrainError, Transcribe, TranscribeOptions, Translate,
    TranslateOptions, failpoint, interrupt,
};

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
        #[command(flatten)]
        resuming: train::Resuming,
        #[command(subcommand)]
        task: Option<Task>,
    },
    /// Write text with the model of a run
    Generate(generate::Arguments),
    /// Tell what the model of a run answers to a file of examples, or to lines of standard input
    Predict(predict::Arguments),
    /// Tell how well the model of a run does on other data
    Evaluate(evaluate::Arguments),
    /// Draw a run: a page with its curves, its settings and what it wrote
    Report(report::Report),
    /// Tell what goes on inside the model of a run: weights, spectra, gradients, gates, units
    Inspect(inspect::Arguments),
    /// Draw runs beside each other
    Compare(report::Compare),
    /// Write the weights of a run for PyTorch
    Export(export::Arguments),
    /// Make a run of weights from PyTorch
    Import(import::Arguments),
    /// Tell what a recurrent net adds: every kind of model on one split of one file
    Baselines(baselines::Arguments),
    /// Tell what memory is worth: problems that need it, for each cell and length
    Probe(probe::Arguments),
    /// Tell what this build can compute on, and what it picks
    Devices(devices::Arguments),
}

#[derive(Debug, Subcommand)]
enum Task {
    /// A language model: what comes next, character by character
    #[command(
        after_help = "With --condition [state|step|both], texts given what they are to be about: \
                            `train compose`, whose --help tells the rest."
    )]
    Lm(Box<train::Arguments>),
    /// Classes of whole sequences: texts, or vectors such as the frames of a sound
    Classify(Box<train::TaskArguments<ClassifyOptions>>),
    /// A tag for each word: parts of speech, names, phrases
    Tag(Box<train::TaskArguments<TagOptions>>),
    /// What comes next in series, and how sure that is
    Forecast(Box<train::TaskArguments<ForecastOptions>>),
    /// Sequences given others: sentences, how a word is spoken
    Translate(Box<train::TaskArguments<TranslateOptions>>),
    /// What is said in a sound, without being told when
    Transcribe(Box<train::TaskArguments<TranscribeOptions>>),
    /// Texts given what they are to be about: tunes, names, poems; also `lm --condition`
    Compose(Box<train::TaskArguments<ComposeOptions>>),
}

impl Task {
    /// Trains it; `typed` knows the flags that were given.
    fn train(&self, typed: &dyn Fn(&str) -> bool) -> Result<(), TrainError> {
        match self {
            Self::Lm(arguments) => train::run(arguments, typed),
            Self::Classify(arguments) => train::run_task::<Classify>(arguments, typed),
            Self::Tag(arguments) => train::run_task::<Tag>(arguments, typed),
            Self::Forecast(arguments) => train::run_task::<Forecast>(arguments, typed),
            Self::Translate(arguments) => train::run_task::<Translate>(arguments, typed),
            Self::Transcribe(arguments) => train::run_task::<Transcribe>(arguments, typed),
            Self::Compose(arguments) => train::run_task::<Compose>(arguments, typed),
        }
    }
}

/// Calls `$call` with the task of that name as `$task`; of a language model, `$lm`.
macro_rules! with_task {
    ($name:expr, |$task:ident| $call:expr, lm => $lm:expr) => {
        match $name {
            <$crate::Settings as $crate::Asked>::TASK => $lm,
            <$crate::Classify as $crate::Task>::NAME => {
                type $task = $crate::Classify;
                $call
            }
            <$crate::Tag as $crate::Task>::NAME => {
                type $task = $crate::Tag;
                $call
            }
            <$crate::Forecast as $crate::Task>::NAME => {
                type $task = $crate::Forecast;
                $call
            }
            <$crate::Translate as $crate::Task>::NAME => {
                type $task = $crate::Translate;
                $call
            }
            <$crate::Transcribe as $crate::Task>::NAME => {
                type $task = $crate::Transcribe;
                $call
            }
            <$crate::Compose as $crate::Task>::NAME => {
                type $task = $crate::Compose;
                $call
            }
            other => Err($crate::TrainError::NoTask {
                expected: $crate::cli::tasks(),
                found: other.to_string(),
            }),
        }
    };
}
pub(crate) use with_task;

/// What can be trained, by the names of the subcommands.
fn names() -> Vec<String> {
    let train = Task::augment_subcommands(clap::Command::new("train"));
    let names = train.get_subcommands().map(clap::Command::get_name);
    names.map(str::to_string).collect()
}

/// The same as a sentence has it.
fn tasks() -> String {
    let names = names().into_iter().map(|task| format!("`{task}`"));
    names.collect::<Vec<_>>().join(" or ")
}

/// Runs the program: 0 when it did what was asked, 1 when it could not, 2 when what was asked
/// makes no sense.
pub fn run() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        say(format_args!(
            "backdraft: internal error, please report it: {panic}"
        ));
    }));
    failpoint::check();
    let (arguments, matches) = match parse(std::env::args_os().collect()) {
        Ok(parsed) => parsed,
        Err(error) => return fail(&error),
    };
    let result = match arguments.command {
        Command::Train {
            task: Some(task), ..
        } => {
            let matches = matches.subcommand_matches("train");
            let matches = matches.and_then(|train| train.subcommand());
            let typed = |name: &str| {
                let source = matches.and_then(|(_, task)| task.value_source(name));
                source == Some(ValueSource::CommandLine)
            };
            task.train(&typed)
        }
        Command::Train {
            task: None,
            resume: Some(run),
            resuming,
        } => resume(&run, &resuming),
        Command::Train { .. } => unreachable!("clap asks for a task or --resume"),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Compare(arguments) => report::compare(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Baselines(arguments) => baselines::run(&arguments),
        Command::Probe(arguments) => probe::run(&arguments),
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
        let path = Path::new(&arguments[2]);
        let task = task_of(path)?;
        if !names().contains(&task) {
            return Err(TrainError::Undescribed {
                path: path.to_path_buf(),
                reason: format!("task: expected {}, found `{task}`", tasks()),
            });
        }
        arguments.splice(2..2, [task.into(), "--config".into()]);
    }
    if is_conditioned(&arguments) {
        arguments[2] = "compose".into();
    }
    let command = Arguments::command().mut_subcommand("train", |train| {
        names().iter().fold(train, |train, name| {
            train.mut_subcommand(name, |task| defaults_of(name, task))
        })
    });
    let matches = negatives_are_values(command).get_matches_from(arguments);
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    Ok((arguments, matches))
}

/// A number below 0 is what a flag was given, to be refused for what it is, not an unknown flag.
fn negatives_are_values(command: clap::Command) -> clap::Command {
    command
        .allow_negative_numbers(true)
        .mut_subcommands(negatives_are_values)
}

/// `train lm --condition ..` is `train compose --condition ..`.
fn is_conditioned(arguments: &[OsString]) -> bool {
    let is = |at: usize, word: &str| arguments.get(at).is_some_and(|argument| argument == word);
    let asks = |argument: &OsString| {
        let argument = argument.to_string_lossy();
        argument == "--condition" || argument.starts_with("--condition=")
    };
    is(1, "train") && is(2, "lm") && arguments.iter().any(asks)
}

/// The command of the task of that name, with its own defaults.
fn defaults_of(name: &str, command: clap::Command) -> clap::Command {
    let changed = with_task!(name, |Named| {
        Ok(with_defaults::<<Named as crate::Task>::Options>(command.clone()))
    }, lm => Ok(command.clone()));
    changed.unwrap_or(command)
}

/// The command of a task with the defaults of its settings, where those of the flags are others.
fn with_defaults<O: TaskOptions>(command: clap::Command) -> clap::Command {
    let defaults = Table::try_from(TaskSettings::<O>::default());
    let defaults = defaults.expect("our own types are valid TOML");
    let flags: Vec<String> = command
        .get_arguments()
        .map(|flag| flag.get_id().to_string())
        .collect();
    flags.into_iter().fold(command, |command, flag| {
        let default = match defaults.get(&flag) {
            Some(Value::String(text)) => text.replace('_', "-"),
            Some(number @ (Value::Integer(_) | Value::Float(_))) => number.to_string(),
            _ => return command,
        };
        // Clap wants it for as long as the program runs.
        command.mut_arg(flag, |argument| argument.default_value(&*default.leak()))
    })
}

/// `backdraft train --resume`, of whatever the run is for.
fn resume(run: &Path, asked: &train::Resuming) -> Result<(), TrainError> {
    let (_, task, _) = Run::asked(run)?;
    with_task!(task.as_str(), |Named| train::resume_run::<Named>(run, asked),
        lm => train::resume(run, asked))
}

fn fail(error: &TrainError) -> ExitCode {
    say(format_args!("error: {error}"));
    ExitCode::from(match error {
        TrainError::Invalid { .. } | TrainError::Undescribed { .. } => 2,
        TrainError::Interrupted { .. } => interrupt::EXIT_CODE,
        _ => 1,
    })
}

//! The program `backdraft`.

mod baselines;
mod devices;
mod drawing;
pub(crate) mod escape;
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
mod usage;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use escape::escape;
use print::print_json;
use serde_json::json;
use toml::{Table, Value};

use crate::description::task_of;
use crate::say::say;
use crate::settings::names::{ALIASES, field};
use crate::{
    Classify, ClassifyOptions, Compose, ComposeOptions, Forecast, ForecastOptions, Run, Tag,
    TagOptions, TaskOptions, TaskSettings, TrainError, Transcribe, TranscribeOptions, Translate,
    TranslateOptions, failpoint, interrupt,
};

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
    /// Test how long cells remember, on problems that need memory
    Probe(probe::Arguments),
    /// List the devices that this build can use, and the one it picks
    Devices(devices::Arguments),
}

#[derive(Debug, Subcommand)]
enum Task {
    /// A language model of characters, words or pieces of words
    #[command(
        after_help = "With --condition [state|step|both] this is `train compose`: texts about a given \
                            key. `backdraft train compose --help` lists its options."
    )]
    Lm(Box<train::Arguments>),
    /// A classifier of sequences: texts, or vectors such as the frames of a sound
    Classify(Box<train::TaskArguments<ClassifyOptions>>),
    /// A tagger of words: parts of speech, names, phrases
    Tag(Box<train::TaskArguments<TagOptions>>),
    /// A forecaster of time series, with the uncertainty of each value
    Forecast(Box<train::TaskArguments<ForecastOptions>>),
    /// A translator of sequences: sentences, or spellings into sounds
    Translate(Box<train::TaskArguments<TranslateOptions>>),
    /// A transcriber of speech, trained without alignments
    Transcribe(Box<train::TaskArguments<TranscribeOptions>>),
    /// A writer of texts about a given key: tunes, names, poems; also `lm --condition`
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
        // The thread of the dashboard panics where its terminal is gone, and the training goes on.
        if std::thread::current().name() == Some("train-renderer") {
            return;
        }
        say(format_args!(
            "backdraft: internal error, please report it: {panic}"
        ));
    }));
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
        Err(error) => fail(&error, json),
    }
}

/// Whether a flag was given; it is called as its field.
fn is_typed(matches: &ArgMatches, name: &str) -> bool {
    let known = matches.try_contains_id(name).is_ok();
    known && matches.value_source(name) == Some(ValueSource::CommandLine)
}

/// A setting that is from a file and was not typed is told by its key there.
fn by_key(error: TrainError, file: Option<&PathBuf>, typed: &dyn Fn(&str) -> bool) -> TrainError {
    match (error, file) {
        (
            TrainError::Invalid {
                setting,
                expected,
                found,
            },
            Some(path),
        ) if !typed(&field(setting)) => TrainError::Undescribed {
            path: path.clone(),
            reason: format!("`{setting}`: expected {expected}, found {found}"),
        },
        (error, _) => error,
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
    understood(&program(), &arguments)
}

/// What the program takes these arguments for.
fn understood(
    program: &clap::Command,
    arguments: &[OsString],
) -> Result<(Arguments, ArgMatches), TrainError> {
    let parsed = program.clone().try_get_matches_from(arguments);
    let parsed = parsed.and_then(|matches| {
        let arguments = Arguments::from_arg_matches(&matches)?;
        Ok((arguments, matches))
    });
    parsed.map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => error.exit(),
        _ => usage::explained(&error, program, arguments),
    })
}

/// The program and its commands, as they are parsed.
fn program() -> clap::Command {
    let program = Arguments::command().mut_subcommands(|command| match command.get_name() {
        "train" => command.mut_subcommands(with_own_defaults),
        _ => command,
    });
    with_aliases(program)
}

/// With the second names of all flags. And a number below 0 is what a flag was given, to be refused for
/// what it is, not an unknown flag.
fn with_aliases(command: clap::Command) -> clap::Command {
    let named = |argument: clap::Arg| {
        let own = |(_, flag): &&(&str, &str)| argument.get_long() == Some(*flag);
        let aliases: Vec<&str> = ALIASES
            .iter()
            .filter(own)
            .map(|(alias, _)| *alias)
            .collect();
        argument.visible_aliases(aliases)
    };
    command
        .allow_negative_numbers(true)
        .mut_args(named)
        .mut_subcommands(with_aliases)
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

/// The command of a task, with the task's own defaults.
fn with_own_defaults(command: clap::Command) -> clap::Command {
    let changed = with_task!(command.get_name(), |Named| {
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

fn fail(error: &TrainError, json: bool) -> ExitCode {
    let message = error.to_string();
    say(format_args!("error: {}", escape(&message)));
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
        TrainError::Invalid { .. } | TrainError::Undescribed { .. } | TrainError::Usage { .. } => 2,
        TrainError::Interrupted { .. } => interrupt::EXIT_CODE,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::names;

    /// Why a command line of `train` is refused before anything is read.
    fn refused(program: &clap::Command, arguments: &[&str]) -> Option<String> {
        let all = ["backdraft", "train"].iter().chain(arguments);
        let all: Vec<OsString> = all.map(OsString::from).collect();
        let (arguments, matches) = match understood(program, &all) {
            Ok(parsed) => parsed,
            Err(error) => return Some(error.to_string()),
        };
        let (_, train) = matches.subcommand().expect("train");
        let (_, task) = train.subcommand().expect("a task");
        let typed = |name: &str| is_typed(task, name);
        let Command::Train {
            task: Some(task), ..
        } = arguments.command
        else {
            unreachable!("a task")
        };
        let described = match task {
            Task::Lm(asked) => asked.description(&typed).map(drop),
            Task::Classify(asked) => asked.description(&typed).map(drop),
            Task::Tag(asked) => asked.description(&typed).map(drop),
            Task::Forecast(asked) => asked.description(&typed).map(drop),
            Task::Translate(asked) => asked.description(&typed).map(drop),
            Task::Transcribe(asked) => asked.description(&typed).map(drop),
            Task::Compose(asked) => asked.description(&typed).map(drop),
        };
        described.err().map(|error| {
            let code = code(&error);
            assert_eq!(code, 2, "{error:?}");
            error.to_string()
        })
    }

    /// The flags of each task that take a number, with the task.
    fn numbers(program: &clap::Command) -> Vec<(String, String)> {
        let train = program.find_subcommand("train").expect("train");
        let flags = |task: &clap::Command| {
            let task_name = task.get_name().to_string();
            let taking = task.get_arguments().filter(|flag| {
                let names = flag.get_value_names().unwrap_or_default();
                let is_number = |name: &clap::builder::Str| {
                    ["N", "F", "B", "T", "S", "P", "MS", "STEPS", "N,N.."].contains(&name.as_str())
                };
                names.iter().any(is_number)
            });
            let names = taking
                .filter_map(|flag| flag.get_long())
                .map(str::to_string);
            names
                .map(|flag| (task_name.clone(), flag))
                .collect::<Vec<_>>()
        };
        train.get_subcommands().flat_map(flags).collect()
    }

    #[test]
    fn an_impossible_number_is_refused_by_the_flag_that_was_typed() {
        let program = program();
        let all = numbers(&program);
        assert!(all.len() > 150, "{} flags", all.len());
        for (task, flag) in all {
            let refused = |value: &str| refused(&program, &[&task, &format!("--{flag}={value}")]);
            for value in [
                "NaN",
                "inf",
                "-inf",
                "-1",
                "99999999999999999999",
                "many",
                "",
            ] {
                let reason = refused(value);
                let expected = format!("--{flag}: expected ");
                let (negative, is_bias) = (value == "-1", flag == "forget-bias");
                match reason {
                    Some(reason) => assert!(reason.starts_with(&expected), "{value}: {reason}"),
                    // The only numbers that may be below 0, and the only ones so large.
                    None => assert!(
                        is_bias && negative || value == "99999999999999999999" && is_weight(&flag),
                        "train {task} --{flag} {value}"
                    ),
                }
            }
            // Whatever can be asked for can be written to a file and read again.
            for value in ["9223372036854775808", "18446744073709551615"] {
                let reason = refused(value);
                assert!(
                    reason.is_some() || is_weight(&flag),
                    "train {task} --{flag} {value}"
                );
            }
        }
    }

    /// Help is read by what is looked for; only what is the same for every command stands apart.
    #[test]
    fn every_flag_of_a_training_is_under_a_heading() {
        let headings = [
            "Data",
            "Model",
            "Training",
            "Optimiser",
            "Regularisation",
            "Guard",
            "Saving",
            "Decoding",
        ];
        let apart = [
            "config", "from", "out", "device", "dry_run", "progress", "json",
        ];
        let program = program();
        let train = program.find_subcommand("train").expect("train");
        for task in train.get_subcommands() {
            for flag in task.get_arguments() {
                let (id, heading) = (flag.get_id().as_str(), flag.get_help_heading());
                let is_apart = apart.contains(&id) && heading.is_none();
                let is_under = heading.is_some_and(|heading| headings.contains(&heading));
                assert!(
                    is_apart || is_under,
                    "{} {id}: {heading:?}",
                    task.get_name()
                );
            }
        }
    }

    /// A table that names what is not there would suggest it.
    #[test]
    fn what_other_programs_call_a_flag_leads_to_one_that_there_is() {
        fn flags(command: &clap::Command) -> Vec<String> {
            let own = command.get_arguments().filter_map(clap::Arg::get_long);
            let own = own.map(str::to_string);
            own.chain(command.get_subcommands().flat_map(flags))
                .collect()
        }
        let all = flags(&program());
        for name in names::every_name() {
            let meant = names::meant_by(name).expect("it is in the table");
            assert!(all.iter().any(|flag| flag == meant), "{name}: --{meant}");
        }
    }

    /// Whether a flag takes a number without a bound.
    fn is_weight(flag: &str) -> bool {
        [
            "activation-penalty",
            "clip-adaptive",
            "clip-norm",
            "clip-tensor",
            "clip-value",
            "forget-bias",
            "gradient-noise",
            "length-penalty",
            "lr",
            "save-seconds",
            "temperature",
            "temporal-penalty",
            "weight-decay",
        ]
        .contains(&flag)
    }
}

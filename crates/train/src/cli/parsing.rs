//! From what was typed to what the program is asked for.

use std::ffi::OsString;
use std::path::Path;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Subcommand};
use toml::{Table, Value};

use super::{Arguments, Task, usage, with_task};
use crate::names::ALIASES;
use crate::run::description::task_of;
use crate::{TaskOptions, TaskSettings, TrainError};

/// What was asked for, and where each part of it is from.
pub(super) fn parse(mut arguments: Vec<OsString>) -> Result<(Arguments, ArgMatches), TrainError> {
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
                reason: format!("`task`: expected {}, found `{task}`", tasks()),
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
        Ok(with_defaults::<<Named as crate::ExampleTask>::Options>(command.clone()))
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

/// Whether a flag was given; it is called as its field.
pub(super) fn is_typed(matches: &ArgMatches, name: &str) -> bool {
    let known = matches.try_contains_id(name).is_ok();
    known && matches.value_source(name) == Some(ValueSource::CommandLine)
}

/// What can be trained, by the names of the subcommands.
fn names() -> Vec<String> {
    let train = Task::augment_subcommands(clap::Command::new("train"));
    let names = train.get_subcommands().map(clap::Command::get_name);
    names.map(str::to_string).collect()
}

/// The same as a sentence has it.
pub(super) fn tasks() -> String {
    let names = names().into_iter().map(|task| format!("`{task}`"));
    names.collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Command, code};
    use crate::names;

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
                let idle = format!("--{flag} has an effect only with ");
                let (negative, is_bias) = (value == "-1", flag == "forget-bias");
                match reason {
                    Some(reason) => assert!(
                        reason.starts_with(&expected) || reason.starts_with(&idle),
                        "{value}: {reason}"
                    ),
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
            "Cell",
            "Training",
            "Optimiser",
            "Regularisation",
            "Guard",
            "Saving",
            "Decoding",
        ];
        let apart = [
            "config", "from", "out", "device", "devices", "dry_run", "progress", "json",
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

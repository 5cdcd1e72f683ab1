//! What is said to a command line that cannot be understood.

use std::error::Error;
use std::ffi::OsString;
use std::num::{IntErrorKind, ParseFloatError, ParseIntError};

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::TrainError;
use crate::names::meant_by;
use crate::say::either;

/// Below it, two flags are no more alike than any two, if both begin with dashes.
const ALIKE: f64 = 0.85;

/// What is wrong with these arguments, in the words of this program.
pub(super) fn explained(
    error: &clap::Error,
    program: &Command,
    arguments: &[OsString],
) -> TrainError {
    let asked = AskedCommands::of(program, arguments);
    let told = Told(error);
    let reason = match error.kind() {
        ErrorKind::ValueValidation => told.unreadable(),
        ErrorKind::InvalidValue => told.impossible(),
        ErrorKind::UnknownArgument => asked.unknown_flag(&told),
        ErrorKind::InvalidSubcommand => asked.unknown_command(&told),
        ErrorKind::MissingSubcommand => {
            format!("expected {}, found nothing more", asked.commands())
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = told.strings(ContextKind::InvalidArg);
            let missing: Vec<String> = missing.iter().map(|one| plain(one)).collect();
            format!("expected {}, found nothing more", missing.join(" and "))
        }
        ErrorKind::ArgumentConflict => told.conflict(),
        ErrorKind::TooFewValues => told.too_few(),
        ErrorKind::InvalidUtf8 => "expected arguments in UTF-8, found others".to_string(),
        _ => told.first_line(),
    };
    TrainError::Usage { reason }
}

/// What is said when something was not understood, as clap tells it.
struct Told<'a>(&'a clap::Error);

impl Told<'_> {
    fn strings(&self, kind: ContextKind) -> Vec<String> {
        match self.0.get(kind) {
            Some(ContextValue::String(one)) => vec![one.clone()],
            Some(ContextValue::Strings(some)) => some.clone(),
            _ => Vec::new(),
        }
    }

    fn string(&self, kind: ContextKind) -> String {
        self.strings(kind).into_iter().next().unwrap_or_default()
    }

    /// The flag without what it takes, or the name of what has no flag.
    fn argument(&self) -> String {
        let argument = self.string(ContextKind::InvalidArg);
        match argument.strip_prefix("--") {
            Some(flag) => format!("--{}", flag.split([' ', '[']).next().unwrap_or(flag)),
            None => plain(argument.split(' ').next().unwrap_or(&argument)),
        }
    }

    /// A value that is none of its kind.
    fn unreadable(&self) -> String {
        let (argument, value) = (self.argument(), self.string(ContextKind::InvalidValue));
        let Some(source) = self.0.source() else {
            return self.first_line();
        };
        let expected = match source
            .downcast_ref::<ParseIntError>()
            .map(ParseIntError::kind)
        {
            Some(IntErrorKind::PosOverflow) => Some("a whole number below 2^64"),
            Some(_) => Some("a whole number that is not negative"),
            None => source.is::<ParseFloatError>().then_some("a number"),
        };
        match expected {
            Some(expected) => format!("{argument}: expected {expected}, found `{value}`"),
            None => format!("{argument}: {source}"),
        }
    }

    /// A value that is none of those there are, or none at all.
    fn impossible(&self) -> String {
        let (argument, value) = (self.argument(), self.string(ContextKind::InvalidValue));
        let possible = self.strings(ContextKind::ValidValue);
        let expected = match possible.is_empty() {
            true => "a value".to_string(),
            false => either(&possible),
        };
        let nearest = self.string(ContextKind::SuggestedValue);
        match (value.is_empty(), nearest.is_empty()) {
            (true, _) => format!("{argument}: expected {expected}, found none"),
            (_, true) => format!("{argument}: expected {expected}, found `{value}`"),
            (_, false) => format!(
                "{argument}: expected {expected}, found `{value}`; did you mean `{nearest}`?"
            ),
        }
    }

    fn too_few(&self) -> String {
        let number = |kind| match self.0.get(kind) {
            Some(ContextValue::Number(number)) => *number,
            _ => 0,
        };
        let (least, found) = (
            number(ContextKind::MinValues),
            number(ContextKind::ActualNumValues),
        );
        format!(
            "{}: expected at least {least}, found {found}",
            self.argument()
        )
    }

    /// Flags, or a command and a flag, that cannot be beside each other.
    fn conflict(&self) -> String {
        let argument = match self.string(ContextKind::InvalidSubcommand) {
            none if none.is_empty() => self.argument(),
            command => command,
        };
        let others = self.strings(ContextKind::PriorArg);
        let others: Vec<String> = others.iter().map(|other| plain(other)).collect();
        let beside = |other: &String| other.split(' ').next() == Some(&argument);
        match others.iter().any(beside) {
            true => format!("{argument}: expected once, found more than once"),
            false => format!("{argument} cannot be combined with {}", others.join(", ")),
        }
    }

    fn first_line(&self) -> String {
        let text = self.0.to_string();
        let line = text.lines().next().unwrap_or_default();
        line.trim_start_matches("error: ").to_string()
    }
}

/// The commands that were asked for, the outermost first.
struct AskedCommands<'a>(Vec<&'a Command>);

impl<'a> AskedCommands<'a> {
    fn of(program: &'a Command, arguments: &[OsString]) -> Self {
        let mut asked = vec![program];
        for argument in arguments.iter().skip(1) {
            let name = argument.to_string_lossy();
            let last = asked.last().expect("the program is there");
            match last.find_subcommand(&*name) {
                Some(command) => asked.push(command),
                None => break,
            }
        }
        Self(asked)
    }

    fn innermost(&self) -> &'a Command {
        self.0.last().expect("the program is there")
    }

    fn name(&self) -> String {
        let names = self.0.iter().map(|command| command.get_name());
        names.collect::<Vec<_>>().join(" ")
    }

    fn unknown_flag(&self, told: &Told) -> String {
        let argument = told.argument();
        if !argument.starts_with('-') {
            return format!("expected nothing more, found `{argument}`");
        }
        let nearest = told.string(ContextKind::SuggestedArg);
        let nearest = nearest.split(' ').next().unwrap_or_default();
        let alike = strsim::jaro(&argument, nearest) >= ALIKE;
        let nearest = if alike { nearest } else { "" };
        let name = argument.trim_start_matches('-').replace('_', "-");
        let meant = self.with_flag(meant_by(&name).unwrap_or(&name));
        match (meant, nearest.is_empty()) {
            (Some(flag), _) => format!("unknown flag `{argument}`; did you mean `{flag}`?"),
            (None, false) => format!("unknown flag `{argument}`; did you mean `{nearest}`?"),
            (None, true) => format!(
                "unknown flag `{argument}`; `{} --help` lists those there are",
                self.name()
            ),
        }
    }

    /// A flag of the command, or of one around it with that one's name.
    fn with_flag(&self, flag: &str) -> Option<String> {
        let has = |command: &Command| command.get_arguments().any(|a| a.get_long() == Some(flag));
        let outwards = (1..=self.0.len()).rev();
        let around = outwards.map(|depth| &self.0[..depth]);
        let mut having = around.filter(|commands| commands.last().is_some_and(|last| has(last)));
        let commands = having.next()?;
        Some(match commands.len() == self.0.len() {
            true => format!("--{flag}"),
            false => {
                let names: Vec<&str> = commands.iter().map(|command| command.get_name()).collect();
                format!("{} --{flag}", names.join(" "))
            }
        })
    }

    fn unknown_command(&self, told: &Told) -> String {
        let found = told.string(ContextKind::InvalidSubcommand);
        let nearest = match told.string(ContextKind::SuggestedSubcommand) {
            none if none.is_empty() => self.mistyped(&found),
            nearest => nearest,
        };
        let expected = self.commands();
        match nearest.is_empty() {
            true => format!("expected {expected}, found `{found}`"),
            false => format!("expected {expected}, found `{found}`; did you mean `{nearest}`?"),
        }
    }

    /// A command that differs by one letter, or by two that changed places: too little of `lm` for clap.
    fn mistyped(&self, found: &str) -> String {
        let all = self.innermost().get_subcommands();
        let mut names = all.filter(|one| !one.is_hide_set()).map(Command::get_name);
        let near = names.find(|name| strsim::osa_distance(name, found) == 1);
        near.unwrap_or_default().to_string()
    }

    fn commands(&self) -> String {
        let command = self.innermost();
        let all = command.get_subcommands().filter(|one| !one.is_hide_set());
        let names = all.map(|one| one.get_name().to_string());
        let names = either(&names.filter(|name| name != "help").collect::<Vec<_>>());
        match command.get_name() {
            "train" => format!("{names}, or a file that ends in .toml"),
            _ => names,
        }
    }
}

/// `<RUN>` as it is spoken of.
fn plain(argument: &str) -> String {
    argument.replace(['<', '>'], "")
}

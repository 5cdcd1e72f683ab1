//! The tasks that the program knows: one list, of which each has its command and its run folders.

use clap::Subcommand;

use super::train;
use crate::{
    Classify, ClassifyOptions, Compose, ComposeOptions, Forecast, ForecastOptions, Tag, TagOptions,
    TrainError, Transcribe, TranscribeOptions, Translate, TranslateOptions,
};

/// Hands the list of tasks that learn from examples to a macro: a task a line, with what is asked of it.
macro_rules! every_task {
    ($then:ident $($given:tt)*) => {
        $crate::cli::tasks::$then! {
            [
                /// A classifier of sequences: texts, or vectors such as the frames of a sound
                Classify(ClassifyOptions)
                /// A tagger of words: parts of speech, names, phrases
                Tag(TagOptions)
                /// A forecaster of time series, with the uncertainty of each value
                Forecast(ForecastOptions)
                /// A translator of sequences: sentences, or spellings into sounds
                Translate(TranslateOptions)
                /// A transcriber of speech, trained without alignments
                Transcribe(TranscribeOptions)
                /// A writer of texts about a given key: tunes, names, poems; also `lm --condition`
                Compose(ComposeOptions)
            ]
            $($given)*
        }
    };
}
pub(super) use every_task;

/// The commands of `backdraft train`.
macro_rules! commands {
    ([$($(#[$help:meta])* $task:ident($options:ident))*]) => {
        #[derive(Debug, Subcommand)]
        pub(super) enum Task {
            /// A language model of characters, bytes, words or pieces of words
            #[command(
                after_help = "With --condition [state|step|both] this is `train compose`: texts about a given \
                              key. `backdraft train compose --help` lists its options."
            )]
            Lm(Box<train::Arguments>),
            $($(#[$help])* $task(Box<train::TaskArguments<$options>>),)*
        }

        impl Task {
            /// Trains it; `typed` knows the flags that were given.
            pub(super) fn train(&self, typed: &dyn Fn(&str) -> bool) -> Result<(), TrainError> {
                match self {
                    Self::Lm(arguments) => train::run(arguments, typed),
                    $(Self::$task(arguments) => train::run_task::<$task>(arguments, typed),)*
                }
            }
        }
    };
}
use commands;

/// Calls `$call` with the task of that name as `$task`; for the language model `$lm`, if that is given, as it does not
/// learn from examples.
macro_rules! with_task {
    ($name:expr, |$task:ident| $call:expr, lm => $lm:expr) => {
        $crate::cli::tasks::every_task!(named $name, |$task| $call, lm => $lm)
    };
    ($name:expr, |$task:ident| $call:expr) => {
        $crate::cli::tasks::with_task!($name, |$task| $call, lm => {
            type $task = $crate::Language;
            $call
        })
    };
}
pub(super) use with_task;

macro_rules! named {
    (
        [$($(#[$help:meta])* $known:ident($options:ident))*]
        $name:expr, |$task:ident| $call:expr, lm => $lm:expr
    ) => {
        match $name {
            <$crate::Language as $crate::Task>::NAME => $lm,
            $(<$crate::$known as $crate::Task>::NAME => {
                type $task = $crate::$known;
                $call
            })*
            other => Err($crate::TrainError::NoTask {
                expected: $crate::cli::parsing::tasks(),
                found: other.to_string(),
            }),
        }
    };
}
pub(super) use named;

every_task!(commands);

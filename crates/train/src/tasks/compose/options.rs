//! What is asked of a composition, beside layers and training.

use backdraft_data::{Units, words};
use backdraft_models::Conditioning;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::settings::check::require;
use crate::tasks::sequences::Unit;
use crate::{Recurrence, TaskOptions, TrainError, Training};

/// Where a text is told what it is to be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ConditioningKind {
    /// Where it begins: the initial state of each layer
    State,
    /// At each of its steps
    Step,
    /// Both
    #[default]
    Both,
}

impl From<ConditioningKind> for Conditioning {
    fn from(asked: ConditioningKind) -> Self {
        match asked {
            ConditioningKind::State => Self::State,
            ConditioningKind::Step => Self::Step,
            ConditioningKind::Both => Self::Both,
        }
    }
}

/// What a key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum KeyUnit {
    /// Words, with spaces between them, in any order
    #[default]
    Word,
    /// Numbers, with spaces between them: a vector
    Number,
}

/// What is asked of a composition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Composition")]
pub struct ComposeOptions {
    /// Where a text is told what it is to be about
    #[arg(long, value_enum, num_args = 0..=1, default_value_t, default_missing_value = "both")]
    pub condition: ConditioningKind,
    /// What a key is made of
    #[arg(long, value_enum, default_value_t)]
    pub key_unit: KeyUnit,
    /// Features of a word of a key
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub key_size: usize,
    /// What the steps of a text are
    #[arg(long, value_enum, default_value = "char")]
    pub unit: Unit,
    /// Words of texts that occur less often are unknown
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub min_count: usize,
    /// Steps of a text, at most: longer ones are passed over in training
    #[arg(long, value_name = "T", default_value_t = 1000)]
    pub max_steps: usize,
    /// The column of the keys in a table [default: the first]
    #[arg(long, value_name = "NAME")]
    pub key_column: Option<String>,
    /// The column of the texts in a table [default: the other]
    #[arg(long, value_name = "NAME")]
    pub text_column: Option<String>,
    /// The fields of a tune that are its key, in an .abc file
    #[arg(long, value_name = "LETTER,..", default_value = "R,M,K")]
    pub fields: String,
    /// Of what is written as it learns, and by `predict`: below 1 prefers what is likely
    #[arg(long, value_name = "F", default_value_t = 0.7)]
    pub temperature: f64,
}

impl ComposeOptions {
    /// How texts like these are taken apart.
    pub(super) fn units(&self, texts: &[&str]) -> Units {
        match self.unit {
            Unit::Char => Units::characters(&texts.concat()),
            Unit::Word => Units::words(&texts.join(" "), self.min_count, None),
        }
    }

    /// Steps of a text.
    pub(super) fn steps(&self, text: &str) -> usize {
        match self.unit {
            Unit::Char => text.chars().count(),
            Unit::Word => words(text).count() + text.matches('\n').count(),
        }
    }

    /// The letters of the fields that are the key of a tune.
    pub(super) fn letters(&self) -> Option<Vec<char>> {
        let fields = self.fields.split(',').map(str::trim);
        let letter = |field: &str| {
            let mut letters = field.chars();
            let letter = letters.next().filter(char::is_ascii_alphabetic);
            letter.filter(|_| letters.next().is_none())
        };
        fields.map(letter).collect()
    }
}

impl Default for ComposeOptions {
    fn default() -> Self {
        Self {
            condition: ConditioningKind::default(),
            key_unit: KeyUnit::default(),
            key_size: 16,
            unit: Unit::Char,
            min_count: 1,
            max_steps: 1000,
            key_column: None,
            text_column: None,
            fields: "R,M,K".to_string(),
            temperature: 0.7,
        }
    }
}

impl TaskOptions for ComposeOptions {
    const TASK: &'static str = "compose";

    fn full() -> Self {
        Self {
            key_column: Some(String::new()),
            text_column: Some(String::new()),
            ..Self::default()
        }
    }

    fn recurrence() -> Recurrence {
        Recurrence {
            dropout: 0.1,
            ..Recurrence::default()
        }
    }

    fn training() -> Training {
        Training {
            batch: 32,
            epochs: Some(10),
            lr: 3e-3,
            valid_fraction: 0.1,
            ..Training::default()
        }
    }

    fn check(&self) -> Result<(), TrainError> {
        for (what, count) in [
            ("the features of a word of a key", self.key_size),
            ("the occurrences of a known unit", self.min_count),
            ("the steps of a text", self.max_steps),
        ] {
            require(what, "at least 1", count, count > 0)?;
        }
        require(
            "the occurrences of a known unit",
            "1 where the units are characters",
            self.min_count,
            self.min_count == 1 || self.unit == Unit::Word,
        )?;
        let expected = "letters with commas between them";
        let are_letters = self.letters().is_some();
        require("the fields of a key", expected, &self.fields, are_letters)?;
        let (t, expected) = (self.temperature, "a finite number, at least 0");
        require("the temperature", expected, t, t.is_finite() && t >= 0.0)
    }
}

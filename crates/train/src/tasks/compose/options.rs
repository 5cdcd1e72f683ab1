//! What is asked of a composition, beside layers and training.

use std::path::Path;

use backdraft_data::{Pieces, Units, words};
use backdraft_models::Conditioning;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::reading::are_tunes;
use crate::bounds::{counts, features, require, weights};
use crate::tasks::Idle;
use crate::{Recurrence, TaskOptions, TextUnit, TrainError, Training};

/// Where a text is told what it is to be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ConditioningKind {
    /// Through the initial state of each layer
    State,
    /// Through the input of each step
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
    /// Words separated by spaces, in any order
    #[default]
    Word,
    /// A vector: numbers separated by spaces
    Number,
}

/// What is asked of a composition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Data")]
pub struct ComposeOptions {
    /// Where the key enters the model
    #[arg(
        long,
        value_enum,
        num_args = 0..=1,
        default_value_t,
        default_missing_value = "both",
        help_heading = "Model"
    )]
    pub condition: ConditioningKind,
    /// What a key consists of
    #[arg(long, value_enum, default_value_t)]
    pub key_unit: KeyUnit,
    /// Size of the embedding of a word of a key
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = "Model")]
    pub key_size: usize,
    /// Symbols of a text: characters, bytes, words, or the pieces of a Hugging Face tokenizer
    #[arg(long, value_name = "char|byte|word|FILE.json", default_value_t)]
    pub unit: TextUnit,
    /// Treat words that occur less often as unknown
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub min_count: usize,
    /// Do not train on texts of more than T symbols
    #[arg(long, value_name = "T", default_value_t = 1000)]
    pub max_steps: usize,
    /// Column of the keys in a table [default: the first]
    #[arg(long, value_name = "NAME")]
    pub key_column: Option<String>,
    /// Column of the texts in a table [default: the other]
    #[arg(long, value_name = "NAME")]
    pub text_column: Option<String>,
    /// Fields of a tune in an .abc file that are its key
    #[arg(long, value_name = "LETTER,..", default_value = "R,M,K")]
    pub fields: String,
    /// Sampling temperature of the samples and of `predict`
    #[arg(
        long,
        value_name = "F",
        default_value_t = 0.7,
        help_heading = "Decoding"
    )]
    pub temperature: f64,
}

impl ComposeOptions {
    /// The tokenizer whose pieces are the symbols, if that is asked for.
    pub(super) fn pieces(&self) -> Result<Option<Pieces>, TrainError> {
        match &self.unit {
            TextUnit::File(path) => Ok(Some(Pieces::read(path)?)),
            TextUnit::Char | TextUnit::Byte | TextUnit::Word => Ok(None),
        }
    }

    /// How texts like these are taken apart.
    pub(super) fn units(&self, texts: &[&str], pieces: Option<Pieces>) -> Units {
        match (pieces, &self.unit) {
            (Some(pieces), _) => Units::Pieces(Box::new(pieces)),
            (None, TextUnit::Word) => Units::words(&texts.join(" "), self.min_count, None),
            (None, TextUnit::Byte) => Units::Bytes,
            (None, _) => Units::characters(&texts.concat()),
        }
    }

    /// Steps of a text.
    pub(super) fn steps(&self, text: &str, pieces: Option<&Pieces>) -> usize {
        match (pieces, &self.unit) {
            // What cannot be taken apart has none, and is not learned.
            (Some(pieces), _) => pieces.encode(text).map_or(usize::MAX, |all| all.len()),
            (None, TextUnit::Word) => words(text).count() + text.matches('\n').count(),
            (None, TextUnit::Byte) => text.len(),
            (None, _) => text.chars().count(),
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
            unit: TextUnit::Char,
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
    const KEPT: &'static [&'static str] = &["key_unit", "unit", "min_count"];
    const SHAPING: &'static [&'static str] = &["condition", "key_size"];

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

    fn absolute(self) -> Self {
        Self {
            unit: self.unit.absolute(),
            ..self
        }
    }

    fn check(&self, _recurrence: &Recurrence) -> Result<(), TrainError> {
        features([("key_size", self.key_size)])?;
        counts([("min_count", self.min_count), ("max_steps", self.max_steps)])?;
        let expected = match self.unit {
            TextUnit::Char => "1, as the unit is a character",
            TextUnit::Byte => "1, as the unit is a byte",
            TextUnit::Word | TextUnit::File(_) => "1, as a tokenizer knows all its pieces",
        };
        require(
            "min_count",
            expected,
            self.min_count,
            self.min_count == 1 || self.unit == TextUnit::Word,
        )?;
        let expected = "letters with commas between them";
        let are_letters = self.letters().is_some();
        require("fields", expected, &self.fields, are_letters)?;
        weights([("temperature", self.temperature)])
    }

    fn idle(&self, data: &Path) -> Vec<Idle> {
        let mut idle = match are_tunes(data) {
            true => vec![
                ("key_column", "a table of texts"),
                ("text_column", "a table of texts"),
            ],
            false => vec![("fields", "tunes in an .abc file")],
        };
        if self.key_unit == KeyUnit::Number {
            idle.push(("key_size", "--key-unit word"));
        }
        idle
    }
}

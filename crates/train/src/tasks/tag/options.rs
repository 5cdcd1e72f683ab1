//! What is asked of tagging, beside layers and training.

use backdraft_data::ConllColumns;
use backdraft_models::Decoder;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::settings::check::require;
use crate::{Recurrence, TaskOptions, TrainError, Training};

/// How tags are told from their scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum DecoderKind {
    /// A conditional random field over the whole sentence
    #[default]
    Crf,
    /// A softmax at each position, whatever the tags beside it
    Softmax,
}

impl From<DecoderKind> for Decoder {
    fn from(kind: DecoderKind) -> Self {
        match kind {
            DecoderKind::Crf => Self::Crf,
            DecoderKind::Softmax => Self::Softmax,
        }
    }
}

/// What is asked of tagging.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Tagging")]
pub struct TagOptions {
    /// The column of the word, from 1; in CoNLL-U it is 2
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub word_column: usize,
    /// The column of the tag, from 1; in CoNLL-U it is 4 [default: the last]
    #[arg(long, value_name = "N")]
    pub tag_column: Option<usize>,
    /// Tell capital letters from small ones in words; their characters always do
    #[arg(long)]
    pub case: bool,
    /// Words that occur less often are known by their characters alone
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub min_count: usize,
    /// Units of each direction that read the characters of a word; 0 reads none
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub characters: usize,
    /// Features of a character
    #[arg(long, value_name = "N", default_value_t = 24)]
    pub character_embedding: usize,
    /// How tags are told from their scores
    #[arg(long, value_enum, default_value_t)]
    pub decoder: DecoderKind,
}

impl TagOptions {
    pub(super) fn columns(&self) -> ConllColumns {
        let columns = ConllColumns::new().with_word(self.word_column - 1);
        match self.tag_column {
            Some(column) => columns.with_tag(column - 1),
            None => columns,
        }
    }
}

impl Default for TagOptions {
    fn default() -> Self {
        Self {
            word_column: 1,
            tag_column: None,
            case: false,
            min_count: 2,
            characters: 32,
            character_embedding: 24,
            decoder: DecoderKind::default(),
        }
    }
}

impl TaskOptions for TagOptions {
    const TASK: &'static str = "tag";

    fn full() -> Self {
        Self {
            tag_column: Some(2),
            ..Self::default()
        }
    }

    fn recurrence() -> Recurrence {
        Recurrence {
            hidden: 128,
            embedding: 100,
            dropout: 0.3,
            ..Recurrence::default()
        }
    }

    fn training() -> Training {
        Training {
            epochs: Some(4),
            lr: 3e-3,
            valid_fraction: 0.1,
            ..Training::default()
        }
    }

    fn check(&self) -> Result<(), TrainError> {
        for (what, count) in [
            ("the column of the word", self.word_column),
            ("the column of the tag", self.tag_column.unwrap_or(1)),
            ("the occurrences of a known word", self.min_count),
            ("the features of a character", self.character_embedding),
        ] {
            require(what, "at least 1", count, count > 0)?;
        }
        Ok(())
    }
}

//! What the symbols of a text are, and which words of it are known.

use crate::{Lexicon, TextUnit, TrainError};

#[derive(Debug, clap::Args)]
pub(super) struct Words {
    /// Treat words that occur less often as unknown
    #[arg(long, value_name = "N", default_value_t = Lexicon::default().min_count)]
    pub(super) min_count: usize,
    /// Know only the N most frequent words [default: all]
    #[arg(long, value_name = "N")]
    pub(super) most_words: Option<usize>,
}

impl Words {
    /// Symbols of this unit; if they are words, those that are known.
    pub(super) fn lexicon(&self, unit: &TextUnit) -> Lexicon {
        Lexicon {
            unit: unit.clone(),
            min_count: self.min_count,
            most_words: self.most_words,
            ..Lexicon::default()
        }
    }
}

/// Refuses a unit where a run has its own.
pub(super) fn of_arpa(unit: Option<&TextUnit>) -> Result<(), TrainError> {
    let (setting, with) = ("unit", "an ARPA file");
    match unit {
        Some(_) => Err(TrainError::Idle { setting, with }),
        None => Ok(()),
    }
}

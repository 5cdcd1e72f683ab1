//! Which words of a text are known.

use crate::{Lexicon, TextUnit};

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

//! What the symbols of a text are, and how many of them there are.

use backdraft_data::{Pieces, Units};
use serde::{Deserialize, Serialize};

use crate::bounds::{bounded, counts, require};
use crate::{TextUnit, TrainError};

/// The symbols of a language model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lexicon {
    /// What a symbol is.
    pub unit: TextUnit,
    /// How often a word must occur to be known.
    pub min_count: usize,
    /// Words that are known, at most: the most frequent.
    pub most_words: Option<usize>,
    /// Where the vocabulary is cut for an adaptive softmax, the frequent symbols first; nowhere for
    /// a full one.
    pub adaptive: Vec<usize>,
}

impl Default for Lexicon {
    fn default() -> Self {
        Self {
            unit: TextUnit::Char,
            min_count: 2,
            most_words: None,
            adaptive: Vec::new(),
        }
    }
}

impl Lexicon {
    /// The symbols that a text is learned by.
    ///
    /// # Errors
    ///
    /// When the file of a tokenizer cannot be used.
    pub fn units(&self, text: &str) -> Result<Units, TrainError> {
        Ok(match &self.unit {
            TextUnit::Char => Units::characters(text),
            TextUnit::Byte => Units::Bytes,
            TextUnit::Word => Units::words(text, self.min_count, self.most_words),
            TextUnit::File(path) => Units::Pieces(Box::new(Pieces::read(path)?)),
        })
    }

    /// The same, whatever folder it is used from.
    pub(crate) fn absolute(mut self) -> Self {
        self.unit = self.unit.absolute();
        self
    }

    /// Refuses what means nothing for this unit.
    pub(crate) fn check(&self) -> Result<(), TrainError> {
        counts([
            ("min_count", self.min_count),
            ("most_words", self.most_words.unwrap_or(1)),
        ])?;
        let is_word = self.unit == TextUnit::Word;
        let (expected, min_count) = ("word as the unit", Self::default().min_count);
        let counted = self.min_count != min_count;
        require("min_count", expected, &self.unit, is_word || !counted)?;
        let limited = self.most_words.is_some();
        require("most_words", expected, &self.unit, is_word || !limited)?;
        let bounds = &self.adaptive;
        let rising = bounds.first() != Some(&0) && bounds.is_sorted_by(|a, b| a < b);
        require("adaptive", "rising numbers above 0", listed(bounds), rising)?;
        bounded([("adaptive", bounds.last().copied().unwrap_or(0))])
    }

    /// Refuses bounds of an adaptive softmax where there is none, and says why.
    pub(crate) fn check_full(&self, why: &str) -> Result<(), TrainError> {
        let expected = format!("none, as {why}");
        let is_full = self.adaptive.is_empty();
        require("adaptive", &expected, listed(&self.adaptive), is_full)
    }

    /// Refuses to cut a vocabulary where it has ended.
    pub(crate) fn check_bounds(&self, vocabulary: usize) -> Result<(), TrainError> {
        let expected = format!("numbers below {vocabulary}, the size of the vocabulary");
        let fits = self.adaptive.last().is_none_or(|last| *last < vocabulary);
        require("adaptive", &expected, listed(&self.adaptive), fits)
    }
}

/// Numbers as they are typed.
fn listed(numbers: &[usize]) -> String {
    let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
    numbers.join(",")
}

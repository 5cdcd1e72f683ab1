//! How a text is taken apart: into words, characters, bytes, or the pieces of a tokenizer.

use backdraft_data::{DataError, Pieces, WordVocabulary, byte_name, byte_of_name, words};
use serde::{Deserialize, Serialize};

use super::normalisation::Normalisation;
use crate::{TextUnit, TrainError};

/// How a text is taken apart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TextReader {
    /// What its steps are.
    unit: TextUnit,
    /// How it is normalised before.
    #[serde(flatten)]
    normalisation: Normalisation,
    /// Steps, at most.
    max_steps: usize,
    /// The tokenizer, if its pieces are the steps: a run has it by itself.
    #[serde(default)]
    pieces: Option<Box<Pieces>>,
}

impl TextReader {
    /// Takes texts apart, each into `max_steps` at most, as they are written.
    ///
    /// # Errors
    ///
    /// When the file of a tokenizer cannot be used.
    pub fn new(unit: &TextUnit, max_steps: usize) -> Result<Self, TrainError> {
        let pieces = match unit {
            TextUnit::File(path) => Some(Box::new(Pieces::read(path)?)),
            TextUnit::Char | TextUnit::Byte | TextUnit::Word => None,
        };
        Ok(Self {
            unit: unit.clone(),
            normalisation: Normalisation::AS_WRITTEN,
            max_steps,
            pieces,
        })
    }

    /// Sets whether capital letters are told from small ones. To a tokenizer they are, whatever is set here.
    #[must_use]
    pub fn with_case(mut self, case: bool) -> Self {
        self.normalisation.case = case;
        self
    }

    /// Sets whether each digit is read as 0. A tokenizer reads them as they are.
    #[must_use]
    pub fn with_zero_digits(mut self, zero_digits: bool) -> Self {
        self.normalisation.zero_digits = zero_digits;
        self
    }

    /// Whether units are the pieces of a tokenizer.
    pub(super) fn is_tokenizer(&self) -> bool {
        self.pieces.is_some()
    }

    /// How words are looked up.
    pub(super) fn normalisation(&self) -> Normalisation {
        match self.pieces {
            Some(_) => Normalisation::AS_WRITTEN,
            None => self.normalisation,
        }
    }

    /// What a text is made of; an empty one has an unknown unit.
    ///
    /// # Errors
    ///
    /// When the tokenizer has no piece for something in it.
    pub(super) fn units(&self, text: &str) -> Result<Vec<String>, DataError> {
        let normal = self.normalisation().of(text);
        let mut units: Vec<String> = match (&self.pieces, &self.unit) {
            (Some(pieces), _) => pieces.spell(&normal)?,
            (None, TextUnit::Char) => normal.chars().map(String::from).collect(),
            (None, TextUnit::Byte) => normal.bytes().map(byte_name).collect(),
            (None, _) => words(&normal).map(str::to_string).collect(),
        };
        units.truncate(self.max_steps);
        if units.is_empty() {
            units.push(WordVocabulary::REPLACEMENT.to_string());
        }
        Ok(units)
    }

    /// The units that are known of those of some texts: those that occur `at_least` so many times, and of these the
    /// `at_most` most frequent; but of bytes all.
    pub(super) fn vocabulary<'a>(
        &self,
        units: impl Iterator<Item = &'a str>,
        at_least: usize,
        at_most: Option<usize>,
    ) -> WordVocabulary {
        match self.unit {
            TextUnit::Byte => {
                let none = WordVocabulary::of([], 1, None);
                none.with_more((0..=u8::MAX).map(byte_name))
            }
            _ => WordVocabulary::of(units, at_least, at_most),
        }
    }

    /// The units of a text as it shows them, each with the space before it.
    pub(super) fn shown(&self, units: &[String]) -> Vec<String> {
        let Some(pieces) = &self.pieces else {
            let space = if self.unit == TextUnit::Word { " " } else { "" };
            let first = units.iter().take(1).cloned();
            let others = units.iter().skip(1).map(|unit| format!("{space}{unit}"));
            return first.chain(others).collect();
        };
        // A tokenizer marks the pieces that begin a word, or those that do not; or each piece is a word.
        let begins = |unit: &String| unit.starts_with(['\u{120}', '\u{2581}']);
        let are_begun = units.iter().any(begins);
        let piece = |(at, unit): (usize, &String)| {
            if are_begun {
                let space = if begins(unit) { " " } else { "" };
                let text = pieces.text_of([unit.as_str()]);
                return format!("{space}{}", text.trim_start());
            }
            match unit.strip_prefix("##") {
                Some(rest) => rest.to_string(),
                None if at == 0 => unit.clone(),
                None => format!(" {unit}"),
            }
        };
        units.iter().enumerate().map(piece).collect()
    }

    /// The text of units: words with spaces between them.
    pub(super) fn text(&self, units: &[&str]) -> String {
        match (&self.pieces, &self.unit) {
            (Some(pieces), _) => pieces.text_of(units.iter().copied()),
            (None, TextUnit::Char) => units.concat(),
            (None, TextUnit::Byte) => {
                // What is no byte stands for one that is not known.
                let byte = |unit: &&str| byte_of_name(unit).unwrap_or(u8::MAX);
                let bytes: Vec<u8> = units.iter().map(byte).collect();
                String::from_utf8_lossy(&bytes).into_owned()
            }
            (None, _) => units.join(" "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_words_or_characters() {
        let reader = |unit| TextReader::new(&unit, 9).unwrap();
        let characters = reader(TextUnit::Char);
        assert_eq!(characters.units("aB c").unwrap(), ["a", "B", " ", "c"]);
        assert_eq!(characters.text(&["a", " "]), "a ");
        let bytes = reader(TextUnit::Byte);
        let units = bytes.units("a \u{e9}").unwrap();
        assert_eq!(units, ["a", " ", "<0xC3>", "<0xA9>"]);
        assert_eq!(bytes.text(&["a", " ", "<0xC3>", "<0xA9>"]), "a \u{e9}");
        assert_eq!(bytes.text(&["a", WordVocabulary::REPLACEMENT]), "a\u{FFFD}");
        assert_eq!(bytes.shown(&units).concat(), units.concat());
        // Every byte is known, however rare.
        let known = bytes.vocabulary(["a"].into_iter(), 5, Some(1));
        assert_eq!(known.len(), 257);
        assert_ne!(known.symbol("<0xC3>"), WordVocabulary::UNKNOWN);
        let words = reader(TextUnit::Word).with_case(false);
        assert_eq!(words.units("In 1984, I").unwrap(), ["in", "1984", ",", "i"]);
        let words = words.with_zero_digits(true);
        assert_eq!(words.units("In 1984, I").unwrap(), ["in", "0000", ",", "i"]);
        assert_eq!(words.units(" ").unwrap(), [WordVocabulary::REPLACEMENT]);
        assert_eq!(words.text(&["in", "0000"]), "in 0000");
        let units = ["so", "it"].map(String::from);
        assert_eq!(words.shown(&units), ["so", " it"]);
        assert_eq!(characters.shown(&units), ["so", "it"]);
    }

    /// As runs had it before digits and tokenizers.
    #[test]
    fn a_reader_of_before_is_read() {
        let text = r#"{"unit":"word","case":true,"max_steps":2}"#;
        let reader: TextReader = serde_json::from_str(text).unwrap();
        assert_eq!(reader.units("So it Goes 7").unwrap(), ["So", "it"]);
    }
}

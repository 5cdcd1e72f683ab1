//! How a text is taken apart: into words, characters, or the pieces of a tokenizer.

use backdraft_data::{Pieces, WordVocabulary, words};
use serde::{Deserialize, Serialize};

use crate::{TextUnit, TrainError};

/// How a text is taken apart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TextReader {
    /// What its steps are.
    unit: TextUnit,
    /// Whether capital letters are told from small ones.
    case: bool,
    /// Whether each digit is read as 0.
    #[serde(default)]
    zero_digits: bool,
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
            TextUnit::Char | TextUnit::Word => None,
        };
        Ok(Self {
            unit: unit.clone(),
            case: true,
            zero_digits: false,
            max_steps,
            pieces,
        })
    }

    /// Sets whether capital letters are told from small ones. To a tokenizer they are, whatever is set here.
    #[must_use]
    pub fn with_case(self, case: bool) -> Self {
        Self { case, ..self }
    }

    /// Sets whether each digit is read as 0. A tokenizer reads them as they are.
    #[must_use]
    pub fn with_zero_digits(self, zero_digits: bool) -> Self {
        Self {
            zero_digits,
            ..self
        }
    }

    /// A text, or a word, as it is looked up.
    pub(super) fn spelled(&self, text: &str) -> String {
        if self.pieces.is_some() {
            return text.to_string();
        }
        let text = match self.case {
            true => text.to_string(),
            false => text.to_lowercase(),
        };
        match self.zero_digits {
            true => text.replace(|character: char| character.is_ascii_digit(), "0"),
            false => text,
        }
    }

    /// What a text is made of; an empty one, and one that the tokenizer cannot take apart, has an unknown unit.
    pub(super) fn units(&self, text: &str) -> Vec<String> {
        let spelled = self.spelled(text);
        let mut units: Vec<String> = match (&self.pieces, &self.unit) {
            (Some(pieces), _) => pieces.spell(&spelled).unwrap_or_default(),
            (None, TextUnit::Char) => spelled.chars().map(String::from).collect(),
            (None, _) => words(&spelled).map(str::to_string).collect(),
        };
        units.truncate(self.max_steps);
        if units.is_empty() {
            units.push(WordVocabulary::REPLACEMENT.to_string());
        }
        units
    }

    /// A unit as it stands in a text, the first of it or another.
    pub(super) fn beside(&self, unit: &str, is_first: bool) -> String {
        match (&self.pieces, &self.unit, is_first) {
            // A tokenizer that works on bytes writes a space so.
            (Some(_), ..) => unit.replace(['\u{120}', '\u{2581}'], " "),
            (None, TextUnit::Word, false) => format!(" {unit}"),
            _ => unit.to_string(),
        }
    }

    /// The text of units: words with spaces between them.
    pub(super) fn text(&self, units: &[&str]) -> String {
        match (&self.pieces, &self.unit) {
            (Some(pieces), _) => pieces.text_of(units.iter().copied()),
            (None, TextUnit::Char) => units.concat(),
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
        assert_eq!(characters.units("aB c"), ["a", "B", " ", "c"]);
        assert_eq!(characters.text(&["a", " "]), "a ");
        let words = reader(TextUnit::Word).with_case(false);
        assert_eq!(words.units("In 1984, I"), ["in", "1984", ",", "i"]);
        let words = words.with_zero_digits(true);
        assert_eq!(words.units("In 1984, I"), ["in", "0000", ",", "i"]);
        assert_eq!(words.units(" "), [WordVocabulary::REPLACEMENT]);
        assert_eq!(words.text(&["in", "0000"]), "in 0000");
    }

    /// As runs had it before digits and tokenizers.
    #[test]
    fn a_reader_of_before_is_read() {
        let text = r#"{"unit":"word","case":true,"max_steps":2}"#;
        let reader: TextReader = serde_json::from_str(text).unwrap();
        assert_eq!(reader.units("So it Goes 7"), ["So", "it"]);
    }
}

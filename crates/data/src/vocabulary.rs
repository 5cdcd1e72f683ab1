//! Text to symbols and back, one symbol a character.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::DataError;

/// The characters that a model knows.
///
/// Symbol 0 stands for every character that it does not; the known ones follow in the order of
/// their code points, so the same characters always make the same vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Characters", into = "Characters")]
pub struct Vocabulary {
    characters: Vec<char>,
    symbols: HashMap<char, u32>,
}

/// A vocabulary as it is written to a file.
#[derive(Serialize, Deserialize)]
struct Characters {
    characters: String,
}

impl From<Characters> for Vocabulary {
    fn from(file: Characters) -> Self {
        Self::of(&file.characters)
    }
}

impl From<Vocabulary> for Characters {
    fn from(vocabulary: Vocabulary) -> Self {
        Self {
            characters: vocabulary.characters.into_iter().collect(),
        }
    }
}

impl Vocabulary {
    /// The symbol of every unknown character.
    pub const UNKNOWN: u32 = 0;

    /// What an unknown symbol is written as: U+FFFD, the replacement character.
    pub const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

    /// The characters of a text.
    pub fn of(text: &str) -> Self {
        let characters: BTreeSet<char> = text.chars().collect();
        let characters: Vec<char> = characters
            .into_iter()
            .filter(|character| *character != Self::REPLACEMENT)
            .collect();
        let symbols = (1..)
            .zip(&characters)
            .map(|(symbol, character)| (*character, symbol));
        Self {
            symbols: symbols.collect(),
            characters,
        }
    }

    /// The number of symbols, the unknown one included.
    #[allow(
        clippy::len_without_is_empty,
        reason = "the unknown symbol is always there"
    )]
    pub fn len(&self) -> usize {
        self.characters.len() + 1
    }

    /// Text to symbols; unknown characters become [`UNKNOWN`](Self::UNKNOWN).
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let symbol = |character| {
            self.symbols
                .get(&character)
                .copied()
                .unwrap_or(Self::UNKNOWN)
        };
        text.chars().map(symbol).collect()
    }

    /// Symbols to text; what is no symbol becomes [`REPLACEMENT`](Self::REPLACEMENT).
    pub fn decode(&self, symbols: &[u32]) -> String {
        symbols
            .iter()
            .map(|symbol| self.character(*symbol))
            .collect()
    }

    /// The character of one symbol.
    pub fn character(&self, symbol: u32) -> char {
        let index = (symbol as usize).checked_sub(1);
        index
            .and_then(|index| self.characters.get(index))
            .copied()
            .unwrap_or(Self::REPLACEMENT)
    }

    /// The vocabulary as JSON, for [`load`](Self::load) to read.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("characters are always valid JSON")
    }

    /// Reads a vocabulary file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or holds something else.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|error| DataError::Unreadable {
            path: path.to_path_buf(),
            error,
        })?;
        Self::from_json(&text).map_err(|reason| DataError::NotAVocabulary {
            path: path.to_path_buf(),
            reason,
        })
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// When it is something else: what is wrong with it.
    pub fn from_json(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_and_the_unknown_is_replaced() {
        let vocabulary = Vocabulary::of("let x = \u{1F525};\n");
        assert_eq!(vocabulary.len(), 9 + 1);
        let text = "xel \u{1F525}";
        assert_eq!(vocabulary.decode(&vocabulary.encode(text)), text);
        assert_eq!(vocabulary.encode("q\u{FFFD}"), [0, 0]);
        assert_eq!(vocabulary.decode(&[0, 9999]), "\u{FFFD}\u{FFFD}");
    }

    #[test]
    fn order_and_repetition_do_not_matter() {
        assert_eq!(Vocabulary::of("cab"), Vocabulary::of("abcabc"));
        assert_eq!(Vocabulary::of("cab").encode("abc"), [1, 2, 3]);
    }

    #[test]
    fn a_file_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vocabulary.json");
        let vocabulary = Vocabulary::of("a \"quoted\" \\ and \u{0}\t\n\u{1F525}");
        fs::write(&path, vocabulary.to_json()).unwrap();
        assert_eq!(Vocabulary::load(&path).unwrap(), vocabulary);
        fs::write(&path, "{\"characters\": 3}").unwrap();
        let error = Vocabulary::load(&path).unwrap_err().to_string();
        assert!(
            error.contains("vocabulary.json: expected a vocabulary"),
            "{error}"
        );
    }
}

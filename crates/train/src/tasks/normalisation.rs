//! How a word is looked up: as it is written, or like those that differ from it in capitals or digits alone.

use serde::{Deserialize, Serialize};

/// How a word is looked up.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Normalisation {
    /// Whether capital letters are told from small ones.
    pub(super) case: bool,
    /// Whether each digit is read as 0.
    #[serde(default)]
    pub(super) zero_digits: bool,
}

impl Normalisation {
    pub(super) const AS_WRITTEN: Self = Self {
        case: true,
        zero_digits: false,
    };

    /// A word, or a text, as it is looked up.
    pub(super) fn of(self, text: &str) -> String {
        let text = match self.case {
            true => text.to_string(),
            false => text.to_lowercase(),
        };
        match self.zero_digits {
            true => text.replace(|character: char| character.is_ascii_digit(), "0"),
            false => text,
        }
    }
}

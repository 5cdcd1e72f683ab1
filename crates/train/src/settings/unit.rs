//! What the symbols of a text are, as it is asked for.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a symbol of a text is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TextUnit {
    /// A character.
    #[default]
    Char,
    /// A byte of UTF-8.
    Byte,
    /// A word; the end of a line is one, too.
    Word,
    /// A piece of a word, of the tokenizer in this file: a `tokenizer.json` of Hugging Face.
    File(PathBuf),
}

impl FromStr for TextUnit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "char" => Ok(Self::Char),
            "byte" => Ok(Self::Byte),
            "word" => Ok(Self::Word),
            file if file.ends_with(".json") => Ok(Self::File(PathBuf::from(file))),
            other => Err(format!(
                "expected char, byte, word or the name of a tokenizer that ends in .json, found {other}"
            )),
        }
    }
}

impl TryFrom<String> for TextUnit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<TextUnit> for String {
    fn from(unit: TextUnit) -> Self {
        unit.to_string()
    }
}

impl fmt::Display for TextUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Char => f.write_str("char"),
            Self::Byte => f.write_str("byte"),
            Self::Word => f.write_str("word"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl TextUnit {
    /// The same, whatever folder it is used from.
    pub(crate) fn absolute(self) -> Self {
        match self {
            Self::File(path) => Self::File(absolute(path)),
            other => other,
        }
    }
}

/// A path that holds from any folder, the same for the same file; of a file that is not there, as it is written.
pub(crate) fn absolute(path: PathBuf) -> PathBuf {
    let found = path.canonicalize().or_else(|_| std::path::absolute(&path));
    found.unwrap_or(path)
}

//! Pieces of words, as a tokenizer of Hugging Face's `tokenizers` tells them.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokenizers::Tokenizer;

use crate::DataError;
use crate::text::read_file;

/// A tokenizer: byte pairs, word pieces, unigrams, whatever its file says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Pieces {
    tokenizer: Tokenizer,
    /// Its file, as it was read: writing it anew would tell standard output of numbers that are left out.
    file: String,
    len: usize,
}

impl From<Pieces> for Value {
    fn from(pieces: Pieces) -> Self {
        serde_json::from_str(&pieces.to_json()).expect("what we wrote is JSON")
    }
}

impl TryFrom<Value> for Pieces {
    type Error = String;

    fn try_from(file: Value) -> Result<Self, String> {
        Self::from_json(&file.to_string())
    }
}

impl Pieces {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is none.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        Self::from_json(&read_file(path)?).map_err(|reason| DataError::NotAVocabulary {
            path: path.to_path_buf(),
            reason: format!("no tokenizer: {reason}"),
        })
    }

    /// Reads the content of a `tokenizer.json`. Its truncation and padding are ignored: a text is always
    /// read whole.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let mut tokenizer: Tokenizer = text
            .parse()
            .map_err(|error: tokenizers::Error| error.to_string())?;
        tokenizer.with_padding(None);
        let whole = tokenizer.with_truncation(None);
        whole.map_err(|error| error.to_string())?;
        // Numbers may be left out: the largest counts.
        let numbers = tokenizer.get_vocab(true).into_values();
        let len = numbers.max().map_or(0, |last| last as usize + 1);
        match len {
            0 => Err("expected pieces, found none".to_string()),
            len => Ok(Self {
                tokenizer,
                file: text.to_string(),
                len,
            }),
        }
    }

    /// As a file: the one that was read.
    pub fn to_json(&self) -> String {
        self.file.clone()
    }

    /// The number of symbols.
    #[allow(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Text to symbols, without what the tokenizer would put around it.
    ///
    /// # Errors
    ///
    /// When it has no symbol for something.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, DataError> {
        let encoding = self.tokenizer.encode_fast(text, false);
        let encoding = encoding.map_err(|error| DataError::NotEncoded {
            reason: error.to_string(),
        })?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The pieces of a text as the tokenizer spells them, as [`encode`](Self::encode) numbers them.
    ///
    /// # Errors
    ///
    /// When it has no symbol for something.
    pub fn spell(&self, text: &str) -> Result<Vec<String>, DataError> {
        let encoding = self.tokenizer.encode(text, false);
        let encoding = encoding.map_err(|error| DataError::NotEncoded {
            reason: error.to_string(),
        })?;
        Ok(encoding.get_tokens().to_vec())
    }

    /// The text of pieces that are spelled so; what is none of them adds nothing.
    pub fn text_of<'a>(&self, spelled: impl IntoIterator<Item = &'a str>) -> String {
        let symbols = spelled.into_iter();
        let symbols = symbols.filter_map(|piece| self.tokenizer.token_to_id(piece));
        self.decode(&symbols.collect::<Vec<u32>>())
    }

    /// Symbols to text; numbers of no symbol add nothing.
    pub fn decode(&self, symbols: &[u32]) -> String {
        self.tokenizer.decode(symbols, false).unwrap_or_default()
    }

    /// The symbol of what it does not know, if it has one.
    pub fn unknown(&self) -> Option<u32> {
        let names = ["<unk>", "[UNK]", "<UNK>"];
        names
            .iter()
            .find_map(|name| self.tokenizer.token_to_id(name))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Each byte is a piece, and `ll` is one.
    pub(crate) fn pieces() -> Pieces {
        let mut bytes: Vec<char> = tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet()
            .into_iter()
            .collect();
        bytes.sort_unstable();
        let mut symbols: Vec<String> = bytes.iter().map(char::to_string).collect();
        symbols.push("ll".to_string());
        let vocabulary: serde_json::Map<String, serde_json::Value> = symbols
            .into_iter()
            .zip(0u32..)
            .map(|(piece, number)| (piece, number.into()))
            .collect();
        let around = serde_json::json!({
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true
        });
        let file = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
            "normalizer": null, "pre_tokenizer": around, "post_processor": null,
            "decoder": around,
            "model": {
                "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                "ignore_merges": false, "vocab": vocabulary, "merges": ["l l"]
            }
        });
        Pieces::from_json(&file.to_string()).unwrap()
    }

    #[test]
    fn what_belongs_together_is_one_piece() {
        let pieces = pieces();
        assert_eq!(pieces.len(), 257);
        let symbols = pieces.encode("hello").unwrap();
        assert_eq!((symbols.len(), symbols[2]), (4, 256));
        assert_eq!(pieces.decode(&symbols), "hello");
        assert_eq!(pieces.unknown(), None);
    }

    #[test]
    fn pieces_are_spelled_and_put_together() {
        let pieces = pieces();
        let spelled = pieces.spell("hell \u{e9}").unwrap();
        assert_eq!(spelled[2], "ll");
        assert_eq!(spelled.len(), pieces.encode("hell \u{e9}").unwrap().len());
        let text = pieces.text_of(spelled.iter().map(String::as_str));
        assert_eq!(text, "hell \u{e9}");
        assert_eq!(pieces.text_of(["ll", "<UNK>", "h"]), "llh");
        let json = serde_json::to_string(&pieces).unwrap();
        let again: Pieces = serde_json::from_str(&json).unwrap();
        assert_eq!(again.spell("hell \u{e9}").unwrap(), spelled);
    }

    #[test]
    fn another_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        std::fs::write(&path, "{\"model\": 3}").unwrap();
        let error = Pieces::read(&path).unwrap_err().to_string();
        assert!(
            error.contains("tokenizer.json: expected a vocabulary"),
            "{error}"
        );
    }
}

//! What the symbols of a text are: its characters, its bytes, its words, or pieces of words.
//!
//! ```text
//! characters    each a symbol
//! bytes         those of UTF-8, 0 to 255: any text has symbols
//! words         those of `words`, and at the end of each line <EOS>, which is written as the line break
//! tokens        what stands between white space, of texts that were taken apart before; ends of lines as of words
//! pieces        those of a tokenizer of Hugging Face's `tokenizers`
//! ```

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bytes::{BYTES, Utf8};
use crate::words::{is_apart, line_tokens, line_words};
use crate::{DataError, Pieces, Vocabulary, WordVocabulary};

/// A way to take texts apart into symbols, and to put them together again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum Units {
    /// Each character is a symbol.
    Characters(Vocabulary),
    /// Each byte of UTF-8 is a symbol.
    Bytes,
    /// Each word is a symbol, and so is the end of a line.
    Words(WordVocabulary),
    /// Whatever stands between white space is a symbol, and so is the end of a line.
    Tokens(WordVocabulary),
    /// What a tokenizer makes of it.
    Pieces(Box<Pieces>),
}

impl Units {
    /// What the end of a line is among words: `<EOS>`.
    pub const END_OF_LINE: &str = "\n";

    /// The characters of a text.
    pub fn characters(text: &str) -> Self {
        Self::Characters(Vocabulary::of(text))
    }

    /// The words of a text that occur `at_least` so many times, of these the `at_most` most frequent;
    /// a marker such as `<unk>` is an unknown word.
    pub fn words(text: &str, at_least: usize, at_most: Option<usize>) -> Self {
        Self::Words(WordVocabulary::of(line_words(text), at_least, at_most))
    }

    /// The number of symbols.
    #[allow(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        match self {
            Self::Characters(vocabulary) => vocabulary.len(),
            Self::Bytes => BYTES,
            Self::Words(vocabulary) | Self::Tokens(vocabulary) => vocabulary.len(),
            Self::Pieces(pieces) => pieces.len(),
        }
    }

    /// Text to symbols.
    ///
    /// # Errors
    ///
    /// When a tokenizer has no symbol for something in it.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, DataError> {
        Ok(match self {
            Self::Characters(vocabulary) => vocabulary.encode(text),
            Self::Bytes => text.bytes().map(u32::from).collect(),
            Self::Words(vocabulary) => line_words(text)
                .map(|word| vocabulary.symbol(word))
                .collect(),
            Self::Tokens(vocabulary) => line_tokens(text)
                .map(|token| vocabulary.symbol(token))
                .collect(),
            Self::Pieces(pieces) => pieces.encode(text)?,
        })
    }

    /// Text to symbols, and the positions of the symbols at which a document begins after a `separator`. With an
    /// empty separator there are no such positions.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn encode_documents(
        &self,
        text: &str,
        separator: &str,
    ) -> Result<(Vec<u32>, Vec<usize>), DataError> {
        if separator.is_empty() {
            return Ok((self.encode(text)?, Vec::new()));
        }
        let (mut symbols, mut starts) = (Vec::new(), Vec::new());
        for document in text.split_inclusive(separator) {
            if !symbols.is_empty() {
                starts.push(symbols.len());
            }
            symbols.extend(self.encode(document)?);
        }
        if text.ends_with(separator) {
            starts.push(symbols.len());
        }
        Ok((symbols, starts))
    }

    /// Symbols to text, as [`Spelling`] writes it.
    pub fn decode(&self, symbols: &[u32]) -> String {
        let mut spelling = Spelling::new();
        let written = symbols.iter().map(|symbol| spelling.write(self, *symbol));
        let written: String = written.collect();
        written + &spelling.finish(self)
    }

    /// The symbol of what is not known, if there is one.
    pub fn unknown(&self) -> Option<u32> {
        match self {
            Self::Characters(_) => Some(Vocabulary::UNKNOWN),
            Self::Bytes => None,
            Self::Words(_) | Self::Tokens(_) => Some(WordVocabulary::UNKNOWN),
            Self::Pieces(pieces) => pieces.unknown(),
        }
    }

    /// What stands before a text: a line break, or else the first symbol that is known.
    pub fn first(&self) -> u32 {
        let line_break = self.encode(Self::END_OF_LINE).ok();
        let line_break = line_break.and_then(|symbols| symbols.last().copied());
        let known = line_break.filter(|symbol| Some(*symbol) != self.unknown());
        known.unwrap_or_else(|| 1.min(self.len() as u32 - 1))
    }

    /// As a file, for [`from_json`](Self::from_json) to read.
    pub fn to_json(&self) -> String {
        match self {
            Self::Characters(vocabulary) => vocabulary.to_json(),
            Self::Bytes => json!({ "bytes": BYTES }).to_string(),
            Self::Words(vocabulary) => {
                serde_json::to_string_pretty(vocabulary).expect("words are always valid JSON")
            }
            Self::Tokens(vocabulary) => {
                let tokens: Vec<&str> = (1..vocabulary.len() as u32)
                    .map(|symbol| vocabulary.word(symbol))
                    .collect();
                json!({ "tokens": tokens }).to_string()
            }
            Self::Pieces(pieces) => pieces.to_json(),
        }
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// When it is something else: what is wrong with it.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Self::try_from(file)
    }
}

impl From<Units> for Value {
    fn from(units: Units) -> Self {
        serde_json::from_str(&units.to_json()).expect("what we wrote is JSON")
    }
}

impl TryFrom<Value> for Units {
    type Error = String;

    fn try_from(file: Value) -> Result<Self, String> {
        if file.get("words").is_some() {
            let words = serde_json::from_value(file).map_err(|error| error.to_string())?;
            return Ok(Self::Words(words));
        }
        if let Some(tokens) = file.get("tokens") {
            let words = json!({ "words": tokens });
            let tokens = serde_json::from_value(words).map_err(|error| error.to_string())?;
            return Ok(Self::Tokens(tokens));
        }
        if let Some(bytes) = file.get("bytes") {
            return match bytes.as_u64() == Some(BYTES as u64) {
                true => Ok(Self::Bytes),
                false => Err(format!("expected {BYTES} bytes, found {bytes}")),
            };
        }
        let text = file.to_string();
        match file.get("model") {
            Some(_) => Ok(Self::Pieces(Box::new(Pieces::from_json(&text)?))),
            None => Vocabulary::from_json(&text).map(Self::Characters),
        }
    }
}

/// Puts a text together, symbol by symbol.
///
/// Between words stands a space, but for the punctuation that has none, and between tokens always; a character that is made of
/// several bytes or pieces is written when the last of them is there.
#[derive(Debug, Clone)]
pub struct Spelling {
    before: String,
    bytes: Utf8,
    /// The pieces whose text is not done with, and what of it is.
    pieces: Vec<u32>,
    written: String,
    /// Those of the pieces that were there when something was last written.
    done: usize,
}

impl Default for Spelling {
    fn default() -> Self {
        Self::new()
    }
}

impl Spelling {
    /// At the beginning of a text.
    pub fn new() -> Self {
        Self {
            before: Units::END_OF_LINE.to_string(),
            bytes: Utf8::default(),
            pieces: Vec::new(),
            written: String::new(),
            done: 0,
        }
    }

    /// What this symbol adds to the text, which is all of the same units.
    pub fn write(&mut self, units: &Units, symbol: u32) -> String {
        match units {
            Units::Characters(vocabulary) => vocabulary.character(symbol).to_string(),
            // What is no byte is the beginning of no character, as 0xFF.
            Units::Bytes => self.bytes.push(u8::try_from(symbol).unwrap_or(u8::MAX)),
            Units::Words(vocabulary) => {
                let word = vocabulary.word(symbol);
                let space = if is_apart(&self.before, word) {
                    " "
                } else {
                    ""
                };
                self.before = word.to_string();
                format!("{space}{word}")
            }
            Units::Tokens(vocabulary) => {
                let token = vocabulary.word(symbol);
                let is_apart = ![&self.before[..], token].contains(&Units::END_OF_LINE);
                self.before = token.to_string();
                format!("{}{token}", if is_apart { " " } else { "" })
            }
            Units::Pieces(pieces) => {
                self.pieces.push(symbol);
                let all = pieces.decode(&self.pieces);
                match all.ends_with(char::REPLACEMENT_CHARACTER) {
                    true => String::new(),
                    false => self.take(pieces, &all),
                }
            }
        }
    }

    /// What is left at the end of the text.
    pub fn finish(&mut self, units: &Units) -> String {
        match units {
            Units::Pieces(pieces) => {
                let all = pieces.decode(&self.pieces);
                self.take(pieces, &all)
            }
            Units::Bytes => self.bytes.finish(),
            Units::Characters(_) | Units::Words(_) | Units::Tokens(_) => String::new(),
        }
    }

    /// What of the text of the pieces was not written yet. The pieces before the last are kept, as
    /// how a piece is written may depend on what is before it.
    fn take(&mut self, pieces: &Pieces, all: &str) -> String {
        let new = all.strip_prefix(&self.written).unwrap_or(all).to_string();
        self.pieces.drain(..self.done);
        self.done = self.pieces.len();
        self.written = pieces.decode(&self.pieces);
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "The cat (it's mine) sat.\nThe dog, too!\n";

    #[test]
    fn words_come_back_with_their_lines() {
        let units = Units::words(TEXT, 1, None);
        let symbols = units.encode(TEXT).unwrap();
        assert_eq!(units.decode(&symbols), TEXT);
        assert_eq!(units.encode("\n").unwrap(), [units.first()]);
        assert_eq!(
            symbols
                .iter()
                .filter(|symbol| **symbol == units.first())
                .count(),
            2
        );
        let unknown = units.encode("The <unk> bird\n").unwrap();
        assert_eq!(unknown.iter().filter(|symbol| **symbol == 0).count(), 2);
        assert_eq!(units.decode(&unknown), "The <UNK> <UNK>\n");
    }

    #[test]
    fn tokens_stand_between_white_space() {
        let known = ["Mr.", "'s", "mine", "\n"].map(String::from);
        let units = Units::Tokens(WordVocabulary::of([], 1, None).with_more(known));
        let symbols = units.encode("Mr. 's\tyours\r\n\nmine").unwrap();
        assert_eq!(symbols, [1, 2, 0, 4, 4, 3]);
        assert_eq!(units.decode(&symbols), "Mr. 's <UNK>\n\nmine");
    }

    #[test]
    fn documents_begin_after_their_separator() {
        let units = Units::words(TEXT, 1, None);
        let (symbols, starts) = units.encode_documents(TEXT, "\n").unwrap();
        assert_eq!(symbols, units.encode(TEXT).unwrap());
        assert_eq!(starts, [9, 15]);
        assert!(units.encode_documents(TEXT, "").unwrap().1.is_empty());
        let units = Units::characters("a\u{e4}b--c\u{f6}--d");
        let (symbols, starts) = units.encode_documents("\u{e4}b--c\u{f6}--d", "--").unwrap();
        assert_eq!((symbols.len(), starts), (9, vec![4, 8]));
    }

    #[test]
    fn each_kind_goes_through_json() {
        let pieces = Units::Pieces(Box::new(crate::pieces::tests::pieces()));
        let characters = Units::characters(TEXT);
        let known = ["cat", "sat.", "\n"].map(String::from);
        let tokens = Units::Tokens(WordVocabulary::of([], 1, None).with_more(known));
        let words = Units::words(TEXT, 2, None);
        for units in [characters, Units::Bytes, words, tokens, pieces] {
            let again = Units::from_json(&units.to_json()).unwrap();
            assert_eq!(again.len(), units.len());
            assert_eq!(again.encode(TEXT).unwrap(), units.encode(TEXT).unwrap());
            assert_eq!(again.first(), units.first());
        }
        assert!(Units::from_json("{\"model\": 3}").is_err());
        assert!(Units::from_json("{\"bytes\": 255}").is_err());
        assert!(Units::from_json("{}").is_err());
    }

    /// Bytes are put together to a character when the last of them is there.
    #[test]
    fn pieces_and_bytes_are_written_as_they_come() {
        let pieces = Units::Pieces(Box::new(crate::pieces::tests::pieces()));
        for units in [pieces, Units::Bytes] {
            let text = "h\u{e9}llo \u{1F525}!";
            let symbols = units.encode(text).unwrap();
            let mut spelling = Spelling::new();
            let written: Vec<String> = symbols
                .iter()
                .map(|&symbol| spelling.write(&units, symbol))
                .collect();
            assert_eq!(written.concat(), text);
            assert!(written.iter().any(String::is_empty), "{written:?}");
            assert_eq!(units.decode(&symbols), text);
            // Cut within a character, what is there of it is told in the end.
            let cut = &symbols[..symbols.len() - 2];
            assert!(units.decode(cut).ends_with(char::REPLACEMENT_CHARACTER));
        }
    }
}

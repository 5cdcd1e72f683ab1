//! Sentences as a tagger reads them.

use std::collections::HashMap;

use backdraft_cells::{Error, Lengths, Size};
use burn::tensor::{Device, Int, Tensor, TensorData};

/// A batch of sentences.
#[derive(Debug, Clone)]
pub struct TaggerInput {
    /// `[batch, time]`.
    pub words: Tensor<2, Int>,
    /// The number of words of each sentence.
    pub lengths: Lengths,
    /// How the words are spelled, for a model that reads characters.
    pub spellings: Option<Spellings>,
}

/// The characters of the distinct words of a batch.
#[derive(Debug, Clone)]
pub struct Spellings {
    /// Which of the distinct words stands at each position: `[batch, time]`.
    pub word_of: Tensor<2, Int>,
    /// `[distinct words, characters]`.
    pub characters: Tensor<2, Int>,
    /// The number of characters of each distinct word.
    pub lengths: Lengths,
}

impl TaggerInput {
    /// The sentences, by the symbols of their words, padded to the longest.
    ///
    /// # Errors
    ///
    /// When no sentence has a word.
    pub fn new(sentences: &[Vec<u32>], device: &Device) -> Result<Self, Error> {
        let lengths = Lengths::new(sentences.iter().map(Vec::len).collect::<Vec<_>>());
        if lengths.max() == 0 {
            return Err(Error::new("TaggerInput", "sentences", "words", "none"));
        }
        Ok(Self {
            words: padded(sentences, device),
            lengths,
            spellings: None,
        })
    }

    /// Adds the characters of each word of each sentence. Words spelled alike are read once.
    ///
    /// # Errors
    ///
    /// When sentences or their words are not as many as before, or no word has a character.
    pub fn with_spellings(mut self, sentences: &[Vec<Vec<u32>>]) -> Result<Self, Error> {
        let expected = self.lengths.as_slice();
        let found: Vec<usize> = sentences.iter().map(Vec::len).collect();
        if expected != found {
            let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
            let what = "spelled words of each sentence";
            return Err(Error::new("TaggerInput", what, expected, found));
        }
        let (mut distinct, mut index_of) = (Vec::new(), HashMap::new());
        let mut index = |word: &Vec<u32>| {
            *index_of.entry(word.clone()).or_insert_with(|| {
                distinct.push(word.clone());
                distinct.len() as u32 - 1
            })
        };
        let word_of: Vec<Vec<u32>> = sentences
            .iter()
            .map(|sentence| sentence.iter().map(&mut index).collect())
            .collect();
        let lengths = Lengths::new(distinct.iter().map(Vec::len).collect::<Vec<_>>());
        if lengths.max() == 0 {
            return Err(Error::new("TaggerInput", "spellings", "characters", "none"));
        }
        let device = self.words.device();
        self.spellings = Some(Spellings {
            word_of: padded(&word_of, &device),
            characters: padded(&distinct, &device),
            lengths,
        });
        Ok(self)
    }

    /// Refuses parts that do not fit each other.
    pub(super) fn check(&self, name: &str) -> Result<(), Error> {
        let [batch, time] = self.words.dims();
        if batch == 0 || time == 0 {
            let expected = [Size::AtLeast(1); 2];
            return Err(Error::shape(
                name,
                "words [batch, time]",
                expected,
                [batch, time],
            ));
        }
        self.lengths.check(name, batch, time)?;
        let Some(spellings) = &self.spellings else {
            return Ok(());
        };
        if spellings.word_of.dims() != [batch, time] {
            let found = spellings.word_of.dims();
            return Err(Error::shape(
                name,
                "word_of [batch, time]",
                [batch, time],
                found,
            ));
        }
        let [distinct, longest] = spellings.characters.dims();
        if distinct == 0 || longest == 0 {
            let (expected, found) = ([Size::AtLeast(1); 2], [distinct, longest]);
            let what = "characters [distinct words, characters]";
            return Err(Error::shape(name, what, expected, found));
        }
        let lengths = spellings.lengths.check(name, distinct, longest);
        lengths.map_err(|error| error.within("spellings"))
    }
}

/// Rows of symbols, padded with 0 to the longest: `[batch, time]`.
pub fn padded(rows: &[Vec<u32>], device: &Device) -> Tensor<2, Int> {
    let time = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut symbols = Vec::with_capacity(rows.len() * time);
    for row in rows {
        symbols.extend(row.iter().map(|&symbol| symbol as i32));
        symbols.resize(symbols.len() + time - row.len(), 0);
    }
    Tensor::from_data(TensorData::new(symbols, [rows.len(), time]), device)
}

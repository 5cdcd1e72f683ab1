//! Words to symbols and back, by how often they occur.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// The words that a model knows, the most frequent first; of equal frequency, in the order of their
/// characters. Symbol 0 stands for every word that it does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Words", into = "Words")]
pub struct WordVocabulary {
    words: Vec<String>,
    symbols: HashMap<String, u32>,
}

/// A vocabulary as it is written to a file.
#[derive(Serialize, Deserialize)]
struct Words {
    words: Vec<String>,
}

impl TryFrom<Words> for WordVocabulary {
    type Error = String;

    fn try_from(file: Words) -> Result<Self, String> {
        let count = file.words.len();
        let vocabulary = Self::with(file.words);
        match vocabulary.symbols.len() == count {
            true => Ok(vocabulary),
            false => Err("expected words that differ, found one twice".to_string()),
        }
    }
}

impl From<WordVocabulary> for Words {
    fn from(vocabulary: WordVocabulary) -> Self {
        Self {
            words: vocabulary.words,
        }
    }
}

impl WordVocabulary {
    /// The symbol of every unknown word.
    pub const UNKNOWN: u32 = 0;

    /// What an unknown symbol is written as.
    pub const REPLACEMENT: &str = "<UNK>";

    /// The words that occur `at_least` so many times, and of these `at_most` so many.
    pub fn of<'a>(
        words: impl IntoIterator<Item = &'a str>,
        at_least: usize,
        at_most: Option<usize>,
    ) -> Self {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for word in words {
            *counts.entry(word).or_default() += 1;
        }
        let mut counts: Vec<(&str, usize)> = counts
            .into_iter()
            .filter(|(word, count)| {
                *count >= at_least && !word.eq_ignore_ascii_case(Self::REPLACEMENT)
            })
            .collect();
        counts.sort_unstable_by(|(a, more), (b, less)| less.cmp(more).then(a.cmp(b)));
        counts.truncate(at_most.unwrap_or(usize::MAX));
        Self::with(counts.iter().map(|(word, _)| (*word).to_string()).collect())
    }

    /// These words, and after them others that are not yet there, in their order.
    #[must_use]
    pub fn with_more(mut self, others: impl IntoIterator<Item = String>) -> Self {
        for word in others {
            let next = self.len() as u32;
            if !word.eq_ignore_ascii_case(Self::REPLACEMENT) && !self.symbols.contains_key(&word) {
                self.symbols.insert(word.clone(), next);
                self.words.push(word);
            }
        }
        self
    }

    fn with(words: Vec<String>) -> Self {
        let symbols = words.iter().cloned().zip(1..);
        Self {
            symbols: symbols.collect(),
            words,
        }
    }

    /// The number of symbols, the unknown one included.
    #[allow(
        clippy::len_without_is_empty,
        reason = "the unknown symbol is always there"
    )]
    pub fn len(&self) -> usize {
        self.words.len() + 1
    }

    /// The symbol of a word; [`UNKNOWN`](Self::UNKNOWN) if it is not known.
    pub fn symbol(&self, word: &str) -> u32 {
        self.symbols.get(word).copied().unwrap_or(Self::UNKNOWN)
    }

    /// The word of a symbol; [`REPLACEMENT`](Self::REPLACEMENT) if there is none.
    pub fn word(&self, symbol: u32) -> &str {
        let index = (symbol as usize).checked_sub(1);
        let word = index.and_then(|index| self.words.get(index));
        word.map_or(Self::REPLACEMENT, String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "the cat and the dog and the bird";

    #[test]
    fn the_most_frequent_come_first_and_the_rare_are_unknown() {
        let vocabulary = WordVocabulary::of(TEXT.split(' '), 2, None);
        assert_eq!(vocabulary.len(), 3);
        let symbols = ["the", "and", "cat"].map(|word| vocabulary.symbol(word));
        assert_eq!(symbols, [1, 2, WordVocabulary::UNKNOWN]);
        assert_eq!(vocabulary.word(2), "and");
        assert_eq!(vocabulary.word(0), WordVocabulary::REPLACEMENT);
        assert_eq!(vocabulary.word(9), WordVocabulary::REPLACEMENT);
        let few = WordVocabulary::of(TEXT.split(' '), 1, Some(3));
        assert_eq!(
            [few.word(1), few.word(2), few.word(3)],
            ["the", "and", "bird"]
        );
    }

    #[test]
    fn more_words_come_after_those_there_are() {
        let vocabulary = WordVocabulary::of(TEXT.split(' '), 2, None);
        let more = ["cat", "the", "<unk>", "cat", "bird"].map(str::to_string);
        let vocabulary = vocabulary.with_more(more);
        assert_eq!(vocabulary.len(), 5);
        let symbols = ["the", "and", "cat", "bird", "dog"].map(|word| vocabulary.symbol(word));
        assert_eq!(symbols, [1, 2, 3, 4, WordVocabulary::UNKNOWN]);
        assert_eq!(vocabulary.word(4), "bird");
    }

    #[test]
    fn it_goes_through_json_and_a_word_twice_is_refused() {
        let vocabulary = WordVocabulary::of(TEXT.split(' '), 1, None);
        let text = serde_json::to_string(&vocabulary).unwrap();
        let again: WordVocabulary = serde_json::from_str(&text).unwrap();
        assert_eq!(again, vocabulary);
        let error = serde_json::from_str::<WordVocabulary>(r#"{"words":["a","a"]}"#);
        assert!(error.unwrap_err().to_string().contains("found one twice"));
    }
}

//! Sentences of several lengths, of words of several lengths, as those of a language are.
//!
//! - A sentence is as long as the mean of two numbers from 1 to the most: a triangle, of which the middle
//!   is the most frequent.
//! - A word comes as often as Zipf's law says, so that about half of those of a batch are the same as
//!   others in it.
//! - A frequent word is short: with each doubling of the rank, a word may be a character longer. It has at
//!   least half of the characters that it may have.
//! - A tag is any.

use std::collections::HashSet;

use serde::Serialize;

use super::{LONGEST_WORD, TAGS, WORDS};
use crate::Shape;
use crate::model::VOCABULARY;
use crate::model::drawn::{BATCHES, Draws, Rows};

/// A batch of sentences.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Sentences {
    /// Of each sentence, its words.
    pub words: Rows,
    /// Of each word of each sentence, its characters.
    pub spellings: Vec<Rows>,
    /// Of each sentence, the tags of its words.
    pub tags: Rows,
}

impl Sentences {
    /// Batches of `shape.batch` sentences of up to `shape.time` words, the same at each call.
    pub fn drawn(shape: Shape) -> Vec<Self> {
        let mut draws = Draws::new(0);
        let lexicon = lexicon(&mut draws);
        let batches = (0..BATCHES).map(|_| Self::batch(shape, &lexicon, &mut draws));
        batches.collect()
    }

    fn batch(shape: Shape, lexicon: &Rows, draws: &mut Draws) -> Self {
        let mut row = |_| {
            let ends = [(); 2].map(|()| draws.within(1, shape.time));
            let length = ends.iter().sum::<usize>().div_ceil(2);
            (0..length).map(|_| draws.rank(WORDS) as u32).collect()
        };
        let words: Rows = (0..shape.batch).map(&mut row).collect();
        let spelled = |&word: &u32| lexicon[word as usize].clone();
        let spellings = words.iter().map(|row| row.iter().map(spelled).collect());
        let mut tag = |_: &u32| draws.below(TAGS) as u32;
        Self {
            spellings: spellings.collect(),
            tags: words
                .iter()
                .map(|row| row.iter().map(&mut tag).collect())
                .collect(),
            words,
        }
    }

    /// Words of all sentences.
    pub fn words(&self) -> usize {
        self.words.iter().map(Vec::len).sum()
    }

    /// Characters of the distinct words.
    pub fn distinct_characters(&self) -> usize {
        let distinct: HashSet<&Vec<u32>> = self.spellings.iter().flatten().collect();
        distinct.into_iter().map(Vec::len).sum()
    }
}

/// The characters of each word, the most frequent first.
fn lexicon(draws: &mut Draws) -> Rows {
    let word = |rank: usize| {
        let most = (2 + (rank + 1).ilog2() as usize).min(LONGEST_WORD);
        let length = draws.within(most.div_ceil(2), most);
        (0..length)
            .map(|_| draws.below(VOCABULARY) as u32)
            .collect()
    };
    (0..WORDS).map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_and_words_are_of_several_lengths() {
        let batches = Sentences::drawn("32,40,1,1".parse().unwrap());
        assert_eq!(batches, Sentences::drawn("32,40,1,1".parse().unwrap()));
        assert_eq!(batches.len(), BATCHES);
        assert_ne!(batches[0], batches[1]);
        for batch in &batches {
            let lengths: Vec<usize> = batch.words.iter().map(Vec::len).collect();
            assert_eq!(lengths.len(), 32);
            assert!(lengths.iter().all(|length| (1..=40).contains(length)));
            assert!(lengths.iter().max() > Some(&30) && lengths.iter().min() < Some(&10));

            let spelled = batch.spellings.iter().map(|sentence| sentence.len());
            assert!(spelled.eq(batch.tags.iter().map(Vec::len)));
            let words = || batch.spellings.iter().flatten();
            assert!(words().all(|word| (1..=LONGEST_WORD).contains(&word.len())));
            let characters: usize = words().map(Vec::len).sum();
            let each = characters as f64 / batch.words() as f64;
            assert!((5.0..7.0).contains(&each), "{each}");
            // A longer word is a rarer one, and read once.
            let distinct = batch.distinct_characters() as f64 / characters as f64;
            assert!((0.6..0.85).contains(&distinct), "{distinct}");
        }
        let words: usize = batches.iter().map(Sentences::words).sum();
        assert!((18..23).contains(&(words / (BATCHES * 32))), "{words}");
        let tags = batches.iter().flat_map(|batch| batch.tags.iter().flatten());
        let tags: HashSet<_> = tags.collect();
        assert_eq!(tags.len(), TAGS);
    }

    #[test]
    fn words_that_are_spelled_alike_are_counted_once() {
        let batch = Sentences {
            words: vec![vec![7, 8], vec![7]],
            spellings: vec![vec![vec![1, 2, 3], vec![4]], vec![vec![1, 2, 3]]],
            tags: vec![vec![0, 0], vec![0]],
        };
        assert_eq!([batch.words(), batch.distinct_characters()], [3, 4]);
    }
}

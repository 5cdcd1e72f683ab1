//! How far what was found is from what was right.
//!
//! ```text
//! distance(a, b) = the fewest insertions, deletions and substitutions that make b of a
//! symbol error rate = sum of distances / sum of the lengths of what was right
//! ```
//!
//! Levenshtein 1966, "Binary codes capable of correcting deletions, insertions and reversals". The
//! rate is called word, phoneme or character error rate, after what the symbols are.

use serde::{Deserialize, Serialize};

/// How what was found differs from what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Edits {
    /// Symbols that were found and should not be there.
    pub insertions: usize,
    /// Symbols that are missing.
    pub deletions: usize,
    /// Symbols in place of which another stands.
    pub substitutions: usize,
}

impl Edits {
    /// The fewest edits from `expected` to `found`. Where several ways are as short, the one with the
    /// most substitutions.
    pub fn between<T: PartialEq>(found: &[T], expected: &[T]) -> Self {
        // Of each prefix of what was found, against a prefix of what was expected that grows.
        let inserted = |insertions| Self {
            insertions,
            ..Self::default()
        };
        let mut row: Vec<Self> = (0..=found.len()).map(inserted).collect();
        for right in expected {
            let mut before = row[0];
            row[0].deletions += 1;
            for (at, own) in found.iter().enumerate() {
                let mut best = before;
                best.substitutions += usize::from(own != right);
                let mut deleted = row[at + 1];
                deleted.deletions += 1;
                let mut inserted = row[at];
                inserted.insertions += 1;
                for other in [deleted, inserted] {
                    // Fewer insertions: fewer deletions, too, and more substitutions.
                    if other.rank() < best.rank() {
                        best = other;
                    }
                }
                before = std::mem::replace(&mut row[at + 1], best);
            }
        }
        row[found.len()]
    }

    /// What the best way has least of: edits, then insertions.
    fn rank(&self) -> (usize, usize) {
        (self.distance(), self.insertions)
    }

    /// Their number.
    pub fn distance(&self) -> usize {
        self.insertions + self.deletions + self.substitutions
    }
}

/// The errors of many sequences together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EditScore {
    /// All edits.
    pub edits: Edits,
    /// All symbols of what was right.
    pub symbols: usize,
    /// The number of sequences.
    pub sequences: usize,
    /// How many of them were right in every symbol.
    pub exact: usize,
}

impl EditScore {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one more sequence.
    pub fn add<T: PartialEq>(&mut self, found: &[T], expected: &[T]) {
        let edits = Edits::between(found, expected);
        self.merge(&Self {
            edits,
            symbols: expected.len(),
            sequences: 1,
            exact: usize::from(edits.distance() == 0),
        });
    }

    /// Counts all that another has counted, too.
    pub fn merge(&mut self, other: &Self) {
        self.edits.insertions += other.edits.insertions;
        self.edits.deletions += other.edits.deletions;
        self.edits.substitutions += other.edits.substitutions;
        self.symbols += other.symbols;
        self.sequences += other.sequences;
        self.exact += other.exact;
    }

    /// Edits for each symbol of what was right; `None` where there is none. Above 1 when much more
    /// was found than was right.
    pub fn symbol_error_rate(&self) -> Option<f64> {
        (self.symbols > 0).then(|| self.edits.distance() as f64 / self.symbols as f64)
    }

    /// The part of the sequences that was right in every symbol; `None` where there is none.
    pub fn exact_match(&self) -> Option<f64> {
        (self.sequences > 0).then(|| self.exact as f64 / self.sequences as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, without a table.
    fn distance(a: &[u8], b: &[u8]) -> usize {
        let (Some((first, a_rest)), Some((second, b_rest))) = (a.split_first(), b.split_first())
        else {
            return a.len() + b.len();
        };
        let both = distance(a_rest, b_rest) + usize::from(first != second);
        let one = distance(a_rest, b).min(distance(a, b_rest)) + 1;
        both.min(one)
    }

    #[test]
    fn the_edits_are_the_fewest_there_are() {
        let words: Vec<Vec<u8>> = (0..3u32.pow(4))
            .map(|code| {
                (0..code % 5)
                    .map(|at| (code / 3u32.pow(at) % 3) as u8)
                    .collect()
            })
            .collect();
        for a in &words {
            for b in &words {
                let edits = Edits::between(a, b);
                assert_eq!(edits.distance(), distance(a, b), "{a:?} {b:?}");
                assert_eq!(b.len() + edits.insertions, a.len() + edits.deletions);
            }
        }
    }

    #[test]
    fn edits_are_told_apart() {
        let edits = |found: &str, expected: &str| {
            let edits = Edits::between(found.as_bytes(), expected.as_bytes());
            [edits.insertions, edits.deletions, edits.substitutions]
        };
        assert_eq!(edits("kitten", "sitting"), [0, 1, 2]);
        assert_eq!(edits("abc", ""), [3, 0, 0]);
        assert_eq!(edits("", "abc"), [0, 3, 0]);
        assert_eq!(edits("xabc", "abcd"), [1, 1, 0]);
        assert_eq!(edits("ab", "ba"), [0, 0, 2], "substitutions before others");
    }

    /// What was found, and what was right.
    const SENTENCES: [(&str, &str); 10] = [
        ("the cat sat on the mat", "the cat sat on the mat"),
        ("a cat sat on mat", "the cat sat on the mat today"),
        ("", "nothing was heard of it"),
        ("he said that that is so", "he said that is so"),
        ("one two two three four", "one two three four five"),
        ("ships at see", "ships at sea"),
        ("naïve façade", "naive facade"),
        ("wholly unlike anything said", "words that do not come back"),
        ("it is what it is", "is it what it was"),
        ("no yes no yes no", "yes no yes no"),
    ];

    // Of `found, right = zip(*SENTENCES)`, by jiwer 4.0.0:
    //
    //     print([(round(jiwer.wer(r, f), 6), round(jiwer.cer(r, f), 6)) for f, r in SENTENCES])
    //     print(jiwer.wer(right, found), jiwer.cer(right, found))
    const WER_AND_CER: [(f64, f64); 10] = [
        (0.0, 0.0),
        (0.428571, 0.464286),
        (1.0, 1.0),
        (0.2, 0.277778),
        (0.4, 0.391304),
        (0.333333, 0.083333),
        (1.0, 0.166667),
        (1.0, 0.777778),
        (0.6, 0.235294),
        (0.25, 0.230769),
    ];
    const OF_ALL: (f64, f64) = (0.5, 0.4153846153846154);

    #[test]
    fn word_and_character_error_rates_are_those_of_jiwer() {
        let words = |text: &'static str| text.split_whitespace().collect::<Vec<&str>>();
        let letters = |text: &'static str| text.chars().collect::<Vec<char>>();
        let (mut all_words, mut all_letters) = (EditScore::new(), EditScore::new());
        for ((found, right), (wer, cer)) in SENTENCES.into_iter().zip(WER_AND_CER) {
            let (mut of_words, mut of_letters) = (EditScore::new(), EditScore::new());
            for score in [&mut of_words, &mut all_words] {
                score.add(&words(found), &words(right));
            }
            for score in [&mut of_letters, &mut all_letters] {
                score.add(&letters(found), &letters(right));
            }
            let rates = [of_words, of_letters].map(|score| score.symbol_error_rate().unwrap());
            assert!((rates[0] - wer).abs() < 1e-6, "{found}: {rates:?}");
            assert!((rates[1] - cer).abs() < 1e-6, "{found}: {rates:?}");
        }
        let rates = [all_words, all_letters].map(|score| score.symbol_error_rate().unwrap());
        assert_eq!(rates, [OF_ALL.0, OF_ALL.1]);
    }

    #[test]
    fn rates_are_over_all_sequences_together() {
        let mut score = EditScore::new();
        assert_eq!(
            (score.symbol_error_rate(), score.exact_match()),
            (None, None)
        );
        score.add(&[1, 2, 3], &[1, 2, 3]);
        score.add(&[1], &[2]);
        score.add(&[5; 4], &[]);
        assert_eq!(score.symbol_error_rate(), Some(5.0 / 4.0));
        assert_eq!(score.exact_match(), Some(1.0 / 3.0));
    }
}

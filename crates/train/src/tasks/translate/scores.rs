//! How near translations are to what is right: of all, and by the length of the source.

use std::collections::HashMap;
use std::fmt::Write;

use backdraft_models::EditScore;

use super::bleu::bleu;
use crate::tasks::Scores;

/// Rows of the table of lengths, at most.
const BUCKETS: usize = 5;

/// What is counted, example by example.
#[derive(Debug, Default)]
pub(super) struct TranslationScores {
    all: EditScore,
    /// The length of each source, and how far off its translation is.
    by_length: Vec<(usize, EditScore)>,
    written: Vec<Vec<u32>>,
    right: Vec<Vec<u32>>,
    /// Of each unit, its number, for what compares numbers.
    numbers: HashMap<String, u32>,
}

impl TranslationScores {
    /// Counts a translation of a source of `length` units.
    pub(super) fn count(&mut self, length: usize, written: &[String], right: &[String]) {
        let mut alone = EditScore::new();
        alone.add(written, right);
        self.all.add(written, right);
        self.by_length.push((length, alone));
        let [written, right] = [written, right].map(|text| self.numbered(text));
        self.written.push(written);
        self.right.push(right);
    }

    fn numbered(&mut self, text: &[String]) -> Vec<u32> {
        let numbers = &mut self.numbers;
        let number = |unit: &String| {
            let next = numbers.len() as u32;
            *numbers.entry(unit.clone()).or_insert(next)
        };
        text.iter().map(number).collect()
    }

    /// What is told of it.
    pub(super) fn told(mut self) -> Scores {
        let mut figures = vec![
            ("word_accuracy", self.all.exact_match().unwrap_or(0.0)),
            (
                "symbol_error_rate",
                self.all.symbol_error_rate().unwrap_or(0.0),
            ),
        ];
        figures.extend(bleu(&self.written, &self.right).map(|bleu| ("bleu", bleu)));
        Scores {
            figures,
            table: self.table(),
        }
    }

    /// A row for each bucket of lengths, of about as many sources each; nothing where all are of one length.
    fn table(&mut self) -> Option<String> {
        self.by_length.sort_by_key(|(length, _)| *length);
        let count = self.by_length.len();
        // The last length of each bucket.
        let last = |bucket: usize| self.by_length[(bucket * count).div_ceil(BUCKETS) - 1].0;
        let mut ends: Vec<usize> = match count {
            0 => Vec::new(),
            _ => (1..=BUCKETS).map(last).collect(),
        };
        ends.dedup();
        if ends.len() < 2 {
            return None;
        }
        let mut table = String::from("source symbols    pairs   exact  symbol errors");
        let mut begin = 0;
        for end in ends {
            let of = self.by_length[begin..].iter();
            let of: Vec<&(usize, EditScore)> =
                of.take_while(|(length, _)| *length <= end).collect();
            let shortest = of.first().map_or(end, |(length, _)| *length);
            let lengths = match shortest == end {
                true => end.to_string(),
                false => format!("{shortest} to {end}"),
            };
            let mut sum = EditScore::new();
            of.iter().for_each(|(_, score)| sum.merge(score));
            write!(
                table,
                "\n{lengths:14}  {:7}  {:6.3}  {:13.3}",
                of.len(),
                sum.exact_match().unwrap_or(0.0),
                sum.symbol_error_rate().unwrap_or(0.0)
            )
            .expect("a string takes all");
            begin += of.len();
        }
        Some(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_string).collect()
    }

    #[test]
    fn figures_are_of_all_and_the_table_by_length() {
        let mut scores = TranslationScores::default();
        for (length, written, right) in [
            (1, "a", "a"),
            (1, "b", "a"),
            (9, "a b c d", "a b c d"),
            (7, "a b c", "a b c d"),
        ] {
            scores.count(length, &units(written), &units(right));
        }
        let told = scores.told();
        assert_eq!(told.figures[0], ("word_accuracy", 0.5));
        assert_eq!(told.figures[1], ("symbol_error_rate", 0.2));
        assert_eq!(told.figures[2].0, "bleu");
        let table = told.table.unwrap();
        let expected = [
            "source symbols    pairs   exact  symbol errors",
            "1                     2   0.500          0.500",
            "7                     1   0.000          0.250",
            "9                     1   1.000          0.000",
        ];
        assert_eq!(table.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn one_length_needs_no_table() {
        let mut scores = TranslationScores::default();
        assert!(TranslationScores::default().told().table.is_none());
        scores.count(3, &units("a"), &units("a"));
        assert!(scores.told().table.is_none());
    }
}

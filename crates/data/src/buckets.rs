//! Batches of rows of similar length, so that little of them is padding.
//!
//! ```text
//! rows     shuffled, then put in the order of their lengths: equal ones keep the order drawn
//! batches  as many rows that follow each other as fit, in an order that is drawn, too
//! ```
//!
//! Each row comes once an epoch. The same seed and epoch are the same batches.

use std::cmp::Reverse;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::DataError;

/// How much goes into a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchSize {
    /// So many rows.
    Rows(usize),
    /// As many rows as have at most so many symbols together, padding included; one row if it alone
    /// has more.
    Symbols(usize),
}

/// Rows to be grouped by length, of which each has `N`: 2 for a source and a target.
#[derive(Debug, Clone)]
pub struct Buckets<const N: usize> {
    lengths: Vec<[usize; N]>,
    size: BatchSize,
    seed: u64,
}

impl<const N: usize> Buckets<N> {
    /// Rows of these lengths, in batches of this size, shuffled from this seed.
    ///
    /// # Errors
    ///
    /// When there is no row, or the size is 0.
    pub fn new(lengths: Vec<[usize; N]>, size: BatchSize, seed: u64) -> Result<Self, DataError> {
        let (BatchSize::Rows(number) | BatchSize::Symbols(number)) = size;
        for (what, number) in [
            ("the batch size", number),
            ("the number of rows", lengths.len()),
        ] {
            if number == 0 {
                return Err(DataError::Invalid {
                    what,
                    expected: "at least 1".to_string(),
                    found: "0".to_string(),
                });
            }
        }
        Ok(Self {
            lengths,
            size,
            seed,
        })
    }

    /// The rows of each batch of epoch number `epoch`, from 0; in each the longest first.
    pub fn batches(&self, epoch: usize) -> Vec<Vec<usize>> {
        let order = self.seed ^ (epoch as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut random = StdRng::seed_from_u64(order);
        let mut rows: Vec<usize> = (0..self.lengths.len()).collect();
        rows.shuffle(&mut random);
        rows.sort_by_key(|&row| Reverse(self.lengths[row]));

        let mut batches: Vec<Vec<usize>> = Vec::new();
        let mut longest = [0; N];
        for row in rows {
            let with: [usize; N] =
                std::array::from_fn(|part| longest[part].max(self.lengths[row][part]));
            match batches.last_mut() {
                Some(batch) if self.fits(batch.len() + 1, with) => {
                    batch.push(row);
                    longest = with;
                }
                _ => {
                    batches.push(vec![row]);
                    longest = self.lengths[row];
                }
            }
        }
        batches.shuffle(&mut random);
        batches
    }

    /// Whether so many rows, the longest of which are so long, are one batch.
    fn fits(&self, rows: usize, longest: [usize; N]) -> bool {
        match self.size {
            BatchSize::Rows(most) => rows <= most,
            BatchSize::Symbols(most) => rows * longest.iter().sum::<usize>() <= most,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1000 rows of 1 to 30 symbols and targets that are about as long.
    fn lengths() -> Vec<[usize; 2]> {
        let source = |row: usize| 1 + row * 7919 % 30;
        (0..1000)
            .map(|row| [source(row), source(row) + row % 3])
            .collect()
    }

    fn padded(batch: &[usize], lengths: &[[usize; 2]]) -> usize {
        let longest = |part: usize| batch.iter().map(|&row| lengths[row][part]).max().unwrap();
        batch.len() * (longest(0) + longest(1))
    }

    #[test]
    fn every_row_comes_once_in_a_batch_of_its_like() {
        let lengths = lengths();
        let there: usize = lengths.iter().flatten().sum();
        for size in [BatchSize::Rows(16), BatchSize::Symbols(500)] {
            let batches = Buckets::new(lengths.clone(), size, 3).unwrap().batches(0);
            let mut rows = batches.concat();
            rows.sort_unstable();
            assert!(rows.into_iter().eq(0..1000), "{size:?}");
            let padded: usize = batches.iter().map(|batch| padded(batch, &lengths)).sum();
            let part = padded as f64 / there as f64;
            assert!(part < 1.05, "{size:?}: {part}");
        }
    }

    #[test]
    fn batches_are_as_large_as_they_may_be() {
        let lengths = lengths();
        let batches = |size| Buckets::new(lengths.clone(), size, 3).unwrap().batches(1);
        let by_rows = batches(BatchSize::Rows(16));
        assert_eq!(by_rows.len(), 1000usize.div_ceil(16));
        assert!(by_rows.iter().all(|batch| batch.len() <= 16));
        let by_symbols = batches(BatchSize::Symbols(500));
        let largest = by_symbols.iter().map(|batch| padded(batch, &lengths));
        assert!(largest.clone().all(|symbols| symbols <= 500));
        assert!(largest.filter(|symbols| *symbols > 430).count() + 2 > by_symbols.len());
        // Rows that are too long come alone.
        let alone = batches(BatchSize::Symbols(1));
        assert_eq!(alone.len(), 1000);
    }

    #[test]
    fn a_seed_and_an_epoch_are_one_order() {
        let buckets = |seed| Buckets::new(lengths(), BatchSize::Rows(10), seed).unwrap();
        assert_eq!(buckets(1).batches(4), buckets(1).batches(4));
        assert_ne!(buckets(1).batches(4), buckets(1).batches(5));
        assert_ne!(buckets(1).batches(4), buckets(2).batches(4));
        let first = |epoch| buckets(1).batches(epoch)[0][0];
        let firsts: std::collections::BTreeSet<usize> = (0..20).map(first).collect();
        assert!(firsts.len() > 15, "an epoch begins anywhere: {firsts:?}");
        // Rows of one length are not always beside the same others.
        let of = |epoch| {
            let batches = buckets(1).batches(epoch);
            let mut own = batches
                .into_iter()
                .find(|batch| batch.contains(&0))
                .unwrap();
            own.sort_unstable();
            own
        };
        assert_ne!(of(0), of(1));
    }

    #[test]
    fn nothing_is_refused() {
        let error = |lengths: Vec<[usize; 1]>, size| {
            Buckets::new(lengths, size, 0).unwrap_err().to_string()
        };
        let rows = BatchSize::Rows(4);
        assert_eq!(
            error(Vec::new(), rows),
            "the number of rows: expected at least 1, found 0"
        );
        for size in [BatchSize::Rows(0), BatchSize::Symbols(0)] {
            assert_eq!(
                error(vec![[1]], size),
                "the batch size: expected at least 1, found 0"
            );
        }
    }
}

//! What is taken off the counts, for what was not seen.

use serde::{Deserialize, Serialize};

/// How much is taken off a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discounting {
    /// The same off each: Kneser and Ney 1995.
    Single,
    /// Off the counts 1, 2 and above as much as each should lose: Chen and Goodman 1998.
    #[default]
    Modified,
}

impl Discounting {
    /// `D(1), D(2), D(3)`, of all counts of the n-grams of one length.
    pub(super) fn of(self, counts: &[u32]) -> [f64; 3] {
        // n_1 .. n_4
        let mut n = [0.0; 4];
        for count in counts {
            if let Some(n) = n.get_mut(*count as usize - 1) {
                *n += 1.0;
            }
        }
        let y = n[0] / (n[0] + 2.0 * n[1]);
        match self {
            Self::Single if n[0] > 0.0 && n[1] > 0.0 => [y; 3],
            Self::Single => [0.75; 3],
            Self::Modified => {
                let discount = |j: usize| j as f64 - (j + 1) as f64 * y * n[j] / n[j - 1];
                let discounts = [1, 2, 3].map(discount);
                // What is divided by 0 is no number, and not above 0.
                match n[3] > 0.0 && discounts.iter().all(|d| *d > 0.0) {
                    true => discounts,
                    false => [0.5, 1.0, 1.5],
                }
            }
        }
    }
}

/// Off this count.
pub(super) fn discount(discounts: &[f64; 3], count: u32) -> f64 {
    discounts[count.min(3) as usize - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(n: [usize; 5]) -> Vec<u32> {
        let each = n.iter().zip(1..);
        each.flat_map(|(&n, count)| vec![count; n]).collect()
    }

    #[test]
    fn discounts_are_of_counts_of_counts() {
        // Y = 10 / 20; 1 - 2/2 5/10, 2 - 3/2 3/5, 3 - 4/2 2/3
        let drawn = counts([10, 5, 3, 2, 7]);
        let modified = Discounting::Modified.of(&drawn);
        for (found, expected) in modified.iter().zip([0.5, 1.1, 5.0 / 3.0]) {
            assert!((found - expected).abs() < 1e-15);
        }
        assert_eq!(Discounting::Single.of(&drawn), [0.5; 3]);
    }

    #[test]
    fn counts_of_counts_that_are_none_have_constants() {
        for none in 0..4 {
            let mut n = [10, 5, 3, 2, 7];
            n[none] = 0;
            assert_eq!(Discounting::Modified.of(&counts(n)), [0.5, 1.0, 1.5]);
            if none < 2 {
                assert_eq!(Discounting::Single.of(&counts(n)), [0.75; 3]);
            }
        }
        // D(2) = 2 - 3/2 9/5 is below 0.
        let modified = Discounting::Modified.of(&counts([10, 5, 9, 2, 7]));
        assert_eq!(modified, [0.5, 1.0, 1.5]);
        assert_eq!(Discounting::Single.of(&[]), [0.75; 3]);
    }
}

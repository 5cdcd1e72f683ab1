//! Labels from the symbols' probabilities at each step, on the host.
//!
//! ```text
//! greedy:    what the likeliest path reads as
//! beam:      the likeliest labels, of the `width` likeliest beginnings kept at each step
//! ```
//!
//! Graves et al. 2006; the beam is a [`PrefixBeam`] without a language model.

use backdraft_cells::Error;
use serde::{Deserialize, Serialize};

use super::{BLANK, Labeling, PrefixBeam, check_steps};

const NAME: &str = "CtcDecoding";

/// How labels are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CtcDecoding {
    /// What the likeliest path reads as.
    #[default]
    Greedy,
    /// The likeliest labels, whatever their paths.
    Beam {
        /// The beginnings kept at each step.
        width: usize,
    },
}

impl CtcDecoding {
    /// A beam of this width; of 1, the greedy way.
    pub fn of_width(width: usize) -> Self {
        match width {
            1 => Self::Greedy,
            width => Self::Beam { width },
        }
    }

    /// The labels of `log_p`: `ln p_t(k)`, step after step, of `symbols` symbols. None where nothing is
    /// possible.
    ///
    /// # Errors
    ///
    /// When nothing would be kept, there is no symbol, or a step has not all symbols.
    pub fn labels(self, log_p: &[f64], symbols: usize) -> Result<Vec<u32>, Error> {
        let mut found = self.best(log_p, symbols, 1)?.into_iter();
        Ok(found.next().map_or_else(Vec::new, |best| best.labels))
    }

    /// The `best` likeliest labelings of `log_p`, the likeliest first: fewer where there are not as many.
    /// The greedy one has the `ln p` of its likeliest path alone.
    ///
    /// # Errors
    ///
    /// As [`labels`](Self::labels); when none is wanted, or more than are kept: a greedy search keeps one.
    pub fn best(self, log_p: &[f64], symbols: usize, best: usize) -> Result<Vec<Labeling>, Error> {
        match self {
            Self::Beam { width } => PrefixBeam::new(width)
                .with_best(best)
                .search(log_p, symbols),
            Self::Greedy => {
                check_steps(NAME, log_p, symbols)?;
                if best != 1 {
                    let expected = "1, as a greedy search finds one";
                    return Err(Error::new(
                        NAME,
                        "number of labelings wanted",
                        expected,
                        best,
                    ));
                }
                let found = greedy(log_p, symbols);
                // As in a beam, what is impossible is not found.
                let is_possible = found.log_p > f64::NEG_INFINITY;
                Ok(is_possible.then_some(found).into_iter().collect())
            }
        }
    }
}

fn greedy(log_p: &[f64], symbols: usize) -> Labeling {
    let mut path: Vec<u32> = log_p.chunks(symbols).map(likeliest).collect();
    let of_steps = log_p.chunks(symbols).zip(&path);
    let log_p = of_steps
        .map(|(log_p, symbol)| log_p[*symbol as usize])
        .sum();
    path.dedup();
    path.retain(|&symbol| symbol != BLANK);
    Labeling {
        labels: path,
        log_p,
        score: log_p,
    }
}

fn likeliest(log_p: &[f64]) -> u32 {
    // NaN is impossible, as minus infinity is.
    let possible = |at: usize| log_p[at].max(f64::NEG_INFINITY);
    let better = |best, at| {
        if possible(at) > possible(best) {
            at
        } else {
            best
        }
    };
    (0..log_p.len()).fold(0, better) as u32
}

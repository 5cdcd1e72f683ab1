//! Labels from the symbols' probabilities at each step, on the host.
//!
//! ```text
//! greedy:    what the likeliest path reads as
//! beam:      the likeliest labels, of the `width` likeliest beginnings kept at each step
//!
//! a beginning l ends in a blank, or in its last label:
//! b_t(l) = p_t(b) (b_{t-1}(l) + n_{t-1}(l))
//! n_t(l) = p_t(l_S) n_{t-1}(l)                                                  the same again
//!        + p_t(l_S) (b_{t-1}(l') + [l_S is not the last of l'] n_{t-1}(l'))     l = l' l_S
//! ```
//!
//! Greedy decoding and the sum over paths: Graves et al. 2006. The beam: Hannun et al. 2014,
//! "First-pass large vocabulary continuous speech recognition using bi-directional recurrent DNNs",
//! arXiv 1408.2873, without a language model.

use std::collections::BTreeMap;

use backdraft_cells::Error;
use serde::{Deserialize, Serialize};

use crate::ctc::{BLANK, log_add};

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
    /// The labels of `log_p`: `ln p_t(k)`, step after step, of `symbols` symbols.
    ///
    /// # Errors
    ///
    /// When nothing would be kept, there is no symbol, or a step has not all symbols.
    pub fn labels(self, log_p: &[f64], symbols: usize) -> Result<Vec<u32>, Error> {
        let name = "CtcDecoding";
        Error::unless_positive(name, "symbols", symbols)?;
        if !log_p.len().is_multiple_of(symbols) {
            let expected = format!("{symbols} for each step");
            return Err(Error::new(name, "probabilities", expected, log_p.len()));
        }
        match self {
            Self::Greedy => Ok(greedy(log_p, symbols)),
            Self::Beam { width } => {
                Error::unless_positive(name, "width of the beam", width)?;
                Ok(beam(log_p, symbols, width))
            }
        }
    }
}

fn greedy(log_p: &[f64], symbols: usize) -> Vec<u32> {
    let mut path: Vec<u32> = log_p.chunks(symbols).map(likeliest).collect();
    path.dedup();
    path.retain(|&symbol| symbol != BLANK);
    path
}

fn likeliest(log_p: &[f64]) -> u32 {
    let better = |best, at| if log_p[at] > log_p[best] { at } else { best };
    (0..log_p.len()).fold(0, better) as u32
}

/// How likely a beginning is.
#[derive(Clone, Copy)]
struct Beginning {
    /// `ln b_t`.
    blank: f64,
    /// `ln n_t`.
    label: f64,
}

impl Beginning {
    const NEVER: Self = Self {
        blank: f64::NEG_INFINITY,
        label: f64::NEG_INFINITY,
    };

    fn total(&self) -> f64 {
        log_add(self.blank, self.label)
    }
}

fn beam(log_p: &[f64], symbols: usize, width: usize) -> Vec<u32> {
    let empty = Beginning {
        blank: 0.0,
        ..Beginning::NEVER
    };
    let mut kept = vec![(Vec::new(), empty)];
    for log_p in log_p.chunks(symbols) {
        // In the order of labels, so that ties end the same each time.
        let mut next: BTreeMap<Vec<u32>, Beginning> = BTreeMap::new();
        for (labels, was) in &kept {
            let same = next.entry(labels.clone()).or_insert(Beginning::NEVER);
            same.blank = log_add(same.blank, was.total() + log_p[BLANK as usize]);
            let last = labels.last().copied();
            if let Some(last) = last {
                same.label = log_add(same.label, was.label + log_p[last as usize]);
            }
            for label in 1..symbols as u32 {
                let from = match last == Some(label) {
                    true => was.blank,
                    false => was.total(),
                };
                let longer = [labels.as_slice(), &[label]].concat();
                let longer = next.entry(longer).or_insert(Beginning::NEVER);
                longer.label = log_add(longer.label, from + log_p[label as usize]);
            }
        }
        kept = next.into_iter().collect();
        kept.sort_by(|(_, a), (_, b)| b.total().total_cmp(&a.total()));
        kept.truncate(width);
    }
    kept.into_iter()
        .next()
        .map(|(labels, _)| labels)
        .unwrap_or_default()
}

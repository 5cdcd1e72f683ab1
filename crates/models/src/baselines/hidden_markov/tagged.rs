//! A model whose states are known in the data, such as the tags of words: it is learned by counting.
//!
//! ```text
//! pi_i   = (sequences that begin with i + a) / (sequences + K a)
//! A_{ij} = (j after i + a) / (i before anything + K a)
//! B_{iv} = (v tagged i + b) / (i + V b)                 a, b: smoothing
//! ```

use backdraft_cells::Error;
use serde::{Deserialize, Serialize};

use super::{Categorical, HMM, Hmm, categorical, simplex};

/// What is added to each count (Lidstone 1920; 1 is Laplace's rule), so that what was never seen is not
/// impossible.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CountSmoothing {
    /// To those of beginnings and transitions, `a`. Default: 1.
    pub transitions: f64,
    /// To those of symbols, `b`. Default: 1.
    pub symbols: f64,
}

impl Default for CountSmoothing {
    fn default() -> Self {
        Self {
            transitions: 1.0,
            symbols: 1.0,
        }
    }
}

impl Hmm<Categorical> {
    /// The model of `states` tags and `symbols` symbols in which these sequences of symbols and their
    /// tags are likeliest, smoothed. A missing symbol counts for its tag's transitions only. A tag that
    /// was never seen is followed by all tags alike and emits all symbols alike, without smoothing too.
    ///
    /// [`viterbi`](Self::viterbi) then tags; a symbol that is not known is given to it as missing.
    ///
    /// # Errors
    ///
    /// When there are no states or no symbols, a sequence has not as many tags as symbols, one of
    /// either is out of range, or smoothing is below 0.
    pub fn fit_tagged<S, T>(
        [states, symbols]: [usize; 2],
        sequences: &[(S, T)],
        smoothing: CountSmoothing,
    ) -> Result<Self, Error>
    where
        S: AsRef<[Option<u32>]>,
        T: AsRef<[usize]>,
    {
        Error::unless_positive(HMM, "states", states)?;
        Error::unless_positive(HMM, "symbols", symbols)?;
        for amount in [smoothing.transitions, smoothing.symbols] {
            if !amount.is_finite() || amount < 0.0 {
                return Err(Error::new(HMM, "smoothing", "at least 0", amount));
            }
        }
        let mut start = vec![smoothing.transitions; states];
        let mut transitions = vec![vec![smoothing.transitions; states]; states];
        let mut emitted = vec![vec![smoothing.symbols; symbols]; states];
        for (index, (observed, tags)) in sequences.iter().enumerate() {
            let (observed, tags) = (observed.as_ref(), tags.as_ref());
            let of = |error: Error| error.within(format!("sequence {index}"));
            if observed.len() != tags.len() {
                return Err(of(Error::new(HMM, "tags", observed.len(), tags.len())));
            }
            if let Some(tag) = tags.iter().find(|tag| **tag >= states) {
                return Err(of(Error::new(HMM, "tag", format!("below {states}"), tag)));
            }
            for (observation, tag) in observed.iter().zip(tags) {
                categorical::check(*observation, symbols).map_err(of)?;
                if let Some(symbol) = observation {
                    emitted[*tag][*symbol as usize] += 1.0;
                }
            }
            if let Some(tag) = tags.first() {
                start[*tag] += 1.0;
            }
            for pair in tags.windows(2) {
                transitions[pair[0]][pair[1]] += 1.0;
            }
        }
        let row = |counts: Vec<f64>| {
            simplex::likeliest(&counts, 0.0)
                .unwrap_or_else(|| vec![1.0 / counts.len() as f64; counts.len()])
        };
        let rows = |counts: Vec<Vec<f64>>| counts.into_iter().map(row).collect();
        let emission = Categorical::new(rows(emitted))?;
        Self::new(row(start), rows(transitions), emission)
    }
}

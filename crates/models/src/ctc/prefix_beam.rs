//! Prefix beam search: the likeliest labels, whatever their paths, alone or with a language model.
//!
//! ```text
//! a beginning l ends in a blank, or in its last label:
//! b_t(l) = p_t(b) (b_{t-1}(l) + n_{t-1}(l))
//! n_t(l) = p_t(l_S) n_{t-1}(l)                                                  the same again
//!        + p_t(l_S) (b_{t-1}(l') + [l_S is not the last of l'] n_{t-1}(l'))     l = l' l_S
//!
//! score_t(l) = ln(b_t(l) + n_t(l)) + w ln p_LM(l) + c |l|        p_LM of all labels that l begins with
//! score(l)   = ln(b_T(l) + n_T(l)) + w ln p_LM(l, no more) + c |l|
//! ```
//!
//! The `width` best are kept at each step. The search without a language model, and with one of words: Hannun et
//! al. 2014, "First-pass large vocabulary continuous speech recognition using bi-directional recurrent
//! DNNs", arXiv 1408.2873; Graves 2012, "Supervised sequence labelling with recurrent neural networks",
//! section 7.5. `p_LM` of labels is the shallow fusion of Gulcehre et al. 2015, arXiv 1503.03535.

mod search;

use backdraft_cells::Error;

use super::{LabelModel, check_steps};
use search::Search;

const NAME: &str = "PrefixBeam";

/// A search for the best labels.
///
/// ```
/// use backdraft_models::PrefixBeam;
///
/// # fn main() -> Result<(), backdraft_cells::Error> {
/// // Two steps of a blank and a label: the likeliest path has no label, but more paths read as 1.
/// let log_p = [0.6_f64, 0.4, 0.6, 0.4].map(f64::ln);
/// let found = PrefixBeam::new(4).with_best(2).search(&log_p, 2)?;
/// assert_eq!(found[0].labels, [1]);
/// assert!((found[0].log_p - 0.64_f64.ln()).abs() < 1e-12);
/// assert!(found[1].labels.is_empty());
/// # Ok(())
/// # }
/// ```
#[doc(alias = "CTCDecoder")]
#[derive(Debug, Clone, PartialEq)]
pub struct PrefixBeam<M = ()> {
    /// The beginnings that are kept at each step.
    pub width: usize,
    /// The number of labelings that are wanted; 1 by default.
    pub best: usize,
    /// The language model; by default `()`, which knows nothing.
    pub model: M,
    /// `w`, the weight of the language model. Impossible labels stay impossible at any weight.
    pub weight: f64,
    /// `c`, what a score gains with each label; 0 by default. Above 0 it makes up for a language model,
    /// which favours what is short.
    pub bonus: f64,
}

/// Labels that may have been meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Labeling {
    /// The labels.
    pub labels: Vec<u32>,
    /// `ln p(labels | x)`, without a language model, of the paths that the search followed: all of them
    /// if the beam was wide enough, fewer else.
    pub log_p: f64,
    /// What labelings are ranked by.
    pub score: f64,
}

impl PrefixBeam {
    /// The likeliest labels, of as many beginnings kept at each step.
    pub fn new(width: usize) -> Self {
        Self {
            width,
            best: 1,
            model: (),
            weight: 0.0,
            bonus: 0.0,
        }
    }
}

impl<M: LabelModel> PrefixBeam<M> {
    /// Sets the number of labelings that are wanted.
    #[must_use]
    pub fn with_best(mut self, best: usize) -> Self {
        self.best = best;
        self
    }

    /// Sets the language model, which may be a reference to one, and its weight.
    #[must_use]
    pub fn with_model<N: LabelModel>(self, model: N, weight: f64) -> PrefixBeam<N> {
        PrefixBeam {
            width: self.width,
            best: self.best,
            model,
            weight,
            bonus: self.bonus,
        }
    }

    /// Sets what a score gains with each label.
    #[must_use]
    pub fn with_bonus(mut self, bonus: f64) -> Self {
        self.bonus = bonus;
        self
    }

    /// The best labelings of `log_p`: `ln p_t(k)`, step after step, of `symbols` symbols. The best is
    /// first; of those that are equally good, the first in the order of a dictionary.
    ///
    /// There are fewer than wanted where not as many are possible: none at all where each path has a
    /// probability of 0 or NaN, or where the language model allows none of what was kept to the end.
    ///
    /// # Errors
    ///
    /// When nothing would be kept, none is wanted or more than are kept, a weight is not finite, that of
    /// the language model is below 0, or it was made for other symbols; when there is no symbol, or a
    /// step has not all symbols.
    pub fn search(&self, log_p: &[f64], symbols: usize) -> Result<Vec<Labeling>, Error> {
        check_steps(NAME, log_p, symbols)?;
        self.check(symbols)?;
        let mut search = Search::new(self, symbols);
        for log_p in log_p.chunks(symbols) {
            search.step(log_p);
        }
        Ok(search.finish())
    }

    fn check(&self, symbols: usize) -> Result<(), Error> {
        Error::unless_positive(NAME, "width of the beam", self.width)?;
        Error::unless_positive(NAME, "number of labelings wanted", self.best)?;
        if self.best > self.width {
            let expected = format!("at most {}, the width of the beam", self.width);
            let what = "number of labelings wanted";
            return Err(Error::new(NAME, what, expected, self.best));
        }
        if !(self.weight.is_finite() && self.weight >= 0.0) {
            let expected = "a finite number of at least 0";
            let what = "weight of the language model";
            return Err(Error::new(NAME, what, expected, self.weight));
        }
        if !self.bonus.is_finite() {
            return Err(Error::new(NAME, "bonus", "a finite number", self.bonus));
        }
        self.model
            .check(symbols)
            .map_err(|error| error.within(NAME))
    }

    /// `w ln p`.
    fn weighted(&self, log_p: f64) -> f64 {
        match log_p > f64::NEG_INFINITY {
            true => self.weight * log_p,
            false => f64::NEG_INFINITY,
        }
    }
}

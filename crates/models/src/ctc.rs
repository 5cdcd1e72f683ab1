//! Labels of a sequence of which nobody knows at which steps they stand: connectionist temporal
//! classification.
//!
//! A path has a symbol at each step, a label or the blank `b`. It reads as the labels that are left
//! when symbols that repeat are taken once and then blanks are taken out: `b 3 3 b 3 5` is `3 3 5`.
//!
//! ```text
//! p(path | x) = p_1(path_1) .. p_T(path_T)
//! p(l | x)    = sum over all paths that read as l
//! ```
//!
//! Graves et al. 2006, "Connectionist temporal classification: labelling unsegmented sequence data
//! with recurrent neural networks".
//!
//! Burn has a CTC loss, too. That of burn-nn 0.22.1 is differentiated through the tensor operations of each step, and
//! takes several times as long (`cargo bench -p backdraft-benches --bench ctc` measures both). And its gradient
//! is wrong where two ways are exactly as likely: of one label in three steps, all scores being 0, the scores of
//! the first step have 0.5 (the blank) and -0.5, where the derivative is 0. In a row of an infinite loss it is not 0.

use backdraft_cells::Error;

mod decoding;
mod label_model;
mod loss;
mod paths;
mod prefix_beam;
mod trie;
mod wide;
mod word_list;

pub use decoding::CtcDecoding;
pub use label_model::LabelModel;
pub use loss::{CtcLoss, ctc_loss};
pub use prefix_beam::{Labeling, PrefixBeam};
pub use word_list::WordList;

/// The symbol that is no label.
pub const BLANK: u32 = 0;

/// The steps that labels need at least: one each, and a blank between two that are the same.
pub fn steps_needed(target: &[u32]) -> usize {
    let same = target.windows(2).filter(|pair| pair[0] == pair[1]).count();
    target.len() + same
}

/// Refuses `ln p_t(k)` that are not of whole steps of `symbols` symbols.
fn check_steps(name: &str, log_p: &[f64], symbols: usize) -> Result<(), Error> {
    Error::unless_positive(name, "symbols", symbols)?;
    if !log_p.len().is_multiple_of(symbols) {
        let expected = format!("{symbols} for each step");
        return Err(Error::new(name, "probabilities", expected, log_p.len()));
    }
    Ok(())
}

//! What the evaluations of a training so far say about how it goes on.
//!
//! ```text
//! plateau (n):    the last n did not improve on the best; then counted anew
//! early stop (n): the last n did not improve on the best
//! NT-ASGD (n):    the last is worse than the best of all but the n before it
//! ```
//!
//! NT-ASGD: Merity, Keskar and Socher 2018, arXiv 1708.02182, algorithm 1.

use serde::{Deserialize, Serialize};

/// The losses of the evaluations so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History(Vec<f64>);

impl History {
    /// Takes note of an evaluation.
    pub(crate) fn push(&mut self, loss: f64) {
        self.0.push(loss);
    }

    /// Evaluations since the best.
    pub(crate) fn since_best(&self) -> usize {
        self.in_vain(usize::MAX).0
    }

    /// Whether the last evaluation ends a plateau of `patience`.
    pub(crate) fn ends_plateau(&self, patience: usize) -> bool {
        self.in_vain(patience).1
    }

    /// Whether averaging is to begin after the last evaluation, which looks back over `after`.
    pub(crate) fn is_non_monotonic(&self, after: usize) -> bool {
        let Some((last, before)) = self.0.split_last() else {
            return false;
        };
        let before = &before[..before.len().saturating_sub(after)];
        before.iter().any(|loss| loss < last) || (!before.is_empty() && !last.is_finite())
    }

    /// Evaluations in a row without improvement, counted anew after `patience` of them; and whether
    /// the last one was the last of these.
    fn in_vain(&self, patience: usize) -> (usize, bool) {
        let (mut best, mut in_vain, mut ended) = (f64::INFINITY, 0, false);
        for &loss in &self.0 {
            if loss < best {
                (best, in_vain, ended) = (loss, 0, false);
                continue;
            }
            in_vain += 1;
            ended = in_vain == patience;
            if ended {
                in_vain = 0;
            }
        }
        (in_vain, ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_each(losses: &[f64], ask: impl Fn(&History) -> bool) -> Vec<bool> {
        let mut history = History::default();
        let tell = |loss: &f64| {
            history.push(*loss);
            ask(&history)
        };
        losses.iter().map(tell).collect()
    }

    #[test]
    fn a_plateau_ends_after_its_patience_and_begins_anew() {
        let losses = [3.0, 2.0, 2.5, 2.0, 2.1, 2.2, 1.9, f64::NAN];
        let found = after_each(&losses, |history| history.ends_plateau(2));
        let expected = [false, false, false, true, false, true, false, false];
        assert_eq!(found, expected);
        let stops = after_each(&losses, |history| history.since_best() >= 4);
        assert_eq!(
            stops,
            [false, false, false, false, false, true, false, false]
        );
    }

    #[test]
    fn averaging_begins_when_the_loss_is_worse_than_long_ago() {
        let losses = [3.0, 2.0, 2.5, 2.4, 2.3, 1.5];
        let found = after_each(&losses, |history| history.is_non_monotonic(2));
        assert_eq!(found, [false, false, false, false, true, false]);
        assert!(after_each(&[1.0, 2.0], |history| history.is_non_monotonic(0))[1]);
    }
}

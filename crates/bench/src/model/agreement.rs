//! Whether both sides compute the same.

use serde::Serialize;

use super::ModelSetup;
use crate::{BenchError, ModelContender, ModelStep};

/// Steps of training after which the losses are still to be the same.
pub(crate) const STEPS: usize = 10;

/// What part of it a loss may differ by: some times what rounding makes of it in [`STEPS`] steps on the
/// CPU, which is told, and less than leaving out the clipping does. Adam undoes most of a factor on the
/// gradient, so that is little.
pub(crate) const TOLERANCE: f64 = 2e-6;

/// The losses of both sides over some steps of training, from the same weights on the same symbols.
#[derive(Debug, Clone, Serialize)]
pub struct Agreement {
    /// Ours, in nats.
    pub losses: Vec<f64>,
    /// The other's, in nats.
    pub against_losses: Vec<f64>,
    /// The largest difference, in nats.
    pub difference: f64,
}

impl Agreement {
    /// Trains both, which are to have the same weights.
    pub(super) fn measure<S: ModelSetup>(
        ours: &mut ModelStep<S>,
        theirs: &mut dyn ModelContender<S>,
    ) -> Result<Self, BenchError> {
        let losses = ours.losses(STEPS)?;
        let against_losses = theirs.losses(STEPS)?;
        Self::of(losses, theirs.name(), against_losses)
    }

    /// Lays the losses side by side.
    ///
    /// # Errors
    ///
    /// When they are not the same: the first step in which they differ.
    pub fn of(
        losses: Vec<f64>,
        against: &str,
        against_losses: Vec<f64>,
    ) -> Result<Self, BenchError> {
        let pairs = || losses.iter().zip(&against_losses);
        let difference = |(ours, theirs): (&f64, &f64)| (ours - theirs).abs();
        let first = pairs().position(|pair| {
            let part = difference(pair) / pair.1.abs();
            part.is_nan() || part > TOLERANCE
        });
        if let Some(step) = first {
            return Err(BenchError::Disagreement {
                against: against.to_string(),
                step: step + 1,
                expected: against_losses[step],
                found: losses[step],
            });
        }
        Ok(Self {
            difference: pairs().map(difference).fold(0.0, f64::max),
            losses,
            against_losses,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_difference_is_told_and_a_large_one_refused() {
        let agreement = Agreement::of(vec![4.0, 3.0], "other", vec![4.000_001, 2.999_995]).unwrap();
        assert!((agreement.difference - 5e-6).abs() < 1e-9);
        for wrong in [3.01, f64::NAN] {
            let error = Agreement::of(vec![4.0, wrong], "other", vec![4.0, 3.0]).unwrap_err();
            let told = error.to_string();
            assert!(told.contains("step 2") && told.contains("other"), "{told}");
        }
    }
}

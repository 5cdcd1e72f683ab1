//! What is learned beside the cross-entropy, in training alone.
//!
//! ```text
//! smoothing:  e (mean_v(-ln p(v)) - (-ln p(x)))       the target is right with 1 - e, and with
//!             = e (s_x - mean_v(s_v))                 e / V every symbol; s are the scores
//! AR:         alpha mean(m . h^2)                     outputs after dropout, m
//! TAR:        beta  mean((h_t - h_{t-1})^2)           outputs before it
//! ```
//!
//! Label smoothing: Szegedy et al. 2016, arXiv 1512.00567. AR and TAR: Merity, McCann and Socher
//! 2017, arXiv 1708.01009.

use backdraft_cells::{Error, activation_penalty, temporal_activation_penalty};
use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::log_probability::at;

/// The weights of the terms that are added to the cross-entropy in training; all 0 by default.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Penalties {
    /// The part of the target that every symbol shares.
    pub label_smoothing: f64,
    /// The weight of what large outputs cost (AR).
    pub activation: f64,
    /// The weight of what quickly changing outputs cost (TAR).
    pub temporal_activation: f64,
}

impl Penalties {
    pub(crate) fn check(&self, layer: &str) -> Result<(), Error> {
        if !(0.0..1.0).contains(&self.label_smoothing) {
            let expected = "at least 0 and below 1";
            let found = self.label_smoothing;
            return Err(Error::new(layer, "label smoothing", expected, found));
        }
        let weights = [
            ("activation penalty", self.activation),
            ("temporal activation penalty", self.temporal_activation),
        ];
        for (what, weight) in weights {
            if !(weight.is_finite() && weight >= 0.0) {
                return Err(Error::new(layer, what, "at least 0", weight));
            }
        }
        Ok(())
    }

    /// What smoothing adds to the mean of the nats: of scores `[positions, symbols]` and targets.
    pub(crate) fn smoothing(
        &self,
        scores: Tensor<2>,
        targets: Tensor<1, Int>,
    ) -> Option<Tensor<1>> {
        let part = self.label_smoothing;
        (part > 0.0).then(|| (at(scores.clone(), targets).mean() - scores.mean()) * part)
    }

    /// AR of what goes on from dropout, and TAR of what went into it.
    pub(crate) fn activations(
        &self,
        before: &Tensor<3>,
        after: &Tensor<3>,
    ) -> Result<Option<Tensor<1>>, Error> {
        let ar = match self.activation {
            0.0 => None,
            weight => Some(activation_penalty(after.clone(), None)? * weight),
        };
        let tar = match self.temporal_activation {
            0.0 => None,
            weight => Some(temporal_activation_penalty(before.clone(), None)? * weight),
        };
        Ok(sum([ar, tar]))
    }
}

/// The sum of what is there.
pub(crate) fn sum<const N: usize>(terms: [Option<Tensor<1>>; N]) -> Option<Tensor<1>> {
    terms.into_iter().flatten().reduce(|sum, term| sum + term)
}

//! What a user asks for.

use backdraft_cells::Error;
use serde::{Deserialize, Serialize};

use super::{Gaussian, GaussianEstimate, HMM, check};
use crate::baselines::hidden_markov::emission::EmissionConfig;

/// Which covariances a Gaussian has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covariance {
    /// Features are independent, given the state.
    #[default]
    Diagonal,
    /// Any.
    Full,
}

/// Configuration of [`Gaussian`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GaussianConfig {
    /// Numbers a step, `D`.
    pub features: usize,
    /// Which covariances. Default: diagonal.
    pub covariance: Covariance,
    /// What no variance may be below, in any direction, in units of each feature's variance over all
    /// the data (1, of a feature that never varies): else a state may settle on one point, where the
    /// likelihood is infinite. Default: 1e-3, hmmlearn's `min_covar`. At 0, covariances are the
    /// likeliest.
    pub floor: f64,
}

impl GaussianConfig {
    /// `features` numbers a step, of diagonal covariance.
    pub fn new(features: usize) -> Self {
        Self {
            features,
            covariance: Covariance::Diagonal,
            floor: 1e-3,
        }
    }

    /// Sets which covariances.
    #[must_use]
    pub fn with_covariance(mut self, covariance: Covariance) -> Self {
        self.covariance = covariance;
        self
    }

    /// Sets what no variance may be below, in units of each feature's.
    #[must_use]
    pub fn with_floor(mut self, floor: f64) -> Self {
        self.floor = floor;
        self
    }
}

impl EmissionConfig for GaussianConfig {
    type Emission = Gaussian;
    type Estimate = GaussianEstimate;

    fn estimate(
        &self,
        states: usize,
        sequences: &[Vec<Vec<Option<f64>>>],
    ) -> Result<GaussianEstimate, Error> {
        Error::unless_positive(HMM, "features", self.features)?;
        if !self.floor.is_finite() || self.floor < 0.0 {
            return Err(Error::new(
                HMM,
                "floor of variances",
                "at least 0",
                self.floor,
            ));
        }
        for (index, sequence) in sequences.iter().enumerate() {
            for (step, observation) in sequence.iter().enumerate() {
                let of = |error: Error| error.within(format!("sequence {index}: step {step}"));
                check(observation, self.features).map_err(of)?;
            }
        }
        Ok(GaussianEstimate::new(self, states, sequences))
    }
}

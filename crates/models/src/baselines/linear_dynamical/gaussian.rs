//! A normal distribution of some features together.

use serde::{Deserialize, Serialize};

use crate::Predictive;
use crate::baselines::cholesky::Cholesky;
use crate::baselines::matrix::{Matrix, sum};
use crate::distribution::normal;

/// `N(mean, covariance)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gaussian {
    /// The mean of each.
    pub mean: Vec<f64>,
    /// Their covariance.
    pub covariance: Matrix,
}

impl Gaussian {
    /// The variance of each.
    pub fn variances(&self) -> Vec<f64> {
        self.covariance.diagonal_values()
    }

    /// The distribution of one feature by itself.
    ///
    /// # Panics
    ///
    /// When there is no such feature.
    pub fn marginal(&self, feature: usize) -> Predictive {
        Predictive::Gaussian {
            mean: self.mean[feature],
            deviation: self.covariance[(feature, feature)].max(0.0).sqrt(),
        }
    }

    /// The number that one feature is below or equal with the probability `level`; not a number when
    /// `level` is not in `0..=1`.
    ///
    /// # Panics
    ///
    /// As [`marginal`](Self::marginal).
    pub fn quantile(&self, feature: usize, level: f64) -> f64 {
        self.marginal(feature).quantile(level)
    }

    /// The central interval that holds one feature with this probability: `(low, high)`.
    ///
    /// # Panics
    ///
    /// As [`marginal`](Self::marginal).
    pub fn interval(&self, feature: usize, probability: f64) -> (f64, f64) {
        let tail = 0.5 * (1.0 - probability);
        (
            self.quantile(feature, tail),
            self.quantile(feature, 1.0 - tail),
        )
    }

    /// `mean + L e` of independent standard normal `e`; nothing if the covariance is none.
    pub(super) fn sample(&self, random: &mut impl rand::Rng) -> Option<Vec<f64>> {
        let factor = Cholesky::new(&self.covariance)?;
        let noise: Vec<f64> = self.mean.iter().map(|_| normal::draw(random)).collect();
        Some(sum(&self.mean, &factor.lower().apply(&noise)))
    }
}

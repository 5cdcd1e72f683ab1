//! What a step to come may be: a mixture of the states' normal distributions.
//!
//! ```text
//! p(x) = sum_i w_i N(x; mu_i, S_i)
//! mean m = sum_i w_i mu_i        covariance sum_i w_i (S_i + (mu_i - m)(mu_i - m)')
//!
//! of one feature   F(x) = sum_i w_i Phi((x - mu_i) / sigma_i)
//! CRPS = sum_i w_i a(x - mu_i, sigma_i^2) - sum_ij w_i w_j a(mu_i - mu_j, sigma_i^2 + sigma_j^2) / 2
//! a(e, v) = e (2 Phi(e / sqrt v) - 1) + 2 sqrt(v) phi(e / sqrt v)             E|e + sqrt(v) z|
//! ```
//!
//! CRPS: Grimit, Gneiting, Berrocal and Johnson 2006, "The continuous ranked probability score for
//! circular variables and its application to mesoscale forecast ensemble verification".

use backdraft_cells::Error;
use rand::Rng;

use super::{Emission as _, Gaussian, simplex};
use crate::crf::chain::log_sum_exp;
use crate::distribution::normal;

/// A mixture of the normal distributions of a model's states.
#[derive(Debug, Clone)]
pub struct GaussianMixture<'a> {
    /// `w`: the states' probabilities.
    weights: Vec<f64>,
    gaussian: &'a Gaussian,
}

impl<'a> GaussianMixture<'a> {
    pub(super) fn new(weights: Vec<f64>, gaussian: &'a Gaussian) -> Self {
        Self { weights, gaussian }
    }

    /// `w`: one a state.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// What is mixed: means and covariances, one a state.
    pub fn gaussian(&self) -> &'a Gaussian {
        self.gaussian
    }

    /// The mean of each feature.
    pub fn mean(&self) -> Vec<f64> {
        let mut mean = vec![0.0; self.gaussian.features()];
        for (weight, mu) in self.weights.iter().zip(self.gaussian.means()) {
            mean.iter_mut()
                .zip(mu)
                .for_each(|(sum, mu)| *sum += weight * mu);
        }
        mean
    }

    /// The covariance: `[features][features]`.
    pub fn covariance(&self) -> Vec<Vec<f64>> {
        let mean = self.mean();
        let mut covariance = vec![vec![0.0; mean.len()]; mean.len()];
        for (state, (weight, mu)) in self.weights.iter().zip(self.gaussian.means()).enumerate() {
            let matrix = self.gaussian.covariances().matrix(state);
            for (i, row) in covariance.iter_mut().enumerate() {
                for (j, sum) in row.iter_mut().enumerate() {
                    *sum += weight * (matrix[i][j] + (mu[i] - mean[i]) * (mu[j] - mean[j]));
                }
            }
        }
        covariance
    }

    /// `ln p(x)` of what is observed, in nats.
    ///
    /// # Errors
    ///
    /// When it is not `D` finite numbers, or none of each.
    pub fn log_density(&self, observation: &Vec<Option<f64>>) -> Result<f64, Error> {
        self.gaussian.check(observation)?;
        let states = self
            .weights
            .iter()
            .zip(self.gaussian.log_densities(observation));
        Ok(log_sum_exp(
            states.map(|(w, density)| w.ln() + density).collect(),
        ))
    }

    /// The distribution of one feature, whatever the others are.
    ///
    /// # Panics
    ///
    /// When there is no such feature.
    pub fn feature(&self, feature: usize) -> NormalMixture {
        let covariances = self.gaussian.covariances();
        let states = 0..self.weights.len();
        NormalMixture {
            weights: self.weights.clone(),
            means: self
                .gaussian
                .means()
                .iter()
                .map(|mean| mean[feature])
                .collect(),
            deviations: states
                .map(|state| covariances.variance(state, feature).sqrt())
                .collect(),
        }
    }
}

/// A mixture of normal distributions of one number.
#[derive(Debug, Clone, PartialEq)]
pub struct NormalMixture {
    /// `w`, whose sum is 1.
    pub weights: Vec<f64>,
    /// `mu`.
    pub means: Vec<f64>,
    /// `sigma`, above 0.
    pub deviations: Vec<f64>,
}

impl NormalMixture {
    /// `(w, mu, sigma)` of each.
    fn parts(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        let parts = self.weights.iter().zip(&self.means).zip(&self.deviations);
        parts.map(|((w, mu), sigma)| (*w, *mu, *sigma))
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.parts().map(|(w, mu, _)| w * mu).sum()
    }

    /// The variance.
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        let part = |(w, mu, sigma): (f64, f64, f64)| w * (sigma * sigma + (mu - mean).powi(2));
        self.parts().map(part).sum()
    }

    /// `ln p(x)`, in nats.
    pub fn log_density(&self, x: f64) -> f64 {
        let part = |(w, mu, sigma): (f64, f64, f64)| {
            let z = (x - mu) / sigma;
            w.ln() - sigma.ln() - 0.5 * (std::f64::consts::TAU.ln() + z * z)
        };
        log_sum_exp(self.parts().map(part).collect())
    }

    /// `F(x)`: the probability of being below `x`.
    pub fn cumulative(&self, x: f64) -> f64 {
        let part = |(w, mu, sigma): (f64, f64, f64)| w * normal::cumulative((x - mu) / sigma);
        self.parts().map(part).sum()
    }

    /// Where `F` is `level`, by bisection; infinite at 0 and 1, not a number beyond.
    pub fn quantile(&self, level: f64) -> f64 {
        // It is between the quantiles of what is mixed.
        let parts = self.parts().filter(|(w, ..)| *w > 0.0);
        let ends = parts.map(|(_, mu, sigma)| mu + sigma * normal::quantile(level));
        let (mut low, mut high) = ends
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), q| {
                (f64::min(low, q), f64::max(high, q))
            });
        if !(0.0..=1.0).contains(&level) {
            return f64::NAN;
        }
        loop {
            let middle = low + (high - low) / 2.0;
            // So too where both are the same infinity.
            if middle.is_nan() || middle <= low || middle >= high {
                return low;
            }
            match self.cumulative(middle) < level {
                true => low = middle,
                false => high = middle,
            }
        }
    }

    /// The continuous ranked probability score of what came, in the units of the data.
    pub fn crps(&self, x: f64) -> f64 {
        let distance = |error: f64, variance: f64| {
            let sigma = variance.sqrt();
            let z = error / sigma;
            error * (2.0 * normal::cumulative(z) - 1.0) + 2.0 * sigma * normal::density(z)
        };
        let error = self
            .parts()
            .map(|(w, mu, sigma)| w * distance(x - mu, sigma * sigma));
        let spread = self.parts().flat_map(|(w, mu, sigma)| {
            self.parts()
                .map(move |(v, nu, tau)| w * v * distance(mu - nu, sigma * sigma + tau * tau))
        });
        error.sum::<f64>() - 0.5 * spread.sum::<f64>()
    }

    /// A number that is drawn from it.
    pub fn sample(&self, random: &mut impl Rng) -> f64 {
        let part = simplex::draw(&self.weights, random);
        self.means[part] + self.deviations[part] * normal::draw(random)
    }
}

//! How well an autoregression fits, and at what price.
//!
//! ```text
//! sigma^2 = (1 / n) sum_t (x_t - c - sum_k phi_k x_{t-k})^2     n rows t, of which all is observed
//! ln L    = -n / 2 (ln(2 pi sigma^2) + 1)                       given what precedes them
//! AIC     = 2 q - 2 ln L       BIC = q ln n - 2 ln L            q = 2 + number of lags
//! ```
//!
//! Akaike 1974; Schwarz 1978.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::Autoregression;

/// What the likelihood of an order is weighed against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// Akaike's.
    #[default]
    Aic,
    /// The Bayesian one, of Schwarz: fewer parameters.
    Bic,
}

impl Criterion {
    pub(super) fn of(self, parameters: usize, rows: usize, log_likelihood: f64) -> f64 {
        let price = match self {
            Self::Aic => 2.0,
            Self::Bic => (rows as f64).ln(),
        };
        price * parameters as f64 - 2.0 * log_likelihood
    }
}

/// An autoregression, and how well it fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AutoregressionFit {
    /// The model.
    pub model: Autoregression,
    /// How many values it was fitted to, `n`.
    pub rows: usize,
    /// `ln L` of them, in nats.
    pub log_likelihood: f64,
}

impl AutoregressionFit {
    /// AIC or BIC: the less the better, among models of the same rows.
    pub fn criterion(&self, criterion: Criterion) -> f64 {
        criterion.of(self.model.parameters(), self.rows, self.log_likelihood)
    }
}

/// `ln L`, of the sum of the squared residuals.
pub(super) fn log_likelihood(squares: f64, rows: usize) -> f64 {
    let n = rows as f64;
    -n / 2.0 * ((TAU * squares / n).ln() + 1.0)
}

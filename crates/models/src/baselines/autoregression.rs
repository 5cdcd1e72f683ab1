//! The next value of a series, linear in those before: an autoregression.
//!
//! ```text
//! x_t = c + sum_{k in lags} phi_k x_{t-k} + e_t       e_t ~ N(0, sigma^2)      p: the largest lag
//!
//! x_{T+h} = mean_h + sum_{j < h} psi_j e_{T+h-j}      psi_0 = 1, psi_j = sum_k phi_k psi_{j-k}
//! var_h   = sigma^2 sum_{j < h} psi_j^2               of what is foreseen h steps ahead
//!
//! [x_t .. x_{t-p+1}]' = A [x_{t-1} .. x_{t-p}]' + [c + e_t, 0 .. 0]'          A: companion matrix
//! radius  = max |lambda(A)|                           stationary where it is below 1
//! ```
//!
//! Fitted by least squares ([`AutoregressionConfig::fit`]), which is the likeliest given the first `p`
//! values, or by gradient ([`AutoregressionModule`]). Box and Jenkins 1970; Hamilton 1994, "Time series
//! analysis", chapters 3 to 5.
//!
//! A missing value is no obstacle to what is foreseen: its distribution given all before stands in
//! its place, with all covariances, until it has left the window. That is the Kalman filter of the
//! companion form, hence exact.

mod config;
mod criterion;
mod foresight;
mod least_squares;
mod module;
mod window;

use backdraft_cells::Error;
use faer::Mat;
use serde::{Deserialize, Serialize};

pub use config::AutoregressionConfig;
pub use criterion::{AutoregressionFit, Criterion};
pub use module::AutoregressionModule;

const NAME: &str = "Autoregression";

/// A linear model of the next value of a series.
///
/// ```
/// use backdraft_models::baselines::AutoregressionConfig;
///
/// # fn main() -> Result<(), backdraft_cells::Error> {
/// let series = [0.1, 0.9, 0.3, -0.5, 0.2, 1.1, 0.8, -0.1, 0.0, 0.4].map(Some);
/// let model = AutoregressionConfig::new(2).fit(&[series])?.model;
/// let next = &model.forecast(&series, 3)?[0];
/// let (lower, upper) = (next.quantile(0.025), next.quantile(0.975)); // 95 per cent
/// assert!(lower < next.mean() && next.mean() < upper);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Autoregression {
    intercept: f64,
    lags: Vec<usize>,
    coefficients: Vec<f64>,
    variance: f64,
}

/// What a file says, before it is checked.
#[derive(Deserialize)]
struct Parts {
    intercept: f64,
    lags: Vec<usize>,
    coefficients: Vec<f64>,
    variance: f64,
}

impl TryFrom<Parts> for Autoregression {
    type Error = Error;

    fn try_from(parts: Parts) -> Result<Self, Error> {
        Self::new(
            parts.intercept,
            parts.lags,
            parts.coefficients,
            parts.variance,
        )
    }
}

impl Autoregression {
    /// The model of these numbers: `c`, the lags, `phi` of each, `sigma^2`.
    ///
    /// # Errors
    ///
    /// When a lag is 0 or there twice, there are not as many coefficients, a number is not finite, or
    /// `variance` is not above 0.
    pub fn new(
        intercept: f64,
        lags: impl Into<Vec<usize>>,
        coefficients: impl Into<Vec<f64>>,
        variance: f64,
    ) -> Result<Self, Error> {
        let (lags, coefficients) = (lags.into(), coefficients.into());
        config::check_lags(&lags)?;
        if coefficients.len() != lags.len() {
            let expected = format!("{}, one for each lag", lags.len());
            return Err(Error::new(
                NAME,
                "number of coefficients",
                expected,
                coefficients.len(),
            ));
        }
        if let Some(number) = coefficients
            .iter()
            .chain([&intercept])
            .find(|c| !c.is_finite())
        {
            return Err(Error::new(NAME, "coefficient", "a finite number", number));
        }
        Error::unless_bound(NAME, "residual variance", Some(variance))?;
        Ok(Self {
            intercept,
            lags,
            coefficients,
            variance,
        })
    }

    /// `c`.
    pub fn intercept(&self) -> f64 {
        self.intercept
    }

    /// The steps back that are looked at.
    pub fn lags(&self) -> &[usize] {
        &self.lags
    }

    /// `phi_k` of each lag.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// `sigma^2`, of one step: the mean of the squared residuals.
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// How many numbers were fitted: `c`, `sigma^2` and `phi` of each lag.
    pub fn parameters(&self) -> usize {
        self.lags.len() + 2
    }

    /// How many values in a row the next one depends on, `p`.
    pub fn largest_lag(&self) -> usize {
        self.lags.iter().copied().max().unwrap_or(0)
    }

    /// `psi_0 .. psi_{steps-1}`: what an error does to the values from its own step on.
    pub fn psi_weights(&self, steps: usize) -> Vec<f64> {
        let mut psi = Vec::with_capacity(steps);
        for j in 0..steps {
            let before = |lag: usize| j.checked_sub(lag).map_or(0.0, |at| psi[at]);
            let sum: f64 = self.terms().map(|(lag, phi)| phi * before(lag)).sum();
            psi.push(if j == 0 { 1.0 } else { sum });
        }
        psi
    }

    /// The largest modulus of the eigenvalues of the companion matrix: below 1 the process is
    /// stationary, at 1 it has a unit root, above it explodes. 0 without lags.
    ///
    /// # Errors
    ///
    /// When the eigenvalues are not found.
    pub fn radius(&self) -> Result<f64, Error> {
        let p = self.largest_lag();
        let mut companion = Mat::<f64>::zeros(p, p);
        for (lag, phi) in self.terms() {
            companion[(0, lag - 1)] = phi;
        }
        for row in 1..p {
            companion[(row, row - 1)] = 1.0;
        }
        if p == 0 {
            return Ok(0.0);
        }
        let found = companion.eigenvalues().map_err(|error| {
            let expected = "an iteration that converges";
            Error::new(NAME, "eigenvalues", expected, format!("{error:?}"))
        })?;
        Ok(found
            .iter()
            .map(|value| value.re.hypot(value.im))
            .fold(0.0, f64::max))
    }

    /// Each lag and its coefficient.
    fn terms(&self) -> impl Iterator<Item = (usize, f64)> {
        self.lags
            .iter()
            .copied()
            .zip(self.coefficients.iter().copied())
    }
}

//! A linear dynamical system: a latent state that moves linearly, seen through a linear map, both with
//! Gaussian noise.
//!
//! ```text
//! z_1 ~ N(m_1, P_1)
//! z_t = A z_{t-1} + B u_t + w_t      w_t ~ N(0, Q)       z: [N]   A: [N, N]   B: [N, K]
//! x_t = C z_t + D u_t + v_t          v_t ~ N(0, R)       x: [F]   C: [F, N]   D: [F, K]
//! ```
//!
//! `u_t`, the controls, are known; there may be none. Any of `x_t` may be missing. Everything that is
//! asked of it has a closed form: what comes next, the states, the likelihood, and by EM the parameters.
//!
//! Kalman 1960, "A new approach to linear filtering and prediction problems"; Rauch, Tung and Striebel
//! 1965, "Maximum likelihood estimates of linear dynamic systems"; Shumway and Stoffer 1982, "An
//! approach to time series smoothing and forecasting using the EM algorithm"; Ghahramani and Hinton
//! 1996, "Parameter estimation for linear dynamical systems".

mod config;
mod delays;
mod filter;
mod forecast;
mod gaussian;
mod learning;
mod likeliest;
mod module;
mod noise;
mod observations;
mod on_device;
mod smoother;
mod start;
mod statistics;
mod structure;

use backdraft_cells::Error;
use serde::{Deserialize, Serialize};

use super::cholesky::Cholesky;
pub use super::matrix::Matrix;
pub use config::{Covariance, Learned, LearningStart, LinearDynamicalConfig};
pub use filter::{Belief, Filtered};
pub use gaussian::Gaussian;
pub use learning::EmHistory;
pub use module::LinearDynamicalModule;
pub use observations::Observations;
pub use smoother::Smoothed;
pub use structure::Structure;

const NAME: &str = "LinearDynamicalSystem";

/// The parameters of a linear dynamical system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearDynamics {
    /// `A`: `[N, N]`.
    pub transition: Matrix,
    /// `B`: `[N, K]`.
    pub control: Matrix,
    /// `C`: `[F, N]`.
    pub emission: Matrix,
    /// `D`: `[F, K]`.
    pub feedthrough: Matrix,
    /// `Q`, positive semidefinite: `[N, N]`.
    pub transition_noise: Matrix,
    /// `R`, positive definite: `[F, F]`.
    pub emission_noise: Matrix,
    /// `m_1`: `[N]`.
    pub initial_mean: Vec<f64>,
    /// `P_1`, positive semidefinite: `[N, N]`.
    pub initial_covariance: Matrix,
}

impl LinearDynamics {
    /// `A`, `C`, `Q`, `R`, of a state that begins at 0 with a variance of 1, without controls.
    pub fn new(
        transition: Matrix,
        emission: Matrix,
        transition_noise: Matrix,
        emission_noise: Matrix,
    ) -> Self {
        let ([features, _], [latent, _]) = (emission.shape(), transition.shape());
        Self {
            control: Matrix::zeros(latent, 0),
            feedthrough: Matrix::zeros(features, 0),
            initial_mean: vec![0.0; latent],
            initial_covariance: Matrix::identity(latent),
            transition,
            emission,
            transition_noise,
            emission_noise,
        }
    }

    /// Sets `m_1` and `P_1`.
    #[must_use]
    pub fn with_initial(mut self, mean: impl Into<Vec<f64>>, covariance: Matrix) -> Self {
        self.initial_mean = mean.into();
        self.initial_covariance = covariance;
        self
    }

    /// Sets `B` and `D`.
    #[must_use]
    pub fn with_controls(mut self, control: Matrix, feedthrough: Matrix) -> Self {
        self.control = control;
        self.feedthrough = feedthrough;
        self
    }

    fn check(&self) -> Result<(), Error> {
        let ([features, _], [latent, _]) = (self.emission.shape(), self.transition.shape());
        let [_, controls] = self.control.shape();
        Error::unless_positive(NAME, "latent size", latent)?;
        Error::unless_positive(NAME, "features", features)?;
        self.transition.check(NAME, "A", [latent, latent])?;
        self.control.check(NAME, "B", [latent, controls])?;
        self.emission.check(NAME, "C", [features, latent])?;
        self.feedthrough.check(NAME, "D", [features, controls])?;
        self.transition_noise.check(NAME, "Q", [latent, latent])?;
        self.emission_noise.check(NAME, "R", [features, features])?;
        self.initial_covariance
            .check(NAME, "P_1", [latent, latent])?;
        let mean = Matrix::outer(&self.initial_mean, &[1.0]);
        mean.check(NAME, "m_1", [latent, 1])?;
        check_covariance(NAME, "Q", &self.transition_noise)?;
        check_covariance(NAME, "P_1", &self.initial_covariance)?;
        check_covariance(NAME, "R", &self.emission_noise)?;
        if Cholesky::definite(&self.emission_noise).is_none() {
            let expected = "positive definite: noise in every direction";
            return Err(Error::new(NAME, "R", expected, "one without"));
        }
        Ok(())
    }
}

/// Refuses what is not symmetric, or has a negative direction.
fn check_covariance(layer: &str, what: &str, matrix: &Matrix) -> Result<(), Error> {
    let expected = "symmetric and positive semidefinite";
    let [size, _] = matrix.shape();
    for (i, j) in (0..size).flat_map(|i| (0..i).map(move |j| (i, j))) {
        let scale = (matrix[(i, i)] * matrix[(j, j)]).abs().sqrt();
        if (matrix[(i, j)] - matrix[(j, i)]).abs() > 1e-9 * scale {
            let found = format!(
                "{} at [{i}, {j}], {} at [{j}, {i}]",
                matrix[(i, j)],
                matrix[(j, i)]
            );
            return Err(Error::new(layer, what, expected, found));
        }
    }
    match Cholesky::new(matrix) {
        Some(_) => Ok(()),
        None => Err(Error::new(
            layer,
            what,
            expected,
            "a direction of negative variance",
        )),
    }
}

/// A linear dynamical system.
///
/// ```
/// use backdraft_models::baselines::linear_dynamical::{LinearDynamicalConfig, Observations, Structure};
///
/// # fn main() -> Result<(), backdraft_cells::Error> {
/// let series: Vec<Option<f64>> = (0..60).map(|t| Some(f64::from(t % 12) + 0.1 * f64::from(t))).collect();
/// let observations = Observations::univariate(series);
/// let structure = Structure::local_linear_trend().with_season(12);
/// let config = LinearDynamicalConfig::structural(structure).with_iterations(20);
/// let (model, _) = config.fit(std::slice::from_ref(&observations))?;
///
/// let belief = model.log_likelihood(&observations)?;
/// let next = &model.forecast(&belief, 12, &[])?[11];
/// let (low, high) = next.interval(0, 0.9);
/// assert!(low < 18.1 && 18.1 < high);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "LinearDynamics", try_from = "LinearDynamics")]
pub struct LinearDynamicalSystem(LinearDynamics);

impl LinearDynamicalSystem {
    /// The system that these numbers tell.
    ///
    /// # Errors
    ///
    /// When shapes do not fit, a number is not finite, or `Q`, `R` or `P_1` is not a covariance.
    pub fn new(dynamics: LinearDynamics) -> Result<Self, Error> {
        dynamics.check()?;
        Ok(Self(dynamics))
    }

    /// Its numbers.
    pub fn dynamics(&self) -> &LinearDynamics {
        &self.0
    }

    /// `N`, the size of the latent state.
    pub fn latent(&self) -> usize {
        self.0.initial_mean.len()
    }

    /// `F`, the number of features.
    pub fn features(&self) -> usize {
        self.0.emission.shape()[0]
    }

    /// `K`, the number of controls.
    pub fn controls(&self) -> usize {
        self.0.control.shape()[1]
    }
}

impl From<LinearDynamicalSystem> for LinearDynamics {
    fn from(system: LinearDynamicalSystem) -> Self {
        system.0
    }
}

impl TryFrom<LinearDynamics> for LinearDynamicalSystem {
    type Error = Error;

    fn try_from(dynamics: LinearDynamics) -> Result<Self, Error> {
        Self::new(dynamics)
    }
}

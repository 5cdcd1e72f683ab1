//! States that emit numbers, `D` of them a step, distributed normally.
//!
//! ```text
//! ln p(x | i) = - D ln(2 pi) / 2 - ln det(S_i) / 2 - (x - mu_i)' S_i^-1 (x - mu_i) / 2
//! ```
//!
//! Features that are missing are integrated out: mu and S of the others are what is left.

mod config;
mod covariance;
mod estimate;
mod seeding;

use std::f64::consts::TAU;

use backdraft_cells::Error;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use super::HMM;
use super::emission::Emission;
use crate::baselines::cholesky::Cholesky;
use crate::distribution::normal;

pub use config::{Covariance, GaussianConfig};
pub use covariance::Covariances;
pub use estimate::GaussianEstimate;

/// A normal distribution for each state. An observation is `D` numbers, each `None` where missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked", into = "Unchecked")]
pub struct Gaussian {
    means: Vec<Vec<f64>>,
    covariances: Covariances,
    /// Of full covariances, one a state.
    factors: Vec<Cholesky>,
}

impl Gaussian {
    /// States of these means (`[states][features]`) and covariances.
    ///
    /// # Errors
    ///
    /// When there is no state or no feature, the sizes do not fit, a number is not finite, or a
    /// covariance is not symmetric and positive-definite.
    pub fn new(means: Vec<Vec<f64>>, covariances: Covariances) -> Result<Self, Error> {
        let features = means.first().map_or(0, Vec::len);
        Error::unless_positive(HMM, "states", means.len())?;
        Error::unless_positive(HMM, "features", features)?;
        for (state, mean) in means.iter().enumerate() {
            if mean.len() != features || !mean.iter().all(|mean| mean.is_finite()) {
                let what = format!("mean of state {state}");
                let (expected, found) = (format!("{features} finite numbers"), format!("{mean:?}"));
                return Err(Error::new(HMM, what, expected, found));
            }
        }
        covariances.check([means.len(), features])?;
        let factors = match &covariances {
            Covariances::Diagonal(_) => Vec::new(),
            Covariances::Full(matrices) => {
                let factor = |(state, matrix): (usize, &Vec<Vec<f64>>)| {
                    covariance::factor(matrix).ok_or_else(|| {
                        let what = format!("covariance of state {state}");
                        let found = format!("{matrix:?}");
                        Error::new(HMM, what, "a positive-definite matrix", found)
                    })
                };
                let factors = matrices.iter().enumerate().map(factor);
                factors.collect::<Result<_, Error>>()?
            }
        };
        Ok(Self {
            means,
            covariances,
            factors,
        })
    }

    /// `mu`: `[states][features]`.
    pub fn means(&self) -> &[Vec<f64>] {
        &self.means
    }

    /// `S`.
    pub fn covariances(&self) -> &Covariances {
        &self.covariances
    }

    /// Numbers a step, `D`.
    pub fn features(&self) -> usize {
        self.means[0].len()
    }

    /// `ln p(x | i)` under a full covariance.
    fn log_density(&self, state: usize, matrix: &[Vec<f64>], observation: &[Option<f64>]) -> f64 {
        let observed = indices(observation, true);
        let mean = &self.means[state];
        let error = |&d: &usize| observation[d].map_or(0.0, |x| x - mean[d]);
        let errors: Vec<f64> = observed.iter().map(error).collect();
        if observed.len() == mean.len() {
            return self.factors[state].log_density(&errors);
        }
        covariance::part(matrix, &observed).log_density(&errors)
    }
}

/// The features that are observed, or those that are not.
fn indices(observation: &[Option<f64>], observed: bool) -> Vec<usize> {
    let all = 0..observation.len();
    all.filter(|d| observation[*d].is_some() == observed)
        .collect()
}

impl Emission for Gaussian {
    type Observation = Vec<Option<f64>>;

    fn states(&self) -> usize {
        self.means.len()
    }

    fn parameters(&self) -> usize {
        let features = self.features();
        let covariance = match self.covariances {
            Covariances::Diagonal(_) => features,
            Covariances::Full(_) => features * (features + 1) / 2,
        };
        self.states() * (features + covariance)
    }

    fn check(&self, observation: &Vec<Option<f64>>) -> Result<(), Error> {
        check(observation, self.features())
    }

    fn log_densities(&self, observation: &Vec<Option<f64>>) -> Vec<f64> {
        match &self.covariances {
            Covariances::Diagonal(variances) => {
                let states = self.means.iter().zip(variances);
                let density = |(mean, variance): (&Vec<f64>, &Vec<f64>)| -> f64 {
                    let features = observation.iter().zip(mean.iter().zip(variance));
                    let of = |(x, (mean, variance)): (&Option<f64>, (&f64, &f64))| {
                        let error = (*x)? - mean;
                        Some(-0.5 * ((TAU * variance).ln() + error * error / variance))
                    };
                    features.filter_map(of).sum()
                };
                states.map(density).collect()
            }
            Covariances::Full(matrices) => {
                let states = matrices.iter().enumerate();
                let density = |(state, matrix): (usize, &Vec<Vec<f64>>)| {
                    self.log_density(state, matrix, observation)
                };
                states.map(density).collect()
            }
        }
    }

    fn draw(&self, state: usize, random: &mut StdRng) -> Vec<Option<f64>> {
        let mean = &self.means[state];
        let z: Vec<f64> = mean.iter().map(|_| normal::draw(random)).collect();
        let errors = match &self.covariances {
            Covariances::Diagonal(variances) => {
                let deviations = variances[state].iter().map(|variance| variance.sqrt());
                deviations.zip(z).map(|(sigma, z)| sigma * z).collect()
            }
            Covariances::Full(_) => self.factors[state].lower().apply(&z),
        };
        let sum = mean
            .iter()
            .zip(errors)
            .map(|(mean, error)| Some(mean + error));
        sum.collect()
    }
}

fn check(observation: &[Option<f64>], features: usize) -> Result<(), Error> {
    let fits = observation.iter().flatten().all(|x| x.is_finite());
    if observation.len() != features || !fits {
        let expected = format!("{features} finite numbers, or none of each");
        let found = format!("{observation:?}");
        return Err(Error::new(HMM, "observation", expected, found));
    }
    Ok(())
}

/// What is stored of a [`Gaussian`].
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename = "Gaussian")]
struct Unchecked {
    means: Vec<Vec<f64>>,
    covariances: Covariances,
}

impl From<Gaussian> for Unchecked {
    fn from(gaussian: Gaussian) -> Self {
        Self {
            means: gaussian.means,
            covariances: gaussian.covariances,
        }
    }
}

impl TryFrom<Unchecked> for Gaussian {
    type Error = Error;

    fn try_from(stored: Unchecked) -> Result<Self, Error> {
        Self::new(stored.means, stored.covariances)
    }
}

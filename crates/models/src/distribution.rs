//! What a model says of a number that it does not know yet: a distribution, of features.
//!
//! ```text
//! point               v                        (z - v)^2, or |z - v|
//! Gaussian            mu, sigma                ln sigma + ln(2 pi) / 2 + ((z - mu) / sigma)^2 / 2
//! Student's t         mu, sigma, n             ln sigma + ln(n pi) / 2 - ln (G((n + 1) / 2) / G(n / 2))
//!                                                + (n + 1) / 2 ln(1 + ((z - mu) / sigma)^2 / n)
//! negative binomial   mu, alpha   r = 1/alpha  r ln(1 + alpha mu) + z ln(1 + 1 / (alpha mu))
//!                                                - ln (G(r + z) / (G(r) z!))
//! quantiles           v_1 .. v_K  at q_k       mean_k max(q_k (z - v_k), (q_k - 1) (z - v_k))
//!
//! mu = f                                       of the Gaussian and of Student's t; v likewise
//! sigma, alpha, mu = ln(1 + exp(f)) + 1e-4     what must be above 0; mu of the negative binomial
//! n = 2 + ln(1 + exp(f)) + 1e-4                so that there is a variance
//! ```
//!
//! The right-hand side is the loss of a position: `-ln p(z)` of the two densities, in nats. Gaussian
//! and negative binomial as in Salinas, Flunkert and Gasthaus 2017 (DeepAR, arXiv 1704.04110): the
//! mean is mu, the variance mu + alpha mu^2. Quantiles by the pinball loss (Koenker and Bassett
//! 1978), as in Wen et al. 2017 (arXiv 1711.11053).

mod ln_gamma;
pub(crate) mod many_counts;
pub(crate) mod normal;
mod predictive;
mod special;
pub(crate) mod student_t;

use std::f64::consts::{PI, TAU};

use backdraft_cells::Error;
use burn::tensor::activation::{relu, softplus};
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

pub use ln_gamma::ln_gamma;
use ln_gamma::{ln_ratio, ln_ways};
pub use predictive::Predictive;
pub(crate) use predictive::counts;

/// The least that what must be above 0 can be.
const FLOOR: f64 = 1e-4;

/// What a point is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointError {
    /// `(z - v)^2`: the point becomes the mean.
    #[default]
    Squared,
    /// `(z - v)^2 / 2`: the same, with half the gradient.
    HalfSquared,
    /// `|z - v|`: the point becomes the median.
    Absolute,
}

/// The kind of distribution that a model puts out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// A single number, without its uncertainty.
    Point(PointError),
    /// A normal distribution.
    Gaussian,
    /// Student's t, which expects outliers.
    StudentT,
    /// A distribution of counts: 0, 1, 2 ..
    NegativeBinomial,
    /// The quantiles at these levels, which are above 0, below 1 and ascending.
    Quantiles(Vec<f64>),
}

impl Output {
    /// Refuses levels of which no quantiles can be learned.
    ///
    /// # Errors
    ///
    /// When there is none, one is not between 0 and 1, or they do not ascend.
    pub fn check(&self, layer: &str) -> Result<(), Error> {
        let Self::Quantiles(levels) = self else {
            return Ok(());
        };
        let within = levels.iter().all(|level| *level > 0.0 && *level < 1.0);
        if levels.is_empty() || !within || levels.windows(2).any(|pair| pair[0] >= pair[1]) {
            let expected = "at least one, above 0, below 1 and ascending";
            return Err(Error::new(
                layer,
                "levels of the quantiles",
                expected,
                format!("{levels:?}"),
            ));
        }
        Ok(())
    }

    /// Numbers that tell one distribution, `F`.
    pub fn features(&self) -> usize {
        match self {
            Self::Point(_) => 1,
            Self::Gaussian | Self::NegativeBinomial => 2,
            Self::StudentT => 3,
            Self::Quantiles(levels) => levels.len(),
        }
    }

    /// Whether the loss is `-ln p`, in nats.
    pub fn is_density(&self) -> bool {
        matches!(
            self,
            Self::Gaussian | Self::StudentT | Self::NegativeBinomial
        )
    }

    /// The parameters that a network's features stand for: both `[positions, F]`.
    pub fn parameters(&self, features: Tensor<2>) -> Tensor<2> {
        let positive = |features| softplus(features, 1.0) + FLOOR;
        match self {
            Self::Point(_) | Self::Quantiles(_) => features,
            Self::Gaussian => {
                let deviation = positive(features.clone().narrow(1, 1, 1));
                Tensor::cat(vec![features.narrow(1, 0, 1), deviation], 1)
            }
            Self::StudentT => {
                let column = |index| features.clone().narrow(1, index, 1);
                let (deviation, freedom) = (positive(column(1)), positive(column(2)) + 2.0);
                Tensor::cat(vec![column(0), deviation, freedom], 1)
            }
            Self::NegativeBinomial => positive(features),
        }
    }

    /// The loss of each position: of `parameters` (`[positions, F]`) and what came,
    /// `targets` (`[positions]`), which are counts where the distribution is one of counts.
    pub fn loss(&self, parameters: Tensor<2>, targets: Tensor<1>) -> Tensor<1> {
        let positions = targets.dims()[0];
        let z = targets.reshape([positions, 1]);
        let column = |index| parameters.clone().narrow(1, index, 1);
        let loss = match self {
            Self::Point(PointError::Squared) => (z - column(0)).square(),
            Self::Point(PointError::HalfSquared) => (z - column(0)).square() * 0.5,
            Self::Point(PointError::Absolute) => (z - column(0)).abs(),
            Self::Gaussian => {
                let (mean, deviation) = (column(0), column(1));
                let error = (z - mean) / deviation.clone();
                deviation.log() + error.clone() * error * 0.5 + 0.5 * TAU.ln()
            }
            Self::StudentT => {
                let (mean, deviation, freedom) = (column(0), column(1), column(2));
                let error = (z - mean) / deviation.clone();
                let ratio = ln_ratio(freedom.clone() * 0.5, freedom.ones_like() * 0.5);
                let tail = (error.clone() * error / freedom.clone()).log1p();
                deviation.log() + (freedom.clone() * PI).log() * 0.5 - ratio
                    + (freedom + 1.0) * 0.5 * tail
            }
            Self::NegativeBinomial => {
                let (mean, dispersion) = (column(0), column(1));
                let odds = dispersion.clone() * mean;
                let r = dispersion.recip();
                let ways = ln_ways(r.clone(), z.clone());
                r * odds.clone().log1p() + z * odds.recip().log1p() - ways
            }
            Self::Quantiles(levels) => {
                let data = TensorData::new(levels.clone(), [1, levels.len()]);
                let levels = Tensor::<2>::from_data(data, &parameters.device());
                let error = z - parameters;
                (levels * error.clone() + relu(-error)).mean_dim(1)
            }
        };
        loss.reshape([positions])
    }

    /// The distribution that `parameters` (`F` of them) tell. Quantiles that crossed are sorted
    /// (Chernozhukov, Fernandez-Val and Galichon 2010).
    ///
    /// # Panics
    ///
    /// When there are fewer of them.
    pub fn predictive(&self, parameters: &[f64]) -> Predictive {
        match self {
            Self::Point(_) => Predictive::Point(parameters[0]),
            Self::Gaussian => Predictive::Gaussian {
                mean: parameters[0],
                deviation: parameters[1],
            },
            Self::StudentT => Predictive::StudentT {
                mean: parameters[0],
                deviation: parameters[1],
                freedom: parameters[2],
            },
            Self::NegativeBinomial => Predictive::NegativeBinomial {
                mean: parameters[0],
                dispersion: parameters[1],
            },
            Self::Quantiles(levels) => {
                let mut values = parameters[..levels.len()].to_vec();
                values.sort_by(f64::total_cmp);
                Predictive::Quantiles {
                    levels: levels.clone(),
                    values,
                }
            }
        }
    }
}

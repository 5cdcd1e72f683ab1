//! The functions that a unit's or a gate's sum goes through.
//!
//! ```text
//! Sigmoid                       1 / (1 + exp(-x))
//! Tanh                          tanh(x)
//! Relu                          max(0, x)
//! Identity                      x
//! Affine { alpha, beta }        alpha x + beta
//! LeakyRelu { alpha }           x if x >= 0, else alpha x
//! ThresholdedRelu { alpha }     x if x >= alpha, else 0
//! ScaledTanh { alpha, beta }    alpha tanh(beta x)
//! HardSigmoid { alpha, beta }   alpha x + beta, between 0 and 1
//! Elu { alpha }                 x if x >= 0, else alpha (exp(x) - 1)
//! Softsign                      x / (1 + |x|)
//! Softplus                      log(1 + exp(x))
//! ```
//!
//! Names and formulas are those of ONNX's RNN, GRU and LSTM.

use backdraft_kernels::Nonlinearity;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::equations::Expression;

/// A function that is applied element by element. Names and formulas are those of ONNX's RNN, GRU and LSTM.
#[doc(alias = "nonlinearity")]
#[doc(alias = "recurrent_activation")]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// The logistic function, `1 / (1 + exp(-x))`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `max(0, x)`.
    Relu,
    /// `x`.
    Identity,
    /// `alpha x + beta`.
    Affine {
        /// The slope.
        alpha: f64,
        /// The value at 0.
        beta: f64,
    },
    /// `x` from 0 on, `alpha x` below.
    LeakyRelu {
        /// The slope below 0.
        alpha: f64,
    },
    /// `x` from `alpha` on, 0 below.
    ThresholdedRelu {
        /// Where it begins.
        alpha: f64,
    },
    /// `alpha tanh(beta x)`.
    ScaledTanh {
        /// The largest value.
        alpha: f64,
        /// The scale of `x`.
        beta: f64,
    },
    /// `alpha x + beta`, between 0 and 1.
    HardSigmoid {
        /// The slope.
        alpha: f64,
        /// The value at 0.
        beta: f64,
    },
    /// `x` from 0 on, `alpha (exp(x) - 1)` below.
    Elu {
        /// What it falls to, below 0.
        alpha: f64,
    },
    /// `x / (1 + |x|)`.
    Softsign,
    /// `log(1 + exp(x))`.
    Softplus,
}

/// From here on, `x / (1 + |x|)` is 1, in f32 and in f64.
const FAR: f64 = 1e30;

impl From<Nonlinearity> for Activation {
    fn from(nonlinearity: Nonlinearity) -> Self {
        match nonlinearity {
            Nonlinearity::Tanh => Self::Tanh,
            Nonlinearity::Relu => Self::Relu,
            Nonlinearity::Sigmoid => Self::Sigmoid,
        }
    }
}

impl Activation {
    /// The function, applied to each number of `x`.
    pub fn apply<V: Expression>(self, x: V) -> V {
        // The part of x below 0, as a number above it.
        let below = |x: V| x.affine(-1.0, 0.0).relu();
        match self {
            Self::Sigmoid => x.sigmoid(),
            Self::Tanh => x.tanh(),
            Self::Relu => x.relu(),
            Self::Identity => x,
            Self::Affine { alpha, beta } => x.affine(alpha, beta),
            Self::LeakyRelu { alpha: 0.0 } => x.relu(),
            Self::LeakyRelu { alpha } => x.clone().relu() - below(x).affine(alpha, 0.0),
            Self::ThresholdedRelu { alpha } => {
                // What is left out is finite: 0 times infinity is no number.
                let finite_below = x.clone().clamp(alpha - 1.0, f64::INFINITY);
                is_negative(x.affine(1.0, -alpha)).complement() * finite_below
            }
            Self::ScaledTanh { alpha, beta } => x.affine(beta, 0.0).tanh().affine(alpha, 0.0),
            Self::HardSigmoid { alpha, beta } => x.affine(alpha, beta).clamp(0.0, 1.0),
            Self::Elu { alpha } => {
                let falling = below(x.clone()).affine(-1.0, 0.0).exp();
                x.relu() + falling.affine(alpha, -alpha)
            }
            Self::Softsign => {
                // Far out it is 1, where infinity over infinity is no number.
                let x = x.clamp(-FAR, FAR);
                x.clone() / x.abs().affine(1.0, 1.0)
            }
            Self::Softplus => x.softplus(),
        }
    }

    /// Refuses numbers that are not finite.
    pub(crate) fn check(self, layer: &str, what: &str) -> Result<(), Error> {
        let numbers = match self {
            Self::Affine { alpha, beta }
            | Self::ScaledTanh { alpha, beta }
            | Self::HardSigmoid { alpha, beta } => [alpha, beta],
            Self::LeakyRelu { alpha } | Self::ThresholdedRelu { alpha } | Self::Elu { alpha } => {
                [alpha, 0.0]
            }
            Self::Sigmoid
            | Self::Tanh
            | Self::Relu
            | Self::Identity
            | Self::Softsign
            | Self::Softplus => [0.0, 0.0],
        };
        if numbers.iter().all(|number| number.is_finite()) {
            return Ok(());
        }
        let found = format!("{self:?}");
        Err(Error::new(layer, what, "finite numbers", found))
    }

    /// The same as one that the kernels of [`Elman`](crate::Elman) have; `None` if they lack it.
    pub(crate) fn of_kernel(self) -> Option<Nonlinearity> {
        match self {
            Self::Tanh => Some(Nonlinearity::Tanh),
            Self::Relu => Some(Nonlinearity::Relu),
            Self::Sigmoid => Some(Nonlinearity::Sigmoid),
            _ => None,
        }
    }
}

/// 1 where `x` is below 0, 0 elsewhere: a step, through which no gradient comes back.
///
/// A slope of 2^90 tells the smallest difference of two numbers of ordinary size from none, in f64
/// too. It is climbed in stages, each of which f16 can hold.
fn is_negative<V: Expression>(x: V) -> V {
    let below = x.affine(-1.0, 0.0).relu();
    let steep = (0..6).fold(below, |x, _| x.affine(f64::from(1 << 15), 0.0));
    steep.clamp(0.0, 1.0)
}

/// `x` between `-clip` and `clip`; as it is without a clip.
pub(crate) fn clipped<V: Expression>(x: V, clip: Option<f64>) -> V {
    match clip {
        Some(clip) => x.clamp(-clip, clip),
        None => x,
    }
}

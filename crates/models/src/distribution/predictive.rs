//! One distribution on the host, in `f64`.
//!
//! ```text
//! sample = Q(u),  u ~ U(0, 1)               Q: the quantile function
//! Gaussian            Q(u) = mu + sigma Phi^-1(u)
//! Student's t         Q(u) = mu + sigma F^-1(u)
//! negative binomial   Q(u) = the least k with p(0) + .. + p(k) >= u
//!                     p(0) = (1 + alpha mu)^(-1/alpha)
//!                     p(k + 1) = p(k) (k + 1/alpha) / (k + 1) alpha mu / (1 + alpha mu)
//!                     of a mean above 5000 as a gamma distribution, see many_counts.rs
//! quantiles           Q: straight lines between the levels, level beyond the outermost
//! samples             Q: straight lines between the samples in their order, from the least at 0 to the greatest at 1
//! ```

use rand::{Rng, RngExt as _};
use serde::{Deserialize, Serialize};

use super::many_counts::ManyCounts;
use super::{normal, student_t};

/// The distribution of one number that is not known yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Predictive {
    /// This number.
    Point(f64),
    /// A normal distribution.
    Gaussian {
        /// `mu`.
        mean: f64,
        /// `sigma`.
        deviation: f64,
    },
    /// Student's t.
    StudentT {
        /// `mu`.
        mean: f64,
        /// `sigma`, which is less than the standard deviation.
        deviation: f64,
        /// Its degrees of freedom, more than 2.
        freedom: f64,
    },
    /// A distribution of counts, whose variance is `mu + alpha mu^2`.
    NegativeBinomial {
        /// `mu`.
        mean: f64,
        /// `alpha`.
        dispersion: f64,
    },
    /// Quantiles, ascending.
    Quantiles {
        /// The probability of being below each.
        levels: Vec<f64>,
        /// Where they are.
        values: Vec<f64>,
    },
    /// Equally likely samples, ascending.
    Samples(Vec<f64>),
}

impl Predictive {
    /// The distribution that these samples are, in any order.
    pub fn of_samples(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        Self::Samples(samples)
    }

    /// The mean: of quantiles, that of their interpolation.
    pub fn mean(&self) -> f64 {
        match self {
            Self::Point(value) => *value,
            Self::Gaussian { mean, .. }
            | Self::StudentT { mean, .. }
            | Self::NegativeBinomial { mean, .. } => *mean,
            Self::Quantiles { levels, values } => {
                // Each straight piece of Q between two levels, then the level ends.
                let pieces = levels.windows(2).zip(values.windows(2));
                let inner = pieces.map(|(q, v)| (q[1] - q[0]) * (v[0] + v[1]) / 2.0);
                let ends = [levels.first(), levels.last()].map(|q| q.copied().unwrap_or(0.5));
                let (low, high) = (first(values), values.last().copied().unwrap_or(f64::NAN));
                ends[0] * low + inner.sum::<f64>() + (1.0 - ends[1]) * high
            }
            Self::Samples(samples) => samples.iter().sum::<f64>() / samples.len() as f64,
        }
    }

    /// The number that comes out below or equal with the probability `level`; not a number when
    /// `level` is not in `0..=1`.
    ///
    /// Of counts whose mean is above 5000 it is a few thousandths of a standard deviation exact.
    pub fn quantile(&self, level: f64) -> f64 {
        if !(0.0..=1.0).contains(&level) {
            return f64::NAN;
        }
        match self {
            Self::Point(value) => *value,
            Self::Gaussian { mean, deviation } => mean + deviation * normal::quantile(level),
            Self::StudentT {
                mean,
                deviation,
                freedom,
            } => mean + deviation * student_t::quantile(level, *freedom),
            Self::NegativeBinomial { .. } if level == 1.0 => f64::INFINITY,
            Self::NegativeBinomial { mean, dispersion } => {
                if let Some(many) = ManyCounts::of(*mean, *dispersion) {
                    return many.quantile(level);
                }
                let (mut below, mut count) = (0.0, f64::NAN);
                for (k, p) in counts(*mean, *dispersion) {
                    (below, count) = (below + p, k);
                    if below >= level {
                        break;
                    }
                }
                count
            }
            Self::Quantiles { levels, values } => {
                let above = levels.partition_point(|q| *q < level);
                match (above.checked_sub(1), values.get(above)) {
                    (None, _) => first(values),
                    (Some(below), None) => values[below],
                    (Some(below), Some(value)) => {
                        let part = (level - levels[below]) / (levels[above] - levels[below]);
                        values[below] + part * (value - values[below])
                    }
                }
            }
            Self::Samples(samples) => {
                let Some(last) = samples.len().checked_sub(1) else {
                    return f64::NAN;
                };
                let place = level * last as f64;
                let (below, above) = (
                    samples[place.floor() as usize],
                    samples[place.ceil() as usize],
                );
                below + place.fract() * (above - below)
            }
        }
    }

    /// A number that is drawn from it; a point is always itself.
    pub fn sample(&self, random: &mut impl Rng) -> f64 {
        // In 0..1: at 0 a normal distribution would give an infinite number.
        let level: f64 = random.random();
        self.quantile(level.max(f64::MIN_POSITIVE))
    }

    /// The distribution of `location + scale z`, `z` being what this one is of. Counts have no such
    /// distribution: of them, it is the one whose mean is `scale` times larger and whose dispersion is
    /// `sqrt(scale)` times smaller, as in DeepAR.
    #[must_use]
    pub fn rescaled(self, location: f64, scale: f64) -> Self {
        let moved = |value: f64| location + scale * value;
        match self {
            Self::Point(value) => Self::Point(moved(value)),
            Self::Gaussian { mean, deviation } => Self::Gaussian {
                mean: moved(mean),
                deviation: scale * deviation,
            },
            Self::StudentT {
                mean,
                deviation,
                freedom,
            } => Self::StudentT {
                mean: moved(mean),
                deviation: scale * deviation,
                freedom,
            },
            Self::NegativeBinomial { mean, dispersion } => Self::NegativeBinomial {
                mean: scale * mean,
                dispersion: dispersion / scale.sqrt(),
            },
            Self::Quantiles { levels, values } => Self::Quantiles {
                levels,
                values: values.into_iter().map(moved).collect(),
            },
            Self::Samples(samples) => Self::Samples(samples.into_iter().map(moved).collect()),
        }
    }
}

fn first(values: &[f64]) -> f64 {
    values.first().copied().unwrap_or(f64::NAN)
}

/// `(k, p(k))` of a negative binomial, as long as it matters; nothing where it is none.
pub(crate) fn counts(mean: f64, dispersion: f64) -> impl Iterator<Item = (f64, f64)> {
    let possible = mean >= 0.0 && mean.is_finite() && dispersion > 0.0 && dispersion.is_finite();
    let (r, odds) = (dispersion.recip(), dispersion * mean);
    let ratio = odds / (1.0 + odds);
    // In logarithms, for p(0) may be below the least number above 0.
    let start = (0.0, -r * odds.ln_1p());
    let next = move |(k, ln_p): &(f64, f64)| {
        let ln_p = ln_p + ((k + r) / (k + 1.0) * ratio).ln();
        Some((k + 1.0, ln_p))
    };
    std::iter::successors(possible.then_some(start), next)
        .map(|(k, ln_p)| (k, ln_p.exp()))
        .take_while(move |(k, p)| *k <= mean || *p > 1e-18)
}

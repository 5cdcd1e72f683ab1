//! Counts so large that one more is no difference: a negative binomial as the gamma distribution, moved, that has its
//! mean, variance and skewness.
//!
//! ```text
//! s = (1 + 2 alpha mu) / sqrt(mu (1 + alpha mu))             sigma^2 = mu + alpha mu^2
//! z = c + theta g,  g ~ Gamma(k)      k = 4 / s^2            theta = sigma s / 2        c = mu - k theta
//!
//! F(x) = P(k, x)      CRPS = y (2 P(k, y) - 1) - k (2 P(k + 1, y) - 1) - 1 / B(1 / 2, k)              of g
//! ```
//!
//! `P` is the regularised incomplete gamma function. Where `k` is large, its quantiles are those of Wilson and Hilferty 1931, and its CRPS is that of a Gaussian. CRPS:
//! Scheuerer and Moeller 2015, "Probabilistic wind speed forecasting on a grid based on ensemble model output statistics".

use super::normal;
use super::special::{incomplete_gamma, ln_beta};

/// From this mean on, counts are taken for numbers: to sum their probabilities takes a time in proportion to them.
const MANY: f64 = 5e3;
/// From this `k` on, the distribution is as good as symmetric.
const SYMMETRIC: f64 = 1e4;

/// A negative binomial of a large mean.
pub(crate) struct ManyCounts {
    mean: f64,
    deviation: f64,
    shape: f64,
}

impl ManyCounts {
    /// That of a mean and a dispersion; nothing where they are none of a negative binomial, or the mean is not large.
    pub(crate) fn of(mean: f64, dispersion: f64) -> Option<Self> {
        let overdispersion = dispersion * mean;
        // Apart, as their product may be beyond all numbers.
        let deviation = mean.sqrt() * (1.0 + overdispersion).sqrt();
        let skewness = (1.0 + 2.0 * overdispersion) / deviation;
        let shape = 4.0 / (skewness * skewness);
        let possible = mean > MANY && dispersion > 0.0 && deviation.is_finite() && shape > 0.0;
        possible.then_some(Self {
            mean,
            deviation,
            shape,
        })
    }

    /// The least count below or at which one comes out with the probability `level`, in `0..1`.
    pub(crate) fn quantile(&self, level: f64) -> f64 {
        let standard = (quantile(level, self.shape) - self.shape) / self.shape.sqrt();
        let place = self.mean + self.deviation * standard;
        // A count stands for the numbers that are rounded to it.
        (place - 0.5).ceil().max(0.0)
    }

    /// The CRPS of a value.
    pub(crate) fn crps(&self, value: f64) -> f64 {
        let standard = (value - self.mean) / self.deviation;
        if self.shape >= SYMMETRIC {
            return self.deviation * normal::crps(standard);
        }
        let root = self.shape.sqrt();
        self.deviation / root * crps(self.shape + root * standard, self.shape)
    }
}

/// `F^-1` of `g`, in `0..1`.
fn quantile(level: f64, shape: f64) -> f64 {
    let ninth = (9.0 * shape).recip();
    let cube = (1.0 - ninth + normal::quantile(level) * ninth.sqrt()).max(0.0);
    let near = shape * cube.powi(3);
    if shape >= SYMMETRIC || level <= 0.0 || level >= 1.0 {
        return near;
    }
    let (mut below, mut above) = (0.0, near.max(shape));
    while incomplete_gamma(shape, above) < level {
        (below, above) = (above, 2.0 * above);
    }
    // As exact as counts need, and no more: a small quantile of a small shape is 0 in the end.
    while above - below > 1e-12 * above.max(shape) {
        let middle = 0.5 * (below + above);
        match incomplete_gamma(shape, middle) < level {
            true => below = middle,
            false => above = middle,
        }
    }
    above
}

/// Of `g`.
fn crps(y: f64, shape: f64) -> f64 {
    let [own, next] = [shape, shape + 1.0].map(|shape| 2.0 * incomplete_gamma(shape, y) - 1.0);
    y * own - shape * next - (-ln_beta(0.5, shape)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.gamma(k).cdf(x)` and `.ppf(0.05)`, `.ppf(0.999)`.
    #[test]
    fn it_is_scipys() {
        for (shape, x, expected, [low, high]) in GAMMA {
            let found = incomplete_gamma(shape, x);
            assert!((found - expected).abs() < 1e-12, "{shape} {x}: {found}");
            for (level, expected) in [(0.05, low), (0.999, high)] {
                let found = quantile(level, shape);
                assert!(
                    (found - expected).abs() < 1e-10 * shape.max(1.0),
                    "{shape}: {found}"
                );
            }
        }
    }

    /// `scipy.stats.nbinom(r, 1 / (1 + alpha mu)).ppf` of 0.001, 0.05, 0.5 and 0.99, and the CRPS of the mean and of
    /// twice the mean by the sum over all counts.
    #[test]
    fn large_counts_are_scipys() {
        for (mean, dispersion, quantiles, scores) in NEGATIVE_BINOMIAL {
            let counts = ManyCounts::of(mean, dispersion).unwrap();
            let deviation = (mean + dispersion * mean * mean).sqrt();
            for (level, expected) in [0.001, 0.05, 0.5, 0.99].into_iter().zip(quantiles) {
                let error = (counts.quantile(level) - expected) / deviation;
                assert!(error.abs() < 2e-3, "{mean} {dispersion} {level}: {error}");
            }
            for (value, expected) in [mean, 2.0 * mean].into_iter().zip(scores) {
                let error = (counts.crps(value) - expected) / deviation;
                assert!(error.abs() < 1e-3, "{mean} {dispersion} {value}: {error}");
            }
        }
    }

    #[rustfmt::skip]
    const GAMMA: [(f64, f64, f64, [f64; 2]); 5] = [
        (0.3, 0.01, 0.27924099635901484, [3.211034699722965e-05, 4.618936042791333]),
        (1.0, 2.5, 0.9179150013761012, [0.05129329438755053, 6.907755278982137]),
        (7.5, 3.0, 0.020252253282186623, [3.6304719638350162, 18.848649109176915]),
        (200.0, 215.0, 0.8551262439557167, [177.32048703304125, 246.5658793699739]),
        (5000.0, 4900.0, 0.07794495622651393, [4884.262567833768, 5221.365282705089]),
    ];
    #[rustfmt::skip]
    const NEGATIVE_BINOMIAL: [(f64, f64, [f64; 4], [f64; 2]); 4] = [
        (6000.0, 2.0, [0.0, 23.0, 2729.0, 39811.0], [1987.6615979681264, 5274.029283333615]),
        (20000.0, 0.0001, [19250.0, 19599.0, 19999.0, 20574.0], [57.24331628246058, 19861.804211632938]),
        (50000.0, 0.05, [22390.0, 33133.0, 49169.0, 79619.0], [2615.5203027030866, 43731.785360307695]),
        (30000.0, 1e-07, [29465.0, 29715.0, 30000.0, 30404.0], [40.53764771840804, 29902.13323114188]),
    ];
}

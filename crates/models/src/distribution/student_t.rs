//! Student's t distribution, in `f64`.
//!
//! ```text
//! f(x)   = G((n + 1) / 2) / (G(n / 2) sqrt(n pi)) (1 + x^2 / n)^(-(n + 1) / 2)
//! F(x)   = 1 - I(n / (n + x^2); n / 2, 1 / 2) / 2           x >= 0; F(-x) = 1 - F(x)
//! CRPS   = x (2 F(x) - 1) + 2 f(x) (n + x^2) / (n - 1)
//!            - 2 sqrt(n) / (n - 1) B(1 / 2, n - 1 / 2) / B(1 / 2, n / 2)^2      n > 1
//! ```
//!
//! `I` is the regularised incomplete beta function. CRPS: Jordan, Krueger and Lerch 2019, "Evaluating probabilistic
//! forecasts with scoringRules".

use super::special::{incomplete_beta, ln_beta};

/// `f`, of `n` degrees of freedom.
pub(crate) fn density(x: f64, freedom: f64) -> f64 {
    let scale = ln_beta(0.5, 0.5 * freedom) + 0.5 * freedom.ln();
    (-0.5 * (freedom + 1.0) * (x * x / freedom).ln_1p() - scale).exp()
}

/// `F`.
pub(crate) fn cumulative(x: f64, freedom: f64) -> f64 {
    let square = x * x;
    let tail = match square.is_finite() {
        true => 0.5 * incomplete_beta(freedom / (freedom + square), 0.5 * freedom, 0.5),
        false => 0.0,
    };
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// `F^-1`: infinite at 0 and 1.
pub(crate) fn quantile(p: f64, freedom: f64) -> f64 {
    if p > 0.5 {
        return -quantile(1.0 - p, freedom);
    }
    if p == 0.0 {
        return f64::NEG_INFINITY;
    }
    // Between two places that have it between them: Newton's step where that stays within, else the middle.
    let (mut below, mut above) = (-1.0, 0.0);
    while cumulative(below, freedom) > p && below > f64::MIN / 4.0 {
        (below, above) = (2.0 * below, below);
    }
    let mut x = 0.5 * (below + above);
    for _ in 0..200 {
        let error = cumulative(x, freedom) - p;
        match error > 0.0 {
            true => above = x,
            false => below = x,
        }
        let step = x - error / density(x, freedom);
        let next = match step > below && step < above {
            true => step,
            false => 0.5 * (below + above),
        };
        if (next - x).abs() <= 1e-14 * x.abs() {
            return next;
        }
        x = next;
    }
    x
}

/// The CRPS of `x`; not a number unless there is more than one degree of freedom.
pub(crate) fn crps(x: f64, freedom: f64) -> f64 {
    if freedom <= 1.0 {
        return f64::NAN;
    }
    let less = freedom - 1.0;
    let beta = ln_beta(0.5, freedom - 0.5) - 2.0 * ln_beta(0.5, 0.5 * freedom);
    x * (2.0 * cumulative(x, freedom) - 1.0) + 2.0 * density(x, freedom) * (freedom + x * x) / less
        - 2.0 * freedom.sqrt() / less * beta.exp()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    #[track_caller]
    fn close(found: f64, expected: f64, tolerance: f64) {
        let error = (found - expected).abs();
        assert!(
            error <= tolerance * expected.abs(),
            "{found} for {expected}"
        );
    }

    /// `scipy.stats.t(n)`: `cdf` and `pdf` at -3, 0.4 and 6, `ppf` of 1e-6, 0.05, 0.3 and 0.999.
    #[test]
    fn it_is_scipys() {
        for (freedom, at, of) in [
            (
                2.1,
                [
                    (0.04499514335541351, 0.026915613829810708),
                    (0.6369011092380548, 0.3172391847181765),
                    (0.9881334130596331, 0.003979432967127354),
                ],
                [
                    -534.1150268957418,
                    -2.8273354002997513,
                    -0.6124168057253698,
                    19.86979579979703,
                ],
            ),
            (
                3.0,
                [
                    (0.02883444281121865, 0.02297203730924134),
                    (0.6420324230128149, 0.33127437234925816),
                    (0.9953636425538577, 0.0021748674375613093),
                ],
                [
                    -103.29946778041935,
                    -2.353363434801824,
                    -0.5843897274398188,
                    10.214531852407383,
                ],
            ),
            (
                7.5,
                [
                    (0.009195469304102253, 0.013526306150169086),
                    (0.6498471001853228, 0.352787919229564),
                    (0.9997920087964972, 0.000219738741938281),
                ],
                [
                    -13.052169759815303,
                    -1.8757474792112883,
                    -0.5474128775812613,
                    4.6303190940341015,
                ],
            ),
            (
                200.0,
                [
                    (0.0015215235569529524, 0.004777272450550088),
                    (0.6552082978369523, 0.3676748154483374),
                    (0.9999999954424398, 2.378074553112095e-08),
                ],
                [
                    -4.897302102826782,
                    -1.6525081009108773,
                    -0.5252373340155534,
                    3.131479814221121,
                ],
            ),
        ] {
            for (x, (below, density_of)) in [-3.0, 0.4, 6.0].into_iter().zip(at) {
                close(cumulative(x, freedom), below, 1e-12);
                close(density(x, freedom), density_of, 1e-11);
            }
            for (p, x) in [1e-6, 0.05, 0.3, 0.999].into_iter().zip(of) {
                close(quantile(p, freedom), x, 1e-9);
            }
        }
        assert_eq!(quantile(0.0, 3.0), f64::NEG_INFINITY);
        assert_eq!(quantile(1.0, 3.0), f64::INFINITY);
        close(quantile(0.75, 1.0), 1.0, 1e-12);
        // A third of what is there lies within the density of Cauchy's: f(0) = 1 / pi.
        close(density(0.0, 1.0), 1.0 / PI, 1e-12);
    }
}

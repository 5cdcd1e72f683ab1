//! The functions that distributions are made of, in `f64`.
//!
//! ```text
//! B(a, b)    = G(a) G(b) / G(a + b)
//! I(y; a, b) = y^a (1 - y)^b / (a B(a, b)) / (1 + d_1 / (1 + d_2 / (1 + ..)))         y <= (a + 1) / (a + b + 2)
//!            = 1 - I(1 - y; b, a)                                                     else
//! d_2m       = m (b - m) y / ((a + 2 m - 1) (a + 2 m))
//! d_2m+1     = -(a + m) (a + b + m) y / ((a + 2 m) (a + 2 m + 1))
//! P(k, x)    = x^k e^-x / G(k + 1) (1 + x / (k + 1) + x^2 / ((k + 1) (k + 2)) + ..)   x < k + 1
//!            = 1 - x^k e^-x / G(k) / (x + 1 - k + d_1 / (x + 3 - k + d_2 / ..))       else;  d_n = -n (n - k)
//! ```
//!
//! `I` and `P` are the regularised incomplete beta and (lower) gamma functions.

use std::f64::consts::TAU;

/// `ln G(x)` for x > 0: Stirling's series, from 10 on.
pub(super) fn ln_gamma(x: f64) -> f64 {
    let (mut at, mut below) = (x, 0.0);
    while at < 10.0 {
        below += at.ln();
        at += 1.0;
    }
    let inverse = at.recip();
    let square = inverse * inverse;
    let series = 1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0));
    (at - 0.5) * at.ln() - at + 0.5 * TAU.ln() + inverse * series - below
}

/// `ln B(a, b)`.
pub(super) fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// `I`.
pub(super) fn incomplete_beta(y: f64, a: f64, b: f64) -> f64 {
    if y <= 0.0 || y >= 1.0 {
        return y.clamp(0.0, 1.0);
    }
    if y > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - y, b, a);
    }
    let front = (a * y.ln() + b * (-y).ln_1p() - ln_beta(a, b)).exp() / a;
    let terms = (1..500_u32).map(|term| {
        let m = f64::from(term / 2);
        let numerator = match term % 2 {
            0 => m * (b - m) * y / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            _ => -(a + m) * (a + b + m) * y / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        };
        (numerator, 1.0)
    });
    front / continued_fraction(1.0, terms)
}

/// `P`.
pub(super) fn incomplete_gamma(k: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = k * x.ln() - x;
    if x < k + 1.0 {
        let (mut term, mut sum, mut at) = (1.0, 1.0, k);
        while term > 1e-16 * sum {
            at += 1.0;
            term *= x / at;
            sum += term;
        }
        return (front - ln_gamma(k + 1.0)).exp() * sum;
    }
    let first = x + 1.0 - k;
    let terms = (1..100_000_u32).map(|term| {
        let n = f64::from(term);
        (-n * (n - k), first + 2.0 * n)
    });
    1.0 - (front - ln_gamma(k)).exp() / continued_fraction(first, terms)
}

/// `b_0 + a_1 / (b_1 + a_2 / (b_2 + ..))` of terms `(a, b)`, by Lentz's method: numerators and denominators as ratios to
/// the ones before, away from 0.
fn continued_fraction(first: f64, terms: impl Iterator<Item = (f64, f64)>) -> f64 {
    let away = |x: f64| if x.abs() < 1e-300 { 1e-300 } else { x };
    let mut fraction = away(first);
    let (mut c, mut d) = (fraction, 0.0);
    for (a, b) in terms {
        d = away(b + a * d).recip();
        c = away(b + a / c);
        let change = c * d;
        fraction *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}

//! The standard normal distribution, in `f64`.
//!
//! ```text
//! phi(x)   = exp(-x^2 / 2) / sqrt(2 pi)
//! Phi(x)   = 1/2 + phi(x) (x + x^3 / 3 + x^5 / (3 5) + x^7 / (3 5 7) + ..)
//! Phi^-1   : rational functions of p, good to 1e-16
//! ```
//!
//! `Phi`: Marsaglia 2004, "Evaluating the normal distribution", Journal of Statistical Software 11.
//! `Phi^-1`: Wichura 1988, "Algorithm AS 241: the percentage points of the normal distribution".

use std::f64::consts::{PI, TAU};

use rand::{Rng, RngExt};

/// `phi`.
pub(crate) fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / TAU.sqrt()
}

/// `Phi`.
pub(crate) fn cumulative(x: f64) -> f64 {
    // Beyond, it is 0 or 1 to the last digit.
    if x.abs() > 9.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut sum, mut term, mut odd) = (x, x, 1.0);
    loop {
        odd += 2.0;
        term *= x * x / odd;
        let next = sum + term;
        // So too where x is not a number.
        if next == sum || next.is_nan() {
            return 0.5 + next * density(x);
        }
        sum = next;
    }
}

/// The CRPS of `x` of the standard normal distribution (Gneiting and Raftery 2007).
pub(crate) fn crps(x: f64) -> f64 {
    x * (2.0 * cumulative(x) - 1.0) + 2.0 * density(x) - PI.sqrt().recip()
}

/// A number drawn from it.
pub(crate) fn draw(random: &mut impl Rng) -> f64 {
    // Of 0 it would be infinite.
    quantile(random.random::<f64>().max(f64::MIN_POSITIVE))
}

/// `Phi^-1`: infinite at 0 and 1, not a number beyond.
pub(crate) fn quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p == 0.0 || p == 1.0 {
        return if p == 0.0 {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        };
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(&CENTRE[0], r) / polynomial(&CENTRE[1], r);
    }
    let r = (-p.min(1.0 - p).ln()).sqrt();
    let x = match r <= 5.0 {
        true => polynomial(&TAIL[0], r - 1.6) / polynomial(&TAIL[1], r - 1.6),
        false => polynomial(&FAR[0], r - 5.0) / polynomial(&FAR[1], r - 5.0),
    };
    x.copysign(q)
}

/// Its coefficients from the lowest power.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// Of a numerator and its denominator.
type Coefficients = [[f64; 8]; 2];

const CENTRE: Coefficients = [
    [
        3.3871328727963665,
        133.14166789178438,
        1971.5909503065513,
        13731.69376550946,
        45921.95393154987,
        67265.7709270087,
        33430.57558358813,
        2509.0809287301227,
    ],
    [
        1.0,
        42.31333070160091,
        687.1870074920579,
        5394.196021424751,
        21213.794301586597,
        39307.89580009271,
        28729.085735721943,
        5226.495278852854,
    ],
];

const TAIL: Coefficients = [
    [
        1.4234371107496835,
        4.630337846156546,
        5.769497221460691,
        3.6478483247632045,
        1.2704582524523684,
        0.2417807251774506,
        0.022723844989269184,
        0.0007745450142783414,
    ],
    [
        1.0,
        2.053191626637759,
        1.6763848301838038,
        0.6897673349851,
        0.14810397642748008,
        0.015198666563616457,
        0.0005475938084995345,
        1.0507500716444169e-09,
    ],
];

const FAR: Coefficients = [
    [
        6.657904643501103,
        5.463784911164114,
        1.7848265399172913,
        0.29656057182850487,
        0.026532189526576124,
        0.0012426609473880784,
        2.7115555687434876e-05,
        2.0103343992922881e-07,
    ],
    [
        1.0,
        0.599832206555888,
        0.1369298809227358,
        0.014875361290850615,
        0.0007868691311456133,
        1.8463183175100548e-05,
        1.421511758316446e-07,
        2.0442631033899397e-15,
    ],
];

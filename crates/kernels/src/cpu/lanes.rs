//! The lanes of a SIMD register as a [`Value`], and the exponential that sigmoid and tanh stand on.
//!
//! ```text
//! exp(x) - 1 = 2^n p + (2^n - 1),     n = round(x / ln 2),  r = x - n ln 2,  p = exp(r) - 1
//! sigmoid(x) = 1 / (1 + exp(-x))
//! tanh(x)    = e / (e + 2),           e = exp(2 x) - 1
//! ```
//!
//! The polynomials are those of Cephes' `expf` and `logf` (S. Moshier). That of `exp` is exact near 0, so `e` is, so tanh is,
//! without a case of its own for small `x`.
//!
//! Error, over every finite f32, against f64: [`exp`] below 1.5, [`log`] below 2, [`sigmoid`] and
//! [`tanh`] below 4 units in the last place; the sigmoid of what is below -87 is at most 2e-38 off. `tests` measures
//! it. NaN stays NaN.

use std::ops::{Add, Mul, Sub};

use pulp::Simd;

use crate::pointwise::Value;

/// The f32 lanes of one register.
pub(crate) struct Lanes<S: Simd> {
    simd: S,
    pub values: S::f32s,
}

impl<S: Simd> Lanes<S> {
    #[inline(always)]
    pub fn new(simd: S, values: S::f32s) -> Self {
        Self { simd, values }
    }
}

/// `exp(x)`; infinity above 88.72, and gradually to zero below -87.3.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let x = clamp(simd, x, -105.0, 90.0);
    let (n, p) = split(simd, x);
    // 2^n in two factors: each can be written down where 2^n itself cannot.
    let half = round(simd, simd.mul_f32s(n, simd.splat_f32s(0.5)));
    let rest = simd.sub_f32s(n, half);
    let y = simd.add_f32s(p, simd.splat_f32s(1.0));
    let y = simd.mul_f32s(y, power_of_two(simd, half));
    simd.mul_f32s(y, power_of_two(simd, rest))
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let (n, p) = split(simd, clamp(simd, simd.neg_f32s(x), -87.0, 88.0));
    let scale = power_of_two(simd, n);
    // 1 + 2^n (1 + p)
    let below = simd.add_f32s(one, simd.mul_add_f32s(p, scale, scale));
    simd.div_f32s(one, below)
}

/// The hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // Beyond 9.02 the tangent is 1 to the last place.
    let x = clamp(simd, x, -10.0, 10.0);
    let (n, p) = split(simd, simd.add_f32s(x, x));
    let scale = power_of_two(simd, n);
    let e = simd.mul_add_f32s(p, scale, simd.sub_f32s(scale, simd.splat_f32s(1.0)));
    simd.div_f32s(e, simd.add_f32s(e, simd.splat_f32s(2.0)))
}

/// The natural logarithm: minus infinity of 0, NaN of what is below.
///
/// ```text
/// log(2^e m) = e ln 2 + log(m),      m from sqrt(1/2) to sqrt(2),  r = m - 1
/// log(1 + r) = r - r^2 / 2 + r^3 P(r)
/// ```
#[inline(always)]
pub(crate) fn log<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let splat = |value: f32| simd.splat_f32s(value);
    // What is below the normal numbers is brought among them.
    let small = simd.less_than_f32s(x, splat(f32::MIN_POSITIVE));
    let scaled = simd.select_f32s(small, simd.mul_f32s(x, splat(8_388_608.0)), x);
    let bits = simd.transmute_u32s_f32s(scaled);
    // The exponent of x / sqrt(1/2), so that what remains is near 1.
    let from_root = simd.sub_u32s(
        bits,
        simd.splat_u32s(std::f32::consts::FRAC_1_SQRT_2.to_bits()),
    );
    let exponent = simd.wrapping_dyn_shr_u32s(from_root, simd.splat_u32s(23));
    let mantissa = simd.sub_u32s(
        bits,
        simd.wrapping_dyn_shl_u32s(exponent, simd.splat_u32s(23)),
    );
    let r = simd.sub_f32s(simd.transmute_f32s_u32s(mantissa), splat(1.0));
    // The exponent as a signed number of 9 bits, written into the mantissa of 1.5 * 2^23.
    let flipped = simd.and_u32s(
        simd.add_u32s(exponent, simd.splat_u32s(256)),
        simd.splat_u32s(511),
    );
    let shifted = simd.or_u32s(flipped, simd.splat_u32s(8_388_608.0f32.to_bits()));
    let e = simd.sub_f32s(
        simd.transmute_f32s_u32s(shifted),
        splat(8_388_608.0 + 256.0),
    );
    let e = simd.sub_f32s(e, simd.select_f32s(small, splat(23.0), splat(0.0)));

    let mut p = splat(7.037_683_6e-2);
    for coefficient in [
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_5e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ] {
        p = simd.mul_add_f32s(p, r, splat(coefficient));
    }
    let square = simd.mul_f32s(r, r);
    let y = simd.mul_f32s(simd.mul_f32s(p, r), square);
    let y = simd.mul_add_f32s(e, splat(-2.121_944_4e-4), y);
    let y = simd.mul_add_f32s(square, splat(-0.5), y);
    let y = simd.mul_add_f32s(e, splat(0.693_359_4), simd.add_f32s(r, y));
    // What has no logarithm, and what is its own.
    let y = simd.select_f32s(simd.equal_f32s(x, splat(0.0)), splat(f32::NEG_INFINITY), y);
    let y = simd.select_f32s(simd.less_than_f32s(x, splat(0.0)), splat(f32::NAN), y);
    simd.select_f32s(simd.less_than_f32s(x, splat(f32::INFINITY)), y, x)
}

/// Below this, what a gradient is multiplied with next is below the normal numbers.
const TINY: f32 = 1e-30;

/// `x`, or 0 where it is so small that it changes nothing. Gradients that vanish through time come to the
/// numbers below the normal ones, with which a processor computes many times more slowly.
#[inline(always)]
pub(crate) fn flush_tiny<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let tiny = simd.less_than_f32s(simd.abs_f32s(x), simd.splat_f32s(TINY));
    simd.select_f32s(tiny, simd.splat_f32s(0.0), x)
}

/// `max(0, x)`; NaN stays NaN.
#[inline(always)]
pub(crate) fn relu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    simd.select_f32s(simd.less_than_f32s(x, zero), zero, x)
}

/// `x` between two bounds; NaN stays NaN, which the instructions for this do not promise.
#[inline(always)]
fn clamp<S: Simd>(simd: S, x: S::f32s, low: f32, high: f32) -> S::f32s {
    let (low, high) = (simd.splat_f32s(low), simd.splat_f32s(high));
    let x = simd.select_f32s(simd.less_than_f32s(x, low), low, x);
    simd.select_f32s(simd.greater_than_f32s(x, high), high, x)
}

/// The nearest whole number, for `|x|` below 2^22.
#[inline(always)]
fn round<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let shift = simd.splat_f32s(MAGIC);
    simd.sub_f32s(simd.add_f32s(x, shift), shift)
}

/// 1.5 * 2^23: added to a small number, it leaves no bits for a fraction.
const MAGIC: f32 = 12_582_912.0;

/// `n` and `p` with `exp(x) = 2^n (1 + p)`.
#[inline(always)]
fn split<S: Simd>(simd: S, x: S::f32s) -> (S::f32s, S::f32s) {
    let n = round(
        simd,
        simd.mul_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E)),
    );
    // ln 2 in two parts, the first of which has so few digits that n times it is exact.
    let r = simd.mul_add_f32s(n, simd.splat_f32s(-0.693_359_4), x);
    let r = simd.mul_add_f32s(n, simd.splat_f32s(2.121_944_4e-4), r);
    let mut p = simd.splat_f32s(1.987_569_1e-4);
    for coefficient in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ] {
        p = simd.mul_add_f32s(p, r, simd.splat_f32s(coefficient));
    }
    (n, simd.mul_add_f32s(p, simd.mul_f32s(r, r), r))
}

/// `2^n` for whole `n` from -126 to 127.
#[inline(always)]
fn power_of_two<S: Simd>(simd: S, n: S::f32s) -> S::f32s {
    // The low bits of this sum are n + 127, which is the exponent field of 2^n.
    let biased = simd.add_f32s(n, simd.splat_f32s(MAGIC + 127.0));
    let bits = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(biased), simd.splat_u32s(23));
    simd.transmute_f32s_u32s(bits)
}

impl<S: Simd> Clone for Lanes<S> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Simd> Copy for Lanes<S> {}

impl<S: Simd> Add for Lanes<S> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::new(self.simd, self.simd.add_f32s(self.values, other.values))
    }
}

impl<S: Simd> Sub for Lanes<S> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self::new(self.simd, self.simd.sub_f32s(self.values, other.values))
    }
}

impl<S: Simd> Mul for Lanes<S> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self::new(self.simd, self.simd.mul_f32s(self.values, other.values))
    }
}

impl<S: Simd> Value for Lanes<S> {
    #[inline(always)]
    fn sigmoid(self) -> Self {
        Self::new(self.simd, sigmoid(self.simd, self.values))
    }

    #[inline(always)]
    fn tanh(self) -> Self {
        Self::new(self.simd, tanh(self.simd, self.values))
    }

    #[inline(always)]
    fn relu(self) -> Self {
        Self::new(self.simd, relu(self.simd, self.values))
    }

    #[inline(always)]
    fn step(self) -> Self {
        let (zero, one) = (self.simd.splat_f32s(0.0), self.simd.splat_f32s(1.0));
        let positive = self.simd.greater_than_f32s(self.values, zero);
        Self::new(self.simd, self.simd.select_f32s(positive, one, zero))
    }

    #[inline(always)]
    fn complement(self) -> Self {
        let one = self.simd.splat_f32s(1.0);
        Self::new(self.simd, self.simd.sub_f32s(one, self.values))
    }
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, Scalar, Simd, WithSimd};

    use super::*;

    #[derive(Clone, Copy)]
    enum Function {
        Exp,
        Log,
        Sigmoid,
        Tanh,
    }

    struct Apply<'a>(Function, &'a mut [f32]);

    impl WithSimd for Apply<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            for chunk in self.1.chunks_mut(S::F32_LANES) {
                let x = simd.partial_load_f32s(chunk);
                let y = match self.0 {
                    Function::Exp => exp(simd, x),
                    Function::Log => log(simd, x),
                    Function::Sigmoid => sigmoid(simd, x),
                    Function::Tanh => tanh(simd, x),
                };
                simd.partial_store_f32s(chunk, y);
            }
        }
    }

    fn reference(function: Function, x: f64) -> f64 {
        match function {
            Function::Exp => x.exp(),
            Function::Log => x.ln(),
            Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Function::Tanh => x.tanh(),
        }
    }

    /// The distance between two f32 next to each other at `y`.
    fn unit_in_the_last_place(y: f64) -> f64 {
        let exponent = (y.abs().max(f32::MIN_POSITIVE as f64)).log2().floor();
        2.0f64.powf(exponent - 23.0)
    }

    /// The largest error, in units in the last place, over every `stride`-th f32.
    fn worst(function: Function, stride: usize, scalar: bool) -> f64 {
        let mut worst = 0.0f64;
        let mut bits = (0..=u32::MAX).step_by(stride).peekable();
        while bits.peek().is_some() {
            let x: Vec<f32> = bits.by_ref().take(1 << 12).map(f32::from_bits).collect();
            let mut y = x.clone();
            match scalar {
                true => Scalar.vectorize(Apply(function, &mut y)),
                false => Arch::new().dispatch(Apply(function, &mut y)),
            }
            for (&x, &y) in x.iter().zip(&y) {
                if x.is_nan() {
                    assert!(y.is_nan(), "{x} gave {y}");
                    continue;
                }
                let exact = reference(function, f64::from(x));
                if !exact.is_finite() && matches!(function, Function::Log) {
                    let same = f64::from(y) == exact || y.is_nan() && exact.is_nan();
                    assert!(same, "log({x}) = {y}, not {exact}");
                    continue;
                }
                if exact > f64::from(f32::MAX) {
                    assert_eq!(y, f32::INFINITY, "exp({x})");
                    continue;
                }
                let error = (f64::from(y) - exact).abs();
                if matches!(function, Function::Sigmoid) && x < -87.0 {
                    assert!(error < 2e-38, "sigmoid({x}) = {y}, not {exact}");
                    continue;
                }
                worst = worst.max(error / unit_in_the_last_place(exact));
            }
        }
        worst
    }

    fn check(stride: usize) {
        for scalar in [false, true] {
            for (function, name, bound) in [
                (Function::Exp, "exp", 1.5),
                (Function::Log, "log", 2.0),
                (Function::Sigmoid, "sigmoid", 4.0),
                (Function::Tanh, "tanh", 4.0),
            ] {
                let worst = worst(function, stride, scalar);
                println!("{name}: {worst:.3} units in the last place (scalar: {scalar})");
                assert!(worst < bound, "{name}: {worst} units in the last place");
            }
        }
    }

    #[test]
    fn error_is_bounded() {
        // A prime, so that every exponent and every kind of mantissa comes by.
        check(10_007);
    }

    #[test]
    #[ignore = "every f32 there is: some minutes"]
    fn error_is_bounded_everywhere() {
        check(1);
    }
}

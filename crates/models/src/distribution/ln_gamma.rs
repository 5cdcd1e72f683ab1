//! Logarithms of the gamma function, in tensor operations.
//!
//! ```text
//! ln G(r + z) - ln G(r) = d(r, z) + z ln(a + z) - z                     a = r + N,  b = 1 + N
//! d(r, z) = (a - 1/2) ln(1 + z / a) + c(a + z) - c(a) - sum_{k < N} ln(1 + z / (r + k))
//! c(x)    = 1/(12 x) - 1/(360 x^3) + 1/(1260 x^5)                       Stirling's series
//!
//! ln G(x)                   = d(1, x) + x ln(b + x) - x - ln x
//! ln (G(r + z) / (G(r) z!)) = d(r, z) - d(1, z) + z ln(1 + (r - 1) / (b + z))
//! ```
//!
//! The sum is the recurrence G(x + 1) = x G(x), N = 6 times; Stirling's series is good to 1e-8 from
//! there on. A difference is worked out as one, since each of its terms may be a million times larger
//! than itself: z ln(a + z) - z ln(b + z) is, of a million of counts.

use burn::tensor::Tensor;

const SHIFT: usize = 6;

/// `c`.
fn correction<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let inverse = x.recip();
    let square = inverse.clone() * inverse.clone();
    let series = square.clone() * (square * (1.0 / 1260.0) - 1.0 / 360.0) + 1.0 / 12.0;
    inverse * series
}

/// `d`.
fn rest<const D: usize>(r: Tensor<D>, z: Tensor<D>) -> Tensor<D> {
    let a = r.clone() + SHIFT as f64;
    let stirling = (a.clone() - 0.5) * (z.clone() / a.clone()).log1p()
        + correction(a.clone() + z.clone())
        - correction(a);
    (0..SHIFT).fold(stirling, |rest, k| {
        rest - (z.clone() / (r.clone() + k as f64)).log1p()
    })
}

/// `ln (G(r + z) / G(r))`, for `r > 0` and `z >= 0`.
pub(super) fn ln_ratio<const D: usize>(r: Tensor<D>, z: Tensor<D>) -> Tensor<D> {
    let a = r.clone() + SHIFT as f64;
    rest(r, z.clone()) + z.clone() * (a + z.clone()).log() - z
}

/// `ln (G(r + z) / (G(r) z!))`, for `r > 0` and `z >= 0`: the ways to come to `z` of a negative
/// binomial distribution.
pub(super) fn ln_ways<const D: usize>(r: Tensor<D>, z: Tensor<D>) -> Tensor<D> {
    let b = (1 + SHIFT) as f64;
    rest(r.clone(), z.clone()) - rest(z.ones_like(), z.clone())
        + z.clone() * ((r - 1.0) / (z + b)).log1p()
}

/// `ln G(x)`, for `x > 0`: the logarithm of the gamma function, of each element.
///
/// In `f32` it is good to 1e-5, relative; near its zeros at 1 and 2, absolute. It is differentiable.
pub fn ln_gamma<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    // ln G(1 + x) - ln x, for x - 1 would lose what is small.
    let end = x.clone() + (1 + SHIFT) as f64;
    rest(x.ones_like(), x.clone()) + x.clone() * end.log() - x.clone() - x.log()
}

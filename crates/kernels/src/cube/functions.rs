//! The functions that equations are made of, on a GPU.
//!
//! They are written out, because a shader language promises little of what it offers under these
//! names: a `tanh` that is a quotient of exponentials overflows. Here an exponential is only ever
//! taken of a number below zero, and what is not a number stays so.

use cubecl::prelude::*;

/// `1 / (1 + exp(-x))`.
#[cube]
pub(crate) fn sigmoid(x: f32) -> f32 {
    let e = (-x.abs()).exp();
    let positive = 1.0 / (1.0 + e);
    select(x < 0.0, e * positive, positive)
}

/// The hyperbolic tangent: from the exponential, but for small numbers, of which the difference
/// `1 - exp(-2 |x|)` would leave few digits. For those, the polynomial of Cephes' `tanhf`.
#[cube]
pub(crate) fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let e = (size * -2.0f32).exp();
    let large = (1.0 - e) / (1.0 + e);
    let z = x * x;
    let p = z * -5.704_988_7e-3f32 + 2.063_909e-2f32;
    let p = p * z - 5.373_971_6e-2f32;
    let p = p * z + 1.333_144_2e-1f32;
    let p = p * z - 3.333_328e-1f32;
    let small = p * z * x + x;
    select(size < 0.625, small, select(x < 0.0, -large, large))
}

/// `max(0, x)`.
#[cube]
pub(crate) fn relu(x: f32) -> f32 {
    select(x < 0.0, 0.0f32, x)
}

/// 1 where `x > 0`, else 0.
#[cube]
pub(crate) fn step(x: f32) -> f32 {
    select(x > 0.0, 1.0f32, 0.0f32)
}

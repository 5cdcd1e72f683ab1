//! Euclidean norms, also of numbers whose squares overflow or vanish.
//!
//! ```text
//! |x| = sqrt(sum x_i^2)
//!     = m sqrt(sum (x_i / m)^2)        m = max |x_i|
//! ```
//!
//! The second form holds for all numbers, and goes through them twice as often. On the CPU, where a sum
//! can be looked at for nothing, it is taken when the first does not hold; elsewhere always, so that
//! nothing is read back.
//!
//! In f32, or better where the numbers are. A norm above the largest number is that number: it is
//! finite as long as all numbers are, and only then.

use burn::tensor::{FloatDType, Tensor};

use crate::device::is_cpu;

/// A sum of squares above this has lost nothing, in single precision, to squares that vanish: those of
/// ten million numbers come to less than its last digit.
const LEAST_SUM: f64 = 1e-24;

/// A bit below the largest number, so that rounding does not lift it to infinity.
const MOST_F32: f64 = 3.4e38;
const MOST_F64: f64 = 1.79e308;

/// The norm of all numbers of a tensor.
pub(super) fn norm<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let numbers: usize = tensor.dims().iter().product();
    let flat = wide(tensor).reshape([numbers]);
    norm_by(flat, Tensor::max_abs, Tensor::sum)
}

/// The norm of each row, which is what one unit reads: `[rows, 1, ..]`. Each number of a vector is a
/// row.
pub(super) fn row_norms<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    let within: Vec<usize> = (1..D).collect();
    let largest = |tensor: Tensor<D>| tensor.max_abs_dims(&within);
    let sum = |tensor: Tensor<D>| tensor.sum_dims(&within);
    norm_by(wide(tensor), largest, sum)
}

/// In half precision as f32: few numbers are enough for their sum to overflow.
pub(super) fn wide<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    match FloatDType::from(tensor.dtype()) {
        FloatDType::F16 | FloatDType::BF16 => tensor.cast(FloatDType::F32),
        _ => tensor,
    }
}

/// The norm of what `largest` and `sum` put together.
fn norm_by<const D: usize>(
    tensor: Tensor<D>,
    largest: impl Fn(Tensor<D>) -> Tensor<D>,
    sum: impl Fn(Tensor<D>) -> Tensor<D>,
) -> Tensor<D> {
    if is_cpu(&tensor.device()) {
        let squares = sum(tensor.clone().square());
        let holds = |sum: f64| sum > LEAST_SUM && sum.is_finite();
        if squares.to_data().iter::<f64>().all(holds) {
            return squares.sqrt();
        }
    }
    scaled_norm(tensor, largest, sum)
}

/// `m sqrt(sum (x / m)^2)`.
fn scaled_norm<const D: usize>(
    tensor: Tensor<D>,
    largest: impl Fn(Tensor<D>) -> Tensor<D>,
    sum: impl Fn(Tensor<D>) -> Tensor<D>,
) -> Tensor<D> {
    let (least, most) = match FloatDType::from(tensor.dtype()) {
        FloatDType::F64 => (f64::MIN_POSITIVE, MOST_F64),
        _ => (f64::from(f32::MIN_POSITIVE), MOST_F32),
    };
    // Of zeros, too, something that can be divided by.
    let largest = largest(tensor.clone()).clamp_min(least);
    // Where a number is infinite, this is infinity by infinity, and so no number.
    let root = sum((tensor / largest.clone()).square()).sqrt();
    let at_most = root.clone().clamp_min(1.0).recip() * most;
    largest.min_pair(at_most) * root
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    /// As it is taken here, and as it is taken where nothing is read back.
    fn both(values: &[f32]) -> [f32; 2] {
        let tensor = Tensor::<1>::from_floats(values, &Device::default());
        let scaled = scaled_norm(tensor.clone(), Tensor::max_abs, Tensor::sum);
        [norm(tensor).into_scalar(), scaled.into_scalar()]
    }

    #[test]
    fn squares_may_overflow_and_vanish() {
        for scale in [1.0, 1e19, 5e37, 1e-10, 1e-12, 1e-19, 1e-25, 1e-37] {
            for found in both(&[3.0 * scale, 0.0, -4.0 * scale]) {
                assert!((found / scale - 5.0).abs() < 1e-5, "{found} of {scale}");
            }
        }
        assert_eq!(both(&[0.0, 0.0]), [0.0, 0.0]);
    }

    #[test]
    fn it_is_finite_where_all_numbers_are_and_only_there() {
        for found in both(&[f32::MAX; 100]) {
            assert!(found > 3.3e38 && found.is_finite(), "{found}");
        }
        for bad in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            for found in both(&[1.0, bad, 3.0, 1e30]) {
                assert!(!found.is_finite(), "{found} of {bad}");
            }
        }
    }

    #[test]
    fn long_tensors_lose_nothing() {
        for scale in [1.0, 1e18, 1e-20] {
            let values: Vec<f32> = (0..50_017)
                .map(|i| ((i % 7) as f32 - 3.0) * scale)
                .collect();
            let exact: f64 = values.iter().map(|v| f64::from(*v).powi(2)).sum();
            for found in both(&values) {
                let relative = f64::from(found) / exact.sqrt() - 1.0;
                assert!(relative.abs() < 1e-5, "{found} against {}", exact.sqrt());
            }
        }
    }

    #[test]
    fn each_row_has_its_own() {
        let device = Device::default();
        let rows = [[3e19, 4e19], [3e-25, 4e-25], [0.3, 0.4], [0.0, 0.0]];
        let rows = Tensor::<2>::from_floats(rows, &device);
        let norms = row_norms(rows);
        assert_eq!(norms.dims(), [4, 1]);
        let norms: Vec<f32> = norms.into_data().iter().collect();
        for (found, expected) in norms.iter().zip([5e19, 5e-25, 0.5]) {
            assert!((found / expected - 1.0).abs() < 1e-6, "{norms:?}");
        }
        assert_eq!(norms[3], 0.0);
        let vector = Tensor::<1>::from_floats([-2.0, 0.5], &device);
        let norms: Vec<f32> = row_norms(vector).into_data().iter().collect();
        assert_eq!(norms, [2.0, 0.5]);
    }
}

//! What the machine's processor can do at best: one large matrix product.

/// Rows and columns of both matrices.
#[cfg(feature = "flex")]
const SIZE: usize = 2048;

/// Products that are timed.
#[cfg(feature = "flex")]
const TIMES: usize = 5;

/// The rate of a product of two large square matrices of `f32`, in 10^9 floating-point operations a
/// second: the median of several, on all threads, by the `gemm` crate, which Flex multiplies with.
/// `None` in a build without Flex.
#[cfg(feature = "flex")]
pub fn sgemm_gflops() -> Option<f64> {
    use std::hint::black_box;
    use std::time::Instant;

    use burn::tensor::{Device, Distribution, Tensor};

    let device = Device::flex();
    let random = || Tensor::<2>::random([SIZE, SIZE], Distribution::Default, &device);
    let (left, right) = (random(), random());
    let product = || {
        let (left, right) = (left.clone(), right.clone());
        let start = Instant::now();
        let product = black_box(left.matmul(right));
        let seconds = start.elapsed().as_secs_f64();
        drop(product);
        2.0 * (SIZE as f64).powi(3) / seconds / 1e9
    };
    product();
    let rates: Vec<f64> = (0..TIMES).map(|_| product()).collect();
    Some(crate::statistics::median(&rates))
}

/// The rate of a large matrix product, which a build without Flex has nothing to measure with.
#[cfg(not(feature = "flex"))]
pub fn sgemm_gflops() -> Option<f64> {
    None
}

//! A seed that follows from the one that a device has.

use burn::tensor::{Device, Distribution, Tensor};

/// A seed, drawn from the random numbers of `device`.
pub(crate) fn drawn(device: &Device) -> u64 {
    let words = Tensor::<1>::random([2], Distribution::Uniform(0.0, 1.0), device);
    let words = words.into_data();
    words.iter::<f64>().fold(0, |seed, word| {
        seed << 24 | (word * f64::from(1 << 24)) as u64
    })
}

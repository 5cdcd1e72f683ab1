//! Devices, and tensors of numbers that are the same each time.

use burn::tensor::{Device, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Each backend that this build has kernels of the CPU for.
#[allow(deprecated, reason = "NdArray is tested while Burn keeps it")]
pub fn devices() -> Vec<Device> {
    vec![
        #[cfg(feature = "flex")]
        Device::flex(),
        #[cfg(feature = "ndarray")]
        Device::ndarray(),
    ]
}

pub struct Numbers(StdRng);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Numbers between `-scale` and `scale`, whose gradients are recorded.
    pub fn tensor<const D: usize>(
        &mut self,
        scale: f32,
        shape: [usize; D],
        device: &Device,
    ) -> Tensor<D> {
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count)
            .map(|_| self.0.random_range(-scale..scale))
            .collect();
        Tensor::from_data(TensorData::new(values, shape), device).require_grad()
    }
}

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.to_data().iter::<f32>().collect()
}

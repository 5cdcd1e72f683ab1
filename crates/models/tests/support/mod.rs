//! What models are tested on.
#![allow(dead_code, reason = "each test needs a part of it")]

use burn::tensor::Device;

/// A software GPU takes minutes for a model: there it is the program's tests that train it.
#[allow(deprecated, reason = "NdArray is tested while Burn keeps it")]
pub fn cpus() -> Vec<Device> {
    vec![
        #[cfg(feature = "flex")]
        Device::flex(),
        #[cfg(feature = "ndarray")]
        Device::ndarray(),
    ]
}

/// Those and the GPU.
pub fn devices() -> Vec<Device> {
    let gpus = vec![
        #[cfg(feature = "wgpu")]
        Device::wgpu(Default::default()),
    ];
    [cpus(), gpus].concat()
}

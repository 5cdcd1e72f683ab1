//! Linear maps, and weights as theirs, that are there as soon as they are built.
//!
//! ```text
//! y = W x + b          both uniform within 1/sqrt(I), as PyTorch's `Linear` starts
//! ```

use burn::module::Param;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

/// From `input` features to `output`, with `b` if there is to be a `bias`.
///
/// Burn draws a weight when it is first used; here it is drawn at once, so that a seed means the
/// same model.
pub(crate) fn linear(input: usize, output: usize, bias: bool, device: &Device) -> Linear {
    let linear = LinearConfig::new(input, output)
        .with_bias(bias)
        .init(device);
    linear.weight.val();
    if let Some(bias) = &linear.bias {
        bias.val();
    }
    linear
}

/// How PyTorch's `Linear` starts that reads so many features: uniformly within `1 / sqrt(features)`.
pub(crate) fn within_root(features: usize) -> Initializer {
    let bound = (features as f64).sqrt().recip();
    Initializer::Uniform {
        min: -bound,
        max: bound,
    }
}

/// Weights that start so, and are there as soon as this returns.
pub(crate) fn uniform<const D: usize>(
    shape: [usize; D],
    features: usize,
    device: &Device,
) -> Param<Tensor<D>> {
    let weights = within_root(features).init(shape, device);
    Param::from_tensor(weights.into_value().detach())
}

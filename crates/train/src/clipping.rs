//! Keeping the gradient from exploding.
//!
//! ```text
//! by value:    g_i <- min(max(g_i, -v), v)
//! by tensor:   G_k <- G_k min(1, c / |G_k|)              each tensor by its own norm
//! adaptive:    G_kj <- G_kj min(1, l max(|W_kj|, 0.001) / |G_kj|)      each row of each tensor
//! by norm:     g   <- g min(1, c / |g|)                  |g|: the norm of the WHOLE gradient
//! ```
//!
//! in this order. The last norm is over all parameters together, so that clipping shortens the step
//! and keeps its direction; clipping each tensor by its own norm, as optimisers in Burn do, turns it.
//!
//! Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks",
//! arXiv 1211.5063. Adaptive: Brock et al. 2021, "High-performance large-scale image recognition
//! without normalization", arXiv 2102.06171; a row of a weight is what one unit reads.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{FloatDType, Tensor};
use serde::{Deserialize, Serialize};

/// How gradients are clipped; not at all by default.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clipping {
    /// The largest absolute value of a component.
    pub value: Option<f64>,
    /// The largest norm of each tensor's gradient.
    pub tensor: Option<f64>,
    /// The largest norm of the gradient of each unit, as part of the norm of its weights.
    pub adaptive: Option<f64>,
    /// The largest norm of the whole gradient.
    pub norm: Option<f64>,
}

/// The norms of the whole gradient.
#[derive(Debug, Clone)]
pub struct Norms {
    /// Before clipping.
    pub before: Tensor<1>,
    /// After it.
    pub after: Tensor<1>,
}

impl Norms {
    pub(crate) fn without_autodiff(self) -> Self {
        Self {
            before: self.before.without_autodiff(),
            after: self.after.without_autodiff(),
        }
    }
}

/// A weight no longer than this may still change, in adaptive clipping.
const SHORTEST_ROW: f64 = 1e-3;
/// The same small number as in PyTorch's `clip_grad_norm_`.
const EPSILON: f64 = 1e-6;

impl Clipping {
    /// By the norm of the whole gradient alone.
    pub fn by_norm(norm: f64) -> Self {
        Self {
            norm: Some(norm),
            ..Self::default()
        }
    }

    /// Clips the gradients of `module`; gives the norms of the whole gradient.
    ///
    /// Everything stays on the device: nothing is read back.
    pub fn apply<M: Module>(&self, module: &M, gradients: &mut GradientsParams) -> Norms {
        let before = norm(module, gradients);
        let mut after = before.clone();
        if self.value.is_some() || self.tensor.is_some() || self.adaptive.is_some() {
            module.visit(&mut ClipEach {
                clipping: self,
                gradients,
            });
            after = norm(module, gradients);
        }
        if let Some(limit) = self.norm {
            let factor = shortening(after.clone(), limit);
            module.visit(&mut Shorten {
                gradients,
                factor: &factor,
            });
            after = after * factor;
        }
        Norms { before, after }
    }

    /// What is clipped tensor by tensor.
    fn clip<const D: usize>(&self, weight: Tensor<D>, mut gradient: Tensor<D>) -> Tensor<D> {
        if let Some(value) = self.value {
            gradient = gradient.clamp(-value, value);
        }
        if let Some(limit) = self.tensor {
            let norm = wide(gradient.clone()).square().sum().sqrt();
            gradient = scaled(gradient, &shortening(norm, limit));
        }
        if let Some(part) = self.adaptive {
            let limit = row_norms(weight).clamp_min(SHORTEST_ROW) * part;
            let norms = row_norms(gradient.clone());
            let factor = (limit / norms.clamp_min(EPSILON)).clamp_max(1.0);
            let factor = factor.cast(FloatDType::from(gradient.dtype()));
            gradient = gradient.clone() * factor.expand(gradient.shape());
        }
        gradient
    }
}

/// `min(1, limit / norm)`.
fn shortening(norm: Tensor<1>, limit: f64) -> Tensor<1> {
    ((norm + EPSILON).recip() * limit).clamp_max(1.0)
}

fn scaled<const D: usize>(gradient: Tensor<D>, factor: &Tensor<1>) -> Tensor<D> {
    let factor = factor.clone().cast(FloatDType::from(gradient.dtype()));
    gradient * factor.reshape([1; D])
}

/// Of each row, the norm of what its unit reads: `[rows, 1, ..]`; a number of a vector is a row.
fn row_norms<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    let mut squares = wide(tensor).square();
    for dimension in 1..D {
        squares = squares.sum_dim(dimension);
    }
    squares.sqrt()
}

/// In half precision the sum of squares overflows early.
fn wide<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    match FloatDType::from(tensor.dtype()) {
        FloatDType::F16 | FloatDType::BF16 => tensor.cast(FloatDType::F32),
        _ => tensor,
    }
}

/// The norm of the whole gradient, in f32 or better.
fn norm<M: Module>(module: &M, gradients: &GradientsParams) -> Tensor<1> {
    let mut squares = Squares {
        gradients,
        sum: None,
    };
    module.visit(&mut squares);
    let sum = squares
        .sum
        .unwrap_or_else(|| Tensor::zeros([1], &Default::default()));
    sum.sqrt()
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.get::<D>(param.id) else {
            return;
        };
        let own = wide(gradient).square().sum();
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum + own,
            None => own,
        });
    }
}

struct ClipEach<'a> {
    clipping: &'a Clipping,
    gradients: &'a mut GradientsParams,
}

impl ModuleVisitor for ClipEach<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            let weight = param.val().without_autodiff();
            let clipped = self.clipping.clip(weight, gradient);
            self.gradients.register(param.id, clipped);
        }
    }
}

struct Shorten<'a> {
    gradients: &'a mut GradientsParams,
    factor: &'a Tensor<1>,
}

impl ModuleVisitor for Shorten<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients
                .register(param.id, scaled(gradient, self.factor));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    /// A layer whose gradient is 3 for the bias and (4, 12) for the weights: norm 13. Its weights are
    /// (0.6, 0), its bias 0.8.
    fn layer_and_gradients(device: &Device) -> (Linear, GradientsParams) {
        let autodiff = device.clone().autodiff();
        let mut layer = LinearConfig::new(2, 1).init(&autodiff);
        layer.weight = layer
            .weight
            .map(|_| Tensor::from_floats([[0.6], [0.0]], &autodiff));
        layer.bias = layer
            .bias
            .map(|bias| bias.map(|_| Tensor::from_floats([0.8], &autodiff)));
        let weight = Tensor::<2>::from_floats([[4.0], [12.0]], device);
        let mut gradients = GradientsParams::new();
        gradients.register(layer.weight.id, weight);
        gradients.register(
            layer.bias.as_ref().unwrap().id,
            Tensor::<1>::from_floats([3.0], device),
        );
        (layer, gradients)
    }

    fn values(layer: &Linear, gradients: &GradientsParams) -> Vec<f32> {
        let weight = gradients.get::<2>(layer.weight.id).unwrap().into_data();
        let bias = gradients
            .get::<1>(layer.bias.as_ref().unwrap().id)
            .unwrap()
            .into_data();
        weight.iter::<f32>().chain(bias.iter::<f32>()).collect()
    }

    fn clipped(clipping: Clipping) -> (Vec<f32>, f32, f32) {
        let (layer, mut gradients) = layer_and_gradients(&Device::default());
        let norms = clipping.apply(&layer, &mut gradients);
        let (before, after) = (norms.before.into_scalar(), norms.after.into_scalar());
        (values(&layer, &gradients), before, after)
    }

    fn near(found: &[f32], expected: [f32; 3]) {
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-6 * expected.abs().max(1.0),
                "{found} against {expected}"
            );
        }
    }

    #[test]
    fn the_norm_is_that_of_all_parameters_together() {
        let (unchanged, before, after) = clipped(Clipping::default());
        assert_eq!(
            (unchanged, before, after),
            (vec![4.0, 12.0, 3.0], 13.0, 13.0)
        );
        let (unchanged, ..) = clipped(Clipping::by_norm(13.5));
        assert_eq!(unchanged, [4.0, 12.0, 3.0]);
        let (short, before, after) = clipped(Clipping::by_norm(1.3));
        assert_eq!(before, 13.0, "the norm before clipping is reported");
        assert!((after - 1.3).abs() < 1e-6, "{after}");
        near(&short, [0.4, 1.2, 0.3]);
    }

    #[test]
    fn values_are_clipped_before_the_norm() {
        let (limited, ..) = clipped(Clipping {
            value: Some(3.5),
            ..Clipping::default()
        });
        assert_eq!(limited, [3.5, 3.5, 3.0]);
        let norm = (3.5f32 * 3.5 * 2.0 + 9.0).sqrt();
        let (both, _, after) = clipped(Clipping {
            value: Some(3.5),
            ..Clipping::by_norm(1.0)
        });
        near(&both, [3.5 / norm, 3.5 / norm, 3.0 / norm]);
        assert!((after - 1.0).abs() < 1e-6, "{after}");
    }

    #[test]
    fn each_tensor_may_be_clipped_by_its_own_norm() {
        let (each, before, after) = clipped(Clipping {
            tensor: Some(2.0),
            ..Clipping::default()
        });
        let weight = 160f32.sqrt() / 2.0;
        near(&each, [4.0 / weight, 12.0 / weight, 2.0]);
        assert_eq!(before, 13.0);
        assert!((after - 8f32.sqrt()).abs() < 1e-5, "{after}");
    }

    #[test]
    fn adaptive_clipping_goes_by_the_weights_of_each_unit() {
        let (each, ..) = clipped(Clipping {
            adaptive: Some(0.5),
            ..Clipping::default()
        });
        // Half the norm of each row of weights; where that is 0, half a thousandth.
        near(&each, [0.3, 0.0005, 0.4]);
    }
}

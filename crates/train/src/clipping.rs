//! Keeping the gradient from exploding.
//!
//! ```text
//! by value:  g_i <- min(max(g_i, -v), v)
//! by norm:   g   <- g min(1, c / |g|)        |g|: the norm of the WHOLE gradient
//! ```
//!
//! The norm is over all parameters together, so that clipping shortens the step and keeps its
//! direction; clipping each tensor by its own norm, as optimisers in Burn do, turns it.
//!
//! Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks",
//! arXiv 1211.5063.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{FloatDType, Tensor};
use serde::{Deserialize, Serialize};

/// How gradients are clipped: by value first, then by norm; not at all by default.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Clipping {
    /// The largest absolute value of a component.
    pub value: Option<f64>,
    /// The largest norm of the whole gradient.
    pub norm: Option<f64>,
}

impl Clipping {
    /// Clips the gradients of `module`; gives the norm of the whole gradient before.
    ///
    /// Everything stays on the device: nothing is read back.
    pub fn apply<M: Module>(&self, module: &M, gradients: &mut GradientsParams) -> Tensor<1> {
        let before = norm(module, gradients);
        if let Some(value) = self.value {
            let clamp = &mut |gradient: Tensor<1>| gradient.clamp(-value, value);
            module.visit(&mut Rescale {
                gradients,
                each: clamp,
            });
        }
        if let Some(limit) = self.norm {
            let norm = if self.value.is_some() {
                norm(module, gradients)
            } else {
                before.clone()
            };
            // The same small number as in PyTorch's clip_grad_norm_.
            let factor = ((norm + 1e-6).recip() * limit).clamp_max(1.0);
            let scale = &mut |gradient: Tensor<1>| {
                let factor = factor.clone().cast(FloatDType::from(gradient.dtype()));
                gradient * factor
            };
            module.visit(&mut Rescale {
                gradients,
                each: scale,
            });
        }
        before
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
        // In half precision the sum of squares overflows early.
        let gradient = match FloatDType::from(gradient.dtype()) {
            FloatDType::F16 | FloatDType::BF16 => gradient.cast(FloatDType::F32),
            _ => gradient,
        };
        let own = gradient.square().sum();
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum + own,
            None => own,
        });
    }
}

struct Rescale<'a> {
    gradients: &'a mut GradientsParams,
    each: &'a mut dyn FnMut(Tensor<1>) -> Tensor<1>,
}

impl ModuleVisitor for Rescale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return;
        };
        let shape = gradient.shape();
        let flat = gradient.reshape([shape.num_elements()]);
        self.gradients
            .register(param.id, (self.each)(flat).reshape::<D, _>(shape));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    /// A layer whose gradient is 3 for the bias and (4, 12) for the weights: norm 13.
    fn layer_and_gradients(device: &Device) -> (Linear, GradientsParams) {
        let layer = LinearConfig::new(2, 1).init(&device.clone().autodiff());
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

    fn clipped(clipping: Clipping) -> (Vec<f32>, f32) {
        let (layer, mut gradients) = layer_and_gradients(&Device::default());
        let norm = clipping.apply(&layer, &mut gradients).into_scalar::<f32>();
        (values(&layer, &gradients), norm)
    }

    #[test]
    fn the_norm_is_that_of_all_parameters_together() {
        let (unchanged, norm) = clipped(Clipping::default());
        assert_eq!((unchanged, norm), (vec![4.0, 12.0, 3.0], 13.0));
        let (unchanged, _) = clipped(Clipping {
            norm: Some(13.5),
            value: None,
        });
        assert_eq!(unchanged, [4.0, 12.0, 3.0]);
        let (short, norm) = clipped(Clipping {
            norm: Some(1.3),
            value: None,
        });
        assert_eq!(norm, 13.0, "the norm before clipping is reported");
        for (found, expected) in short.iter().zip([0.4, 1.2, 0.3]) {
            assert!(
                (found - expected).abs() < 1e-6,
                "{found} against {expected}"
            );
        }
    }

    #[test]
    fn values_are_clipped_before_the_norm() {
        let (limited, _) = clipped(Clipping {
            norm: None,
            value: Some(3.5),
        });
        assert_eq!(limited, [3.5, 3.5, 3.0]);
        let norm = (3.5f32 * 3.5 * 2.0 + 9.0).sqrt();
        let (both, _) = clipped(Clipping {
            norm: Some(1.0),
            value: Some(3.5),
        });
        for (found, expected) in both.iter().zip([3.5, 3.5, 3.0]) {
            assert!((found - expected / norm).abs() < 1e-6, "{found}");
        }
    }
}

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

mod norm;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{FloatDType, Tensor};
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::bounds::positive;
use crate::device::is_cpu;
use norm::{norm, row_norms, wide};

/// How gradients are clipped; not at all by default. A [`Clipper`] does it.
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

/// What clips gradients, by limits that make sense.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clipper(Clipping);

/// The norms of the whole gradient.
#[derive(Debug, Clone)]
pub struct Norms {
    /// Before clipping: finite where every component is.
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

impl Clipping {
    /// By the norm of the whole gradient alone.
    pub fn by_norm(norm: f64) -> Self {
        Self {
            norm: Some(norm),
            ..Self::default()
        }
    }

    /// Refuses limits that are no positive numbers: below 0, a gradient would be turned round.
    ///
    /// # Errors
    ///
    /// Names the first such limit.
    pub fn check(&self) -> Result<(), TrainError> {
        positive([
            ("clipping.value", self.value),
            ("clipping.tensor", self.tensor),
            ("clipping.adaptive", self.adaptive),
            ("clipping.norm", self.norm),
        ])
    }

    /// What clips at these limits.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn init(&self) -> Result<Clipper, TrainError> {
        self.check()?;
        Ok(Clipper(*self))
    }
}

impl Clipper {
    /// Clips the gradients of `module`; gives the norms of the whole gradient.
    ///
    /// Everything stays on the device: nothing is read back from a GPU.
    pub fn apply<M: Module>(&self, module: &M, gradients: &mut GradientsParams) -> Norms {
        let Clipping {
            value,
            tensor,
            adaptive,
            norm: limit,
        } = self.0;
        let before = whole_norm(module, gradients);
        let mut after = before.clone();
        if value.is_some() || tensor.is_some() || adaptive.is_some() {
            module.visit(&mut ClipEach {
                clipper: self,
                gradients,
            });
            after = whole_norm(module, gradients);
        }
        if let Some(limit) = limit {
            let factor = shortening(after.clone(), limit);
            if !is_known_to_be_one(&factor) {
                module.visit(&mut Shorten {
                    gradients,
                    factor: &factor,
                });
            }
            after = after * factor;
        }
        Norms { before, after }
    }

    /// What is clipped tensor by tensor.
    fn clip<const D: usize>(&self, weight: Tensor<D>, mut gradient: Tensor<D>) -> Tensor<D> {
        if let Some(value) = self.0.value {
            gradient = gradient.clamp(-value, value);
        }
        if let Some(limit) = self.0.tensor {
            let norm = norm(gradient.clone());
            gradient = scaled(gradient, shortening(norm, limit).reshape([1; D]));
        }
        if let Some(part) = self.0.adaptive {
            let limits = row_norms(weight).clamp_min(SHORTEST_ROW) * part;
            let norms = row_norms(gradient.clone());
            gradient = scaled(gradient, at_most_one(norms / limits));
        }
        gradient
    }
}

/// Whether a factor changes nothing. On the CPU it costs nothing to look, and a pass over the gradient to multiply; a
/// GPU would be waited for.
fn is_known_to_be_one(factor: &Tensor<1>) -> bool {
    is_cpu(&factor.device()) && factor.to_data().iter::<f64>().all(|factor| factor == 1.0)
}

/// `min(1, limit / norm)`.
fn shortening(norm: Tensor<1>, limit: f64) -> Tensor<1> {
    // No gradient is as short as what a GPU takes for 0.
    at_most_one(norm / limit.max(f64::from(f32::MIN_POSITIVE)))
}

/// `min(1, 1 / times)`.
fn at_most_one<const D: usize>(times: Tensor<D>) -> Tensor<D> {
    times.clamp_min(1.0).recip()
}

/// In half precision there would be no number for a small factor.
fn scaled<const D: usize>(gradient: Tensor<D>, factor: Tensor<D>) -> Tensor<D> {
    let dtype = FloatDType::from(gradient.dtype());
    let wide = wide(gradient);
    let factor = factor.cast(FloatDType::from(wide.dtype()));
    (wide * factor).cast(dtype)
}

/// The norm of the whole gradient: that of the norms of its tensors.
fn whole_norm<M: Module>(module: &M, gradients: &GradientsParams) -> Tensor<1> {
    let mut each = EachNorm {
        gradients,
        norms: Vec::new(),
    };
    module.visit(&mut each);
    match each.norms.is_empty() {
        true => Tensor::zeros([1], &Default::default()),
        false => norm(Tensor::cat(each.norms, 0)),
    }
}

struct EachNorm<'a> {
    gradients: &'a GradientsParams,
    norms: Vec<Tensor<1>>,
}

impl ModuleVisitor for EachNorm<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.norms.push(norm(gradient));
        }
    }
}

struct ClipEach<'a> {
    clipper: &'a Clipper,
    gradients: &'a mut GradientsParams,
}

impl ModuleVisitor for ClipEach<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            let weight = param.val().without_autodiff();
            let clipped = self.clipper.clip(weight, gradient);
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
            let factor = self.factor.clone().reshape([1; D]);
            self.gradients.register(param.id, scaled(gradient, factor));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::flag;
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
        clipped_after(1.0, clipping)
    }

    /// The same of gradients that many times as long.
    fn clipped_after(times: f64, clipping: Clipping) -> (Vec<f32>, f32, f32) {
        let (layer, mut gradients) = layer_and_gradients(&Device::default());
        let bias = layer.bias.as_ref().unwrap().id;
        let weight = gradients.remove::<2>(layer.weight.id).unwrap() * times;
        gradients.register(layer.weight.id, weight);
        let longer = gradients.remove::<1>(bias).unwrap() * times;
        gradients.register(bias, longer);
        let clipper = clipping.init().unwrap();
        let norms = clipper.apply(&layer, &mut gradients);
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

    /// Their squares are no numbers in single precision, or 0.
    #[test]
    fn gradients_of_any_length_are_clipped() {
        for (times, unit) in [(1e19, 1.0), (2.5e37, 1.0), (1e-25, 1e-25)] {
            let in_units = |values: Vec<f32>| -> Vec<f32> {
                values.iter().map(|value| value / unit as f32).collect()
            };
            let (short, before, after) = clipped_after(times, Clipping::by_norm(1.3 * unit));
            near(&in_units(short), [0.4, 1.2, 0.3]);
            near(&in_units(vec![after]), [1.3, 0.0, 0.0]);
            assert!((f64::from(before) / times / 13.0 - 1.0).abs() < 1e-6);
            let each = Clipping {
                tensor: Some(2.0 * unit),
                ..Clipping::default()
            };
            let weight = 160f32.sqrt() / 2.0;
            let (each, ..) = clipped_after(times, each);
            near(&in_units(each), [4.0 / weight, 12.0 / weight, 2.0]);
        }
        let adaptive = Clipping {
            adaptive: Some(0.5),
            ..Clipping::default()
        };
        near(&clipped_after(1e19, adaptive).0, [0.3, 0.0005, 0.4]);
        let (unclipped, before, _) = clipped_after(1e-25, adaptive);
        assert_eq!(unclipped, [4.0f32, 12.0, 3.0].map(|value| value * 1e-25));
        assert!((before * 1e25 - 13.0).abs() < 1e-5, "{before}");
    }

    #[test]
    fn in_half_precision_a_small_factor_is_not_lost() {
        let device = Device::default();
        let half = Tensor::<1>::from_floats([40000.0; 3], &device).cast(FloatDType::F16);
        let factor = Tensor::from_floats([1e-8], &device);
        let short = scaled(half, factor);
        assert_eq!(FloatDType::from(short.dtype()), FloatDType::F16);
        for value in short.into_data().iter::<f32>() {
            assert!((value - 4e-4).abs() < 1e-6, "{value}");
        }
    }

    #[test]
    fn limits_that_turn_or_erase_a_gradient_are_refused() {
        for limit in [-1.0, 0.0, f64::NAN, f64::INFINITY] {
            let some = Some(limit);
            let none = Clipping::default();
            for (clipping, what) in [
                (
                    Clipping {
                        value: some,
                        ..none
                    },
                    "clipping.value",
                ),
                (
                    Clipping {
                        tensor: some,
                        ..none
                    },
                    "clipping.tensor",
                ),
                (
                    Clipping {
                        adaptive: some,
                        ..none
                    },
                    "clipping.adaptive",
                ),
                (Clipping { norm: some, ..none }, "clipping.norm"),
            ] {
                assert_eq!(
                    clipping.init().unwrap_err().to_string(),
                    format!(
                        "{}: expected a finite number above 0, found {limit}",
                        flag(what)
                    )
                );
            }
        }
    }
}

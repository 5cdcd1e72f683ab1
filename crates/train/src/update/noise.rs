//! Noise on the gradient.
//!
//! ```text
//! g_t <- g_t + N(0, s_t^2)        s_t^2 = n / (1 + t)^0.55
//! ```
//!
//! after clipping. Neelakantan et al. 2015, "Adding gradient noise improves learning for very deep
//! networks", arXiv 1511.06807.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Distribution, Tensor};

use crate::TrainError;
use crate::bounds::weights;

const DECAY: f64 = 0.55;

/// Refuses a variance that none can be.
pub(crate) fn check(variance: f64) -> Result<(), TrainError> {
    weights([("gradient_noise", variance)])
}

/// Adds the noise of step `step`, from 0, with `n` = `noise`.
pub(crate) fn add<M: Module>(noise: f64, step: usize, module: &M, gradients: &mut GradientsParams) {
    let deviation = (noise / (1.0 + step as f64).powf(DECAY)).sqrt();
    module.visit(&mut Noise {
        gradients,
        normal: Distribution::Normal(0.0, deviation),
    });
}

struct Noise<'a> {
    gradients: &'a mut GradientsParams,
    normal: Distribution,
}

impl ModuleVisitor for Noise<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            let noise = gradient.random_like(self.normal);
            self.gradients.register(param.id, gradient + noise);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::LinearConfig;
    use burn::tensor::Device;

    #[test]
    fn noise_falls_as_the_formula_says() {
        let device = Device::default();
        let layer = LinearConfig::new(200, 200).init(&device.clone().autodiff());
        for (step, expected) in [(0, 0.3), (99, 0.3 / 100f64.powf(DECAY))] {
            let mut gradients = GradientsParams::new();
            let zeros = Tensor::<2>::zeros([200, 200], &device);
            gradients.register(layer.weight.id, zeros);
            add(0.3, step, &layer, &mut gradients);
            let noise = gradients.get::<2>(layer.weight.id).unwrap();
            let variance = noise.square().mean().into_scalar::<f64>();
            assert!((variance / expected - 1.0).abs() < 0.05, "{variance}");
        }
    }
}

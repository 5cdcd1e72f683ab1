//! Adam in one pass over its numbers.
//!
//! ```text
//! m <- b1 m + (1 - b1) g             b1 = 0.9
//! v <- b2 v + (1 - b2) g^2           b2 = 0.999
//! theta <- theta - lr (m / c1) / (sqrt(v / c2) + e)        c_i = 1 - b_i^t, e = 1e-8
//! ```
//!
//! Kingma and Ba 2015, arXiv 1412.6980, with PyTorch's constants. Written as tensor operations it
//! reads and writes as many numbers some twenty times as there are weights; a step of a small
//! recurrent net then spends more time on its weights than on its sequences. On the CPU it is one
//! loop here; elsewhere, where Burn fuses operations by itself, it is Burn's own.

use backdraft_cells::{Kernel, Path};
use burn::optim::{Adam, AdamConfig, AdamState, AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{DType, Device, Tensor, TensorData};
use rayon::prelude::*;

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Numbers that a thread goes through at a time.
const CHUNK: usize = 1 << 14;

/// Adam, one pass over the numbers on the CPU.
#[derive(Clone)]
pub struct FusedAdam {
    elsewhere: Adam,
}

impl std::fmt::Debug for FusedAdam {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FusedAdam").finish_non_exhaustive()
    }
}

impl Default for FusedAdam {
    fn default() -> Self {
        let elsewhere = AdamConfig::new()
            .with_beta_1(BETA_1)
            .with_beta_2(BETA_2)
            .with_epsilon(EPSILON)
            .build();
        Self { elsewhere }
    }
}

impl Optimizer for FusedAdam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (device, dtype) = (tensor.device(), tensor.dtype());
        let path = Path::of(&device, dtype);
        if !matches!(path, Path::Kernel(Kernel::Cpu { .. })) || grad.dtype() != DType::F32 {
            return self.elsewhere.step(lr, tensor, grad, state);
        }
        let mut momentum = match state {
            Some(state) => state.momentum,
            None => AdaptiveMomentumState::new(0, grad.zeros_like(), grad.zeros_like()),
        };
        momentum.time += 1;
        let step = Step::new(lr, momentum.time);
        let [mut weight, gradient, mut first, mut second] = [
            tensor.into_data(),
            grad.into_data(),
            momentum.moment_1.into_data(),
            momentum.moment_2.into_data(),
        ];
        step.take(
            values(&mut weight),
            gradient.as_slice().expect("f32 was checked"),
            values(&mut first),
            values(&mut second),
        );
        momentum.moment_1 = Tensor::from_data(first, &device);
        momentum.moment_2 = Tensor::from_data(second, &device);
        (
            Tensor::from_data(weight, &device),
            Some(AdamState { momentum }),
        )
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        Adam::to_device(state, device)
    }
}

fn values(data: &mut TensorData) -> &mut [f32] {
    data.as_mut_slice().expect("f32 was checked")
}

/// What is the same for all numbers of a step.
struct Step {
    /// `lr / c1`.
    rate: f32,
    /// `1 / sqrt(c2)`.
    scale: f32,
}

impl Step {
    fn new(lr: f64, time: usize) -> Self {
        let correction = |beta: f32| 1.0 - f64::from(beta).powf(time as f64);
        Self {
            rate: (lr / correction(BETA_1)) as f32,
            scale: correction(BETA_2).sqrt().recip() as f32,
        }
    }

    fn take(&self, weight: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        // Handing so few numbers to another thread takes longer than going through them.
        if weight.len() <= CHUNK {
            return self.take_chunk(weight, gradient, first, second);
        }
        weight
            .par_chunks_mut(CHUNK)
            .zip(gradient.par_chunks(CHUNK))
            .zip(first.par_chunks_mut(CHUNK))
            .zip(second.par_chunks_mut(CHUNK))
            .for_each(|(((weight, gradient), first), second)| {
                self.take_chunk(weight, gradient, first, second);
            });
    }

    fn take_chunk(
        &self,
        weight: &mut [f32],
        gradient: &[f32],
        first: &mut [f32],
        second: &mut [f32],
    ) {
        let moments = first.iter_mut().zip(second);
        for ((w, g), (m, v)) in weight.iter_mut().zip(gradient).zip(moments) {
            *m = BETA_1 * *m + (1.0 - BETA_1) * g;
            *v = BETA_2 * *v + (1.0 - BETA_2) * (g * g);
            *w -= self.rate * *m / (v.sqrt() * self.scale + EPSILON);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Distribution;

    /// Odd sizes, more than a chunk.
    #[test]
    fn it_takes_the_steps_of_burns_adam() {
        let device = Device::default();
        let fused = FusedAdam::default();
        let shape = [129, 131];
        let weight = Tensor::<2>::random(shape, Distribution::Default, &device);
        let mut ours = (weight.clone(), None);
        let mut burns = (weight, None);
        for step in 0..20 {
            let rate = 0.01 / (step + 1) as f64;
            let gradient = Tensor::random(shape, Distribution::Normal(0.0, 0.3), &device);
            ours = fused.step(rate, ours.0, gradient.clone(), ours.1);
            burns = fused.elsewhere.step(rate, burns.0, gradient, burns.1);
        }
        let difference = (ours.0 - burns.0).abs().max().into_scalar::<f32>();
        assert!(difference < 1e-6, "{difference}");
        let moments = |state: Option<AdamState<2>>| state.unwrap().momentum;
        let (ours, burns) = (moments(ours.1), moments(burns.1));
        assert_eq!(ours.time, burns.time);
        let difference = (ours.moment_2 - burns.moment_2).abs().max();
        assert!(difference.into_scalar::<f32>() < 1e-7);
    }
}

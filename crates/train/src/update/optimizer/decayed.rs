//! Weight decay apart from the gradient.
//!
//! ```text
//! theta <- (1 - lr w) theta - step(gradient)
//! ```
//!
//! with any optimiser: what the gradient is divided by does not divide the decay. Loshchilov and
//! Hutter 2019, "Decoupled weight decay regularization", arXiv 1711.05101; as PyTorch's `AdamW`, of
//! all weights.

use burn::optim::{LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};

use crate::TrainError;
use crate::bounds::weights;

/// An optimiser, with weight decay before its step.
#[derive(Debug, Clone)]
pub struct Decayed<O> {
    optimizer: O,
    decay: f64,
}

impl<O: Optimizer> Decayed<O> {
    /// `decay` of the weights, times the learning rate, goes in each step.
    ///
    /// # Errors
    ///
    /// When it is below 0, so that the weights would grow, or no finite number.
    pub fn new(optimizer: O, decay: f64) -> Result<Self, TrainError> {
        weights([("weight_decay", decay)])?;
        Ok(Self { optimizer, decay })
    }
}

impl<O: Optimizer> Optimizer for Decayed<O> {
    type State<const D: usize> = O::State<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let tensor = match self.decay {
            0.0 => tensor,
            decay => tensor * (1.0 - lr * decay),
        };
        self.optimizer.step(lr, tensor, grad, state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        O::to_device(state, device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FusedAdam;

    #[test]
    fn a_decay_that_lets_weights_grow_is_refused() {
        for decay in [-0.1, f64::NAN, f64::INFINITY] {
            let error = Decayed::new(FusedAdam::default(), decay).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("--weight-decay: expected a finite number, at least 0, found {decay}")
            );
        }
    }
}

//! What a step reads of its input.

use burn::tensor::Tensor;

/// What a step reads of its input, for a whole sequence (`D = 3`, `[time, batch, ..]`) or for one step (`D = 2`,
/// `[batch, ..]`): what the input was projected to, and the random masks of a run in training.
///
/// A tensor alone is what a cell without masks gives.
#[derive(Debug, Clone)]
pub struct Projected<const D: usize> {
    /// `a_t = W x_t + b`.
    pub values: Tensor<D>,
    /// What units are multiplied with, or kept by; none outside of training. Which mask is which is the cell's to know.
    pub masks: Vec<Tensor<D>>,
}

impl<const D: usize> From<Tensor<D>> for Projected<D> {
    fn from(values: Tensor<D>) -> Self {
        Self {
            values,
            masks: Vec::new(),
        }
    }
}

impl Projected<3> {
    /// The time steps, each as [`Cell::step`](crate::Cell::step) takes it.
    pub fn steps(self) -> Vec<Projected<2>> {
        let mut masks: Vec<_> = self
            .masks
            .into_iter()
            .map(|mask| steps(mask).into_iter())
            .collect();
        let step = |values| Projected {
            values,
            masks: masks.iter_mut().filter_map(Iterator::next).collect(),
        };
        steps(self.values).into_iter().map(step).collect()
    }

    /// Everything side by side, the values first.
    pub(crate) fn joined(self) -> Tensor<3> {
        match self.masks.is_empty() {
            true => self.values,
            false => Tensor::cat([vec![self.values], self.masks].concat(), 2),
        }
    }

    /// Columns of the values and of each mask.
    pub(crate) fn widths(&self) -> Vec<usize> {
        let parts = std::iter::once(&self.values).chain(&self.masks);
        parts.map(|part| part.dims()[2]).collect()
    }
}

/// The time steps of `[time, batch, features]`, each `[batch, features]`.
///
/// The gradient of a slice is a tensor of its parent's size. Taking each step from the whole
/// sequence would write T sequences in backward; halving writes only log2(T).
fn steps(sequence: Tensor<3>) -> Vec<Tensor<2>> {
    let [time, batch, features] = sequence.dims();
    if time == 1 {
        return vec![sequence.reshape([batch, features])];
    }
    let half = time / 2;
    let mut all = steps(sequence.clone().slice_dim(0, 0..half));
    all.extend(steps(sequence.slice_dim(0, half..time)));
    all
}

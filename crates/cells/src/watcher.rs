//! What a recurrence does at each of its steps, collected as it runs inside a whole model.
//!
//! [`Layer::trace`](crate::Layer::trace) shows the states of a layer that is run by hand. A watched layer is run
//! by whatever model it is in, and tells what it did afterwards:
//!
//! ```text
//! s_t = step(a_t, s_{t-1}) + z_t        z_t = 0;    dL/dz_t = dL/ds_t
//! ```
//!
//! The zeros `z_t` are added where gradients are asked for. They are leaves of autodiff, so that the gradient of
//! any loss in each state comes out of one backward pass, without a copy of any equation.

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{Bool, Tensor};

use crate::{Cell, Projected, State};

/// Collects what a [`Recurrent`](crate::Recurrent) layer does at each step. Clones collect into the same place.
///
/// ```
/// use backdraft_cells::{Cell, Direction, GruConfig, Layer, Recurrent, SequenceConfig, Watcher};
/// use burn::tensor::{Device, Tensor};
///
/// # fn main() -> Result<(), backdraft_cells::Error> {
/// let device = Device::default();
/// let watcher = Watcher::new();
/// let cell = GruConfig::new(3, 4).init(&device)?;
/// let layer = Recurrent::new(cell, Direction::Forward).watched(&watcher);
/// layer.forward(Tensor::ones([2, 5, 3], &device))?;
///
/// let steps = watcher.take();
/// assert_eq!(steps.len(), 5);
/// assert_eq!(steps[0].gates[0].0, "reset");
/// assert_eq!(steps[4].output.dims(), [2, 4]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "register_forward_hook")]
#[derive(Debug, Clone, Default)]
pub struct Watcher {
    with_gradients: bool,
    without_gates: bool,
    steps: Arc<Mutex<Vec<WatchedStep>>>,
}

impl Watcher {
    /// Collects gates, states and outputs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Collects leaves for the gradients in the states, too. Autodiff follows the states from there on, whether or not
    /// the weights and the input have gradients.
    #[must_use]
    pub fn with_gradients(mut self) -> Self {
        self.with_gradients = true;
        self
    }

    /// Leaves the gates out, which have to be computed beside the step.
    #[must_use]
    pub fn without_gates(mut self) -> Self {
        self.without_gates = true;
        self
    }

    /// What was collected since the last time, in the order in which the steps were taken: those of a reverse
    /// recurrence begin with the last step of its input. Runs of the layer follow each other.
    pub fn take(&self) -> Vec<WatchedStep> {
        std::mem::take(&mut *self.steps.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes a step of a cell and collects what it did; `valid` has the rows that have not ended, where some may have.
    pub(crate) fn step<C: Cell>(
        &self,
        cell: &C,
        projected: Projected<2>,
        state: C::State,
        valid: Option<&Tensor<2, Bool>>,
    ) -> C::State {
        let gates = match self.without_gates {
            true => Vec::new(),
            false => cell.gate_activations(projected.clone(), &state),
        };
        let mut next = cell.step(projected, state);
        let mut added = Vec::new();
        if self.with_gradients {
            next = next.map(&mut |tensor| {
                // A cell may hand on a part of its first state as it is, which no gradient follows.
                let zeros = tensor.zeros_like().autodiff().detach().require_grad();
                added.push(zeros.clone());
                tensor + zeros
            });
        }
        let mut tensors = Vec::new();
        next.visit("", &mut |name, tensor| {
            tensors.push((name.to_string(), tensor.clone()));
        });
        let step = WatchedStep {
            gates,
            state: tensors,
            added,
            output: cell.output(&next),
            valid: valid.cloned(),
        };
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps.push(step);
        next
    }
}

/// One step of a watched recurrence, for all rows of the batch.
///
/// At a padded step of a row it is what the step would have done, which the row's state and output leave out.
#[derive(Debug, Clone)]
pub struct WatchedStep {
    /// The gates, by name and in the order of the equations, each `[batch, H]`.
    pub gates: Vec<(&'static str, Tensor<2>)>,
    /// Each tensor of the state after the step, by name, `[batch, units]`.
    pub state: Vec<(String, Tensor<2>)>,
    /// For each tensor of the state the zeros that were added to it, whose gradient is the loss's gradient in that
    /// state; nothing where gradients are not asked for.
    pub added: Vec<Tensor<2>>,
    /// What the cell puts out: `[batch, output_size]`.
    pub output: Tensor<2>,
    /// The rows that have not ended, `[batch, 1]`; none where no row has padding.
    pub valid: Option<Tensor<2, Bool>>,
}

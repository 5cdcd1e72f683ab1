//! What is learned: the loss of some steps of a sequence, and the state they leave behind.

use backdraft_cells::{Error, State};
use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;

use crate::Batch;

/// A model that can be trained on sequences which come in windows.
pub trait Objective: Module + ModuleDisplay + 'static {
    /// Some steps of the data.
    type Batch: Batch;
    /// What a window leaves to the next.
    type State: State;

    /// The loss at each predicted position of some steps, and the state after them.
    ///
    /// # Errors
    ///
    /// When batch and state do not fit the model.
    fn loss(
        &self,
        batch: Self::Batch,
        state: Option<Self::State>,
    ) -> Result<Loss<Self::State>, Error>;

    /// The state of a sequence that has just begun, for so many rows.
    fn blank_state(&self, rows: usize) -> Self::State;
}

/// What some steps of a sequence cost.
#[derive(Debug, Clone)]
pub struct Loss<S> {
    /// The loss at each position.
    pub losses: Tensor<1>,
    /// What is learned beside their mean: one number.
    pub penalty: Option<Tensor<1>>,
    /// The state after the last step.
    pub state: S,
}

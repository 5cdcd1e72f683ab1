//! What every layer is from outside: a sequence and a state in, a sequence and a state out.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Lengths, Path, State};

/// What running a layer gives.
#[derive(Debug, Clone)]
pub struct Run<S> {
    /// The output of each time step: `[batch, time, output_size]`; zero at padded steps.
    pub outputs: Tensor<3>,
    /// The state after each row's last step, to be handed to the run that continues this one.
    pub state: S,
}

/// A recurrence over whole sequences.
pub trait Layer: Module + ModuleDisplay + 'static {
    /// What a run starts from and ends with.
    type State: State;

    /// Features of the input.
    fn input_size(&self) -> usize;

    /// Features of the output.
    fn output_size(&self) -> usize;

    /// The state of a sequence that has just begun.
    fn initial_state(&self, batch: usize) -> Self::State;

    /// The name and sizes that errors give.
    fn describe(&self) -> String;

    /// The same layer, run one step after the other: the reference for every faster path.
    #[must_use]
    fn unrolled(self) -> Self;

    /// Which way each recurrence of this layer will take, and why: its name (as errors give it),
    /// and its path.
    fn paths(&self) -> Vec<(String, Path)>;

    /// Runs over `input` (`[batch, time, input_size]`).
    ///
    /// * `state`: where to start; `None` is [`initial_state`](Self::initial_state).
    /// * `lengths`: the valid steps of each row; `None` when nothing is padding.
    ///
    /// # Errors
    ///
    /// When the input, the state or the lengths do not fit: the layer, what it expected and what
    /// it got. Tensors of another device or another element type than the weights' are a broken
    /// invariant, on which Burn panics.
    fn forward(
        &self,
        input: Tensor<3>,
        state: Option<Self::State>,
        lengths: Option<&Lengths>,
    ) -> Result<Run<Self::State>, Error>;
}

/// What the user typed, from which a cell or a layer is built.
pub trait SequenceConfig: Clone + std::fmt::Debug + Serialize + DeserializeOwned {
    /// What is built: a [`Cell`](crate::Cell) or a [`Layer`].
    type Built: Module;

    /// Features of the input.
    fn input_size(&self) -> usize;

    /// The same for another number of input features; what a deep stack asks of its upper layers.
    #[must_use]
    fn with_input_size(self, input_size: usize) -> Self;

    /// Builds it, with new weights drawn from the device's random numbers.
    ///
    /// # Errors
    ///
    /// When a value of the configuration is impossible: which, and what would be possible.
    fn init(&self, device: &Device) -> Result<Self::Built, Error>;
}

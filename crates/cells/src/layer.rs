//! What every layer is from outside: a sequence and a state in, a sequence and a state out.

use burn::config::Config;
use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Bool, Device, Tensor, TensorData};

use crate::recomputed::in_pieces;
use crate::state::check_state;
use crate::{Direction, Error, LayerInput, Path, State};

/// What running a layer gives.
#[doc(alias = "return_sequences")]
#[doc(alias = "return_state")]
#[derive(Debug, Clone)]
pub struct LayerOutput<S> {
    /// The output of each time step: `[batch, time, output_size]`; zero at padded steps.
    pub outputs: Tensor<3>,
    /// The state after each row's last step, to be handed to the run that continues this one.
    pub state: S,
}

/// What running a layer gives, with the state at every step.
#[derive(Debug, Clone)]
pub struct Trace<S> {
    /// The output of each time step: `[batch, time, output_size]`; zero at padded steps.
    pub outputs: Tensor<3>,
    /// The whole state at each of the `time` steps, an LSTM's memory included: the state after
    /// the recurrence has read that step. Index `t` is step `t` of the input in either direction,
    /// so a reverse recurrence ends at index 0.
    ///
    /// At a padded step it is the state that the row stands still at: in the forward direction
    /// the one after its last valid step, in the reverse direction its initial one.
    pub states: Vec<S>,
    /// The state after each row's last step, to be handed to the run that continues this one.
    pub state: S,
}

impl<S> Trace<S> {
    /// Of a sequence without steps.
    fn of_no_steps(output: LayerOutput<S>) -> Self {
        Self {
            outputs: output.outputs,
            states: Vec::new(),
            state: output.state,
        }
    }
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
    #[doc(alias = "get_initial_state")]
    fn initial_state(&self, batch: usize) -> Self::State;

    /// Which way the whole layer goes through time; `None` when it goes both ways. A state is
    /// handed from run to run in this direction.
    fn direction(&self) -> Option<Direction> {
        None
    }

    /// The name and sizes that errors give.
    fn describe(&self) -> String;

    /// The same layer, run one step after the other: the reference for every faster path.
    #[must_use]
    fn unrolled(self) -> Self;

    /// How each recurrence of this layer will be computed, and why: its name (as in errors) and its
    /// path.
    fn paths(&self) -> Vec<(String, Path)>;

    /// The layer, prepared for one run of `batch` rows: what is random and stays for a whole run is drawn, so that all
    /// pieces of a run that is cut in pieces have it in common. A prepared layer draws none of it again.
    ///
    /// The default is the layer itself, as is right for a layer that draws nothing of this kind.
    #[must_use]
    fn prepared(&self, batch: usize) -> Self {
        let _ = batch;
        self.clone()
    }

    /// The number of steps after which the layer has the same part of it at work: a run that is cut in pieces is cut at
    /// multiples of it. 1, unless the layer skips steps.
    fn cycle(&self) -> usize {
        1
    }

    /// Runs over a sequence (`[batch, time, input_size]`): [`LayerInput`] says where to start and what is padding. A
    /// sequence without steps or without rows has an output without them, and hands its state through.
    ///
    /// # Errors
    ///
    /// When the sequence, the state or the lengths do not fit, or are of another device or element type than the
    /// weights: the layer, what it expected and what it got.
    #[doc(alias = "call")]
    fn forward<'a>(
        &self,
        input: impl Into<LayerInput<'a, Self::State>>,
    ) -> Result<LayerOutput<Self::State>, Error> {
        let input = input.into();
        match input.is_of(self)? {
            true => self.forward_checked(input),
            false => input.without_steps(self),
        }
    }

    /// Like [`forward`](Self::forward), but runs step by step and keeps the state at each step: for
    /// inspection, or for a loss on the internal states.
    ///
    /// # Errors
    ///
    /// As [`forward`](Self::forward).
    fn trace<'a>(
        &self,
        input: impl Into<LayerInput<'a, Self::State>>,
    ) -> Result<Trace<Self::State>, Error> {
        let input = input.into();
        match input.is_of(self)? {
            true => self.trace_checked(input),
            false => input.without_steps(self).map(Trace::of_no_steps),
        }
    }

    /// What [`forward`](Self::forward) calls, and what a layer of your own implements: at least one row and one step,
    /// and lengths that fit them. The state has not been checked: that is what [`stepwise::start`] is for.
    ///
    /// # Errors
    ///
    /// When the state does not fit.
    ///
    /// [`stepwise::start`]: crate::stepwise::start
    fn forward_checked(
        &self,
        input: LayerInput<'_, Self::State>,
    ) -> Result<LayerOutput<Self::State>, Error>;

    /// What [`trace`](Self::trace) calls in the same way.
    ///
    /// # Errors
    ///
    /// When the state does not fit.
    fn trace_checked(
        &self,
        input: LayerInput<'_, Self::State>,
    ) -> Result<Trace<Self::State>, Error>;

    /// What a [`Recomputed`](crate::Recomputed) layer calls in the place of [`forward_checked`](Self::forward_checked): the
    /// same run in so many pieces, each of which is computed a second time in the backward pass.
    ///
    /// The default cuts the layer as a whole, which must go one way through time. A layer that goes both ways, but is
    /// made of layers that do not, calls this method of those.
    ///
    /// # Errors
    ///
    /// When the state does not fit, or there is autodiff, and the layer cannot be cut.
    fn forward_recomputed(
        &self,
        input: LayerInput<'_, Self::State>,
        pieces: Option<usize>,
    ) -> Result<LayerOutput<Self::State>, Error> {
        in_pieces(self, input, pieces)
    }

    /// `state` with the rows for which `rows` says so put back to
    /// [`initial_state`](Self::initial_state): where the sequence in a row of the batch has ended
    /// and another takes its place, while the rest goes on.
    ///
    /// # Errors
    ///
    /// When `rows` has not one entry for each row of the state, or the state is not of this layer.
    #[doc(alias = "reset_states")]
    fn reset_rows(&self, state: Self::State, rows: &[bool]) -> Result<Self::State, Error> {
        let tensors = state.tensors();
        let first = tensors.first().expect("a layer's state has a tensor");
        let (batch, device) = (first.dims()[0], first.device());
        if batch != rows.len() {
            let what = "rows to reset or not, one for each row of the state";
            return Err(Error::count(self.describe(), what, batch, rows.len()));
        }
        let initial = self.initial_state(batch);
        check_state(|| self.describe(), &state, &initial)?;
        let mask = TensorData::new(rows.to_vec(), [batch, 1]);
        let mask = Tensor::<2, Bool>::from_data(mask, &device);
        Ok(initial.where_mask(&mask, state))
    }
}

/// The configuration from which a cell or a layer is built.
///
/// Burn's `Config` saves and loads it. In JSON, what has a default may be left out, and a field that does not exist is
/// refused:
///
/// ```
/// use backdraft_cells::prelude::*;
/// use burn::config::Config;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let text = r#"{
///     "layer": { "cell": { "input_size": 8, "hidden_size": 16, "reset": "before_product" } },
///     "layers": 3,
///     "sizes": [12, 10]
/// }"#;
/// let config = DeepConfig::<RecurrentConfig<GruConfig>>::load_binary(text.as_bytes())?;
/// assert_eq!(config.dropout, 0.0);
/// # Ok(())
/// # }
/// ```
///
/// Implement it for the configuration of a cell of your own, and the cell goes into those of all layers and of
/// [`Zoneout`](crate::Zoneout). (Of a configuration that Burn derives, a file has to hold every field.)
pub trait SequenceConfig: Config + Clone {
    /// What is built: a [`Cell`](crate::Cell) or a [`Layer`].
    type Built: Module;

    /// Features of the input.
    fn input_size(&self) -> usize;

    /// The same for another number of input features; what a deep stack asks of its upper layers.
    #[must_use]
    fn with_input_size(self, input_size: usize) -> Self;

    /// The same for another number of hidden units, in each layer that there is; what a deep stack whose layers differ
    /// in size asks of its upper layers.
    #[must_use]
    fn with_hidden_size(self, hidden_size: usize) -> Self;

    /// Builds it, with new weights drawn from the device's random numbers.
    ///
    /// # Errors
    ///
    /// When a value of the configuration is impossible: which, and what would be possible.
    fn init(&self, device: &Device) -> Result<Self::Built, Error>;
}

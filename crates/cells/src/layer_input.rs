//! What a layer runs over: a sequence, and what is known of it.

use burn::tensor::Tensor;

use crate::state::check_place;
use crate::{Error, Layer, LayerOutput, Lengths, Size, State, stepwise};

/// What a [`Layer`] runs over: a sequence, where it starts from, and how much of it is padding.
///
/// [`Layer::forward`] takes a sequence alone, or one of these:
///
/// ```
/// use backdraft_cells::prelude::*;
/// use burn::tensor::{Device, Tensor};
///
/// # fn main() -> Result<(), backdraft_cells::Error> {
/// let device = Device::default();
/// let layer = RecurrentConfig::new(GruConfig::new(8, 16)).init(&device)?;
/// let window = Tensor::<3>::zeros([2, 5, 8], &device);
///
/// let run = layer.forward(window.clone())?;
/// // The window after it: from the state that the first one ended with, three steps in the second row.
/// let lengths = Lengths::new([5, 3]);
/// let run = layer.forward(LayerInput::new(window).with_state(run.state).with_lengths(&lengths))?;
/// assert_eq!(run.outputs.dims(), [2, 5, 16]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct LayerInput<'a, S> {
    /// The sequence, `[batch, time, input_size]`.
    pub inputs: Tensor<3>,
    /// Where to start; [`Layer::initial_state`] if `None`.
    pub state: Option<S>,
    /// The valid steps of each row; all are if `None`.
    pub lengths: Option<&'a Lengths>,
}

impl<'a, S> LayerInput<'a, S> {
    /// A sequence that has just begun, without padding: `[batch, time, input_size]`.
    pub fn new(inputs: Tensor<3>) -> Self {
        Self {
            inputs,
            state: None,
            lengths: None,
        }
    }

    /// Sets where to start: the final state of the run that this one continues.
    #[must_use]
    pub fn with_state(mut self, state: impl Into<Option<S>>) -> Self {
        self.state = state.into();
        self
    }

    /// Sets how many steps of each row are valid.
    #[must_use]
    pub fn with_lengths(mut self, lengths: impl Into<Option<&'a Lengths>>) -> Self {
        self.lengths = lengths.into();
        self
    }

    /// Refuses a sequence or lengths that do not fit `layer`; whether there is a step to run over.
    pub(crate) fn is_of<L: Layer<State = S>>(&self, layer: &L) -> Result<bool, Error> {
        let [batch, time, features] = self.inputs.dims();
        if features != layer.input_size() {
            let expected = [Size::Any, Size::Any, Size::Is(layer.input_size())];
            let what = "input [batch, time, features]";
            return Err(Error::shape(
                layer.describe(),
                what,
                expected,
                [batch, time, features],
            ));
        }
        if let Some(lengths) = self.lengths {
            lengths.check(&layer.describe(), batch, time)?;
        }
        Ok(batch > 0 && time > 0)
    }

    /// A run over no step or no row.
    pub(crate) fn without_steps<L: Layer<State = S>>(
        self,
        layer: &L,
    ) -> Result<LayerOutput<S>, Error>
    where
        S: State,
    {
        let [batch, time, _] = self.inputs.dims();
        let state = stepwise::start(layer, batch, self.state)?;
        check_place(|| layer.describe(), &self.inputs, &state)?;
        let place = (&self.inputs.device(), self.inputs.dtype());
        Ok(LayerOutput {
            outputs: Tensor::zeros([batch, time, layer.output_size()], place),
            state,
        })
    }
}

impl<S> From<Tensor<3>> for LayerInput<'_, S> {
    fn from(inputs: Tensor<3>) -> Self {
        Self::new(inputs)
    }
}

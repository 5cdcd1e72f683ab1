//! Helpers for a [`Layer`] of your own: [`start`], the state that a run starts from, and [`trace`], which finds the
//! state at each step of a layer that can carry its state from window to window, by running it in windows of one step.

use burn::tensor::Tensor;

use crate::state::check_state;
use crate::{Direction, Error, Layer, LayerInput, Trace};

/// Implements [`Layer::trace_checked`] for such a layer. In training, masks that a run otherwise draws once are drawn
/// at each step.
///
/// # Errors
///
/// Those of the layer.
pub fn trace<L: Layer>(
    layer: &L,
    direction: Direction,
    input: LayerInput<'_, L::State>,
) -> Result<Trace<L::State>, Error> {
    let [batch, time, _] = input.inputs.dims();
    let mut state = start(layer, batch, input.state)?;
    let mut outputs = vec![None; time];
    let mut states = vec![None; time];
    for t in direction.order(time) {
        let lengths = input.lengths.map(|lengths| lengths.window(t, 1));
        let step = LayerInput {
            inputs: input.inputs.clone().slice_dim(1, t..t + 1),
            state: Some(state),
            lengths: lengths.as_ref(),
        };
        let run = layer.forward(step)?;
        outputs[t] = Some(run.outputs);
        states[t] = Some(run.state.clone());
        state = run.state;
    }
    Ok(Trace {
        outputs: Tensor::cat(outputs.into_iter().flatten().collect(), 1),
        states: states.into_iter().flatten().collect(),
        state,
    })
}

/// The state that a run of `batch` rows starts from: the one given, or the initial one.
///
/// # Errors
///
/// When the one given is not of this layer, or not of so many rows.
pub fn start<L: Layer>(
    layer: &L,
    batch: usize,
    state: Option<L::State>,
) -> Result<L::State, Error> {
    let initial = layer.initial_state(batch);
    let Some(state) = state else {
        return Ok(initial);
    };
    check_state(|| layer.describe(), &state, &initial)?;
    Ok(state)
}

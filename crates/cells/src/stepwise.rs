//! Helpers for a [`Layer`] of your own: the checks that every layer makes, and [`trace`], which finds the state at
//! each step of a layer that can carry its state from window to window, by running it in windows of one step.

use burn::tensor::Tensor;

use crate::state::check_shapes;
use crate::{Direction, Error, Layer, Lengths, Trace};

/// Implements [`Layer::trace`] for such a layer, on an input that has already been checked. In training, masks that
/// a run otherwise draws once are drawn at each step.
///
/// # Errors
///
/// Those of the layer.
pub fn trace<L: Layer>(
    layer: &L,
    direction: Direction,
    input: Tensor<3>,
    mut state: L::State,
    lengths: Option<&Lengths>,
) -> Result<Trace<L::State>, Error> {
    let time = input.dims()[1];
    let mut outputs = vec![None; time];
    let mut states = vec![None; time];
    for t in direction.order(time) {
        let there = |length: &usize| usize::from(t < *length);
        let lengths = lengths
            .map(|lengths| Lengths::new(lengths.as_slice().iter().map(there).collect::<Vec<_>>()));
        let step = input.clone().slice_dim(1, t..t + 1);
        let run = layer.forward(step, Some(state), lengths.as_ref())?;
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
    check_shapes(&layer.describe(), &state, &initial)?;
    Ok(state)
}

/// Refuses an input or lengths that do not fit `layer`.
///
/// # Errors
///
/// The layer, what it expected and what it got.
pub fn check<L: Layer>(
    layer: &L,
    input: &Tensor<3>,
    lengths: Option<&Lengths>,
) -> Result<(), Error> {
    let [batch, time, features] = input.dims();
    if batch == 0 || time == 0 || features != layer.input_size() {
        return Err(Error::new(
            layer.describe(),
            "input [batch, time, features]",
            format!("[at least 1, at least 1, {}]", layer.input_size()),
            format!("{:?}", input.dims()),
        ));
    }
    match lengths {
        Some(lengths) => lengths.check(&layer.describe(), batch, time),
        None => Ok(()),
    }
}

//! The loop over time, one [`Cell::step`] after the other: the reference for every faster path.
//!
//! Autodiff records each step and so differentiates the loop as backpropagation through time:
//!
//! ```text
//! dE/dW = sum over t of dE_t/dW,   dE_t/dW = sum over i <= t of dE_t/ds_t ds_t/ds_i ds_i/dW
//! ```
//!
//! Werbos 1990, "Backpropagation through time: what it does and how to do it".

use burn::tensor::{Bool, Tensor};

use crate::{Cell, Direction, Lengths, State, Watcher};

/// A sequence, time-major, and which of its steps are there.
#[derive(Debug, Clone)]
pub struct Sequence {
    /// `[time, batch, features]`.
    pub values: Tensor<3>,
    /// How much of each row is valid; `None` when all of it is.
    pub lengths: Option<Lengths>,
}

/// Runs `cell` over `input` from `state`: outputs (`[time, batch, output]`) and final state.
///
/// A row's state stands still at its padded steps and its output there is zero. So in the forward
/// direction the final state is that of the last valid step, and in the reverse direction, which
/// comes to the padding first, the recurrence starts at the last valid step.
pub fn unrolled<C: Cell>(
    cell: &C,
    input: Sequence,
    state: C::State,
    direction: Direction,
) -> (Tensor<3>, C::State) {
    observed(cell, input, state, direction, None, &mut |_, _| {})
}

/// The same. A watcher takes the steps, if there is one, in the order of the direction; `keep` sees the state that each
/// step of the input leaves to the next.
pub(crate) fn observed<C: Cell>(
    cell: &C,
    input: Sequence,
    mut state: C::State,
    direction: Direction,
    watcher: Option<&Watcher>,
    keep: &mut dyn FnMut(usize, &C::State),
) -> (Tensor<3>, C::State) {
    let time = input.values.dims()[0];
    let valid = validity(&input);

    let steps = cell.project(input.values).steps();
    let mut projections: Vec<_> = steps.into_iter().map(Some).collect();
    let mut outputs: Vec<Option<Tensor<2>>> = vec![None; time];

    for t in direction.order(time) {
        let projected = projections[t]
            .take()
            .expect("each time step is visited once");
        let valid = valid.as_ref().map(|valid| &valid[t]);
        let next = match watcher {
            Some(watcher) => watcher.step(cell, projected, state.clone(), valid),
            None => cell.step(projected, state.clone()),
        };
        let output = cell.output(&next);
        match valid {
            Some(valid) => {
                let invalid = valid.clone().bool_not().expand(output.shape());
                outputs[t] = Some(output.mask_fill(invalid, 0.0));
                state = next.where_mask(valid, state);
            }
            None => {
                outputs[t] = Some(output);
                state = next;
            }
        }
        keep(t, &state);
    }

    (
        Tensor::stack(outputs.into_iter().flatten().collect(), 0),
        state,
    )
}

/// For each time step the rows (`[batch, 1]`) that have not ended; `None` when none has padding.
fn validity(sequence: &Sequence) -> Option<Vec<Tensor<2, Bool>>> {
    let [time, batch, _] = sequence.values.dims();
    let lengths = sequence
        .lengths
        .as_ref()
        .filter(|lengths| !lengths.all_are(time))?;
    let mask = lengths.mask(time, &sequence.values.device());
    let columns = (0..time).map(|t| mask.clone().slice([0..batch, t..t + 1]));
    Some(columns.collect())
}

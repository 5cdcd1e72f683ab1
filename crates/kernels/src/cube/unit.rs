//! One step of one unit of one row: what it loads, its cell's equations, what it stores.
//!
//! Both schedules run these; they differ in who computes `R h_{t-1}`, and where time is walked.
//! Numbers are loaded into `f32`, whatever the type of the tensors.

use cubecl::prelude::*;

use crate::pointwise::{elman, gru, lstm};
use crate::recurrence::Recurrence;

/// Where a unit is.
#[derive(CubeType, Clone, Copy)]
pub(super) struct UnitPlace {
    /// The time step.
    pub t: usize,
    pub row: usize,
    /// The hidden column.
    pub column: usize,
    /// Rows in the batch.
    pub batch: usize,
    /// Columns in a state.
    pub hidden: usize,
}

/// The place of this unit in `part` of the `parts` that stand side by side in `[T, B, parts H]`.
#[cube]
pub(super) fn at(place: &UnitPlace, t: usize, part: usize, #[comptime] parts: usize) -> usize {
    ((t * place.batch + place.row) * parts + part) * place.hidden + place.column
}

/// The place of this unit in `[T, B, H]`.
#[cube]
pub(super) fn of_output(place: &UnitPlace, t: usize) -> usize {
    (t * place.batch + place.row) * place.hidden + place.column
}

/// The place of this unit in a state, of `[S, B, H]`.
#[cube]
pub(super) fn of_state(place: &UnitPlace, state: usize) -> usize {
    (state * place.batch + place.row) * place.hidden + place.column
}

/// A step forward. `recurrent` is `R h_{t-1} + b_R`; `state` holds the states before the step, and
/// the ones after it in the end. With `keep`, the gates are written in the place of the projection.
/// Returns the hidden state.
#[cube]
#[allow(
    clippy::too_many_arguments,
    reason = "kernels take their buffers one by one"
)]
pub(super) fn forward<F: Float>(
    place: &UnitPlace,
    recurrent: &Array<f32>,
    projected: &mut [F],
    input_bias: &[F],
    state: &mut [F],
    outputs: &mut [F],
    extra: &mut [F],
    #[comptime] recurrence: Recurrence,
    #[comptime] keep: bool,
) -> f32 {
    let count = comptime!(recurrence.gates());
    let states = comptime!(recurrence.states());
    let aparts = comptime!(recurrence.apart());
    let beside = comptime!(recurrence.extra());

    let mut input = Array::<f32>::new(count);
    #[unroll]
    for g in 0..count {
        input[g] = f32::cast_from(projected[at(place, place.t, g, count)])
            + f32::cast_from(input_bias[g * place.hidden + place.column]);
    }
    let mut carried = Array::<f32>::new(states);
    #[unroll]
    for s in 0..states {
        carried[s] = f32::cast_from(state[of_state(place, s)]);
    }
    let mut gates = Array::<f32>::new(count);
    let mut apart = Array::<f32>::new(comptime!(aparts.max(1)));
    match recurrence {
        Recurrence::Elman(phi) => {
            elman::cube::forward(&input, recurrent, &mut carried, &mut gates, phi)
        }
        Recurrence::Lstm => lstm::cube::forward(&input, recurrent, &mut carried, &mut gates),
        Recurrence::Gru => {
            gru::cube::forward(&input, recurrent, &mut carried, &mut gates, &mut apart)
        }
    }

    #[unroll]
    for s in 0..states {
        state[of_state(place, s)] = F::cast_from(carried[s]);
    }
    outputs[of_output(place, place.t)] = F::cast_from(carried[0]);
    if comptime!(keep) {
        #[unroll]
        for g in 0..count {
            projected[at(place, place.t, g, count)] = F::cast_from(gates[g]);
        }
        #[unroll]
        for a in 0..aparts {
            extra[at(place, place.t, a, beside)] = F::cast_from(apart[a]);
        }
        #[unroll]
        for s in 1..states {
            extra[at(place, place.t, aparts + s - 1, beside)] = F::cast_from(carried[s]);
        }
    }
    carried[0]
}

/// A step backward.
///
/// * `first`: whether this is the row's first step, so that the initial states stand before it;
///   else those after step `previous` do.
/// * `through`: what comes back to the hidden state through the recurrent product of the step
///   after this one, where that is not in `state_gradient` already.
/// * `gates`: their gradients are written in their place.
/// * `recurrent`: the gradients of the recurrent parts, where those of some gates are others than
///   the input's; else not touched.
/// * `before`: `h_{t-1}` is written there, `[T, B, H]`.
/// * `state_gradient`: of the states after the step; of those before it in the end, but for what
///   comes back through the recurrent product.
///
/// Returns the gradients of the recurrent parts.
#[cube]
#[allow(
    clippy::too_many_arguments,
    reason = "kernels take their buffers one by one"
)]
pub(super) fn backward<F: Float>(
    place: &UnitPlace,
    previous: usize,
    first: bool,
    through: f32,
    gates: &mut [F],
    recurrent: &mut [F],
    extra: &[F],
    outputs: &[F],
    initial: &[F],
    output_gradient: ComptimeOption<&[F]>,
    state_gradient: &mut [F],
    before: &mut [F],
    #[comptime] recurrence: Recurrence,
) -> Array<f32> {
    let count = comptime!(recurrence.gates());
    let states = comptime!(recurrence.states());
    let aparts = comptime!(recurrence.apart());
    let beside = comptime!(recurrence.extra());

    #[comptime]
    let direct = match output_gradient {
        ComptimeOption::Some(gradient) => f32::cast_from(gradient[of_output(place, place.t)]),
        ComptimeOption::None => 0.0f32.runtime(),
    };
    let mut gradient = Array::<f32>::new(states);
    #[unroll]
    for s in 0..states {
        gradient[s] = f32::cast_from(state_gradient[of_state(place, s)]);
    }
    gradient[0] += through + direct;

    let mut state_before = Array::<f32>::new(states);
    if first {
        #[unroll]
        for s in 0..states {
            state_before[s] = f32::cast_from(initial[of_state(place, s)]);
        }
    } else {
        state_before[0] = f32::cast_from(outputs[of_output(place, previous)]);
        #[unroll]
        for s in 1..states {
            state_before[s] = f32::cast_from(extra[at(place, previous, aparts + s - 1, beside)]);
        }
    }
    let mut state_after = Array::<f32>::new(states);
    state_after[0] = f32::cast_from(outputs[of_output(place, place.t)]);
    #[unroll]
    for s in 1..states {
        state_after[s] = f32::cast_from(extra[at(place, place.t, aparts + s - 1, beside)]);
    }
    let mut kept = Array::<f32>::new(count);
    #[unroll]
    for g in 0..count {
        kept[g] = f32::cast_from(gates[at(place, place.t, g, count)]);
    }
    let mut apart = Array::<f32>::new(comptime!(aparts.max(1)));
    #[unroll]
    for a in 0..aparts {
        apart[a] = f32::cast_from(extra[at(place, place.t, a, beside)]);
    }
    match recurrence {
        Recurrence::Elman(_) => elman::cube::backward(&mut gradient, &mut kept),
        Recurrence::Lstm => {
            lstm::cube::backward(&mut gradient, &state_before, &state_after, &mut kept)
        }
        Recurrence::Gru => gru::cube::backward(&mut gradient, &state_before, &mut kept, &mut apart),
    }

    #[unroll]
    for g in 0..count {
        gates[at(place, place.t, g, count)] = F::cast_from(kept[g]);
    }
    #[unroll]
    for a in 0..aparts {
        kept[count - aparts + a] = apart[a];
    }
    if comptime!(aparts > 0) {
        #[unroll]
        for g in 0..count {
            recurrent[at(place, place.t, g, count)] = F::cast_from(kept[g]);
        }
    }
    #[unroll]
    for s in 0..states {
        state_gradient[of_state(place, s)] = F::cast_from(gradient[s]);
    }
    before[of_output(place, place.t)] = F::cast_from(state_before[0]);
    kept
}

/// A step at which the row is not there: nothing comes back to it.
#[cube]
pub(super) fn absent<F: Float>(
    place: &UnitPlace,
    gates: &mut [F],
    recurrent: &mut [F],
    before: &mut [F],
    #[comptime] recurrence: Recurrence,
) {
    let count = comptime!(recurrence.gates());
    #[unroll]
    for g in 0..count {
        gates[at(place, place.t, g, count)] = F::new(0.0);
        if comptime!(recurrence.apart() > 0) {
            recurrent[at(place, place.t, g, count)] = F::new(0.0);
        }
    }
    before[of_output(place, place.t)] = F::new(0.0);
}

/// The valid steps of a row.
#[cube]
pub(super) fn length(lengths: ComptimeOption<&[u32]>, row: usize, time: usize) -> usize {
    let length: ComptimeOption<u32> = lengths.map(|lengths| lengths[row]);
    length.unwrap_or(time as u32) as usize
}

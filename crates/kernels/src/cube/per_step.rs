//! A product and a gate kernel for each time step: two launches a step, in either direction.
//!
//! ```text
//! forward:   for t: product = h_{t-1} R^T;      state, gates_t = P(product, state)
//! backward:  for t: d gates_t = P'(d state + through);      through = d gates_t R
//! ```
//!
//! A product takes the hidden state, or the gradients of a step, where they lie. A device that
//! wants buffers to start at round addresses makes Burn copy them first where sizes are odd.

use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use super::memory::{argument, contiguous, element, matmul, matrix, transpose, zeros};
use super::unit::{self, UnitPlace};
use super::{Backward, Forward};
use crate::recurrence::{Recurrence, Walk};

/// The place of this unit, of as many as there are numbers in a state.
#[cube]
fn place(t: usize, batch: usize, hidden: usize) -> UnitPlace {
    UnitPlace {
        t,
        row: ABSOLUTE_POS / hidden,
        column: ABSOLUTE_POS % hidden,
        batch,
        hidden,
    }
}

#[cube(launch)]
#[allow(
    clippy::too_many_arguments,
    reason = "kernels take their buffers one by one"
)]
fn step_forward<F: Float>(
    product: &[F],
    projected: &mut [F],
    input_bias: &[F],
    recurrent_bias: &[F],
    state: &mut [F],
    outputs: &mut [F],
    extra: &mut [F],
    lengths: ComptimeOption<&[u32]>,
    t: usize,
    time: usize,
    batch: usize,
    hidden: usize,
    #[comptime] recurrence: Recurrence,
    #[comptime] keep: bool,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= batch * hidden {
        terminate!();
    }
    let place = place(t, batch, hidden);
    if t < unit::length(lengths, place.row, time) {
        let count = comptime!(recurrence.gates());
        let mut recurrent = Array::<f32>::new(count);
        #[unroll]
        for g in 0..count {
            recurrent[g] = f32::cast_from(product[unit::at(&place, 0usize, g, count)])
                + f32::cast_from(recurrent_bias[g * hidden + place.column]);
        }
        unit::forward::<F>(
            &place, &recurrent, projected, input_bias, state, outputs, extra, recurrence, keep,
        );
    } else {
        outputs[unit::of_output(&place, t)] = F::new(0.0);
    }
}

#[cube(launch)]
#[allow(
    clippy::too_many_arguments,
    reason = "kernels take their buffers one by one"
)]
fn step_backward<F: Float>(
    through: &[F],
    gates: &mut [F],
    recurrent: &mut [F],
    extra: &[F],
    outputs: &[F],
    initial: &[F],
    output_gradient: ComptimeOption<&[F]>,
    state_gradient: &mut [F],
    before: &mut [F],
    lengths: ComptimeOption<&[u32]>,
    t: usize,
    previous: usize,
    time: usize,
    batch: usize,
    hidden: usize,
    #[comptime] recurrence: Recurrence,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= batch * hidden {
        terminate!();
    }
    let place = place(t, batch, hidden);
    let through = f32::cast_from(through[ABSOLUTE_POS]);
    let length = unit::length(lengths, place.row, time);
    if t < length {
        unit::backward::<F>(
            &place,
            previous,
            previous >= length,
            through,
            gates,
            recurrent,
            extra,
            outputs,
            initial,
            output_gradient,
            state_gradient,
            before,
            recurrence,
        );
    } else {
        unit::absent::<F>(&place, gates, recurrent, before, recurrence);
        let hidden_state = unit::of_state(&place, 0);
        let carried = f32::cast_from(state_gradient[hidden_state]);
        state_gradient[hidden_state] = F::cast_from(carried + through);
    }
}

/// Adds what came back through the product of a row's first step.
#[cube(launch)]
fn settle<F: Float>(
    through: &[F],
    state_gradient: &mut [F],
    count: usize,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS < count {
        let carried = f32::cast_from(state_gradient[ABSOLUTE_POS]);
        let through = f32::cast_from(through[ABSOLUTE_POS]);
        state_gradient[ABSOLUTE_POS] = F::cast_from(carried + through);
    }
}

pub(super) fn forward(recurrence: Recurrence, walk: &Walk, run: &Forward) {
    let [time, batch, hidden] = run.sizes();
    let client = &run.projected.client;
    let dim = CubeDim::new(client, batch * hidden);
    let count = calculate_cube_count_elemwise(client, batch * hidden, dim);
    let weight = transpose(run.weight.clone());
    for t in walk.direction.order(time) {
        let product = matmul(matrix(&run.state, 0), weight.clone());
        step_forward::launch(
            client,
            count.clone(),
            dim,
            argument(&product),
            argument(&run.projected),
            argument(&run.input_bias),
            argument(&run.recurrent_bias),
            argument(&run.state),
            argument(&run.outputs),
            argument(&run.extra),
            run.rows.as_ref().map(argument).into(),
            t,
            time,
            batch,
            hidden,
            recurrence,
            run.keep,
            element(&product),
        );
    }
}

pub(super) fn backward(recurrence: Recurrence, walk: &Walk, run: &Backward) {
    let [time, batch, hidden] = run.sizes();
    let client = &run.gates.client;
    let dim = CubeDim::new(client, batch * hidden);
    let count = calculate_cube_count_elemwise(client, batch * hidden, dim);
    let mut through = zeros(&run.gates, [batch, hidden]);
    for index in (0..time).rev() {
        let t = walk.direction.step(index, time);
        // Before the first step there is none: any step beyond a row's last one says so.
        let previous = match index {
            0 => time,
            _ => walk.direction.step(index - 1, time),
        };
        step_backward::launch(
            client,
            count.clone(),
            dim,
            argument(&through),
            argument(&run.gates),
            argument(&run.recurrent),
            argument(&run.extra),
            argument(&run.outputs),
            argument(&run.initial),
            run.output_gradient.as_ref().map(argument).into(),
            argument(&run.state_gradient),
            argument(&run.before),
            run.rows.as_ref().map(argument).into(),
            t,
            previous,
            time,
            batch,
            hidden,
            recurrence,
            element(&through),
        );
        through = matmul(
            matrix(run.recurrent_gradients(recurrence), t),
            run.weight.clone(),
        );
    }
    settle::launch(
        client,
        count,
        dim,
        argument(&contiguous(through)),
        argument(&run.state_gradient),
        batch * hidden,
        element(&run.gates),
    );
}

//! The whole sequence in one launch, in either direction.
//!
//! A cube owns some rows of the batch and walks through time by itself: rows never talk to each
//! other, so cubes need not meet. A unit owns one hidden column, or several where the state has
//! more columns than a cube has units.
//!
//! ```text
//! forward:   shared: h_{t-1} and h_t of the cube's rows, in turns
//!            for t: a unit: sums = R h_{t-1} + b_R of its gates; equations; h_t;       meet
//! backward:  shared: d gates_t of the cube's rows
//!            for t: a unit: d gates_t of its gates;  meet;  d h_{t-1} += R^T d gates_t; meet
//! ```
//!
//! Neighbouring units read neighbouring weights: forward from `R^T`, backward from `R`. Each row
//! starts at its own first step (backward: its own last one) whatever the direction, so a cube is
//! done when its longest row is; rows of like lengths share a cube.

use cubecl::prelude::*;

use super::memory::{argument, contiguous, element, transpose};
use super::schedule::Tiling;
use super::unit::{self, UnitPlace};
use super::{Backward, Forward};
use crate::recurrence::{Direction, Recurrence, Walk};

/// The cube's rows.
#[derive(CubeType)]
struct Rows {
    /// Their places in the batch.
    row: Array<u32>,
    /// Their valid steps; none where the batch has no row for this place.
    length: Array<u32>,
    /// The steps of the longest.
    steps: usize,
}

/// The `count` rows of this cube: neighbours in the order of lengths.
#[cube]
fn rows(
    lengths: ComptimeOption<&[u32]>,
    time: usize,
    batch: usize,
    #[comptime] count: usize,
) -> Rows {
    let mut row = Array::<u32>::new(count);
    let mut length = Array::<u32>::new(count);
    let first = CUBE_POS * count;
    #[unroll]
    for r in 0..count {
        row[r] = 0;
        length[r] = 0;
        if first + r < batch {
            #[comptime]
            match lengths {
                ComptimeOption::Some(lengths) => {
                    row[r] = lengths[batch + first + r];
                    length[r] = lengths[row[r] as usize];
                }
                ComptimeOption::None => {
                    row[r] = (first + r) as u32;
                    length[r] = time as u32;
                }
            }
        }
    }
    // The first one is the longest.
    let steps = length[0] as usize;
    Rows { row, length, steps }
}

#[cube(launch)]
#[allow(
    clippy::too_many_arguments,
    reason = "kernels take their buffers one by one"
)]
fn sequence_forward<F: Float>(
    weight: &[F],
    projected: &mut [F],
    input_bias: &[F],
    recurrent_bias: &[F],
    state: &mut [F],
    outputs: &mut [F],
    extra: &mut [F],
    lengths: ComptimeOption<&[u32]>,
    time: usize,
    batch: usize,
    hidden: usize,
    reverse: u32,
    #[comptime] recurrence: Recurrence,
    #[comptime] keep: bool,
    #[comptime] count: usize,
    #[comptime] width: usize,
    #[define(F)] _dtype: ElemType,
) {
    let gates = comptime!(recurrence.gates());
    let packed = gates * hidden;
    let mut shared = Shared::<[f32]>::new_slice(comptime!(2 * count * width));
    let units = CUBE_DIM as usize;
    let unit = UNIT_POS as usize;
    let rows = rows(lengths, time, batch, count);

    #[unroll]
    for r in 0..count {
        let mut column = unit;
        while column < hidden {
            shared[r * width + column] =
                f32::cast_from(state[rows.row[r] as usize * hidden + column]);
            column += units;
        }
    }
    sync_cube();

    for step in 0..rows.steps {
        let from = (step % 2) * comptime!(count * width);
        let to = ((step + 1) % 2) * comptime!(count * width);
        let mut column = unit;
        while column < hidden {
            let mut sums = Array::<f32>::new(comptime!(count * gates));
            #[unroll]
            for g in 0..gates {
                let bias = f32::cast_from(recurrent_bias[g * hidden + column]);
                #[unroll]
                for r in 0..count {
                    sums[r * gates + g] = bias;
                }
            }
            for k in 0..hidden {
                #[unroll]
                for g in 0..gates {
                    let factor = f32::cast_from(weight[k * packed + g * hidden + column]);
                    #[unroll]
                    for r in 0..count {
                        sums[r * gates + g] += factor * shared[from + r * width + k];
                    }
                }
            }
            #[unroll]
            for r in 0..count {
                let length = rows.length[r] as usize;
                if step < length {
                    let mut t = step;
                    if reverse != 0 {
                        t = length - 1 - step;
                    }
                    let place = UnitPlace {
                        t,
                        row: rows.row[r] as usize,
                        column,
                        batch,
                        hidden,
                    };
                    let mut recurrent = Array::<f32>::new(gates);
                    #[unroll]
                    for g in 0..gates {
                        recurrent[g] = sums[r * gates + g];
                    }
                    shared[to + r * width + column] = unit::forward::<F>(
                        &place, &recurrent, projected, input_bias, state, outputs, extra,
                        recurrence, keep,
                    );
                }
            }
            column += units;
        }
        sync_cube();
    }

    #[unroll]
    for r in 0..count {
        // A place without a row has nothing to clear.
        if CUBE_POS * count + r < batch {
            for t in rows.length[r] as usize..time {
                let mut column = unit;
                while column < hidden {
                    outputs[(t * batch + rows.row[r] as usize) * hidden + column] = F::new(0.0);
                    column += units;
                }
            }
        }
    }
}

#[cube(launch)]
#[allow(
    clippy::too_many_arguments,
    reason = "kernels take their buffers one by one"
)]
fn sequence_backward<F: Float>(
    weight: &[F],
    gates: &mut [F],
    recurrent: &mut [F],
    extra: &[F],
    outputs: &[F],
    initial: &[F],
    output_gradient: ComptimeOption<&[F]>,
    state_gradient: &mut [F],
    before: &mut [F],
    lengths: ComptimeOption<&[u32]>,
    time: usize,
    batch: usize,
    hidden: usize,
    reverse: u32,
    #[comptime] recurrence: Recurrence,
    #[comptime] count: usize,
    #[comptime] width: usize,
    #[define(F)] _dtype: ElemType,
) {
    let parts = comptime!(recurrence.gates());
    let packed = parts * hidden;
    let stride = comptime!(parts * width);
    let mut shared = Shared::<[f32]>::new_slice(comptime!(count * parts * width));
    let units = CUBE_DIM as usize;
    let unit = UNIT_POS as usize;
    let rows = rows(lengths, time, batch, count);

    for step in 0..rows.steps {
        #[unroll]
        for r in 0..count {
            let length = rows.length[r] as usize;
            if step < length {
                let mut t = length - 1 - step;
                let mut previous = t;
                if reverse != 0 {
                    t = step;
                    previous = t + 1;
                } else if t > 0 {
                    previous = t - 1;
                }
                let mut column = unit;
                while column < hidden {
                    let place = UnitPlace {
                        t,
                        row: rows.row[r] as usize,
                        column,
                        batch,
                        hidden,
                    };
                    let gradients = unit::backward::<F>(
                        &place,
                        previous,
                        step + 1 == length,
                        0.0f32,
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
                    #[unroll]
                    for g in 0..parts {
                        shared[r * stride + g * hidden + column] = gradients[g];
                    }
                    column += units;
                }
            }
        }
        sync_cube();
        let mut column = unit;
        while column < hidden {
            let mut sums = Array::<f32>::new(count);
            #[unroll]
            for r in 0..count {
                sums[r] = 0.0f32;
            }
            for k in 0..packed {
                let factor = f32::cast_from(weight[k * hidden + column]);
                #[unroll]
                for r in 0..count {
                    sums[r] += factor * shared[r * stride + k];
                }
            }
            #[unroll]
            for r in 0..count {
                if step < rows.length[r] as usize {
                    let place = rows.row[r] as usize * hidden + column;
                    let direct = f32::cast_from(state_gradient[place]);
                    state_gradient[place] = F::cast_from(direct + sums[r]);
                }
            }
            column += units;
        }
        sync_cube();
    }

    #[unroll]
    for r in 0..count {
        // A place without a row has nothing to clear.
        if CUBE_POS * count + r < batch {
            for t in rows.length[r] as usize..time {
                let mut column = unit;
                while column < hidden {
                    let place = UnitPlace {
                        t,
                        row: rows.row[r] as usize,
                        column,
                        batch,
                        hidden,
                    };
                    unit::absent::<F>(&place, gates, recurrent, before, recurrence);
                    column += units;
                }
            }
        }
    }
}

fn is_reverse(walk: &Walk) -> u32 {
    match walk.direction {
        Direction::Forward => 0,
        Direction::Reverse => 1,
    }
}

pub(super) fn forward(recurrence: Recurrence, walk: &Walk, plan: Tiling, run: &Forward) {
    let [time, batch, hidden] = run.sizes();
    sequence_forward::launch(
        &run.projected.client,
        plan.cubes(batch),
        CubeDim::new_1d(plan.units as u32),
        argument(&contiguous(transpose(run.weight.clone()))),
        argument(&run.projected),
        argument(&run.input_bias),
        argument(&run.recurrent_bias),
        argument(&run.state),
        argument(&run.outputs),
        argument(&run.extra),
        run.rows.as_ref().map(argument).into(),
        time,
        batch,
        hidden,
        is_reverse(walk),
        recurrence,
        run.keep,
        plan.rows,
        plan.width,
        element(&run.projected),
    );
}

pub(super) fn backward(recurrence: Recurrence, walk: &Walk, plan: Tiling, run: &Backward) {
    let [time, batch, hidden] = run.sizes();
    sequence_backward::launch(
        &run.gates.client,
        plan.cubes(batch),
        CubeDim::new_1d(plan.units as u32),
        argument(&run.weight),
        argument(&run.gates),
        argument(&run.recurrent),
        argument(&run.extra),
        argument(&run.outputs),
        argument(&run.initial),
        run.output_gradient.as_ref().map(argument).into(),
        argument(&run.state_gradient),
        argument(&run.before),
        run.rows.as_ref().map(argument).into(),
        time,
        batch,
        hidden,
        is_reverse(walk),
        recurrence,
        plan.rows,
        plan.width,
        element(&run.gates),
    );
}

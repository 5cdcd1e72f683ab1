//! Programs on the CPU, in f32.
//!
//! Rows are split over the threads, each of which takes its rows through all of time by itself.
//! Element-wise equations go through a row at a time, which the cache holds; products take all rows
//! of a thread, with weights that were packed once a call ([`forward`], [`backward`]). A result does
//! not depend on the number of threads.

mod backward;
mod elements;
mod forward;
pub(super) mod host;
mod row;
#[cfg(test)]
mod tests;

use super::room::Room;
use super::rows::{Order, Rows};
use super::schedule::rows_of_threads;
use super::sums::{GrowingSums, add_columns};
use super::{Machine, among_threads, place, slots};
use crate::program::{Op, Plan};
use crate::recurrence::{Sizes, Walk};

/// What a run reads.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    /// `[T, B, projected]`.
    pub projected: &'a [f32],
    /// All matrices, then all vectors.
    pub parameters: &'a [f32],
    /// `[B, units]`.
    pub initial: &'a [f32],
    pub order: Order,
    pub time: usize,
    pub batch: usize,
}

impl Input<'_> {
    fn sizes(&self, plan: &Plan) -> Sizes {
        Sizes {
            time: self.time,
            batch: self.batch,
            hidden: plan.shapes.state[0],
        }
    }

    /// Each matrix.
    fn matrices(&self, plan: &Plan) -> Vec<&[f32]> {
        let mut rest = self.parameters;
        let take = |[out, input]: &[usize; 2]| {
            let (matrix, after) = rest.split_at(out * input);
            rest = after;
            matrix
        };
        plan.shapes.matrices.iter().map(take).collect()
    }

    /// What is the same for each row and step.
    fn fixed(&self, machine: Machine, plan: &Plan) -> Vec<f32> {
        let vectors = plan.shapes.vectors.iter().sum::<usize>();
        let first = plan.shapes.parameters() - vectors;
        let mut fixed = vec![0.0; plan.fixed_width];
        fixed[..vectors].copy_from_slice(&self.parameters[first..first + vectors]);
        machine.arch.dispatch(forward::Fixed {
            plan,
            values: Rows::new(&mut fixed, Order::TimeMajor, [1, 1, plan.fixed_width]),
        });
        fixed
    }
}

/// What a run gives.
pub(super) struct Output {
    /// `[T, B, units of the first]`.
    pub outputs: Vec<f32>,
    /// `[B, units]`.
    pub state: Vec<f32>,
    /// `[T, B, kept]`; empty when nothing was to be kept.
    pub kept: Vec<f32>,
}

/// Runs a program.
pub(super) fn forward(
    machine: Machine,
    plan: &Plan,
    walk: &Walk,
    input: Input,
    keep: bool,
) -> Output {
    let Input { time, batch, .. } = input;
    let sizes = input.sizes(plan);
    let room = |count| match walk.lengths {
        Some(_) => Room::zeroed(count),
        None => Room::new(count),
    };
    let width = plan.shapes.state[0];
    let mut outputs = room(time * batch * width);
    // Two steps at a time are enough where nothing is kept.
    let steps = if keep { time } else { 2 };
    let mut kept = match keep {
        true => room(time * batch * plan.kept_width),
        false => Room::new(2 * batch * plan.kept_width),
    };
    let order = if keep { input.order } else { Order::TimeMajor };
    let mut state = input.initial.to_vec();
    let mut scratch = Room::new(batch * plan.scratch_width);
    let fixed = input.fixed(machine, plan);
    let parts = rows_of_threads(walk, sizes, machine.threads);

    among_threads(parts.len() > 1, || {
        machine.arch.dispatch(forward::Forward {
            plan,
            walk,
            sizes,
            parts: &parts,
            matrices: input.matrices(plan),
            row: row::Areas {
                plan,
                projected: Rows::read_only(
                    input.projected,
                    input.order,
                    [time, batch, plan.shapes.projected],
                ),
                initial: of_states(plan, input.initial, batch),
                fixed: Rows::read_only(&fixed, Order::TimeMajor, [1, 1, plan.fixed_width]),
                kept: Rows::unwritten(kept.as_mut(), order, [steps, batch, plan.kept_width]),
                scratch: place(&mut scratch, batch, plan.scratch_width),
            },
            outputs: Rows::unwritten(outputs.as_mut(), input.order, [time, batch, width]),
            state: Rows::new(
                &mut state,
                Order::TimeMajor,
                [1, batch, plan.shapes.units()],
            ),
        });
    });
    // SAFETY: every valid step of every row has been written; the others were zero. What is not
    // kept is not looked at.
    let [outputs, kept] =
        unsafe { [outputs, if keep { kept } else { Room::new(0) }].map(|room| room.written()) };
    Output {
        outputs,
        state,
        kept,
    }
}

fn of_states<'a>(plan: &Plan, states: &'a [f32], batch: usize) -> Rows<'a> {
    Rows::read_only(states, Order::TimeMajor, [1, batch, plan.shapes.units()])
}

/// The gradients of what a run gave.
#[derive(Clone, Copy)]
pub(super) struct Gradients<'a> {
    pub outputs: Option<&'a [f32]>,
    pub state: Option<&'a [f32]>,
}

/// The gradients of what a run read; shapes as in [`Input`].
pub(super) struct Found {
    pub projected: Vec<f32>,
    pub parameters: Vec<f32>,
    pub initial: Vec<f32>,
}

/// Differentiates a run.
pub(super) fn backward(
    machine: Machine,
    plan: &Plan,
    walk: &Walk,
    input: Input,
    kept: &[f32],
    gradients: Gradients,
) -> Found {
    let Input {
        time, batch, order, ..
    } = input;
    let sizes = input.sizes(plan);
    let mut projected = match walk.lengths {
        Some(_) => Room::zeroed(time * batch * plan.shapes.projected),
        None => Room::new(time * batch * plan.shapes.projected),
    };
    let mut initial = match gradients.state {
        Some(gradient) => gradient.to_vec(),
        None => vec![0.0; batch * plan.shapes.units()],
    };
    let products: Vec<usize> = plan.products().collect();
    let shape = |product: usize| match plan.nodes[product].op {
        Op::Linear { matrix, .. } => (matrix, plan.shapes.matrices[matrix]),
        _ => unreachable!("a product"),
    };
    let packed: usize = products.iter().map(|&product| shape(product).1[0]).sum();
    let slots = slots::Slots::most(sizes, packed.max(1));
    let mut rooms: Vec<[Room; 2]> = products
        .iter()
        .map(|&product| shape(product).1.map(|width| Room::new(slots * width)))
        .collect();
    let together: Vec<[Rows; 2]> = rooms
        .iter_mut()
        .zip(&products)
        .map(|([of_result, factor], &product)| {
            let [out, input] = shape(product).1;
            [place(of_result, slots, out), place(factor, slots, input)]
        })
        .collect();
    let mut sums: Vec<GrowingSums> = plan
        .shapes
        .matrices
        .iter()
        .map(|[out, input]| GrowingSums::new(out * input))
        .collect();
    let mut scratch = Room::new(batch * plan.scratch_width);
    let mut gradient_scratch = Room::new(batch * plan.reverse.scratch_width);
    let fixed = input.fixed(machine, plan);
    let mut fixed_gradient = vec![0.0; batch * plan.fixed_width];
    let parts = rows_of_threads(walk, sizes, machine.threads);
    let multiplications = time * batch * plan.shapes.parameters();

    among_threads(parts.len() > 1 || machine.shares(multiplications), || {
        machine.arch.dispatch(backward::Backward {
            plan,
            machine,
            walk,
            sizes,
            packed: packed.max(1),
            parts: &parts,
            matrices: input.matrices(plan),
            row: row::Areas {
                plan,
                projected: Rows::read_only(
                    input.projected,
                    order,
                    [time, batch, plan.shapes.projected],
                ),
                initial: of_states(plan, input.initial, batch),
                fixed: Rows::read_only(&fixed, Order::TimeMajor, [1, 1, plan.fixed_width]),
                kept: Rows::read_only(kept, order, [time, batch, plan.kept_width]),
                scratch: place(&mut scratch, batch, plan.scratch_width),
            },
            gradients: row::GradientAreas {
                projected: Rows::unwritten(
                    projected.as_mut(),
                    order,
                    [time, batch, plan.shapes.projected],
                ),
                state: Rows::new(
                    &mut initial,
                    Order::TimeMajor,
                    [1, batch, plan.shapes.units()],
                ),
                states: row::starts(&plan.shapes.state),
                fixed: Rows::new(
                    &mut fixed_gradient,
                    Order::TimeMajor,
                    [1, batch, plan.fixed_width],
                ),
                scratch: place(&mut gradient_scratch, batch, plan.reverse.scratch_width),
                together,
            },
            outputs: gradients.outputs.map(|gradient| {
                Rows::read_only(gradient, order, [time, batch, plan.shapes.state[0]])
            }),
            sums: &mut sums,
        });
    });

    let mut parameters: Vec<f32> = Vec::with_capacity(plan.shapes.parameters());
    for sum in sums {
        parameters.extend(sum.finish());
    }
    parameters.extend(vectors(machine, plan, &fixed, &fixed_gradient));
    if parameters.is_empty() {
        parameters.push(0.0);
    }
    Found {
        // SAFETY: all valid steps of all rows have been written; the others were zero.
        projected: unsafe { projected.written() },
        parameters,
        initial,
    }
}

/// The gradients of the vectors, from those of all that is fixed, of each row.
fn vectors(machine: Machine, plan: &Plan, fixed: &[f32], of_rows: &[f32]) -> Vec<f32> {
    let width = plan.fixed_width;
    let mut gradient = vec![0.0; width];
    add_columns(machine, of_rows, &mut gradient);
    machine.arch.dispatch(backward::FixedBackward {
        plan,
        values: Rows::read_only(fixed, Order::TimeMajor, [1, 1, width]),
        gradients: Rows::new(&mut gradient, Order::TimeMajor, [1, 1, width]),
    });
    gradient.truncate(plan.shapes.vectors.iter().sum());
    gradient
}

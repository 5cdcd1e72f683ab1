//! Additive scores on the CPU, in f32; see [`crate::additive`].
//!
//! Forward, each query of a row is a piece of work of its own; backward, some units of a row are,
//! as no unit reads another one. A result does not depend on the number of threads.

mod backward;
mod forward;
pub(super) mod host;
#[cfg(test)]
mod tests;

use super::room::Room;
use super::rows::{Order, Rows};
use super::sums::add_columns;
use super::{Machine, among_threads};

/// Hyperbolic tangents from which on threads are worth waking: some tens of microseconds.
const WORTH_SPLITTING: usize = 1 << 15;

/// The sizes of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub batch: usize,
    pub queries: usize,
    pub steps: usize,
    pub units: usize,
}

impl Sizes {
    fn is_shared(self, machine: Machine) -> bool {
        let tangents = self.batch * self.queries * self.steps * self.units;
        machine.threads > 1 && tangents > WORTH_SPLITTING
    }
}

/// What is read.
#[derive(Clone, Copy)]
pub(super) struct Read<'a> {
    /// `[batch, queries, units]`.
    pub queries: Rows<'a>,
    /// `[batch, steps, units]`.
    pub keys: Rows<'a>,
    /// `[units]`.
    pub fit: &'a [f32],
    pub sizes: Sizes,
}

impl<'a> Read<'a> {
    pub fn new(queries: &'a [f32], keys: &'a [f32], fit: &'a [f32], sizes: Sizes) -> Self {
        let Sizes { batch, units, .. } = sizes;
        let rows =
            |values, steps| Rows::read_only(values, Order::BatchMajor, [steps, batch, units]);
        Self {
            queries: rows(queries, sizes.queries),
            keys: rows(keys, sizes.steps),
            fit,
            sizes,
        }
    }
}

/// `[batch, queries, steps]`.
pub(super) fn forward(machine: Machine, read: Read) -> Vec<f32> {
    let Sizes {
        batch,
        queries,
        steps,
        ..
    } = read.sizes;
    let mut scores = Room::new(batch * queries * steps);
    let shared = read.sizes.is_shared(machine);
    among_threads(shared, || {
        machine.arch.dispatch(forward::Forward {
            read,
            shared,
            scores: Rows::unwritten(scores.as_mut(), Order::BatchMajor, [queries, batch, steps]),
        });
    });
    // SAFETY: each step of each query of each row has been written.
    unsafe { scores.written() }
}

/// The gradients of what was read.
pub(super) struct Found {
    pub queries: Vec<f32>,
    pub keys: Vec<f32>,
    pub fit: Vec<f32>,
}

/// Differentiates scores, whose gradient is `[batch, queries, steps]`.
pub(super) fn backward(machine: Machine, read: Read, gradient: &[f32]) -> Found {
    let Sizes {
        batch,
        queries,
        steps,
        units,
    } = read.sizes;
    let mut of_queries = Room::new(batch * queries * units);
    let mut of_keys = vec![0.0; batch * steps * units];
    let mut of_fit = Room::new(batch * units);
    let shared = read.sizes.is_shared(machine);
    among_threads(shared, || {
        machine.arch.dispatch(backward::Backward {
            read,
            shared,
            gradient: Rows::read_only(gradient, Order::BatchMajor, [queries, batch, steps]),
            queries: Rows::unwritten(
                of_queries.as_mut(),
                Order::BatchMajor,
                [queries, batch, units],
            ),
            keys: Rows::new(&mut of_keys, Order::BatchMajor, [steps, batch, units]),
            fit: Rows::unwritten(of_fit.as_mut(), Order::BatchMajor, [1, batch, units]),
        });
    });
    // SAFETY: all units of each query of each row, and of each row, have been written.
    let [of_queries, of_rows] = unsafe { [of_queries.written(), of_fit.written()] };
    let mut fit = vec![0.0; units];
    add_columns(machine, &of_rows, &mut fit);
    Found {
        queries: of_queries,
        keys: of_keys,
        fit,
    }
}

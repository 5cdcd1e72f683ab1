//! Cross-entropies on the CPU, in f32; see [`crate::cross_entropy`].
//!
//! Each position is a piece of work of its own. A result does not depend on the number of threads.

mod backward;
mod forward;
pub(super) mod host;
#[cfg(test)]
mod tests;

use super::room::Room;
use super::rows::{Order, Rows};
use super::{Machine, among_threads};
use crate::cross_entropy::Targets;

/// Scores from which on threads are worth waking: some tens of microseconds.
const WORTH_SPLITTING: usize = 1 << 16;

/// What is read.
#[derive(Clone, Copy)]
pub(super) struct Read<'a> {
    /// `[1, positions, vocabulary]`.
    pub scores: Rows<'a>,
    /// `y`: `[positions]`.
    pub symbols: &'a [usize],
    /// `e`.
    pub smoothing: f32,
}

impl<'a> Read<'a> {
    pub fn new(scores: &'a [f32], targets: &'a Targets, vocabulary: usize) -> Self {
        let shape = [1, targets.symbols.len(), vocabulary];
        Self {
            scores: Rows::read_only(scores, Order::TimeMajor, shape),
            symbols: &targets.symbols,
            smoothing: targets.smoothing,
        }
    }

    fn is_shared(&self, machine: Machine) -> bool {
        let scores = self.symbols.len() * self.scores.width();
        machine.threads > 1 && self.symbols.len() > 1 && scores > WORTH_SPLITTING
    }
}

/// The nats, and what is kept: `m` and `1 / z` of each position.
pub(super) fn forward(machine: Machine, read: Read) -> [Vec<f32>; 2] {
    let positions = read.symbols.len();
    let (mut nats, mut kept) = (Room::new(positions), Room::new(2 * positions));
    let shared = read.is_shared(machine);
    among_threads(shared, || {
        machine.arch.dispatch(forward::Forward {
            read,
            shared,
            nats: Rows::unwritten(nats.as_mut(), Order::TimeMajor, [1, positions, 1]),
            kept: Rows::unwritten(kept.as_mut(), Order::TimeMajor, [1, positions, 2]),
        });
    });
    // SAFETY: each position has been written.
    unsafe { [nats, kept].map(|room| room.written()) }
}

/// The gradient of the scores, from what was kept and the gradient of the nats.
pub(super) fn backward(machine: Machine, read: Read, kept: &[f32], gradient: &[f32]) -> Vec<f32> {
    let (positions, vocabulary) = (read.symbols.len(), read.scores.width());
    let mut found = Room::new(positions * vocabulary);
    let shared = read.is_shared(machine);
    among_threads(shared, || {
        machine.arch.dispatch(backward::Backward {
            read,
            shared,
            kept,
            gradient,
            found: Rows::unwritten(found.as_mut(), Order::TimeMajor, [1, positions, vocabulary]),
        });
    });
    // SAFETY: each position has been written.
    unsafe { found.written() }
}

//! A part's gradient, piece by piece, for the memory of one piece and the states between them.
//!
//! The pieces p = 1 .. P go forward once, of which only the states s_p between them stay; then backward
//! from the last to the first, each forward a second time:
//!
//! ```text
//! dE/ds_{p-1}, dE/dtheta  of  E_p + <dE/ds_p, s_p>,   s_p computed again from s_{p-1}
//! ```
//!
//! which is the same gradient, for the memory of P states and one piece: the least, of the order of
//! sqrt(T), with sqrt(T) pieces of sqrt(T) steps. Griewank 1992, "Achieving logarithmic growth of
//! temporal and spatial complexity in reverse automatic differentiation"; for recurrent nets Chen et
//! al. 2016, arXiv 1604.06174.

use backdraft_cells::State;
use burn::module::{ModuleMapper, Param};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Distribution, Tensor};

use super::draws::Draws;
use super::forward::{run, share};
use super::{Learned, at_once};
use crate::fit::seed::mix;
use crate::fit::step_times::finished;
use crate::{Objective, Part};

pub(super) fn learn<M: Objective>(
    model: &M,
    part: Part<M::Batch>,
    state: Option<M::State>,
    positions: usize,
    timed: bool,
    draws: Draws,
) -> Learned<M::State> {
    let Some(device) = model.devices().first().cloned() else {
        return at_once::learn(model, part, state, positions, timed, draws);
    };
    // Masks are drawn again as they were: each piece from a seed of its own.
    let draws = match draws {
        Draws::Next => Draws::Seeded(device.clone(), drawn_seed(&device)),
        seeded => seeded,
    };
    let last = part.pieces.len() - 1;
    let untracked = model.clone().map(&mut Untracked);
    let (mut before, mut carried) = (vec![state.clone()], state);
    for (index, piece) in part.pieces.iter().enumerate() {
        // The last is not needed but for its state, which the way back gives, too.
        if index == last {
            break;
        }
        let start = before[index].clone();
        let after = draws.within(index, || run(&untracked, piece.clone(), start));
        let after = after.state.detach();
        if index + 1 == part.carry_after {
            carried = Some(after.clone());
        }
        before.push(Some(after));
    }
    let forward_ended = timed.then(|| finished(&device));

    let mut accumulator = GradientsAccumulator::new();
    let (mut losses, mut slope): (Vec<Tensor<1>>, Option<M::State>) = (Vec::new(), None);
    for (index, piece) in part.pieces.into_iter().enumerate().rev() {
        let start = before.pop().flatten();
        let start = start.map(|state| state.map(&mut |tensor| tensor.detach().require_grad()));
        let learned = piece.learned;
        let loss = draws.within(index, || run(model, piece, start.clone()));
        if index == last && part.carry_after == last + 1 {
            carried = Some(loss.state.clone().detach());
        }
        let own = learned.then(|| share(&loss.losses, loss.penalty, positions));
        let through = slope.map(|slope| product(loss.state, slope));
        if learned {
            losses.push(loss.losses.detach());
        }
        let objective = own
            .into_iter()
            .chain(through)
            .reduce(|sum, term| sum + term);
        slope = objective.and_then(|objective| {
            let gradients = objective.backward();
            let slope = start.map(|state| {
                state.map(&mut |tensor| {
                    let slope = tensor.grad(&gradients);
                    let slope = slope.unwrap_or_else(|| tensor.clone().inner().zeros_like());
                    Tensor::from_inner(slope)
                })
            });
            accumulator.accumulate(model, GradientsParams::from_grads(gradients, model));
            slope
        });
    }
    losses.reverse();
    Learned {
        gradients: accumulator.grads(),
        losses,
        carried,
        forward_ended,
    }
}

/// `<slope, state>` over all of its tensors.
fn product<S: State>(state: S, slope: S) -> Tensor<1> {
    let mut sum: Option<Tensor<1>> = None;
    state.zip(slope, &mut |state, slope| {
        let own = (state.clone() * slope).sum();
        sum = Some(match sum.take() {
            Some(sum) => sum + own,
            None => own,
        });
        state
    });
    sum.expect("a state has a tensor")
}

/// A model that draws its masks as in training, and of which no graph is made.
///
/// Burn would keep the graph of a piece until a backward pass goes through it.
struct Untracked;

impl ModuleMapper for Untracked {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.set_require_grad(false)
    }
}

/// A seed that follows from the one that is set: what is drawn next.
fn drawn_seed(device: &Device) -> u64 {
    let drawn = Tensor::<1>::random([2], Distribution::Default, &device.clone().inner());
    let drawn = drawn.into_data();
    let bits = drawn.iter::<f32>().map(f32::to_bits);
    bits.fold(0, |seed, bits| mix(seed, u64::from(bits)))
}

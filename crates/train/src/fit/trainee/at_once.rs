//! A part's gradient through all of its graph.

use backdraft_cells::State;
use burn::optim::GradientsParams;

use super::Learned;
use super::draws::Draws;
use super::forward::{Forward, forward, share};
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
    let Forward { losses, carried } = draws.within(0, || forward(model, part, state));
    let forward_ended = losses
        .first()
        .filter(|_| timed)
        .map(|(own, _)| finished(&own.device()));
    let shares = losses
        .iter()
        .map(|(own, penalty)| share(own, penalty.clone(), positions));
    let gradients = match shares.reduce(|sum, share| sum + share) {
        Some(share) => GradientsParams::from_grads(share.backward(), model),
        None => GradientsParams::new(),
    };
    let losses = losses.into_iter().map(|(own, _)| own.detach()).collect();
    Learned {
        gradients,
        losses,
        carried: carried.map(State::detach),
        forward_ended,
    }
}

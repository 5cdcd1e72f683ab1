//! A part forward: piece after piece, each from the state of the one before.

use backdraft_cells::State;
use burn::tensor::Tensor;

use crate::{Loss, Objective, Part, Piece};

/// A part on its way: of each piece that is learned from, its losses and their penalty.
pub(super) struct Forward<S> {
    pub(super) losses: Vec<(Tensor<1>, Option<Tensor<1>>)>,
    pub(super) carried: Option<S>,
}

pub(super) fn forward<M: Objective>(
    model: &M,
    part: Part<M::Batch>,
    state: Option<M::State>,
) -> Forward<M::State> {
    let (mut state, mut carried) = (state.clone(), state);
    let mut losses = Vec::new();
    for (number, piece) in (1..).zip(part.pieces) {
        let learned = piece.learned;
        let loss = run(model, piece, state);
        if learned {
            losses.push((loss.losses, loss.penalty));
        }
        if number == part.carry_after {
            carried = Some(loss.state.clone());
        }
        state = Some(loss.state);
    }
    Forward { losses, carried }
}

/// The part of E that is these losses: their sum, and their penalty for each of them.
pub(super) fn share(losses: &Tensor<1>, penalty: Option<Tensor<1>>, positions: usize) -> Tensor<1> {
    let part = (positions as f64).recip();
    let own = losses.clone().sum() * part;
    match penalty {
        Some(penalty) => own + penalty * (losses.dims()[0] as f64 * part),
        None => own,
    }
}

/// A piece forward, its rows that begin anew from the state of a sequence that has just begun.
pub(super) fn run<M: Objective>(
    model: &M,
    piece: Piece<M::Batch>,
    state: Option<M::State>,
) -> Loss<M::State> {
    let state = match (state, piece.begin) {
        (Some(state), Some(begin)) => {
            let blank = model.blank_state(begin.dims()[0]);
            Some(blank.where_mask(&begin, state))
        }
        (state, _) => state,
    };
    let result = model.loss(piece.batch, state);
    // The loader and the state are made for this model; burn-train's steps cannot fail.
    result.unwrap_or_else(|error| panic!("a window does not fit its model: {error}"))
}

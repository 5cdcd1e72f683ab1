//! A window on its way through a training: what one step learns from.
//!
//! ```text
//! window:  part | part | ..     each with a backward of its own; their gradients add up
//! part:    piece, piece, ..     each continues the state of the one before, gradient and all
//! ```
//!
//! A window is one part, unless gradients are accumulated over several. A part is one piece, unless
//! something happens in it: a document begins in one of its rows, what is learned from begins, or
//! the next window's past does; or unless its pieces are computed a second time for their gradient.

use burn::tensor::{Bool, Tensor};

use crate::{Objective, Share};

/// What one step learns from, and the state that it continues from.
#[derive(Debug)]
pub struct Window<M: Objective> {
    /// Parts, at least one.
    pub parts: Vec<Part<M::Batch>>,
    /// The state after the last window; put there by what drives the training.
    pub state: Option<M::State>,
    /// What the learning rate of this step is multiplied by: 1, but for windows of drawn lengths.
    pub rate: f64,
    /// Whether its forward pass is to be timed; set by what drives the training.
    pub timed: bool,
    /// Of a window that is shared out among devices: which share of it this is.
    pub share: Option<Share>,
}

impl<M: Objective> Window<M> {
    /// One batch, all of which is learned from; with `fresh`, without a past.
    pub fn of(batch: M::Batch, positions: usize, fresh: bool) -> Self {
        let piece = Piece {
            batch,
            positions,
            learned: true,
            begin: None,
        };
        let part = Part {
            pieces: vec![piece],
            carry_after: 1,
            fresh,
            recompute: false,
        };
        Self {
            parts: vec![part],
            state: None,
            rate: 1.0,
            timed: false,
            share: None,
        }
    }

    /// Positions that are learned from, those of other devices' rows too: the mean is over all of them.
    pub fn learned(&self) -> usize {
        self.parts.iter().map(Part::learned).sum()
    }
}

/// What the gradient goes back through.
#[derive(Debug)]
pub struct Part<B> {
    /// Pieces, at least one.
    pub pieces: Vec<Piece<B>>,
    /// The state after so many pieces is what the next part continues from.
    pub carry_after: usize,
    /// Whether it has no past: no state is handed to it.
    pub fresh: bool,
    /// Whether nothing but the state between pieces is kept for the backward pass, which computes
    /// each piece again.
    pub recompute: bool,
}

impl<B> Part<B> {
    /// Positions that are learned from, those of other devices' rows too.
    pub fn learned(&self) -> usize {
        let learned = self.pieces.iter().filter(|piece| piece.learned);
        learned.map(|piece| piece.positions).sum()
    }
}

/// Some steps of all rows.
#[derive(Debug, Clone)]
pub struct Piece<B> {
    /// The data.
    pub batch: B,
    /// Positions of it; of a batch that is shared out, those of all rows.
    pub positions: usize,
    /// Whether they are learned from, or are there for the state alone.
    pub learned: bool,
    /// The rows whose state begins anew before it: `[batch, 1]`.
    pub begin: Option<Tensor<2, Bool>>,
}

//! The rows of a window, shared out among devices.
//!
//! ```text
//! rows of device d:   R d / D  up to  R (d + 1) / D           of R rows and D devices, rounded down
//! E = sum over d of E_d,     E_d = (1 / N) sum of the losses of the rows of d
//! ```
//!
//! with the N positions of all rows, so that the gradients of the devices add up to that of the mean over the whole
//! window, also where the rows do not divide evenly, or have unequally many positions.

use std::ops::Range;

use crate::{Batch, Objective, Part, Piece, Window};

/// What the rows of a window are that a device has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The number of the device, from 0.
    pub device: usize,
    /// The seed of what is drawn for these rows, such as dropout.
    pub seed: u64,
}

/// Which rows each device has: as many as the others, or one less.
pub(super) fn ranges(rows: usize, devices: usize) -> impl Iterator<Item = Range<usize>> {
    (0..devices).map(move |device| rows * device / devices..rows * (device + 1) / devices)
}

impl<M: Objective> Window<M> {
    /// The window of each of so many devices, without a state; nothing for one without a row, as there may be more
    /// devices than rows.
    pub(super) fn share_out(
        &self,
        devices: usize,
        seed: impl Fn(usize) -> u64,
    ) -> Vec<Option<Self>> {
        let of_device = |device: usize| {
            let rows = |part: &Part<M::Batch>| part.rows_of(device, devices);
            let parts: Vec<_> = self.parts.iter().filter_map(rows).collect();
            let share = Share {
                device,
                seed: seed(device),
            };
            (!parts.is_empty()).then(|| Self {
                parts,
                state: None,
                share: Some(share),
                ..*self
            })
        };
        (0..devices).map(of_device).collect()
    }
}

impl<B: Batch> Part<B> {
    fn rows_of(&self, device: usize, devices: usize) -> Option<Self> {
        let rows = self.pieces.first()?.batch.rows();
        let rows = ranges(rows, devices).nth(device)?;
        let piece = |piece: &Piece<B>| Piece {
            batch: piece.batch.take_rows(rows.clone()),
            begin: piece
                .begin
                .as_ref()
                .map(|begin| begin.take_rows(rows.clone())),
            ..*piece
        };
        (!rows.is_empty()).then(|| Self {
            pieces: self.pieces.iter().map(piece).collect(),
            ..*self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_one_device() {
        let of = |rows, devices| ranges(rows, devices).collect::<Vec<_>>();
        assert_eq!(of(6, 2), [0..3, 3..6]);
        assert_eq!(of(7, 3), [0..2, 2..4, 4..7]);
        assert_eq!(of(5, 1), vec![0..5; 1]);
        // More devices than rows: some have none.
        assert_eq!(of(2, 3), [0..0, 0..1, 1..2]);
    }
}

//! The random numbers of a piece, which are the same in both passes.

use burn::tensor::Device;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

use crate::seed;

/// A seed for each piece, and one for what is drawn after each of the two passes.
pub(super) struct Seeds {
    device: Device,
    of_pieces: Vec<u64>,
    after: [u64; 2],
}

/// Which time a layer is computed.
#[derive(Clone, Copy)]
pub(super) enum Pass {
    Forward,
    Backward,
}

impl Seeds {
    /// Seeds that follow from the one that `device` has.
    pub(super) fn drawn(device: &Device, pieces: usize) -> Self {
        let device = device.clone().inner();
        let mut generator = Xoshiro256PlusPlus::seed_from_u64(seed::drawn(&device));
        Self {
            device,
            of_pieces: (0..pieces).map(|_| generator.next_u64()).collect(),
            after: [generator.next_u64(), generator.next_u64()],
        }
    }

    /// Has the numbers of a piece drawn from now on.
    pub(super) fn begin(&self, piece: usize) {
        self.device.seed(self.of_pieces[piece]);
    }

    /// Has numbers drawn that no piece has drawn.
    pub(super) fn end(&self, pass: Pass) {
        self.device.seed(self.after[pass as usize]);
    }
}

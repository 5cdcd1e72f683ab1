//! Where the random numbers of a forward pass come from, such as those of dropout.
//!
//! Burn has one sequence of them for all threads, on each backend. Of the devices that share a window, each therefore
//! draws while the others do not, from a seed of its own: what is drawn does not depend on which of them is faster. A
//! GPU has done no more than to take orders until its forward pass is over here, and backward passes draw nothing: they
//! go on beside each other.

use std::sync::{Mutex, PoisonError};

use burn::tensor::Device;

use crate::fit::seed::mix;

/// Held from a seed to the last number that is drawn after it.
static DRAWING: Mutex<()> = Mutex::new(());

/// The random numbers of a part.
#[derive(Clone)]
pub(super) enum Draws {
    /// Those that come next.
    Next,
    /// Those of a seed, on a device.
    Seeded(Device, u64),
}

impl Draws {
    /// Runs `forward`, the pass through a piece, with the random numbers that are its own.
    pub(super) fn within<R>(&self, piece: usize, forward: impl FnOnce() -> R) -> R {
        let Self::Seeded(device, seed) = self else {
            return forward();
        };
        let _alone = DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
        device.seed(mix(*seed, piece as u64));
        forward()
    }
}

//! What is shown of the windows since the last time: not each of them, since each would be read back
//! from the device.
//!
//! It is read by the thread that trains, and watched by another. Burn queues a GPU's operations by
//! thread, and frees a tensor by its last use in any of the queues: one that two threads have may be
//! gone when the second comes to it.

use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor};

use crate::{Norms, WindowOutput};

/// Ten times a second.
const EVERY: Duration = Duration::from_millis(100);

/// Windows that were not shown yet.
pub(super) struct Shown {
    sum: Option<Tensor<1>>,
    positions: usize,
    norms: Option<Norms>,
    since: Instant,
}

impl Shown {
    pub(super) fn new() -> Self {
        Self {
            sum: None,
            positions: 0,
            norms: None,
            since: Instant::now(),
        }
    }

    /// Forgets the time until now.
    pub(super) fn restart(&mut self) {
        *self = Self::new();
    }

    /// Adds a window; gives what is to be shown, if it is time or this is the `last`.
    pub(super) fn add<S>(
        &mut self,
        losses: &Tensor<1>,
        norms: Option<&Norms>,
        last: bool,
    ) -> Option<WindowOutput<S>> {
        let own = losses.clone().sum();
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum + own,
            None => own,
        });
        self.positions += losses.dims()[0];
        self.norms = norms.cloned();
        let elapsed = self.since.elapsed();
        if !last && elapsed < EVERY {
            return None;
        }
        let shown = std::mem::replace(self, Self::new());
        let positions = shown.positions;
        Some(WindowOutput {
            losses: on_host(shown.sum? / positions as f64),
            positions,
            norms: shown.norms.map(|norms| Norms {
                before: on_host(norms.before),
                after: on_host(norms.after),
            }),
            rate: positions as f64 / elapsed.as_secs_f64(),
            forward_seconds: 0.0,
            state: None,
            device: 0,
        })
    }
}

/// The same numbers, for any thread.
fn on_host(tensor: Tensor<1>) -> Tensor<1> {
    tensor.without_autodiff().to_device(&Device::flex())
}

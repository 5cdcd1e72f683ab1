//! Whether a training fits into the memory that is free: by arithmetic, before any of it is allocated.

use burn::tensor::Device;
use sysinfo::System;

use crate::device::is_cpu;
use crate::fit::training::weight_bytes;
use crate::{TrainError, Training};

/// Bytes of the machine's memory that a training takes at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needed {
    /// Numbers that are learned.
    parameters: usize,
    /// What is here of them: on a GPU, they are drawn here and learned there.
    held: &'static str,
    /// What that takes.
    weights: usize,
    /// What a window keeps for its backward pass, where that is on the CPU.
    window: usize,
    /// The symbols of a text that are still to be made.
    symbols: usize,
}

impl Needed {
    /// For so many weights: drawn on the CPU, then learned on `device`.
    pub(crate) fn new(training: &Training, parameters: usize, device: &Device) -> Self {
        let (held, weights) = match is_cpu(device) {
            true => (
                "weights, their gradients and the optimiser",
                weight_bytes(training, parameters),
            ),
            false => ("weights", parameters.saturating_mul(size_of::<f32>())),
        };
        Self {
            parameters,
            held,
            weights,
            window: 0,
            symbols: 0,
        }
    }

    /// With so many bytes of a window.
    pub(crate) fn with_window(self, bytes: usize, device: &Device) -> Self {
        let window = if is_cpu(device) { bytes } else { 0 };
        Self { window, ..self }
    }

    /// With a text of so many symbols, which is cut into streams.
    pub(crate) fn with_symbols(self, symbols: usize) -> Self {
        // Once in the order of the text, and once in that of the streams.
        let symbols = symbols.saturating_mul(2 * size_of::<u32>());
        Self { symbols, ..self }
    }

    /// Refuses what `free` bytes do not hold; nothing, where it is not known how many are free.
    ///
    /// # Errors
    ///
    /// With the sizes.
    pub(crate) fn check(&self, free: Option<usize>) -> Result<(), TrainError> {
        let all = [self.weights, self.window, self.symbols];
        let all = all.into_iter().fold(0, usize::saturating_add);
        let Some(free) = free.filter(|free| all > *free) else {
            return Ok(());
        };
        let weights = format!("{} {}", self.parameters, self.held);
        let needed = [
            (self.weights, weights.as_str()),
            (self.window, "the backward pass of a window"),
            (self.symbols, "the symbols of the text"),
        ];
        let needed = needed.into_iter().filter(|(bytes, _)| *bytes > 0);
        let needed = needed.map(|(bytes, what)| format!("{} for {what}", size(bytes)));
        Err(TrainError::TooLarge {
            needed: needed.collect::<Vec<_>>().join(", "),
            free: size(free),
        })
    }
}

/// Bytes of the machine's memory that can be taken, as far as the system tells: of all of it, or of
/// what the control group of this program may have.
pub(crate) fn free() -> Option<usize> {
    let mut system = System::new();
    system.refresh_memory();
    // What the group's files take in the cache can be had back, as `available_memory` counts it.
    let group = system
        .cgroup_limits()
        .map(|limits| limits.total_memory.saturating_sub(limits.rss));
    let free = system.available_memory();
    let free = group.map_or(free, |group| group.min(free));
    usize::try_from(free).ok().filter(|free| *free > 0)
}

fn size(bytes: usize) -> String {
    let mebi = bytes as f64 / f64::from(1 << 20);
    match mebi < 1024.0 {
        true => format!("{mebi:.1} MiB"),
        false => format!("{:.1} GiB", mebi / 1024.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEBI: usize = 1 << 20;

    #[test]
    fn what_is_not_free_is_refused_with_the_sizes() {
        let device = Device::flex();
        let training = Training::default();
        // Weights, gradients and two moments: 16 bytes each.
        let needed = Needed::new(&training, MEBI, &device)
            .with_window(8 * MEBI, &device)
            .with_symbols(MEBI / 2);
        assert!(needed.check(None).is_ok());
        assert!(needed.check(Some(28 * MEBI)).is_ok());
        assert_eq!(
            needed.check(Some(28 * MEBI - 1)).unwrap_err().to_string(),
            "too large for this machine: 16.0 MiB for 1048576 weights, their gradients and the \
             optimiser, 8.0 MiB for the backward pass of a window, 4.0 MiB for the symbols of the text; \
             28.0 MiB are free"
        );
        let huge = Needed::new(&training, usize::MAX, &device).with_symbols(usize::MAX);
        let error = huge.check(Some(usize::MAX - 1)).unwrap_err();
        assert!(error.to_string().contains("GiB are free"), "{error}");
    }

    #[test]
    fn some_memory_is_free() {
        let free = free().expect("this system tells");
        assert!(free > MEBI, "{free}");
    }
}

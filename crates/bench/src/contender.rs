//! What can be measured.

mod burn_nn;
mod in_process;
pub(crate) mod ours;
mod pytorch;

use std::time::Duration;

use crate::BenchError;

pub use burn_nn::burn_nn;
pub use in_process::InProcess;
pub use ours::{Way, ours};
pub use pytorch::PyTorch;

/// What is done with a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// The outputs of a sequence, with no gradient recorded.
    Forward,
    /// The outputs, the mean of their squares, and its gradients by every parameter and by the
    /// input.
    Training,
}

impl Work {
    /// As the JSON and the peers name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Training => "training",
        }
    }
}

/// A layer of a certain shape, somewhere, that can be run.
pub trait Contender {
    /// What `against` names it by.
    fn name(&self) -> &str;

    /// What it is, in more words.
    fn description(&self) -> &str;

    /// Does `work` this many times, each to its end; the milliseconds of each.
    ///
    /// # Errors
    ///
    /// When it cannot: what it is, where it runs and why.
    fn run(&mut self, work: Work, times: usize) -> Result<Vec<f64>, BenchError>;

    /// How long its idle threads may go on waiting for work before they let others compute.
    fn lingers(&self) -> Duration {
        Duration::ZERO
    }

    /// Bytes that a forward pass which records gradients keeps until they are computed, the outputs
    /// included; `None` where they cannot be counted, as on a GPU, in another process, or in a
    /// program whose allocator does not count.
    fn bytes_kept(&self) -> Option<usize> {
        None
    }
}

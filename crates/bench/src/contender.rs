//! What can be measured.

mod burn_nn;
mod in_process;
mod model;
pub(crate) mod ours;
mod pytorch;

use std::time::{Duration, Instant};

use crate::{BenchError, ModelSetup};

pub use burn_nn::burn_nn;
pub use in_process::InProcess;
pub use model::ModelStep;
pub use ours::{Way, ours};
pub use pytorch::{PyTorch, PyTorchModel, PyTorchProgram};

/// What is done with a layer or a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// The outputs of a sequence, with no gradient recorded; of a whole model, its loss.
    Forward,
    /// The outputs, the mean of their squares, and its gradients by every parameter and by the
    /// input; of a whole model, a step of learning.
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

/// The milliseconds of each time that something is done in this process.
fn timed(
    times: usize,
    mut done: impl FnMut() -> Result<(), BenchError>,
) -> Result<Vec<f64>, BenchError> {
    let once = |_| {
        let start = Instant::now();
        done()?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    };
    (0..times).map(once).collect()
}

/// A layer or a model of a certain shape, somewhere, that can be run.
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

/// A whole model, somewhere, that can be trained.
pub trait ModelContender<S: ModelSetup>: Contender {
    /// Becomes the model that ours is, takes the weights that it has now, and begins with its batches
    /// anew.
    ///
    /// # Errors
    ///
    /// When the weights do not go over.
    fn copy(&mut self, ours: &ModelStep<S>) -> Result<(), BenchError>;

    /// Learns from so many batches more; the loss of each before it was learned from, in nats.
    ///
    /// # Errors
    ///
    /// When it cannot.
    fn losses(&mut self, steps: usize) -> Result<Vec<f64>, BenchError>;
}

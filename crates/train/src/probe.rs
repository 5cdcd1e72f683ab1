//! What memory is worth: problems whose answers depend on what was seen long before, for each cell
//! and length.
//!
//! ```text
//! h_t = layers(x_1 .. x_t),   o_t = W h_t + b       at the steps that have an answer
//! ```
//!
//! A [`trial`](Probe::trial) learns one problem of one length with one cell from one seed, on sequences
//! of which none is seen twice, until it is solved or the steps are over.

mod drawing;
mod model;
mod problem;
mod trial;

use backdraft_cells::Memory;
use serde::{Deserialize, Serialize};

pub use drawing::draw_trials;
pub use problem::{Problem, Sample};
pub use trial::Trial;

use crate::bounds::{counts, features, positive, require, rows};
use crate::{CellKind, Clipping, TrainError};

/// What is probed, beside length, cell and seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The problem.
    pub problem: Problem,
    /// Recurrent layers.
    pub layers: usize,
    /// Units of each layer.
    pub hidden: usize,
    /// Whether the keeping gates of the cells that have one start at memories of up to the length of
    /// the sequences (chrono), rather than as other biases.
    pub chrono: bool,
    /// Sequences that a step learns from.
    pub batch: usize,
    /// Steps of Adam of a trial that does not solve it, at most.
    pub steps: usize,
    /// The learning rate.
    pub lr: f64,
    /// How gradients are clipped.
    pub clipping: Clipping,
    /// Sequences that a trial is tested on.
    pub test: usize,
    /// Steps between tests.
    pub test_steps: usize,
}

impl Probe {
    /// One layer of 128 units, chrono, 3,000 steps of 32 sequences at 2e-3, clipped at a norm of 1,
    /// tested on 1,000 sequences each 100 steps.
    pub fn new(problem: Problem) -> Self {
        Self {
            problem,
            layers: 1,
            hidden: 128,
            chrono: true,
            batch: 32,
            steps: 3000,
            lr: 2e-3,
            clipping: Clipping::by_norm(1.0),
            test: 1000,
            test_steps: 100,
        }
    }

    /// What the keeping gate of a cell starts at, for sequences of this length.
    fn memory(&self, cell: CellKind, length: usize) -> Memory {
        match self.chrono && cell.has_memory() {
            // Shorter ones need no help, and chrono's memories have at least 3 steps.
            true => Memory::Chrono {
                longest: self.problem.steps(length).max(3),
            },
            false => Memory::AsDrawn,
        }
    }

    /// Refuses what makes no sense.
    ///
    /// # Errors
    ///
    /// Names the first setting that is impossible, what would be possible and what it was.
    pub fn check(&self) -> Result<(), TrainError> {
        features([("layers", self.layers), ("hidden", self.hidden)])?;
        rows([("batch", self.batch), ("test", self.test)])?;
        counts([("steps", self.steps), ("test_steps", self.test_steps)])?;
        positive([("lr", Some(self.lr))])?;
        self.clipping.check()
    }

    /// Refuses sequences that are too short for the problem, or too long for any memory.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn check_length(&self, length: usize) -> Result<(), TrainError> {
        let (problem, shortest) = (self.problem, self.problem.shortest());
        let expected = format!("at least {shortest} for {}", problem.name());
        require("lengths", &expected, length, length >= shortest)?;
        rows([("lengths", length)])
    }
}

//! What the training of a task would be, before it is begun.

use std::fmt;

use serde::Serialize;

use super::on_the_road::ExampleCounts;
use crate::road::Tried;

/// What `backdraft train .. --dry-run` prints of a task.
#[derive(Debug, Clone, Serialize)]
pub struct TaskEstimate {
    /// The recurrent layers.
    pub model: String,
    /// Which way they go, and why.
    pub path: String,
    /// Numbers that are learned.
    pub parameters: usize,
    /// Bytes of the weights, their gradients and what the optimiser remembers.
    pub weight_bytes: usize,
    /// Examples that are learned from.
    pub examples: usize,
    /// Examples that are held out.
    pub valid_examples: usize,
    /// Rows of the data that cannot be used and are passed over.
    pub skipped_rows: usize,
    /// Steps of the whole training.
    pub steps: usize,
    /// Seconds, about, that it would take without evaluation: some steps were tried.
    pub seconds: f64,
    /// What it was tried on.
    pub device: String,
    /// The data.
    pub data: String,
}

impl TaskEstimate {
    pub(super) fn new(counts: ExampleCounts, tried: Tried) -> Self {
        Self {
            model: tried.model,
            path: tried.path,
            parameters: tried.parameters,
            weight_bytes: tried.weight_bytes,
            examples: counts.examples,
            valid_examples: counts.valid_examples,
            skipped_rows: counts.skipped_rows,
            steps: tried.steps,
            seconds: tried.seconds,
            device: tried.device,
            data: tried.data,
        }
    }
}

impl fmt::Display for TaskEstimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebi = self.weight_bytes as f64 / f64::from(1 << 20);
        let seconds = self.seconds as u64;
        writeln!(
            f,
            "data        {}: {} examples to learn from, {} held out, {} rows passed over",
            self.data, self.examples, self.valid_examples, self.skipped_rows
        )?;
        writeln!(
            f,
            "model       {}, {} parameters",
            self.model, self.parameters
        )?;
        writeln!(f, "path        {}", self.path)?;
        writeln!(
            f,
            "memory      {mebi:.1} MiB for weights, gradients and the optimiser"
        )?;
        writeln!(f, "steps       {}", self.steps)?;
        writeln!(
            f,
            "time        about {}:{:02} on {}",
            seconds / 60,
            seconds % 60,
            self.device
        )
    }
}

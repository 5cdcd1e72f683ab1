//! What is told of a training from examples that has ended.

use std::collections::BTreeMap;

use serde::Serialize;

use super::on_the_road::ExampleCounts;
use crate::fit::training::Learned;
use crate::road::Trained;

/// What `backdraft train` prints of a task.
#[derive(Debug, Clone, Serialize)]
pub struct TaskReport {
    /// The task.
    pub task: &'static str,
    /// The mean loss on the held-out part, of the weights kept.
    pub loss: f64,
    /// What these weights reach there, by name.
    #[serde(flatten)]
    pub figures: BTreeMap<String, f64>,
    /// Examples that were learned from.
    pub examples: usize,
    /// Examples that were held out.
    pub valid_examples: usize,
    /// Rows of the data that could not be used and were passed over.
    pub skipped_rows: usize,
    /// Positions that were learned from, counted each time.
    pub positions: usize,
    /// Steps, those included that were left out.
    pub steps: usize,
    /// Steps that were left out, their loss or gradient not being finite.
    pub skipped_steps: usize,
    /// Passes over the examples, the last maybe in part.
    pub epochs: usize,
    /// What it was computed on.
    pub device: String,
    /// Which way the recurrent layers went, and why: `kernel (AVX-512, flex)`.
    pub path: String,
    /// How long it took, evaluation included.
    pub seconds: f64,
    /// Positions learned from a second.
    pub positions_per_second: f64,
    /// Numbers that were learned.
    pub parameters: usize,
    /// The data.
    pub data: String,
    /// The run folder.
    pub run: String,
}

impl TaskReport {
    pub(super) fn new(task: &'static str, counts: ExampleCounts, trained: Trained) -> Self {
        let Learned {
            best,
            tally,
            seconds,
        } = trained.learned;
        Self {
            task,
            loss: best.validation.loss,
            figures: best.figures,
            examples: counts.examples,
            valid_examples: counts.valid_examples,
            skipped_rows: counts.skipped_rows,
            positions: tally.positions,
            steps: tally.steps,
            skipped_steps: tally.skipped,
            epochs: tally.last.map_or(0, |last| last.epoch),
            device: trained.device,
            path: trained.path,
            seconds,
            positions_per_second: tally.positions as f64 / seconds,
            parameters: trained.parameters,
            data: trained.data,
            run: trained.run,
        }
    }
}

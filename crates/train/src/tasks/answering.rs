//! What a task shows as it learns: what its model answers to held-out examples, and how well.

use std::sync::Arc;

use super::{Answer, ExampleTask};
use crate::TrainError;
use crate::fit::training::{Figure, Shows};
use crate::insight::gradient_through_time::{GradientSnapshot, of_examples};
use crate::insight::spectrum::SpectrumSnapshot;

/// Examples of the held-out part whose answers are shown as it learns.
const SHOWN: usize = 8;

/// Answers held-out examples.
pub struct Answering<T: ExampleTask> {
    pub(super) task: Arc<T>,
    pub(super) held_out: Arc<Vec<T::Example>>,
    pub(super) rows: usize,
}

impl<T: ExampleTask> Shows<T::Model> for Answering<T> {
    fn held_out(&mut self, model: &T::Model) -> Result<Vec<Figure>, TrainError> {
        Ok(self.task.score(model, &self.held_out, self.rows)?.figures)
    }

    fn cost(&self, loss: f64, held_out: &[Figure]) -> f64 {
        T::cost(loss, held_out)
    }

    fn sample(&mut self, model: &T::Model) -> Result<Option<String>, TrainError> {
        let some: Vec<&T::Example> = self.held_out.iter().take(SHOWN).collect();
        let answers = match self.task.answer(model, &some) {
            // What cannot be answered, as covariates of the steps to come are not known, is not shown.
            Err(TrainError::NoQuestion { .. }) => return Ok(None),
            answers => answers?,
        };
        let lines: Vec<String> = answers.iter().map(Answer::to_tsv).collect();
        Ok(Some(lines.join("\n")))
    }

    fn spectra(&self, steps: usize, model: &T::Model, large: bool) -> Option<String> {
        Some(SpectrumSnapshot::line(steps, &T::layers(model), large))
    }

    fn gradients(&self, steps: usize, model: &T::Model) -> Result<Option<String>, TrainError> {
        let gradients = of_examples(&*self.task, model, &self.held_out)?;
        Ok(Some(GradientSnapshot::line(steps, gradients)))
    }
}

//! What a model writes as it learns, and the best weights so far.

use std::fs::OpenOptions;
use std::io::Write;
use std::ops::ControlFlow;

use backdraft_cells::Cell;
use backdraft_data::Vocabulary;
use backdraft_models::{LanguageModel, Sampling};

use super::writing::first_symbol;
use crate::run::SAMPLES;
use crate::{Observer, Run, Step, TrainError, Validation};

/// Samples a training.
const SAMPLES_A_RUN: usize = 10;
/// Characters a sample.
const LENGTH: usize = 300;

/// Writes a sample ten times a run, the last after its last step; counts what was learned, and keeps the best weights.
pub(super) struct Journal {
    run: Run,
    vocabulary: Vocabulary,
    /// Steps of the whole run.
    total: usize,
    seed: u64,
    /// Whether samples go to standard error as well as to the run.
    aloud: bool,
    pub(super) steps: usize,
    pub(super) positions: usize,
    pub(super) best: Option<Validation>,
    pub(super) last: Option<Validation>,
    pub(super) sample: String,
    pub(super) error: Option<TrainError>,
}

impl Journal {
    pub(super) fn new(
        run: Run,
        vocabulary: Vocabulary,
        total: usize,
        seed: u64,
        aloud: bool,
    ) -> Self {
        Self {
            run,
            vocabulary,
            total,
            seed,
            aloud,
            steps: 0,
            positions: 0,
            best: None,
            last: None,
            sample: String::new(),
            error: None,
        }
    }

    fn attempt(&mut self, result: Result<(), TrainError>) {
        if let Err(error) = result {
            self.error.get_or_insert(error);
        }
    }

    fn write_sample<C: Cell>(&mut self, model: &LanguageModel<C>) -> Result<(), TrainError> {
        let sampling = Sampling::new()
            .with_temperature(0.7)
            .with_excluded(vec![Vocabulary::UNKNOWN]);
        let mut writer = model.generator(sampling, self.seed)?;
        writer.read(&[first_symbol(&self.vocabulary)])?;
        let symbols: Vec<u32> = writer.take(LENGTH).collect();
        self.sample = self.vocabulary.decode(&symbols);

        let entry = format!("--- after {} steps ---\n{}\n", self.steps, self.sample);
        if self.aloud {
            // A closed pipe is no reason to stop training.
            std::io::stderr().write_all(entry.as_bytes()).ok();
        }
        let path = self.run.file(SAMPLES);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut file| file.write_all(entry.as_bytes()))
            .map_err(|error| TrainError::Unwritable { path, error })
    }
}

impl<C: Cell> Observer<LanguageModel<C>> for Journal {
    fn stepped(&mut self, step: Step<'_>, model: &LanguageModel<C>) -> ControlFlow<String> {
        self.steps = step.steps;
        self.positions += step.positions;
        let every = self.total.div_ceil(SAMPLES_A_RUN);
        if !step.steps.is_multiple_of(every) && step.steps != self.total {
            return ControlFlow::Continue(());
        }
        let loss = step.nats.clone().mean().into_scalar::<f64>();
        if !loss.is_finite() {
            let error = TrainError::Diverged {
                loss,
                steps: step.steps,
            };
            let reason = error.to_string();
            self.attempt(Err(error));
            return ControlFlow::Break(reason);
        }
        let written = self.write_sample(model);
        self.attempt(written);
        // Until the first evaluation tells which weights are best, the latest are kept.
        if self.best.is_none() {
            let saved = self.run.save_weights(model);
            self.attempt(saved);
        }
        match &self.error {
            Some(error) => ControlFlow::Break(error.to_string()),
            None => ControlFlow::Continue(()),
        }
    }

    fn validated(&mut self, validation: Validation, model: &LanguageModel<C>) {
        self.last = Some(validation);
        let better = self.best.is_none_or(|best| validation.loss < best.loss);
        if better && validation.loss.is_finite() {
            self.best = Some(validation);
            let saved = self.run.save_weights(model);
            self.attempt(saved);
        }
    }
}

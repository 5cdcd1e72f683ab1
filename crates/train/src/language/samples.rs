//! What a model writes as it learns, and the best weights so far.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::ops::ControlFlow;
use std::time::Instant;

use backdraft_cells::Cell;
use backdraft_data::Vocabulary;
use backdraft_models::{LanguageModel, Sampling};
use serde::{Deserialize, Serialize};

use super::writing::first_symbol;
use crate::run::{CHECKPOINTS, SAMPLES};
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
    started: Instant,
    pub(super) memory: Memory,
    pub(super) error: Option<TrainError>,
}

/// What is known of the training so far, and goes into its checkpoints.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) steps: usize,
    pub(super) positions: usize,
    /// Steps that the guard left out.
    pub(super) skipped: usize,
    pub(super) best: Option<Validation>,
    pub(super) last: Option<Validation>,
    pub(super) sample: String,
    /// Bytes of all samples.
    written: u64,
    /// Seconds of the programs before this one.
    seconds: f64,
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
            started: Instant::now(),
            memory: Memory::default(),
            error: None,
        }
    }

    /// Takes up what a checkpoint remembers; what was written after it is not there yet.
    pub(super) fn recall(&mut self, memory: Option<&serde_json::Value>) -> Result<(), TrainError> {
        let path = self.run.file(SAMPLES);
        if let Some(memory) = memory {
            let memory = Memory::deserialize(memory);
            self.memory = memory.map_err(|error| TrainError::Damaged {
                path: self.run.file(CHECKPOINTS),
                reason: error.to_string(),
            })?;
        }
        let unwritable = |error| TrainError::Unwritable {
            path: path.clone(),
            error,
        };
        match OpenOptions::new().write(true).open(&path) {
            Ok(file) => file.set_len(self.memory.written).map_err(unwritable),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(unwritable(error)),
        }
    }

    /// How long the training took, this program and those before it.
    pub(super) fn seconds(&self) -> f64 {
        self.memory.seconds + self.started.elapsed().as_secs_f64()
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
        let sample = self.vocabulary.decode(&symbols);
        let entry = format!("--- after {} steps ---\n{sample}\n", self.memory.steps);
        self.memory.sample = sample;
        if self.aloud {
            // A closed pipe is no reason to stop training.
            std::io::stderr().write_all(entry.as_bytes()).ok();
        }
        let path = self.run.file(SAMPLES);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut file| file.write_all(entry.as_bytes()))
            .map_err(|error| TrainError::Unwritable { path, error })?;
        self.memory.written += entry.len() as u64;
        Ok(())
    }
}

impl<C: Cell> Observer<LanguageModel<C>> for Journal {
    fn stepped(&mut self, step: Step<'_>, model: &LanguageModel<C>) -> ControlFlow<String> {
        self.memory.steps = step.steps;
        self.memory.positions += step.positions;
        self.memory.skipped += usize::from(!step.taken);
        let every = self.total.div_ceil(SAMPLES_A_RUN);
        if !step.steps.is_multiple_of(every) && step.steps != self.total {
            return ControlFlow::Continue(());
        }
        let written = self.write_sample(model);
        self.attempt(written);
        // Until the first evaluation tells which weights are best, the latest are kept.
        if self.memory.best.is_none() {
            let saved = self.run.save_weights(model);
            self.attempt(saved);
        }
        match &self.error {
            Some(error) => ControlFlow::Break(error.to_string()),
            None => ControlFlow::Continue(()),
        }
    }

    fn validated(&mut self, validation: Validation, model: &LanguageModel<C>) {
        self.memory.last = Some(validation);
        let best = self.memory.best;
        let better = best.is_none_or(|best| validation.loss < best.loss);
        if better && validation.loss.is_finite() {
            self.memory.best = Some(validation);
            let saved = self.run.save_weights(model);
            self.attempt(saved);
        }
    }

    fn gave_up(&mut self, error: TrainError) {
        self.attempt(Err(error));
    }

    fn remember(&mut self) -> serde_json::Value {
        let memory = Memory {
            seconds: self.seconds(),
            ..self.memory.clone()
        };
        serde_json::to_value(memory).expect("our own types are valid JSON")
    }
}

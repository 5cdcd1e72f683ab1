//! What goes on beside a training: figures, what the model writes, and the best weights so far.

use std::io::Write;
use std::ops::ControlFlow;
use std::time::Instant;

use backdraft_cells::Cell;
use backdraft_data::Vocabulary;
use backdraft_models::{LanguageModel, Sampling};
use serde::{Deserialize, Serialize};

use super::writing::first_symbol;
use crate::growing::Growing;
use crate::run::{CHECKPOINTS, METRICS, SAMPLES};
use crate::{Observer, Run, Step, TrainError, Validation};

/// Samples a training.
const SAMPLES_A_RUN: usize = 10;
/// Lines of figures a training, at most.
const FIGURES_A_RUN: usize = 2000;
/// Characters a sample.
const LENGTH: usize = 300;

/// Writes figures and, ten times a run, a sample; counts what was learned, and keeps the best
/// weights.
pub(super) struct Journal {
    run: Run,
    vocabulary: Vocabulary,
    /// Steps of the whole run.
    total: usize,
    seed: u64,
    /// Whether samples and warnings go to standard error, too.
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
    samples: Growing,
    metrics: Growing,
    /// Seconds of the programs before this one.
    seconds: f64,
}

/// A line of `metrics.jsonl`; a figure that is no number is null.
#[derive(Serialize)]
struct Figures {
    split: &'static str,
    step: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<usize>,
    loss: f64,
    bits_per_character: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    gradient_norm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    learning_rate: Option<f64>,
    /// Steps that the guard has left out so far.
    skipped: usize,
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
        if let Some(memory) = memory {
            let memory = Memory::deserialize(memory);
            self.memory = memory.map_err(|error| TrainError::Damaged {
                path: self.run.file(CHECKPOINTS),
                reason: error.to_string(),
            })?;
        }
        self.memory.samples.cut(&self.run.file(SAMPLES))?;
        self.memory.metrics.cut(&self.run.file(METRICS))
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

    /// On standard error, if that is wanted.
    fn say(&self, text: &str) {
        if self.aloud {
            // A closed pipe is no reason to stop training.
            std::io::stderr().write_all(text.as_bytes()).ok();
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
        self.say(&entry);
        let path = self.run.file(SAMPLES);
        self.memory.samples.append(&path, &entry)
    }

    fn go_on(&self) -> ControlFlow<String> {
        match &self.error {
            Some(error) => ControlFlow::Break(error.to_string()),
            None => ControlFlow::Continue(()),
        }
    }

    fn write_figures(&mut self, figures: &Figures) -> Result<(), TrainError> {
        let mut line = serde_json::to_string(figures).expect("our own types are valid JSON");
        line.push('\n');
        self.memory.metrics.append(&self.run.file(METRICS), &line)
    }

    /// The same part of the run, whatever its length.
    fn is_time(&self, a_run: usize) -> bool {
        let steps = self.memory.steps;
        steps.is_multiple_of(self.total.div_ceil(a_run)) || steps == self.total
    }
}

impl<C: Cell> Observer<LanguageModel<C>> for Journal {
    fn stepped(&mut self, step: Step<'_>, model: &LanguageModel<C>) -> ControlFlow<String> {
        self.memory.steps = step.steps;
        self.memory.positions += step.positions;
        if let Some(what) = step.left_out {
            self.memory.skipped += 1;
            self.say(&format!(
                "warning: step {}: {what} is not finite; it is left out\n",
                step.steps
            ));
        }
        if self.is_time(FIGURES_A_RUN) {
            let loss = step.nats.clone().mean().into_scalar::<f64>();
            let written = self.write_figures(&Figures {
                split: "train",
                step: step.steps,
                epoch: None,
                loss,
                bits_per_character: loss / std::f64::consts::LN_2,
                gradient_norm: Some(step.gradient_norm.clone().into_scalar::<f64>()),
                learning_rate: Some(step.learning_rate),
                skipped: self.memory.skipped,
                seconds: self.seconds(),
            });
            self.attempt(written);
        }
        if !self.is_time(SAMPLES_A_RUN) {
            return self.go_on();
        }
        let written = self.write_sample(model);
        self.attempt(written);
        // Until the first evaluation tells which weights are best, the latest are kept.
        if self.memory.best.is_none() {
            let saved = self.run.save_weights(model);
            self.attempt(saved);
        }
        self.go_on()
    }

    fn validated(&mut self, validation: Validation, model: &LanguageModel<C>) {
        self.memory.last = Some(validation);
        let written = self.write_figures(&Figures {
            split: "valid",
            step: self.memory.steps,
            epoch: Some(validation.epoch),
            loss: validation.loss,
            bits_per_character: validation.loss / std::f64::consts::LN_2,
            gradient_norm: None,
            learning_rate: None,
            skipped: self.memory.skipped,
            seconds: self.seconds(),
        });
        self.attempt(written);
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

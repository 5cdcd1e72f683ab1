//! One problem, length, cell and seed: learned until it is solved.

use std::time::Instant;

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::Serialize;

use super::Probe;
use super::model::{Batch, Model};
use crate::fit::seed::mix;
use crate::{CellKind, FusedAdam, PickedDevice, TrainError};

/// What became of a trial.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// The cell.
    pub cell: CellKind,
    /// The length of the sequences, `T`.
    pub length: usize,
    /// The seed of the weights and of the sequences.
    pub seed: u64,
    /// Numbers that were learned.
    pub parameters: usize,
    /// The figure of the problem in the last test, on sequences that are not learned from.
    pub figure: f64,
    /// The lowest of all tests.
    pub best: f64,
    /// What one reaches who remembers nothing.
    pub blind: f64,
    /// Whether the last test was below the bound of the problem.
    pub solved: bool,
    /// Steps that were taken.
    pub steps: usize,
    /// Steps that were left out, their loss not being finite.
    pub skipped_steps: usize,
    /// How long it took, tests included.
    pub seconds: f64,
}

/// Rows that are tested at once.
const TEST_ROWS: usize = 250;

/// The sequences that are tested are drawn from another stream than those that are learned from.
const TEST_STREAM: u64 = 1;
const TRAINING_STREAM: u64 = 2;

impl Probe {
    /// Learns sequences of `length`; `told` hears the figure of each test, with the steps so far.
    ///
    /// Weights are drawn on the CPU, so that a seed is the same model on every device.
    ///
    /// # Errors
    ///
    /// When a setting or the length makes no sense, or the cell cannot be built.
    pub fn trial(
        &self,
        cell: CellKind,
        length: usize,
        seed: u64,
        device: &PickedDevice,
        told: &mut dyn FnMut(usize, f64),
    ) -> Result<Trial, TrainError> {
        self.check()?;
        let (problem, device) = (self.problem, &device.device);
        self.check_length(length)?;
        let start = Instant::now();
        let host = Device::flex();
        host.seed(seed);
        let mut model = Model::new(self, cell, length, &host)?.fork(device).train();
        let recording = device.clone().autodiff();
        let mut optimizer: ModuleOptimizer = FusedAdam::default().into();
        let clipper = self.clipping.init()?;

        let stream = |stream| StdRng::seed_from_u64(mix(seed, stream));
        let (mut random, mut testing) = (stream(TRAINING_STREAM), stream(TEST_STREAM));
        let mut tests = Vec::new();
        let mut left = self.test;
        while left > 0 {
            let rows = left.min(TEST_ROWS);
            let batch = Batch::draw(problem, length, rows, &mut testing, device);
            tests.push((rows, batch));
            left -= rows;
        }
        let (blind, bound) = (problem.blind(length), problem.bound(length));
        let mut trial = Trial {
            cell,
            length,
            seed,
            parameters: model.num_params(),
            figure: f64::NAN,
            best: f64::INFINITY,
            blind,
            solved: false,
            steps: 0,
            skipped_steps: 0,
            seconds: 0.0,
        };
        for step in 1..=self.steps {
            trial.steps = step;
            let batch = Batch::draw(problem, length, self.batch, &mut random, &recording);
            let loss = model.loss(&batch)?;
            let value: f32 = loss.clone().into_scalar();
            if value.is_finite() {
                let mut gradients = GradientsParams::from_grads(loss.backward(), &model);
                clipper.apply(&model, &mut gradients);
                model = optimizer.step(self.lr, model, gradients);
            } else {
                trial.skipped_steps += 1;
            }
            if step % self.test_steps == 0 || step == self.steps {
                let valid = model.valid();
                let mut sum = 0.0;
                for (rows, batch) in &tests {
                    sum += *rows as f64 * valid.figure(batch)?;
                }
                trial.figure = sum / self.test as f64;
                trial.best = trial.best.min(trial.figure);
                told(step, trial.figure);
                if trial.figure < bound {
                    trial.solved = true;
                    break;
                }
            }
        }
        trial.seconds = start.elapsed().as_secs_f64();
        Ok(trial)
    }
}

//! PyTorch's language model on the CPU, run by a worker of its own.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::LINGERS;
use super::worker::Worker;
use crate::contender::{Contender, LanguageModelContender, LanguageModelStep, Work};
use crate::language_model::{LAYERS, NORM, RATE, VOCABULARY, windows};
use crate::{BenchError, Shape};

/// What the worker runs.
const SCRIPT: &str = include_str!("../../../peers/language_model.py");

/// A PyTorch that trains a language model of its own.
pub struct PyTorchLanguageModel {
    description: String,
    version: String,
    worker: Worker,
}

/// What the worker has built.
#[derive(Deserialize)]
struct Built {
    parameters: usize,
}

/// What the worker did.
#[derive(Deserialize)]
struct Done {
    milliseconds: Vec<f64>,
    losses: Vec<f64>,
}

impl PyTorchLanguageModel {
    /// Starts the PyTorch of an interpreter, with this many threads. It has no model yet.
    ///
    /// # Errors
    ///
    /// When the interpreter cannot be started, or has no PyTorch.
    pub fn start(python: &Path, threads: usize) -> Result<Self, BenchError> {
        let (worker, version) = Worker::start(python, SCRIPT, threads)?;
        Ok(Self {
            description: format!("torch.nn.LSTM and torch.optim.Adam of PyTorch {version}"),
            version,
            worker,
        })
    }

    /// PyTorch's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    fn work(&mut self, work: Work, times: usize) -> Result<Done, BenchError> {
        self.worker.ask(&format!("{} {times}", work.name()))?;
        let done: Done = self.worker.answer()?;
        match [done.milliseconds.len(), done.losses.len()] == [times; 2] {
            true => Ok(done),
            false => Err(self.worker.refuse("an answer to another question")),
        }
    }
}

impl Contender for PyTorchLanguageModel {
    fn name(&self) -> &str {
        "pytorch"
    }

    fn description(&self) -> &str {
        &self.description
    }

    fn run(&mut self, work: Work, times: usize) -> Result<Vec<f64>, BenchError> {
        Ok(self.work(work, times)?.milliseconds)
    }

    fn lingers(&self) -> Duration {
        LINGERS
    }
}

impl LanguageModelContender for PyTorchLanguageModel {
    fn copy(&mut self, ours: &LanguageModelStep) -> Result<(), BenchError> {
        let folder = tempfile::tempdir().map_err(|error| BenchError::Unwritable {
            path: std::env::temp_dir(),
            reason: error.to_string(),
        })?;
        let path = folder.path().join("weights.safetensors");
        let weights = ours.weights()?;
        weights.save(&path)?;

        let shape = ours.shape();
        let Shape { input, hidden, .. } = shape;
        let model = json!({
            "vocabulary": VOCABULARY, "embedding": input, "hidden": hidden, "layers": LAYERS,
            "rate": RATE, "norm": NORM, "weights": path, "windows": windows(shape),
        });
        self.worker.ask(&model.to_string())?;
        let Built { parameters } = self.worker.answer()?;
        let shapes = weights.names().filter_map(|name| weights.shape(name));
        let expected: usize = shapes.map(|shape| shape.iter().product::<usize>()).sum();
        match parameters == expected {
            true => Ok(()),
            false => {
                let found = format!("{parameters} parameters where ours has {expected}");
                Err(self.worker.refuse(found))
            }
        }
    }

    fn losses(&mut self, steps: usize) -> Result<Vec<f64>, BenchError> {
        Ok(self.work(Work::Training, steps)?.losses)
    }
}

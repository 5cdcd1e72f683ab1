//! A PyTorch on the CPU that trains a model, run by a worker of its own.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::LINGERS;
use super::worker::Worker;
use crate::BenchError;
use crate::contender::{Contender, ModelContender, ModelStep, Work};
use crate::model::{ModelSetup, NORM, RATE};

/// What every program begins with: how a model is trained and timed.
const TRAINING: &str = include_str!("../../../peers/training.py");

/// A model as it is written in PyTorch.
#[derive(Debug, Clone, Copy)]
pub struct PyTorchProgram {
    /// What `against` names it by.
    pub name: &'static str,
    /// How it is written, where there is more than one way.
    pub way: Option<&'static str>,
    /// Python that defines the model, after `peers/training.py`.
    pub script: &'static str,
    /// The class of the model in it.
    pub class: &'static str,
}

/// A PyTorch that trains a model of its own.
pub struct PyTorchModel {
    name: &'static str,
    description: String,
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

impl PyTorchModel {
    /// Starts the PyTorch of an interpreter, with this many threads. It has no model yet.
    ///
    /// # Errors
    ///
    /// When the interpreter cannot be started, or has no PyTorch.
    pub fn start(
        python: &Path,
        program: &PyTorchProgram,
        threads: usize,
    ) -> Result<Self, BenchError> {
        let PyTorchProgram {
            name,
            way,
            script,
            class,
        } = program;
        let script = format!("{TRAINING}\n{script}\nserve({class})\n");
        let (worker, version) = Worker::start(python, &script, threads)?;
        let way = way.map_or(String::new(), |way| format!(", {way}"));
        Ok(Self {
            name,
            description: format!("PyTorch {version}{way}"),
            worker,
        })
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

impl Contender for PyTorchModel {
    fn name(&self) -> &str {
        self.name
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

impl<S: ModelSetup> ModelContender<S> for PyTorchModel {
    fn copy(&mut self, ours: &ModelStep<S>) -> Result<(), BenchError> {
        let folder = tempfile::tempdir().map_err(|error| BenchError::Unwritable {
            path: std::env::temp_dir(),
            reason: error.to_string(),
        })?;
        let path = folder.path().join("weights.safetensors");
        let weights = ours.weights()?;
        weights.save(&path)?;

        let setup = ours.setup();
        let question = json!({
            "sizes": setup.sizes(), "batches": setup.symbols(),
            "rate": RATE, "norm": NORM, "weights": path,
        });
        self.worker.ask(&question.to_string())?;
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

//! PyTorch's recurrent layers on the CPU, run by a worker of its own.

mod model;
mod worker;

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use super::{Contender, Work};
use worker::Worker;

pub use model::{PyTorchModel, PyTorchProgram};

use crate::{BenchError, CellKind, Shape};

/// What the worker runs.
const SCRIPT: &str = include_str!("../../peers/recurrent.py");

/// A PyTorch, waiting for work. It ends with the last of its contenders.
#[derive(Clone)]
pub struct PyTorch {
    worker: Rc<RefCell<Worker>>,
    version: String,
}

/// OpenMP's threads spin for some milliseconds before they sleep.
const LINGERS: Duration = Duration::from_millis(20);

impl PyTorch {
    /// Starts the PyTorch of an interpreter, with this many threads.
    ///
    /// # Errors
    ///
    /// When the interpreter cannot be started, or has no PyTorch.
    pub fn start(python: &Path, threads: usize) -> Result<Self, BenchError> {
        let (worker, version) = Worker::start(python, SCRIPT, threads)?;
        let worker = Rc::new(RefCell::new(worker));
        Ok(Self { worker, version })
    }

    /// PyTorch's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The layer of PyTorch that computes the same.
    pub fn contender(&self, cell: CellKind, shape: Shape) -> Box<dyn Contender> {
        let kind = match cell {
            CellKind::Elman => "RNN",
            CellKind::Lstm => "LSTM",
            CellKind::Gru => "GRU",
        };
        Box::new(PyTorchLayer {
            description: format!("torch.nn.{kind} of PyTorch {}", self.version),
            worker: self.worker.clone(),
            cell,
            shape,
        })
    }
}

struct PyTorchLayer {
    description: String,
    worker: Rc<RefCell<Worker>>,
    cell: CellKind,
    shape: Shape,
}

impl Contender for PyTorchLayer {
    fn name(&self) -> &str {
        "pytorch"
    }

    fn description(&self) -> &str {
        &self.description
    }

    fn run(&mut self, work: Work, times: usize) -> Result<Vec<f64>, BenchError> {
        let Shape {
            batch,
            time,
            input,
            hidden,
        } = self.shape;
        let (cell, work) = (self.cell.name(), work.name());
        let mut worker = self.worker.borrow_mut();
        worker.ask(&format!(
            "{cell} {batch} {time} {input} {hidden} {work} {times}"
        ))?;
        let milliseconds: Vec<f64> = worker.answer()?;
        match milliseconds.len() == times {
            true => Ok(milliseconds),
            false => Err(worker.refuse("an answer to another question")),
        }
    }

    fn lingers(&self) -> Duration {
        LINGERS
    }
}

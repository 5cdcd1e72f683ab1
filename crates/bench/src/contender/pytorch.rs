//! PyTorch's recurrent layers on the CPU, run by a worker of its own.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;

use super::{Contender, Work};
use crate::{BenchError, CellKind, Shape};

/// What the worker runs.
const SCRIPT: &str = include_str!("../../peers/recurrent.py");

/// A PyTorch, waiting for work. It ends with the last of its contenders.
#[derive(Clone)]
pub struct PyTorch {
    worker: Rc<RefCell<Worker>>,
    version: String,
}

/// What the worker answers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Ready { torch: String, threads: usize },
    Milliseconds(Vec<f64>),
    Error { error: String },
}

impl PyTorch {
    /// Starts the PyTorch of an interpreter, with this many threads.
    ///
    /// # Errors
    ///
    /// When the interpreter cannot be started, or has no PyTorch.
    pub fn start(python: &Path, threads: usize) -> Result<Self, BenchError> {
        let mut worker = Worker::start(python, threads)?;
        match worker.answer()? {
            Answer::Ready {
                torch,
                threads: found,
            } if found == threads => Ok(Self {
                worker: Rc::new(RefCell::new(worker)),
                version: torch,
            }),
            Answer::Ready { threads: found, .. } => {
                Err(worker.refuse(format!("{found} threads where {threads} were asked for")))
            }
            Answer::Milliseconds(_) => Err(worker.refuse("an answer to no question")),
            Answer::Error { error } => Err(worker.refuse(error)),
        }
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
            "{cell} {batch} {time} {input} {hidden} {work} {times}\n"
        ))?;
        match worker.answer()? {
            Answer::Milliseconds(milliseconds) if milliseconds.len() == times => Ok(milliseconds),
            Answer::Error { error } => Err(worker.refuse(error)),
            Answer::Milliseconds(_) | Answer::Ready { .. } => {
                Err(worker.refuse("an answer to another question"))
            }
        }
    }

    /// OpenMP's threads spin for some milliseconds before they sleep.
    fn lingers(&self) -> Duration {
        Duration::from_millis(20)
    }
}

struct Worker {
    python: PathBuf,
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    fn start(python: &Path, threads: usize) -> Result<Self, BenchError> {
        let mut command = Command::new(python);
        command.args(["-c", SCRIPT, &threads.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let started = command.spawn();
        let mut process = started.map_err(|error| BenchError::Interpreter {
            python: python.to_path_buf(),
            found: error.to_string(),
        })?;
        let questions = process.stdin.take().expect("its input is a pipe");
        let answers = process.stdout.take().expect("its output is a pipe");
        Ok(Self {
            python: python.to_path_buf(),
            process,
            questions,
            answers: BufReader::new(answers),
        })
    }

    fn ask(&mut self, question: &str) -> Result<(), BenchError> {
        let written = self.questions.write_all(question.as_bytes());
        let written = written.and_then(|()| self.questions.flush());
        written.map_err(|error| self.refuse(error))
    }

    fn answer(&mut self) -> Result<Answer, BenchError> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(0) => Err(self.refuse("that it ended without an answer")),
            Ok(_) => serde_json::from_str(&line)
                .map_err(|_| self.refuse(format!("the answer `{}`", line.trim_end()))),
            Err(error) => Err(self.refuse(error)),
        }
    }

    fn refuse(&self, found: impl ToString) -> BenchError {
        BenchError::Interpreter {
            python: self.python.clone(),
            found: found.to_string(),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Neither matters when it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! A Python beside this process.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::BenchError;

/// What it says first.
#[derive(Deserialize)]
struct Ready {
    torch: String,
    threads: usize,
}

/// What it says to a question.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer<A> {
    Error { error: String },
    Asked(A),
}

/// A Python that runs a script, and answers each line that it is given by a line of JSON.
pub(super) struct Worker {
    python: PathBuf,
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts a script that says first which PyTorch it has; also gives that one's version.
    pub(super) fn start(
        python: &Path,
        script: &str,
        threads: usize,
    ) -> Result<(Self, String), BenchError> {
        let mut command = Command::new(python);
        command.args(["-c", script, &threads.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let started = command.spawn();
        let mut process = started.map_err(|error| BenchError::Interpreter {
            python: python.to_path_buf(),
            found: error.to_string(),
        })?;
        let questions = process.stdin.take().expect("its input is a pipe");
        let answers = process.stdout.take().expect("its output is a pipe");
        let mut worker = Self {
            python: python.to_path_buf(),
            process,
            questions,
            answers: BufReader::new(answers),
        };
        let Ready {
            torch,
            threads: has,
        } = worker.answer()?;
        if has != threads {
            return Err(worker.refuse(format!("{has} threads where {threads} were asked for")));
        }
        Ok((worker, torch))
    }

    /// Gives it a line.
    pub(super) fn ask(&mut self, question: &str) -> Result<(), BenchError> {
        let written = writeln!(self.questions, "{question}");
        let written = written.and_then(|()| self.questions.flush());
        written.map_err(|error| self.refuse(error))
    }

    /// The next line of its output.
    pub(super) fn answer<A: DeserializeOwned>(&mut self) -> Result<A, BenchError> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(0) => return Err(self.refuse("that it ended without an answer")),
            Ok(_) => {}
            Err(error) => return Err(self.refuse(error)),
        }
        match serde_json::from_str(&line) {
            Ok(Answer::Error { error }) => Err(self.refuse(error)),
            Ok(Answer::Asked(answer)) => Ok(answer),
            Err(_) => Err(self.refuse(format!("the answer `{}`", line.trim_end()))),
        }
    }

    /// What is wrong with it.
    pub(super) fn refuse(&self, found: impl ToString) -> BenchError {
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

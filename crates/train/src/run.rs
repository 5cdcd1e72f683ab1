//! A run is a folder: everything that is needed to use the model again.
//!
//! ```text
//! run.toml           what was asked for, of which text, by which version
//! vocabulary.json    the characters or words, or the tokenizer, of a language model
//! held-out.txt       the part of its text that was not learned
//! task.json          what is known of the examples, of any other task
//! model.bpk          the weights with the lowest loss on the held-out part
//! state.json         running, interrupted, diverged, finished or imported
//! result.json        what `train --json` prints, when training has ended
//! samples.txt        what the model wrote as it learned
//! metrics.jsonl      the figures, a line for a step now and then and for each evaluation
//! events.out.tfevents.0.backdraft     the same for TensorBoard, if that was asked for
//! spectra.jsonl      the eigenvalues of the recurrent matrices, a line now and then
//! gradients.jsonl    how far back gradients reach: a line at the beginning, midway and at the end
//! checkpoints/       where a training that was cut off goes on from
//! checksums.txt      of each file but those that grow as it learns: samples, metrics, events, spectra, gradients
//! lock               held by the program that writes to the run
//! ```
//!
//! Each file that has a checksum is whole or not there, whenever the program is killed; one that is not
//! what was written is refused by name. Of one that grows, a line that cannot be read is left out of what is
//! drawn.

pub(crate) mod checksums;
pub(crate) mod description;
pub(crate) mod files;
pub(crate) mod growing;
pub(crate) mod json_lines;
pub(crate) mod lock;
mod new;
pub(crate) mod older;
mod state;

use std::fs;
use std::path::{Path, PathBuf};

use burn::store::RecordError;
use serde::Serialize;

use checksums::{checksum, read_known, write_known};
use description::task_in;
use lock::RunLock;
pub(crate) use new::NewRun;
pub use state::RunState;

use crate::{Asked, RunDescription, TrainError};

/// A run folder.
#[derive(Debug, Clone)]
pub struct Run {
    path: PathBuf,
}

impl Run {
    /// Opens the folder of a run in which this was asked for.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn open_as<S: Asked>(
        path: impl Into<PathBuf>,
    ) -> Result<(Self, RunDescription<S>), TrainError> {
        let (run, path, text) = Self::described(path.into())?;
        match task_in(&text) {
            Ok(task) if task != S::TASK => {
                return Err(TrainError::OtherTask {
                    path: run.path,
                    expected: S::TASK,
                    found: task,
                });
            }
            _ => {}
        }
        let description =
            RunDescription::parse(&text).map_err(|reason| TrainError::Damaged { path, reason })?;
        Ok((run, description))
    }

    /// What a run is for, and what was asked for, as TOML.
    ///
    /// # Errors
    ///
    /// When it is no run.
    pub(crate) fn asked(path: impl Into<PathBuf>) -> Result<(Self, String, String), TrainError> {
        let (run, path, text) = Self::described(path.into())?;
        let task = task_in(&text).map_err(|reason| TrainError::Damaged { path, reason })?;
        Ok((run, task, text))
    }

    /// A run and what describes it, with its path.
    fn described(path: PathBuf) -> Result<(Self, PathBuf, String), TrainError> {
        let run = Self { path };
        let not_a_run = |found: &str| TrainError::NotARun {
            path: run.path.clone(),
            found: found.to_string(),
        };
        match fs::metadata(&run.path) {
            Err(error) => return Err(not_a_run(&format!("nothing: {error}"))),
            Ok(found) if !found.is_dir() => return Err(not_a_run("a file")),
            Ok(_) => {}
        }
        let path = run.file(RUN);
        if let Err(error) = fs::metadata(&path) {
            return Err(not_a_run(&format!("no readable run.toml: {error}")));
        }
        let (path, text) = run.text(RUN).map_err(|error| match error {
            TrainError::Damaged { path, reason } if path.ends_with(RUN) => TrainError::Damaged {
                reason: format!(
                    "{reason}; if you have edited it, `backdraft train {} --out NEW` trains with the \
                     new settings",
                    path.display()
                ),
                path,
            },
            error => error,
        })?;
        Ok((run, path, text))
    }

    /// The right to write to the run, which one program has at a time.
    pub(crate) fn lock(&self) -> Result<RunLock, TrainError> {
        RunLock::take(&self.path)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes what the run starts with.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub(crate) fn begin<S: Asked>(
        &self,
        description: &RunDescription<S>,
        state: RunState,
        files: &[(&str, &str)],
    ) -> Result<(), TrainError> {
        for (name, content) in files {
            write_known(&self.file(name), content.as_bytes())?;
        }
        self.set_state(&state)?;
        write_known(&self.file(RUN), description.to_toml().as_bytes())
    }

    /// What tells the training of this run from others: the checksum of its description.
    pub(crate) fn fingerprint(&self) -> Result<String, TrainError> {
        Ok(checksum(self.text(RUN)?.1.as_bytes()))
    }

    /// Writes what came of a training that has ended.
    pub(crate) fn finish(&self, steps: usize, report: &impl Serialize) -> Result<(), TrainError> {
        let text = serde_json::to_string_pretty(report).expect("our own types are valid JSON");
        write_known(&self.file(RESULT), text.as_bytes())?;
        self.set_state(&RunState::Finished { steps })
    }

    /// A text file of the run, which is what was written.
    pub(crate) fn text(&self, name: &str) -> Result<(PathBuf, String), TrainError> {
        let path = self.file(name);
        match String::from_utf8(read_known(&path)?) {
            Ok(text) => Ok((path, text)),
            Err(error) => Err(TrainError::Damaged {
                path,
                reason: error.to_string(),
            }),
        }
    }

    /// What the model wrote as it learned.
    ///
    /// # Errors
    ///
    /// When the file is missing, or cannot be read.
    pub fn samples(&self) -> Result<String, TrainError> {
        let path = self.file(SAMPLES);
        let content = fs::read(&path).map_err(|error| TrainError::unread(&path, error))?;
        // It grows as it is written: its end may be half a character, after a machine went out.
        Ok(String::from_utf8_lossy(&content).into_owned())
    }

    /// Makes sure that what a training which goes on does not write again is what was written.
    ///
    /// # Errors
    ///
    /// Names the first file that is missing or damaged.
    pub(crate) fn check(&self, began_with: &[&str]) -> Result<(), TrainError> {
        for name in began_with {
            read_known(&self.file(name))?;
        }
        Ok(())
    }
}

/// What a record's error says, without the names of its layers.
pub(crate) fn plain(error: RecordError) -> String {
    match error {
        RecordError::Io(reason) | RecordError::Validation(reason) => reason,
    }
}

/// What was asked for.
pub(crate) const RUN: &str = "run.toml";
/// Where a training that was cut off goes on from.
pub(crate) const CHECKPOINTS: &str = "checkpoints";
/// What `train --json` prints.
pub const RESULT: &str = "result.json";
/// The figures as they went.
pub(crate) const METRICS: &str = "metrics.jsonl";
/// The eigenvalues of the recurrent matrices as they went.
pub(crate) const SPECTRA: &str = "spectra.jsonl";
/// How far back gradients reach, as they went.
pub(crate) const GRADIENTS: &str = "gradients.jsonl";
/// The weights that are best on what is held out.
pub(crate) const WEIGHTS: &str = "model.bpk";
/// What the model wrote as it learned.
pub const SAMPLES: &str = "samples.txt";

//! A run is a folder: everything that is needed to use the model again.
//!
//! ```text
//! run.toml           what was asked for, of which text, by which version
//! vocabulary.json    the characters or words, or the tokenizer, of a language model
//! held-out.txt       the part of its text that was not learned
//! task.json          what is known of the examples, of any other task
//! model.bpk          the weights with the lowest loss on the held-out part
//! result.json        what `train --json` prints, when training has ended
//! samples.txt        what the model wrote as it learned
//! metrics.jsonl      the figures, a line for a step now and then and for each evaluation
//! events.out.tfevents.0.backdraft     the same for TensorBoard, if that was asked for
//! spectra.jsonl      the eigenvalues of the recurrent matrices, a line now and then
//! checkpoints/       where a training that was cut off goes on from
//! train/, valid/     the metrics of each window
//! checksums.txt      of each file that later commands read
//! lock               held by the program that writes to the run
//! ```
//!
//! Each file that a later command reads is whole or not there, whenever the program is killed; and
//! a file that is not what was written is refused by name.

use std::fs;
use std::path::{Path, PathBuf};

use backdraft_data::{DataError, Units, read_text};
use burn::module::Module;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::Bytes;
use serde::Serialize;

use crate::checksums::{read_known, write_known};
use crate::description::task_in;
use crate::lock::RunLock;
use crate::{Asked, RunDescription, TrainError};

/// A run folder.
#[derive(Debug, Clone)]
pub struct Run {
    path: PathBuf,
}

impl Run {
    /// Makes the folder of a new run.
    ///
    /// # Errors
    ///
    /// When there is something in it, or it cannot be written.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, TrainError> {
        let path = path.into();
        let unwritable = |error| TrainError::Unwritable {
            path: path.clone(),
            error,
        };
        match fs::metadata(&path) {
            Ok(found) if !found.is_dir() => {
                return Err(TrainError::RunExists {
                    path,
                    found: "a file",
                });
            }
            Ok(_) if fs::read_dir(&path).map_err(unwritable)?.next().is_some() => {
                let run = Self { path };
                let found = if run.file(RUN).exists() {
                    "a run"
                } else {
                    "other files"
                };
                return Err(TrainError::RunExists {
                    path: run.path,
                    found,
                });
            }
            _ => fs::create_dir_all(&path).map_err(unwritable)?,
        }
        Ok(Self { path })
    }

    /// Opens the folder of a run of a language model.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn open(path: impl Into<PathBuf>) -> Result<(Self, RunDescription), TrainError> {
        Self::open_as(path)
    }

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
            TrainError::Damaged { path, reason } => TrainError::Damaged {
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

    /// Whether the training has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.file(RESULT).exists()
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
        files: &[(&str, &str)],
    ) -> Result<(), TrainError> {
        for (name, content) in files {
            write_known(&self.file(name), content.as_bytes())?;
        }
        write_known(&self.file(RUN), description.to_toml().as_bytes())
    }

    /// Writes a JSON file.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write_json(&self, name: &str, content: &impl Serialize) -> Result<(), TrainError> {
        let text = serde_json::to_string_pretty(content).expect("our own types are valid JSON");
        write_known(&self.file(name), text.as_bytes())
    }

    /// What the symbols of the model are.
    ///
    /// # Errors
    ///
    /// When the file is missing or damaged.
    pub fn units(&self) -> Result<Units, TrainError> {
        let (path, text) = self.text(VOCABULARY)?;
        Units::from_json(&text).map_err(|reason| TrainError::Damaged { path, reason })
    }

    /// The part of the text that was not learned.
    ///
    /// # Errors
    ///
    /// When the file is missing or damaged.
    pub fn held_out(&self) -> Result<String, TrainError> {
        Ok(self.text(HELD_OUT)?.1)
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
    /// When the file is missing or damaged.
    pub fn samples(&self) -> Result<String, DataError> {
        read_text(self.file(SAMPLES))
    }

    /// Writes the weights.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save_weights<M: Module>(&self, model: &M) -> Result<(), TrainError> {
        let path = self.file(WEIGHTS);
        let bytes = model.clone().into_record().into_bytes();
        let bytes = bytes.map_err(|error| TrainError::Damaged {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        write_known(&path, &bytes)
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
        let weights = self.file(WEIGHTS);
        if weights.exists() {
            read_known(&weights)?;
        }
        Ok(())
    }

    /// Reads the weights into `model`.
    ///
    /// # Errors
    ///
    /// When there are none yet, the file is not whole, or it is of another model.
    pub fn load_weights<M: Module>(&self, model: M) -> Result<M, TrainError> {
        let path = self.file(WEIGHTS);
        if !path.exists() {
            return Err(TrainError::NoWeights {
                path: self.path.clone(),
            });
        }
        let damaged = |reason: String| TrainError::Damaged {
            path: path.clone(),
            reason,
        };
        let content = Bytes::from_bytes_vec(read_known(&path)?);
        let record = ModuleRecord::from_bytes(content).map_err(|error| damaged(plain(error)))?;
        model
            .try_load_record(record)
            .map_err(|error| damaged(plain(error)))
    }
}

/// What a record's error says, without the names of its layers.
pub(crate) fn plain(error: RecordError) -> String {
    match error {
        RecordError::Io(reason) | RecordError::Validation(reason) => reason,
    }
}

const RUN: &str = "run.toml";
/// The symbols of a language model.
pub(crate) const VOCABULARY: &str = "vocabulary.json";
/// The part of a text that was not learned.
pub(crate) const HELD_OUT: &str = "held-out.txt";
/// What is known of the examples of a task.
pub(crate) const TASK: &str = "task.json";
const WEIGHTS: &str = "model.bpk";
/// Where a training that was cut off goes on from.
pub(crate) const CHECKPOINTS: &str = "checkpoints";
/// What `train --json` prints.
pub const RESULT: &str = "result.json";
/// The figures as they went.
pub(crate) const METRICS: &str = "metrics.jsonl";
/// The eigenvalues of the recurrent matrices as they went.
pub(crate) const SPECTRA: &str = "spectra.jsonl";
/// What the model wrote as it learned.
pub const SAMPLES: &str = "samples.txt";

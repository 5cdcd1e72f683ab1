//! A run is a folder: everything that is needed to use the model again.
//!
//! ```text
//! run.toml           what was asked for, of which text, by which version
//! vocabulary.json    the characters
//! held-out.txt       the part of the text that was not learned
//! model.bpk          the weights with the lowest loss on the held-out part
//! result.json        what `train --json` prints, when training has ended
//! samples.txt        what the model wrote as it learned
//! metrics.jsonl      the figures, a line for a step now and then and for each evaluation
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

use backdraft_data::{DataError, Vocabulary, read_text};
use burn::module::Module;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::Bytes;
use serde::Serialize;

use crate::checksums::{read_known, write_known};
use crate::lock::RunLock;
use crate::{RunDescription, TrainError};

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

    /// Opens the folder of a run.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn open(path: impl Into<PathBuf>) -> Result<(Self, RunDescription), TrainError> {
        let run = Self { path: path.into() };
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
        let (path, text) = run.text(RUN)?;
        let description =
            RunDescription::parse(&text).map_err(|reason| TrainError::Damaged { path, reason })?;
        Ok((run, description))
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
    pub fn begin(
        &self,
        description: &RunDescription,
        vocabulary: &Vocabulary,
        held_out: &str,
    ) -> Result<(), TrainError> {
        write_known(&self.file(VOCABULARY), vocabulary.to_json().as_bytes())?;
        write_known(&self.file(HELD_OUT), held_out.as_bytes())?;
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

    /// The characters of the model.
    ///
    /// # Errors
    ///
    /// When the file is missing or damaged.
    pub fn vocabulary(&self) -> Result<Vocabulary, TrainError> {
        let (path, text) = self.text(VOCABULARY)?;
        Vocabulary::from_json(&text).map_err(|reason| TrainError::Damaged { path, reason })
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
    fn text(&self, name: &str) -> Result<(PathBuf, String), TrainError> {
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
const VOCABULARY: &str = "vocabulary.json";
const HELD_OUT: &str = "held-out.txt";
const WEIGHTS: &str = "model.bpk";
/// Where a training that was cut off goes on from.
pub(crate) const CHECKPOINTS: &str = "checkpoints";
/// What `train --json` prints.
pub const RESULT: &str = "result.json";
/// The figures as they went.
pub(crate) const METRICS: &str = "metrics.jsonl";
/// What the model wrote as it learned.
pub const SAMPLES: &str = "samples.txt";

//! The folders of checkpoints: drafts, whole ones, and damaged ones.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use burn::lr_scheduler::LrSchedulerRecord;
use burn::module::Module;
use burn::optim::OptimizerRecord;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::Bytes;
use burn::train::Learner;

use super::{AVERAGE, CARRIED, Carried, PARTS, Position};
use crate::checksums::{CHECKSUMS, Checksums};
use crate::files::sync_folder;
use crate::run::plain;
use crate::{Objective, Start, TrainError, Trainee, failpoint};

const POSITION: &str = "checkpoint.json";

/// The folder of the checkpoint after so many steps; names in order are steps in order.
pub(super) fn name_of(steps: usize) -> String {
    format!("step-{steps:08}")
}

/// A checkpoint that is being written, under a name that is none of a checkpoint.
#[derive(Debug)]
pub(super) struct Draft {
    steps: usize,
    path: PathBuf,
    checksums: Checksums,
}

impl Draft {
    /// Begins with the position.
    pub(super) fn begin(folder: &Path, position: &Position) -> Result<Self, TrainError> {
        let path = folder.join(format!(".{}.part", name_of(position.steps)));
        // Of a program that was killed.
        let cleared = match path.exists() {
            true => fs::remove_dir_all(&path),
            false => Ok(()),
        };
        cleared
            .and_then(|()| fs::create_dir_all(&path))
            .map_err(|error| TrainError::Unwritable {
                path: path.clone(),
                error,
            })?;
        let mut draft = Self {
            steps: position.steps,
            path,
            checksums: Checksums::default(),
        };
        let text = serde_json::to_string_pretty(position).expect("our own types are valid JSON");
        draft.write(POSITION, text.as_bytes())?;
        Ok(draft)
    }

    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file, and gives the draft up if that cannot be.
    pub(super) fn write(&mut self, name: &str, content: &[u8]) -> Result<(), TrainError> {
        let written = write(&self.path, name, content);
        match written {
            Ok(()) => self.add(name, content),
            Err(_) => fs::remove_dir_all(&self.path).unwrap_or_default(),
        }
        written
    }

    /// Takes note of a file that was written.
    pub(super) fn add(&mut self, name: &str, content: &[u8]) {
        self.checksums.insert(name, content);
    }

    pub(super) fn has<const N: usize>(&self, names: [&str; N]) -> bool {
        names
            .iter()
            .all(|name| self.checksums.names().any(|found| found == *name))
    }

    /// Makes it a checkpoint, and removes the oldest.
    pub(super) fn complete(&mut self, folder: &Path, keep: usize) -> Result<(), TrainError> {
        write(&self.path, CHECKSUMS, self.checksums.text().as_bytes())?;
        let path = folder.join(name_of(self.steps));
        let unwritable = |error| TrainError::Unwritable {
            path: path.clone(),
            error,
        };
        sync_folder(&self.path).map_err(unwritable)?;
        // Of the same step: from before its epoch was evaluated, or saved anew after it was taken up.
        let old = folder.join(format!(".{}.old", name_of(self.steps)));
        let replaces = path.exists();
        if replaces {
            fs::rename(&path, &old).map_err(unwritable)?;
            failpoint::reached("checkpoint/replaced");
        }
        fs::rename(&self.path, &path)
            .and_then(|()| sync_folder(folder))
            .map_err(unwritable)?;
        failpoint::reached("checkpoint/complete");
        if replaces {
            fs::remove_dir_all(&old).map_err(unwritable)?;
        }
        let all = all(folder)?;
        for old in &all[..all.len().saturating_sub(keep)] {
            fs::remove_dir_all(old).map_err(|error| TrainError::Unwritable {
                path: old.clone(),
                error,
            })?;
        }
        Ok(())
    }

    /// Removes what was written of it.
    pub(super) fn remove(&self) {
        fs::remove_dir_all(&self.path).ok();
    }
}

/// Writes and syncs a file of a draft.
pub(super) fn write(folder: &Path, name: &str, content: &[u8]) -> Result<(), TrainError> {
    let path = folder.join(name);
    let written = File::create(&path).and_then(|mut file| {
        failpoint::write_all(&mut file, content, format_args!("checkpoint/{name}"))?;
        file.sync_all()
    });
    written.map_err(|error| TrainError::Unwritable { path, error })
}

/// The checkpoints of a folder, the oldest first.
fn all(folder: &Path) -> Result<Vec<PathBuf>, TrainError> {
    let unreadable = |error: std::io::Error| TrainError::Damaged {
        path: folder.to_path_buf(),
        reason: error.to_string(),
    };
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.file_name().to_string_lossy().starts_with("step-") {
            all.push(entry.path());
        }
    }
    all.sort();
    Ok(all)
}

/// A checkpoint that is whole: its files were what was written.
#[derive(Debug)]
pub(crate) struct Saved {
    path: PathBuf,
    /// Where the training was.
    pub(crate) position: Position,
    /// The other files, by name.
    files: BTreeMap<String, Vec<u8>>,
}

impl Saved {
    /// Reads it, once: what was looked at is what is used.
    fn open(path: &Path) -> Result<Self, TrainError> {
        let checksums = Checksums::of(path)?;
        let mut files = BTreeMap::new();
        for name in checksums.names() {
            let file = path.join(name);
            files.insert(name.to_string(), checksums.read(&file)?);
        }
        let position = path.join(POSITION);
        let content = files.remove(POSITION).unwrap_or_default();
        let position = serde_json::from_slice(&content).map_err(|error| TrainError::Damaged {
            path: position,
            reason: error.to_string(),
        })?;
        Ok(Self {
            path: path.to_path_buf(),
            position,
            files,
        })
    }

    /// Gives the learner its parts back, and what its training starts with.
    pub(crate) fn restore<M: Objective>(
        mut self,
        learner: &mut Learner<Trainee<M>>,
    ) -> Result<Start<M>, TrainError> {
        let [model, optimizer, schedule] = PARTS;
        let record = self.part(model, ModuleRecord::from_bytes)?;
        // `load_model` would panic where the record is of another model.
        let loaded = learner.model().try_load_record(record);
        let loaded = loaded.map_err(|error| self.damaged(model, error))?;
        learner.load_model(loaded.into_record());
        learner.load_optim(self.part(optimizer, OptimizerRecord::from_bytes)?);
        learner.load_scheduler(self.part(schedule, LrSchedulerRecord::from_bytes)?);
        let carried = match self.position.carried.first() {
            None => None,
            Some([rows, _]) => {
                let blank = learner.model().model.blank_state(*rows);
                let record = self.part(CARRIED, ModuleRecord::from_bytes)?;
                let carried = Carried::restore(blank, &self.position.carried, record);
                Some(carried.map_err(|error| self.damaged(CARRIED, error))?)
            }
        };
        let average = match self.position.averaged {
            0 => None,
            _ => {
                let record = self.part(AVERAGE, ModuleRecord::from_bytes)?;
                let average = learner.model().model.valid().try_load_record(record);
                Some(average.map_err(|error| self.damaged(AVERAGE, error))?)
            }
        };
        Ok(Start {
            position: self.position,
            carried,
            average,
        })
    }

    fn part<R>(
        &mut self,
        name: &str,
        parse: impl FnOnce(Bytes) -> Result<R, RecordError>,
    ) -> Result<R, TrainError> {
        // A file that is not there is none that can be parsed.
        let content = self.files.remove(name).unwrap_or_default();
        parse(Bytes::from_bytes_vec(content)).map_err(|error| self.damaged(name, error))
    }

    fn damaged(&self, name: &str, error: RecordError) -> TrainError {
        TrainError::Damaged {
            path: self.path.join(name),
            reason: plain(error),
        }
    }
}

/// What a folder of checkpoints has.
#[derive(Debug)]
pub(crate) struct Latest {
    /// The last that is whole.
    pub(crate) saved: Option<Saved>,
    /// Later ones that are not, with what is wrong with each. They were put aside.
    pub(crate) damaged: Vec<TrainError>,
}

/// The last checkpoint that is whole. Later ones that are damaged get another name, and stay;
/// what a killed program left half-written goes.
pub(crate) fn latest(folder: &Path) -> Result<Latest, TrainError> {
    tidy(folder)?;
    let mut damaged = Vec::new();
    for path in all(folder)?.into_iter().rev() {
        match Saved::open(&path) {
            Ok(saved) => {
                let saved = Some(saved);
                return Ok(Latest { saved, damaged });
            }
            Err(error) => {
                damaged.push(error);
                let name = path.file_name().expect("a folder has a name");
                let name = name.to_string_lossy();
                let names = (1..).map(|number| match number {
                    1 => format!("damaged-{name}"),
                    number => format!("damaged-{number}-{name}"),
                });
                let mut free = names
                    .map(|name| folder.join(name))
                    .filter(|path| !path.exists());
                let aside = free.next().expect("there are more numbers than folders");
                fs::rename(&path, &aside)
                    .map_err(|error| TrainError::Unwritable { path: aside, error })?;
            }
        }
    }
    Ok(Latest {
        saved: None,
        damaged,
    })
}

/// After a program that was killed: half a checkpoint is removed; one that was to be replaced, and
/// was not, is there again.
fn tidy(folder: &Path) -> Result<(), TrainError> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let done = match name.strip_prefix('.') {
            Some(part) if part.ends_with(".part") => fs::remove_dir_all(&path),
            Some(old) if old.ends_with(".old") => {
                let new = folder.join(old.trim_end_matches(".old"));
                match new.exists() {
                    true => fs::remove_dir_all(&path),
                    false => fs::rename(&path, &new),
                }
            }
            _ => Ok(()),
        };
        done.map_err(|error| TrainError::Unwritable { path, error })?;
    }
    Ok(())
}

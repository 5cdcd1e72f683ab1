//! The folders of checkpoints: drafts, whole ones, and damaged ones.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use burn::lr_scheduler::LrSchedulerRecord;
use burn::module::Module;
use burn::optim::OptimizerRecord;
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use burn::train::Learner;

use super::{Carried, Position};
use crate::checksums::{CHECKSUMS, Checksums, read_known};
use crate::files::sync_folder;
use crate::run::plain;
use crate::{Objective, Start, TrainError, Trainee};

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
    /// Begins with the position; `None` where the checkpoint is there already.
    pub(super) fn begin(folder: &Path, position: &Position) -> Result<Option<Self>, TrainError> {
        let unwritable = |path: &Path| {
            let path = path.to_path_buf();
            move |error| TrainError::Unwritable { path, error }
        };
        if folder.join(name_of(position.steps)).exists() {
            let there = Saved::open(&folder.join(name_of(position.steps)))?;
            if there.position == *position {
                return Ok(None);
            }
            // The same step, with its epoch evaluated since: it takes the other's place.
        }
        let path = folder.join(format!(".{}.part", name_of(position.steps)));
        if path.exists() {
            fs::remove_dir_all(&path).map_err(unwritable(&path))?;
        }
        fs::create_dir_all(&path).map_err(unwritable(&path))?;
        let mut draft = Self {
            steps: position.steps,
            path,
            checksums: Checksums::default(),
        };
        let text = serde_json::to_string_pretty(position).expect("our own types are valid JSON");
        draft.write(POSITION, text.as_bytes())?;
        Ok(Some(draft))
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
        // Of the same step, from before its epoch was evaluated.
        let old = folder.join(format!(".{}.old", name_of(self.steps)));
        let replaces = path.exists();
        if replaces {
            fs::rename(&path, &old).map_err(unwritable)?;
        }
        fs::rename(&self.path, &path)
            .and_then(|()| sync_folder(folder))
            .map_err(unwritable)?;
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
        file.write_all(content)?;
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

/// A checkpoint that is whole.
#[derive(Debug)]
pub(crate) struct Saved {
    path: PathBuf,
    /// Where the training was.
    pub(crate) position: Position,
}

impl Saved {
    fn open(path: &Path) -> Result<Self, TrainError> {
        let checksums = Checksums::of(path)?;
        for name in checksums.names() {
            read_known(&path.join(name))?;
        }
        let file = path.join(POSITION);
        let position = read_known(&file)?;
        let position = serde_json::from_slice(&position).map_err(|error| TrainError::Damaged {
            path: file,
            reason: error.to_string(),
        })?;
        Ok(Self {
            path: path.to_path_buf(),
            position,
        })
    }

    /// A file of it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The content of a file of it.
    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>, TrainError> {
        read_known(&self.file(name))
    }
}

impl Saved {
    /// Gives the learner its parts back, and what its training starts with.
    pub(crate) fn restore<M: Objective>(
        self,
        learner: &mut Learner<Trainee<M>>,
    ) -> Result<Start<M::State>, TrainError> {
        let damaged = |name: &'static str| {
            let path = self.file(name);
            move |error| TrainError::Damaged {
                path,
                reason: plain(error),
            }
        };
        let bytes = |name| self.read(name).map(Bytes::from_bytes_vec);
        let name = "model.bpk";
        let model = ModuleRecord::from_bytes(bytes(name)?).map_err(damaged(name))?;
        // As `load_model`, which would panic where the record is of another model.
        learner
            .model()
            .try_load_record(model)
            .map_err(damaged(name))?;
        let model = ModuleRecord::from_bytes(bytes(name)?).map_err(damaged(name))?;
        learner.load_model(model);
        let name = "optimizer.bpk";
        learner.load_optim(OptimizerRecord::from_bytes(bytes(name)?).map_err(damaged(name))?);
        let name = "schedule.bpk";
        learner.load_scheduler(LrSchedulerRecord::from_bytes(bytes(name)?).map_err(damaged(name))?);
        let carried = match self.position.carried.first() {
            None => None,
            Some([rows, _]) => {
                let blank = learner.model().model.blank_state(*rows);
                if Carried::shapes(&blank) != self.position.carried {
                    return Err(TrainError::Damaged {
                        path: self.file(POSITION),
                        reason: format!(
                            "expected a state of {:?}, found {:?}",
                            Carried::shapes(&blank),
                            self.position.carried
                        ),
                    });
                }
                let name = "state.bpk";
                Some(Carried::restore(blank, self.read(name)?).map_err(damaged(name))?)
            }
        };
        Ok(Start {
            position: self.position,
            carried,
        })
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

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
use crate::run::checksums::{CHECKSUMS, Checksums, checksum};
use crate::run::files::sync_folder;
use crate::run::{CHECKPOINTS, older, plain};
use crate::say::say;
use crate::{Objective, Start, TrainError, Trainee, failpoint};

const POSITION: &str = "checkpoint.json";

/// The folder of the checkpoint after so many steps.
pub(super) fn name_of(steps: usize) -> String {
    format!("step-{steps:08}")
}

/// The steps of a checkpoint's folder, if it is one.
fn steps_of(name: &str) -> Option<usize> {
    name.strip_prefix("step-")?.parse().ok()
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
        // Not the folder that it is in: where that was removed, so was the run.
        cleared
            .and_then(|()| fs::create_dir(&path))
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
            clean_up(&old);
        }
        let all = all(folder)?;
        for (_, old) in &all[..all.len().saturating_sub(keep)] {
            clean_up(old);
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

/// Removes an old checkpoint. That one stays is no reason to end a training whose new one is whole.
fn clean_up(old: &Path) {
    if let Err(error) = fs::remove_dir_all(old) {
        say(format_args!(
            "note: an old checkpoint, {}, could not be removed: {error}",
            old.display()
        ));
    }
}

/// The checkpoints of a folder with their steps, the oldest first.
fn all(folder: &Path) -> Result<Vec<(usize, PathBuf)>, TrainError> {
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
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        // Killed while it was replaced, its old content is there under the other name.
        let replaced = name
            .strip_prefix('.')
            .and_then(|name| name.strip_suffix(".old"));
        let found = match replaced {
            Some(name) if !folder.join(name).exists() => steps_of(name),
            _ => steps_of(&name),
        };
        all.extend(found.map(|steps| (steps, path)));
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
        // `load_model` would panic where the record is of another model.
        let loaded = self.trainee(learner.model(), model)?;
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
            _ => Some(self.average(learner.model().model.valid())?),
        };
        Ok(Start {
            position: self.position,
            carried,
            average,
        })
    }

    /// The weights that would be used after so many steps: their average, where there is one.
    pub(crate) fn weights<M: Objective>(mut self, model: M) -> Result<M, TrainError> {
        let [weights, ..] = PARTS;
        match self.position.averaged {
            0 => Ok(self.trainee(Trainee { model }, weights)?.model),
            _ => self.average(model),
        }
    }

    /// The checksum of those weights.
    pub(crate) fn sha256(&self) -> String {
        let [weights, ..] = PARTS;
        let name = match self.position.averaged {
            0 => weights,
            _ => AVERAGE,
        };
        checksum(self.files.get(name).map_or(&[], Vec::as_slice))
    }

    fn trainee<M: Objective>(
        &mut self,
        trainee: Trainee<M>,
        name: &str,
    ) -> Result<Trainee<M>, TrainError> {
        let record = self.part(name, older::weights)?;
        let loaded = trainee.try_load_record(record);
        loaded.map_err(|error| self.damaged(name, error))
    }

    fn average<M: Objective>(&mut self, model: M) -> Result<M, TrainError> {
        let record = self.part(AVERAGE, older::weights)?;
        let average = model.try_load_record(record);
        average.map_err(|error| self.damaged(AVERAGE, error))
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

/// The last checkpoint of a run that is whole, and what is in its way.
#[derive(Debug)]
pub(crate) struct Latest {
    /// The checkpoint.
    pub(crate) saved: Saved,
    /// What there is beside it.
    pub(crate) rest: Rest,
}

/// What a folder of checkpoints has beside the one that a training goes on from.
#[derive(Debug)]
pub(crate) struct Rest {
    folder: PathBuf,
    /// Later ones that are not whole, with what is wrong with each.
    damaged: Vec<(usize, PathBuf, TrainError)>,
}

impl Latest {
    /// The last checkpoint of a run that is whole.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(crate) fn of(run: &Path) -> Result<Self, TrainError> {
        let folder = run.join(CHECKPOINTS);
        let mut damaged = Vec::new();
        for (steps, path) in all(&folder)?.into_iter().rev() {
            match Saved::open(&path) {
                Ok(saved) => {
                    let rest = Rest { folder, damaged };
                    return Ok(Self { saved, rest });
                }
                Err(error) => damaged.push((steps, path, error)),
            }
        }
        Err(TrainError::NoCheckpoint {
            path: run.to_path_buf(),
            reason: match damaged.first() {
                Some((_, _, error)) => format!("all checkpoints are damaged ({error})"),
                None => format!(
                    "its checkpoints are missing: expected at least one in {}, found none",
                    folder.display()
                ),
            },
        })
    }
}

impl Rest {
    /// Puts it out of the way: later checkpoints, which are damaged, get another name, and stay; what a
    /// killed program left half-written goes.
    pub(crate) fn put_aside(self) -> Result<(), TrainError> {
        tidy(&self.folder)?;
        for (steps, path, error) in &self.damaged {
            say(format_args!(
                "warning: {error}; it is set aside, and the previous checkpoint is used"
            ));
            let name = name_of(*steps);
            let names = (1..).map(|number| match number {
                1 => format!("damaged-{name}"),
                number => format!("damaged-{number}-{name}"),
            });
            let mut free = names
                .map(|name| self.folder.join(name))
                .filter(|path| !path.exists());
            let aside = free.next().expect("there are more numbers than folders");
            // It may have got its name back a moment ago.
            let path = match path.exists() {
                true => path.clone(),
                false => self.folder.join(&name),
            };
            fs::rename(&path, &aside)
                .map_err(|error| TrainError::Unwritable { path: aside, error })?;
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_are_in_the_order_of_their_steps() {
        let folder = tempfile::tempdir().unwrap();
        let steps = [0, 7, 99_999_999, 100_000_000, 2_000_000_000];
        for steps in steps {
            fs::create_dir(folder.path().join(name_of(steps))).unwrap();
        }
        for other in [
            "damaged-step-00000009",
            ".step-00000011.part",
            "step-by-step",
        ] {
            fs::create_dir(folder.path().join(other)).unwrap();
        }
        // The second was being replaced when the program was killed; so was the first, which is there.
        let name = |steps| folder.path().join(name_of(steps));
        fs::rename(name(7), folder.path().join(".step-00000007.old")).unwrap();
        fs::create_dir(folder.path().join(".step-00000000.old")).unwrap();
        let found: Vec<usize> = all(folder.path())
            .unwrap()
            .into_iter()
            .map(|(steps, _)| steps)
            .collect();
        assert_eq!(found, steps);
    }

    #[test]
    fn an_old_checkpoint_that_stays_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        // A file cannot be removed as a folder is.
        fs::write(folder.path().join(name_of(3)), "").unwrap();
        let position = Position {
            steps: 9,
            ..Position::default()
        };
        let mut draft = Draft::begin(folder.path(), &position).unwrap();
        draft.complete(folder.path(), 1).unwrap();
        assert!(folder.path().join(name_of(9)).is_dir());
        assert!(folder.path().join(name_of(3)).exists());
    }
}

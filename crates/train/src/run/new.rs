//! A run folder that appears whole, or not at all.
//!
//! ```text
//! runs/.lm-1.new/     while it is made; renamed when all that the run begins with is in it
//! runs/lm-1/.new/     the same where runs/lm-1 is there already, and empty: it may be the root of a
//!                     disk, or where somebody is, and is not replaced
//! ```
//!
//! What a killed program left of one is taken over by the next that makes a run of that name.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{RUN, Run};
use crate::run::files::sync_folder;
use crate::run::lock::{LOCK, RunLock};
use crate::{TrainError, failpoint};

/// Its name inside the folder that is to hold the run.
const INSIDE: &str = ".new";

/// A run that is being made. If it is dropped before it is complete, nothing is left of it.
#[derive(Debug)]
pub(crate) struct NewRun {
    run: Run,
    path: PathBuf,
    lock: Option<RunLock>,
    /// Whether it is in its place: then what is where it was made is another program's.
    complete: bool,
}

impl NewRun {
    /// Begins a run that is to be at `path`.
    ///
    /// # Errors
    ///
    /// When there is something there, another program is making a run there, or it cannot be written.
    pub(crate) fn begin(path: &Path) -> Result<Self, TrainError> {
        // A folder that is gone between two looks at it was another program's, which has put it in its place or given
        // it up. So one of them gets on each time, and this comes to an end.
        let (part, lock) = loop {
            refuse_occupied(path)?;
            let part = place_of(path);
            if let Some(lock) = taken(path, &part)? {
                break (part, lock);
            }
        };
        let new = Self {
            run: Run { path: part },
            path: path.to_path_buf(),
            lock: Some(lock),
            complete: false,
        };
        // Another program may have put its run there after the first look.
        refuse_occupied(path)?;
        clear(new.run.path()).map_err(|error| new.unwritable(error))?;
        Ok(new)
    }

    /// The run, where it is made.
    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    /// Puts it in its place, still locked.
    pub(crate) fn complete(mut self) -> Result<(Run, RunLock), TrainError> {
        failpoint::reached("run/complete");
        let mut lock = self.lock.take();
        if cfg!(windows) {
            // A folder with an open file in it cannot be renamed there.
            lock = None;
        }
        let part = self.run.path();
        let inside = part.parent() == Some(&self.path);
        let moved = sync_folder(part).and_then(|()| match inside {
            true => move_up(part, &self.path),
            false => fs::rename(part, &self.path),
        });
        if let Err(error) = moved {
            // It is held until all is removed.
            self.lock = lock;
            refuse_occupied(&self.path)?;
            return Err(self.unwritable(error));
        }
        self.complete = true;
        let folder = match inside {
            true => &self.path,
            false => match self.path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            },
        };
        sync_folder(folder).map_err(|error| self.unwritable(error))?;
        let run = Run {
            path: self.path.clone(),
        };
        let lock = match lock {
            Some(lock) => lock,
            None => run.lock()?,
        };
        Ok((run, lock))
    }

    fn unwritable(&self, error: io::Error) -> TrainError {
        TrainError::Unwritable {
            path: self.path.clone(),
            error,
        }
    }
}

impl Drop for NewRun {
    /// The lock is removed last, and only a folder with nothing in it: another program may be taking it over.
    fn drop(&mut self) {
        if self.complete {
            return;
        }
        let part = self.run.path();
        let cleared = clear(part);
        if cfg!(windows) {
            // An open file is not removed there.
            self.lock = None;
        }
        let removed = cleared.and_then(|()| fs::remove_file(part.join(LOCK)));
        removed.and_then(|()| fs::remove_dir(part)).ok();
    }
}

/// Where a run that is to be at `path` is made.
fn place_of(path: &Path) -> PathBuf {
    match path.is_dir() {
        true => path.join(INSIDE),
        false => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path.with_file_name(format!(".{name}{INSIDE}"))
        }
    }
}

/// The lock of the folder that a run is made in, which is made if need be; none if another program renamed or removed
/// that meanwhile.
fn taken(path: &Path, part: &Path) -> Result<Option<RunLock>, TrainError> {
    match fs::create_dir_all(part) {
        Ok(()) => {}
        Err(error) => {
            // Found to be there, and then found to be none; by now it may be there again.
            let taken_away = error.kind() == ErrorKind::AlreadyExists
                && part.symlink_metadata().map_or(true, |found| found.is_dir());
            if taken_away {
                return Ok(None);
            }
            let path = part.to_path_buf();
            return Err(TrainError::Unwritable { path, error });
        }
    }
    RunLock::take_if_there(part).map_err(|error| match error {
        TrainError::RunInUse { .. } => TrainError::RunInUse {
            path: path.to_path_buf(),
        },
        error => error,
    })
}

/// Refuses a place where something is.
fn refuse_occupied(path: &Path) -> Result<(), TrainError> {
    let exists = |found| TrainError::RunExists {
        path: path.to_path_buf(),
        found,
    };
    let unwritable = |error| TrainError::Unwritable {
        path: path.to_path_buf(),
        error,
    };
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unwritable(error)),
        Ok(found) if !found.is_dir() => return Err(exists("a file")),
        Ok(_) if path.join(RUN).exists() => return Err(exists("a run")),
        Ok(_) => {}
    }
    for entry in fs::read_dir(path).map_err(unwritable)? {
        if entry.map_err(unwritable)?.file_name() != INSIDE {
            return Err(exists("other files"));
        }
    }
    Ok(())
}

/// Removes what is in a folder, but for its lock.
fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false if entry.file_name() == LOCK => {}
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

/// Moves what is in a folder to the one that it is in. What makes a run of that comes after all else, and the lock comes
/// last: another program that finds none makes its own, and finds a run.
fn move_up(from: &Path, to: &Path) -> io::Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(from)? {
        names.push(entry?.file_name());
    }
    names.retain(|name| name != RUN && name != LOCK);
    names.extend([RUN.into(), LOCK.into()]);
    for name in names {
        fs::rename(from.join(&name), to.join(&name))?;
    }
    // Another program may have its lock there by now, and removes the folder.
    fs::remove_dir(from).ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn made(path: &Path) -> Result<RunLock, TrainError> {
        let new = NewRun::begin(path)?;
        fs::write(new.run().file(RUN), "").unwrap();
        fs::create_dir(new.run().file("checkpoints")).unwrap();
        Ok(new.complete()?.1)
    }

    #[test]
    fn it_is_there_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let [beside, inside] = ["runs/beside", "inside"].map(|name| folder.path().join(name));
        fs::create_dir(&inside).unwrap();
        for path in [&beside, &inside] {
            drop(NewRun::begin(path).unwrap());
            assert!(!path.exists() || names(path).is_empty(), "nothing is left");
            let lock = made(path).unwrap();
            assert_eq!(names(path), ["checkpoints", LOCK, RUN]);
            let error = RunLock::take(path).unwrap_err().to_string();
            assert!(error.contains("another program"), "{error}");
            drop(lock);
            let error = NewRun::begin(path).unwrap_err().to_string();
            assert!(error.contains("found a run"), "{error}");
        }
        assert_eq!(names(folder.path()), ["inside", "runs"]);
        assert_eq!(names(&folder.path().join("runs")), ["beside"]);
    }

    #[test]
    fn what_a_killed_program_left_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let [beside, inside] = ["beside", "inside"].map(|name| folder.path().join(name));
        for left in [folder.path().join(".beside.new"), inside.join(INSIDE)] {
            fs::create_dir_all(left.join("checkpoints/step-00000000")).unwrap();
            fs::write(left.join(RUN), "half of").unwrap();
        }
        for path in [&beside, &inside] {
            made(path).unwrap();
            assert_eq!(names(path), ["checkpoints", LOCK, RUN]);
            assert!(names(&path.join("checkpoints")).is_empty());
        }
    }

    /// Of programs that make runs in the same folder at the same time, each makes its own or is told of another's.
    #[test]
    fn many_programs_at_once_make_a_run_of_each_name() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = (0..60)
            .map(|name| folder.path().join(format!("run-{name}")))
            .collect();
        // Half of them are there already, and empty.
        for path in paths.iter().step_by(2) {
            fs::create_dir(path).unwrap();
        }
        let make = || {
            let mut made_here = 0;
            for path in &paths {
                // Some give up what they begin.
                if let Ok(begun) = NewRun::begin(path) {
                    drop(begun);
                }
                match made(path) {
                    Ok(_) => made_here += 1,
                    Err(TrainError::RunExists { .. } | TrainError::RunInUse { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            made_here
        };
        let made: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        // What was in use when all others came by may have been given up afterwards.
        let whole = ["checkpoints", LOCK, RUN];
        let found = paths.iter().filter(|path| path.join(RUN).exists());
        let found = found
            .inspect(|path| assert_eq!(super::tests::names(path), whole))
            .count();
        assert_eq!(found, made);
        let left = super::tests::names(folder.path());
        assert!(left.iter().all(|name| !name.starts_with('.')), "{left:?}");
    }

    #[test]
    fn one_program_at_a_time_makes_a_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let first = NewRun::begin(&path).unwrap();
        let error = NewRun::begin(&path).unwrap_err();
        assert!(matches!(error, TrainError::RunInUse { .. }), "{error}");
        // Somebody else was quicker with that name.
        fs::create_dir(&path).unwrap();
        fs::write(path.join("novel.txt"), "").unwrap();
        let error = first.complete().unwrap_err();
        assert!(matches!(error, TrainError::RunExists { .. }), "{error}");
        assert_eq!(names(folder.path()), ["run"]);
        assert_eq!(names(&path), ["novel.txt"]);
    }
}

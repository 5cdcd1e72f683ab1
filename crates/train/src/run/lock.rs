//! One program at a time on a run folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use same_file::Handle;

use crate::TrainError;

/// The file that is locked.
pub(crate) const LOCK: &str = "lock";

/// The right to write to a run folder. The system gives it up when the process ends, however it
/// ends.
#[derive(Debug)]
pub(crate) struct RunLock(#[expect(dead_code, reason = "held until it is dropped")] File);

impl RunLock {
    /// Takes it, or says that another program has it.
    pub(crate) fn take(run: &Path) -> Result<Self, TrainError> {
        Self::try_take(run)
            .map(Self)
            .map_err(|error| refused(run, error))
    }

    /// The same of a folder that another program may rename or remove meanwhile: none if it did.
    pub(crate) fn take_if_there(run: &Path) -> Result<Option<Self>, TrainError> {
        let file = match Self::try_take(run) {
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::NotFound => {
                return Ok(None);
            }
            taken => taken.map_err(|error| refused(run, error))?,
        };
        // What is locked may be the lock of what was there before.
        let unread = |error| refused(run, TryLockError::Error(error));
        let locked = Handle::from_file(file.try_clone().map_err(unread)?).map_err(unread)?;
        match Handle::from_path(run.join(LOCK)) {
            Ok(there) => Ok((there == locked).then_some(Self(file))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unread(error)),
        }
    }

    fn try_take(run: &Path) -> Result<File, TryLockError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(run.join(LOCK))
            .map_err(TryLockError::Error)?;
        file.try_lock()?;
        Ok(file)
    }
}

/// Why the lock of a run was not taken.
fn refused(run: &Path, error: TryLockError) -> TrainError {
    match error {
        TryLockError::WouldBlock => TrainError::RunInUse {
            path: run.to_path_buf(),
        },
        TryLockError::Error(error) => TrainError::Unwritable {
            path: run.join(LOCK),
            error,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_refused_until_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let first = RunLock::take(folder.path()).unwrap();
        let error = RunLock::take(folder.path()).unwrap_err().to_string();
        assert!(error.contains("another program is writing"), "{error}");
        drop(first);
        RunLock::take(folder.path()).unwrap();
        let none = folder.path().join("none");
        assert!(
            RunLock::take(&none)
                .unwrap_err()
                .to_string()
                .starts_with("cannot write")
        );
    }
}

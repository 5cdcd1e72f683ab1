//! One program at a time on a run folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

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
        let path = run.join(LOCK);
        let unwritable = |error| TrainError::Unwritable {
            path: path.clone(),
            error,
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(TrainError::RunInUse {
                path: run.to_path_buf(),
            }),
            Err(TryLockError::Error(error)) => Err(unwritable(error)),
        }
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

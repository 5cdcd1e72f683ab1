//! Files that grow as a training goes on.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{TrainError, failpoint};

/// How much of a growing file belongs to the training: what was written after its checkpoint is
/// not, and is cut off when it goes on from there.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Growing {
    bytes: u64,
}

impl Growing {
    /// Cuts off what is too much. Of what is not there any more it is told how many bytes: the
    /// training goes on without them.
    pub(crate) fn cut(&mut self, path: &Path) -> Result<u64, TrainError> {
        let opened = match OpenOptions::new().write(true).open(path) {
            Ok(file) => file.metadata().map(|found| Some((file, found.len()))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let opened = opened.map_err(|error| unwritable(path, error))?;
        let found = opened.as_ref().map_or(0, |(_, length)| *length);
        let missing = self.bytes.saturating_sub(found);
        self.bytes -= missing;
        match opened {
            Some((file, _)) if found > self.bytes => file.set_len(self.bytes),
            _ => Ok(()),
        }
        .map_err(|error| unwritable(path, error))?;
        Ok(missing)
    }

    /// Makes sure that what was added is there when the power goes: a checkpoint that counts on it is
    /// about to be written.
    pub(crate) fn sync(self, path: &Path) -> Result<(), TrainError> {
        if self.bytes == 0 {
            return Ok(());
        }
        let file = OpenOptions::new().append(true).open(path);
        file.and_then(|file| file.sync_all())
            .map_err(|error| unwritable(path, error))
    }

    /// Whether nothing of it belongs to the training yet.
    pub(crate) fn is_empty(self) -> bool {
        self.bytes == 0
    }

    /// Adds to the end.
    pub(crate) fn append(
        &mut self,
        path: &Path,
        content: impl AsRef<[u8]>,
    ) -> Result<(), TrainError> {
        let content = content.as_ref();
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.and_then(|mut file| {
            failpoint::write_all(&mut file, content, failpoint::run_file(path))
        })
        .map_err(|error| unwritable(path, error))?;
        self.bytes += content.len() as u64;
        Ok(())
    }
}

fn unwritable(path: &Path, error: std::io::Error) -> TrainError {
    TrainError::Unwritable {
        path: path.to_path_buf(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_cut_off_and_what_is_missing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut growing = Growing::default();
        assert_eq!(growing.cut(&path).unwrap(), 0);
        growing.append(&path, "one\n").unwrap();
        let mut before = growing;
        growing.append(&path, "two\n").unwrap();
        growing.sync(&path).unwrap();
        assert_eq!(before.cut(&path).unwrap(), 0);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n");

        // Four of its eight bytes are not there: it grows on from what is.
        assert_eq!(growing.cut(&path).unwrap(), 4);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n");
        growing.append(&path, "three\n").unwrap();
        assert_eq!(growing.cut(&path).unwrap(), 0);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\nthree\n");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(growing.cut(&path).unwrap(), 10);
        assert!(growing.is_empty() && !path.exists());
    }
}

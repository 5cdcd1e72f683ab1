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
    /// Cuts off what is too much; refuses a file of which something is not there any more.
    pub(crate) fn cut(self, path: &Path) -> Result<(), TrainError> {
        let opened = match OpenOptions::new().write(true).open(path) {
            Ok(file) => file.metadata().map(|found| Some((file, found.len()))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let opened = opened.map_err(|error| unwritable(path, error))?;
        if opened.is_none() && self.bytes > 0 {
            let path = path.to_path_buf();
            return Err(TrainError::Missing { path });
        }
        let found = opened.as_ref().map_or(0, |(_, length)| *length);
        if found < self.bytes {
            return Err(TrainError::Damaged {
                path: path.to_path_buf(),
                reason: format!("expected {} bytes at least, found {found}", self.bytes),
            });
        }
        match opened {
            Some((file, _)) => file.set_len(self.bytes),
            None => Ok(()),
        }
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
        growing.cut(&path).unwrap();
        growing.append(&path, "one\n").unwrap();
        let before = growing;
        growing.append(&path, "two\n").unwrap();
        before.cut(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n");
        let error = growing.cut(&path).unwrap_err().to_string();
        assert!(
            error.ends_with("expected 8 bytes at least, found 4"),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n");
        std::fs::remove_file(&path).unwrap();
        let error = growing.cut(&path).unwrap_err().to_string();
        assert!(
            error.contains("metrics.jsonl: the file is missing"),
            "{error}"
        );
    }
}

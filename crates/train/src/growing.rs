//! Files that grow as a training goes on.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::TrainError;

/// How much of a growing file belongs to the training: what was written after its checkpoint is
/// not, and is cut off when it goes on from there.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Growing {
    bytes: u64,
}

impl Growing {
    /// Cuts off what is too much.
    pub(crate) fn cut(self, path: &Path) -> Result<(), TrainError> {
        let cut = match OpenOptions::new().write(true).open(path) {
            Ok(file) => file.set_len(self.bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        cut.map_err(|error| unwritable(path, error))
    }

    /// Adds to the end.
    pub(crate) fn append(&mut self, path: &Path, text: &str) -> Result<(), TrainError> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| unwritable(path, error))?;
        self.bytes += text.len() as u64;
        Ok(())
    }
}

fn unwritable(path: &Path, error: std::io::Error) -> TrainError {
    TrainError::Unwritable {
        path: path.to_path_buf(),
        error,
    }
}

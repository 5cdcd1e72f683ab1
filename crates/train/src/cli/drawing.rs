//! Files that commands draw into: new ones, or those that they drew before.

use std::fs;
use std::path::Path;

use crate::TrainError;
use crate::drawing::mark::is_marked;

/// What is written over: pages and pictures that were drawn before, or with `--force` any file.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Overwriting {
    /// Overwrite files even if this program did not write them
    #[arg(long)]
    force: bool,
}

impl Overwriting {
    /// Refuses to write over somebody's own file, or a folder; `option` is what asked for it.
    pub(super) fn check(self, option: &'static str, path: &Path) -> Result<(), TrainError> {
        let is_drawn = || is_marked(path).unwrap_or(false);
        let found = match fs::metadata(path) {
            Ok(found) if found.is_dir() => "a folder",
            // What is no file, such as a pipe, has nothing in it that could be lost.
            Ok(found) if found.is_file() && !self.force && !is_drawn() => "another file",
            _ => return Ok(()),
        };
        Err(TrainError::Invalid {
            setting: option,
            expected: "a new file, or one that this program drew (--force writes over any file)"
                .to_string(),
            found: format!("{found}, {}", path.display()),
        })
    }
}

/// Refuses a file in a folder that is not there, before anything is computed for it.
pub(super) fn check_folder(option: &'static str, path: &Path) -> Result<(), TrainError> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    match folder.filter(|folder| !folder.is_dir()) {
        None => Ok(()),
        Some(folder) => Err(TrainError::Invalid {
            setting: option,
            expected: "a file in a folder that is there".to_string(),
            found: format!("{}, and no folder {}", path.display(), folder.display()),
        }),
    }
}

/// Writes a page or a picture.
pub(super) fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<(), TrainError> {
    fs::write(path, content).map_err(|error| TrainError::Unwritable {
        path: path.to_path_buf(),
        error,
    })
}

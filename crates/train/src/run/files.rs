//! Files that are whole or not there at all.

use std::fs::{self, File};
use std::path::Path;

use crate::{TrainError, failpoint};

/// Writes a file so that whoever opens it sees the old content or the new, never a part: to a new
/// name, synced, renamed.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> Result<(), TrainError> {
    let unwritable = |error| TrainError::Unwritable {
        path: path.to_path_buf(),
        error,
    };
    let mut name = path.file_name().expect("a file has a name").to_os_string();
    name.push(".part");
    let part = path.with_file_name(name);
    let written = File::create(&part).and_then(|mut file| {
        failpoint::write_all(&mut file, content, failpoint::run_file(path))?;
        file.sync_all()
    });
    written
        .and_then(|()| fs::rename(&part, path))
        .and_then(|()| sync_folder(path.parent().expect("a file is in a folder")))
        .map_err(|error| {
            fs::remove_file(&part).ok();
            unwritable(error)
        })
}

/// Makes sure that what was renamed in a folder stays so when the power goes.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    // Elsewhere a folder cannot be opened as a file, and renaming is as safe as it gets.
    match cfg!(unix) {
        true => File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        write_whole(&path, b"old").unwrap();
        write_whole(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let error = write_whole(&folder.path().join("none/run.json"), b"").unwrap_err();
        assert!(error.to_string().starts_with("cannot write "), "{error}");
    }
}

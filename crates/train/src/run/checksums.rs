//! Whether the files of a folder are what was written.
//!
//! `checksums.txt` has a line a file, as `sha256sum` writes them: `sha256sum -c checksums.txt` is
//! the same test. While a file is being replaced there are two lines for it, of the old content and
//! of the new, so that whatever the program was killed at, what is there is known.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::TrainError;
use crate::run::files::write_whole;

/// The name of the file.
pub(crate) const CHECKSUMS: &str = "checksums.txt";

/// The checksum of a content, as 64 hexadecimal digits.
pub(crate) fn checksum(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The checksums of a folder: of each name those that its content may have.
#[derive(Debug, Default)]
pub(crate) struct Checksums(BTreeMap<String, Vec<String>>);

impl Checksums {
    /// Those that a folder has; none where it has none yet.
    pub(crate) fn of(folder: &Path) -> Result<Self, TrainError> {
        let path = folder.join(CHECKSUMS);
        let damaged = |reason: String| TrainError::Damaged {
            path: path.clone(),
            reason,
        };
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = fs::read(&path).map_err(|error| TrainError::unread(&path, error))?;
        let text = String::from_utf8_lossy(&text);
        let mut all = Self::default();
        for (index, line) in text.lines().enumerate() {
            let (sum, name) = line
                .split_once("  ")
                .ok_or_else(|| damaged(format!("line {} is no checksum and name", index + 1)))?;
            let known = all.0.entry(name.to_string()).or_default();
            known.push(sum.to_string());
        }
        Ok(all)
    }

    /// Adds a file that is about to be written for the first time, and for good.
    pub(crate) fn insert(&mut self, name: &str, content: &[u8]) {
        self.0.insert(name.to_string(), vec![checksum(content)]);
    }

    /// The names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The file's text.
    pub(crate) fn text(&self) -> String {
        let lines = self.0.iter().flat_map(|(name, sums)| {
            let line = move |sum| format!("{sum}  {name}\n");
            sums.iter().map(line)
        });
        lines.collect()
    }

    fn save(&self, folder: &Path) -> Result<(), TrainError> {
        write_whole(&folder.join(CHECKSUMS), self.text().as_bytes())
    }

    /// Reads a file of the folder; refuses a content that is not what was written.
    pub(crate) fn read(&self, path: &Path) -> Result<Vec<u8>, TrainError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let damaged = |reason: String| TrainError::Damaged {
            path: path.to_path_buf(),
            reason,
        };
        let content = fs::read(path).map_err(|error| TrainError::unread(path, error))?;
        let wrong = |what| damaged(format!("{what} {CHECKSUMS} in the same folder"));
        let known = self.0.get(name.as_ref());
        let known = known.ok_or_else(|| wrong("there is no checksum for it in"))?;
        match known.contains(&checksum(&content)) {
            true => Ok(content),
            false => Err(wrong("its content does not match the checksum in")),
        }
    }
}

/// Writes a file of a folder that has checksums: whole, and known to be whole.
pub(crate) fn write_known(path: &Path, content: &[u8]) -> Result<(), TrainError> {
    let name = path.file_name().expect("a file has a name");
    let name = name.to_string_lossy().into_owned();
    let folder = folder_of(path);
    let mut all = Checksums::of(folder)?;
    let new = checksum(content);
    all.0.entry(name.clone()).or_default().push(new.clone());
    all.save(folder)?;
    write_whole(path, content)?;
    // From here on the old content is none that may be there.
    all.0.insert(name, vec![new]);
    all.save(folder)
}

/// Reads a file of a folder that has checksums.
pub(crate) fn read_known(path: &Path) -> Result<Vec<u8>, TrainError> {
    let folder = folder_of(path);
    let checksums = folder.join(CHECKSUMS);
    match checksums.exists() {
        true => Checksums::of(folder)?.read(path),
        false => Err(TrainError::Missing { path: checksums }),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().expect("a file is in a folder")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_known_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_known(&path, b"old").unwrap();
        write_known(&path, b"new").unwrap();
        write_known(&folder.path().join("b.json"), b"").unwrap();
        assert_eq!(read_known(&path).unwrap(), b"new");
        let text = fs::read_to_string(folder.path().join(CHECKSUMS)).unwrap();
        // The checksum of nothing is well known.
        assert!(
            text.contains(
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b.json\n"
            ),
            "{text}"
        );
        assert_eq!(text.lines().count(), 2);

        for other in [&b"old"[..], b"nev", b"ne", b""] {
            fs::write(&path, other).unwrap();
            let error = read_known(&path).unwrap_err().to_string();
            assert!(
                error.contains("a.json: the file is damaged: its content"),
                "{error}"
            );
        }
        let stranger = folder.path().join("c.json");
        fs::write(&stranger, b"new").unwrap();
        let error = read_known(&stranger).unwrap_err().to_string();
        assert!(error.contains("no checksum for it"), "{error}");
    }

    #[test]
    fn a_missing_file_is_called_missing_by_its_own_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_known(&path, b"content").unwrap();
        let missing = |name: &str| {
            let error = read_known(&path).unwrap_err().to_string();
            assert!(
                error.contains(&format!("{name}: the file is missing")),
                "{error}"
            );
        };
        fs::remove_file(&path).unwrap();
        missing("a.json");
        fs::write(&path, b"content").unwrap();
        fs::remove_file(folder.path().join(CHECKSUMS)).unwrap();
        missing(CHECKSUMS);
    }

    #[test]
    fn killed_in_the_middle_either_content_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_known(&path, b"old").unwrap();
        let mut both = Checksums::of(folder.path()).unwrap();
        both.0.get_mut("a.json").unwrap().push(checksum(b"new"));
        both.save(folder.path()).unwrap();
        assert_eq!(read_known(&path).unwrap(), b"old");
        // And stays so, whatever else is written.
        write_known(&folder.path().join("b.json"), b"").unwrap();
        assert_eq!(read_known(&path).unwrap(), b"old");
        fs::write(&path, b"new").unwrap();
        assert_eq!(read_known(&path).unwrap(), b"new");
    }
}

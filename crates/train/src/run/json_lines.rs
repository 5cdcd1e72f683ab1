//! Files that grow by a line of JSON at a time, as they are found again: a machine that went out may leave
//! half a line, or a block of zeros.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::TrainError;

/// What the lines of a file say.
#[derive(Debug)]
pub(crate) struct JsonLines<T> {
    /// Of each line that says something.
    pub(crate) lines: Vec<T>,
    /// What there is to be said of the others, if there are any.
    pub(crate) skipped: Option<String>,
}

impl<T> Default for JsonLines<T> {
    fn default() -> Self {
        let (lines, skipped) = (Vec::new(), None);
        Self { lines, skipped }
    }
}

impl<T: DeserializeOwned> JsonLines<T> {
    /// Of a file.
    ///
    /// # Errors
    ///
    /// When it is missing, or cannot be read at all.
    pub(crate) fn read(path: &Path) -> Result<Self, TrainError> {
        let content = fs::read(path).map_err(|error| TrainError::unread(path, error))?;
        let (mut lines, mut wrong) = (Vec::new(), Vec::new());
        for (number, line) in (1..).zip(content.split(|byte| *byte == b'\n')) {
            match serde_json::from_slice(line) {
                Ok(line) => lines.push(line),
                Err(_) if line.trim_ascii().is_empty() => {}
                Err(error) => wrong.push(format!("line {number}: {error}")),
            }
        }
        let (read, count) = (lines.len(), wrong.len());
        let skipped = wrong.first().map(|first| {
            let path = path.display();
            let all = read + count;
            format!("{path}: {count} of {all} lines cannot be read and are left out: {first}")
        });
        Ok(Self { lines, skipped })
    }

    /// Of a file that may be missing: then there are none.
    ///
    /// # Errors
    ///
    /// When it cannot be read at all.
    pub(crate) fn read_if_there(path: &Path) -> Result<Self, TrainError> {
        match path.exists() {
            true => Self::read(path),
            false => Ok(Self::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_cannot_be_read_are_left_out_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.jsonl");
        let read = |content: &[u8]| {
            fs::write(&path, content).unwrap();
            let found = JsonLines::<u32>::read(&path).unwrap();
            (found.lines, found.skipped)
        };
        assert_eq!(read(b"1\n2\n"), (vec![1, 2], None));
        assert_eq!(read(b""), (vec![], None));
        let (lines, skipped) = read(b"1\n\0\0\n\n{}\n\xFF\n3\n[4");
        assert_eq!(lines, [1, 3]);
        let skipped = skipped.unwrap();
        assert!(skipped.contains("lines.jsonl: 4 of 6 lines"), "{skipped}");
        assert!(skipped.contains("left out: line 2: "), "{skipped}");
        let none = folder.path().join("none.jsonl");
        let error = JsonLines::<u32>::read(&none).unwrap_err().to_string();
        assert!(error.contains("none.jsonl: the file is missing"), "{error}");
    }
}

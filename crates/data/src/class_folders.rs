//! Texts in folders: the name of a folder is the class of each file in it.
//!
//! ```text
//! reviews/positive/17.txt
//! reviews/negative/4.txt
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use crate::text::{read_file, unreadable};
use crate::{DataError, LabelledText, LabelledTexts};

/// The files of a folder and of the folders in it, in the order of their names; those whose names begin with a dot are
/// not among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassFolders {
    /// Each with its class; without one, if it is in no folder of its own.
    files: Vec<(Option<String>, PathBuf)>,
}

impl ClassFolders {
    /// Finds the files. What is in folders further down belongs to the class above it.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read, or there is no file.
    pub fn find(path: &Path) -> Result<Self, DataError> {
        let mut files = Vec::new();
        for entry in entries(path)? {
            match entry.is_dir() {
                true => {
                    let class = entry.file_name().unwrap_or_default();
                    let class = class.to_string_lossy().into_owned();
                    let mut found = Vec::new();
                    files_below(&entry, &mut found)?;
                    files.extend(found.into_iter().map(|file| (Some(class.clone()), file)));
                }
                false => files.push((None, entry)),
            }
        }
        match files.is_empty() {
            true => Err(DataError::Empty {
                path: path.to_path_buf(),
                reason: "no file in it".to_string(),
            }),
            false => Ok(Self { files }),
        }
    }

    /// The paths of the files.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(_, path)| path.as_path())
    }

    /// The texts of the files. One that is empty or no text is passed over and counted.
    pub fn read(&self) -> LabelledTexts {
        let (mut rows, mut skipped) = (Vec::new(), 0);
        for (label, path) in &self.files {
            let text = read_file(path).unwrap_or_default();
            match text.trim() {
                "" => skipped += 1,
                text => rows.push(LabelledText {
                    label: label.clone(),
                    text: text.to_string(),
                }),
            }
        }
        LabelledTexts {
            rows,
            skipped,
            only_column: None,
        }
    }
}

/// What is in a folder, but for what is hidden.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let unreadable = |error| unreadable(folder, error);
    let mut entries = fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| Ok(entry.map_err(unreadable)?.path()))
        .collect::<Result<Vec<_>, DataError>>()?;
    let is_hidden = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with('.')
    };
    entries.retain(|path| !is_hidden(path));
    entries.sort_unstable();
    Ok(entries)
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), DataError> {
    for entry in entries(folder)? {
        match entry.is_dir() {
            true => files_below(&entry, files)?,
            false => files.push(entry),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_class() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        write("good/b.txt", b"fine\nindeed\n");
        write("good/deep/a.txt", b"well");
        write("bad/1.txt", b"poor");
        write("bad/2.txt", b" \n");
        write("bad/3.png", b"\x89PNG\0");
        write("bad/.hidden", b"hidden");
        write("about.txt", b"no class");
        let found = ClassFolders::find(folder.path()).unwrap();
        assert_eq!(found.paths().count(), 6);
        let read = found.read();
        let rows: Vec<(Option<&str>, &str)> = read
            .rows
            .iter()
            .map(|row| (row.label.as_deref(), row.text.as_str()))
            .collect();
        let expected = [
            (None, "no class"),
            (Some("bad"), "poor"),
            (Some("good"), "fine\nindeed"),
            (Some("good"), "well"),
        ];
        assert_eq!((rows.as_slice(), read.skipped), (&expected[..], 2));
        let empty = tempfile::tempdir().unwrap();
        let error = ClassFolders::find(empty.path()).unwrap_err().to_string();
        assert!(error.contains("no file in it"), "{error}");
    }
}

//! Texts in folders: the name of a folder is the class of each file in it.
//!
//! ```text
//! reviews/positive/17.txt
//! reviews/negative/4.txt
//! ```

use std::path::{Path, PathBuf};

use crate::text::read_file;
use crate::text_files::files_below;
use crate::{DataError, LabelledText, LabelledTexts, Place};

/// The files of a folder and of the folders in it, in the order of their names; those whose names begin with a dot are
/// not among them.
#[derive(Debug)]
pub struct ClassFolders {
    root: PathBuf,
    files: Vec<PathBuf>,
    /// Files and folders that cannot be looked at.
    skipped: usize,
}

impl ClassFolders {
    /// Finds the files. What is in folders further down belongs to the class above it. Folders for which `is_apart` holds,
    /// and what is in them, are not looked at.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read, or there is no file.
    pub fn find(path: &Path, is_apart: impl Fn(&Path) -> bool) -> Result<Self, DataError> {
        let mut skipped = Vec::new();
        let mut files = files_below(path, &mut skipped)?;
        let mut apart: Option<(PathBuf, bool)> = None;
        files.retain(|file| {
            let Some(class) = class_of(path, file) else {
                return true;
            };
            let folder = path.join(class);
            match &apart {
                Some((last, is_apart)) if *last == folder => !is_apart,
                _ => {
                    let found = is_apart(&folder);
                    apart = Some((folder, found));
                    !found
                }
            }
        });
        match files.is_empty() {
            true => Err(DataError::Empty {
                path: path.to_path_buf(),
                reason: "no file in it".to_string(),
            }),
            false => Ok(Self {
                root: path.to_path_buf(),
                files,
                skipped: skipped.len(),
            }),
        }
    }

    /// The paths of the files.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// The texts of the files, without a label where a file is in no folder of its own. What is empty, no text, or cannot
    /// be read, is skipped and counted.
    pub fn read(&self) -> LabelledTexts {
        let (mut rows, mut skipped) = (Vec::new(), self.skipped);
        for path in &self.files {
            let text = read_file(path).unwrap_or_default();
            let place = path.strip_prefix(&self.root).unwrap_or(path);
            match text.trim() {
                "" => skipped += 1,
                text => rows.push(LabelledText {
                    label: class_of(&self.root, path),
                    text: text.to_string(),
                    place: Place::File(place.to_path_buf()),
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

/// The folder in `root` that a file is in.
fn class_of(root: &Path, file: &Path) -> Option<String> {
    let within = file.strip_prefix(root).ok()?;
    let folder = within.parent()?.components().next()?;
    Some(folder.as_os_str().to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let files: [(&str, &[u8]); 8] = [
            ("good/b.txt", b"fine\nindeed\n"),
            ("good/deep/a.txt", b"well"),
            ("bad/1.txt", b"poor"),
            ("bad/2.txt", b" \n"),
            ("bad/3.png", b"\x89PNG\0"),
            ("bad/.hidden", b"hidden"),
            ("runs/one/run.toml", b"task"),
            ("about.txt", b"no class"),
        ];
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    #[test]
    fn the_folder_is_the_class() {
        let folder = folder();
        let is_apart = |folder: &Path| folder.ends_with("runs");
        let found = ClassFolders::find(folder.path(), is_apart).unwrap();
        assert_eq!(found.paths().count(), 6);
        let read = found.read();
        let rows: Vec<(Option<&str>, &str, String)> = read
            .rows
            .iter()
            .map(|row| {
                (
                    row.label.as_deref(),
                    row.text.as_str(),
                    row.place.to_string(),
                )
            })
            .collect();
        let expected = [
            (None, "no class", "about.txt".to_string()),
            (Some("bad"), "poor", "bad/1.txt".to_string()),
            (Some("good"), "fine\nindeed", "good/b.txt".to_string()),
            (Some("good"), "well", "good/deep/a.txt".to_string()),
        ];
        assert_eq!((rows.as_slice(), read.skipped), (&expected[..], 2));
        let empty = tempfile::tempdir().unwrap();
        let error = ClassFolders::find(empty.path(), |_| false).unwrap_err();
        assert!(error.to_string().contains("no file in it"), "{error}");
    }

    /// A link that leads back up would be without end, one that leads nowhere cannot be read, and a pipe would wait.
    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = folder();
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
        };
        link("..", "good/up");
        link("nowhere", "good/gone.txt");
        let pipe = folder.path().join("good/pipe");
        let made = std::process::Command::new("mkfifo").arg(pipe).status();
        assert!(made.unwrap().success());
        let found = ClassFolders::find(folder.path(), |_| false).unwrap();
        assert_eq!(found.paths().count(), 7);
        // Two are no texts, and one link leads nowhere.
        assert_eq!(found.read().skipped, 3);
    }
}

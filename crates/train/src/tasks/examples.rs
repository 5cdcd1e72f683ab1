//! The examples of a file, or of a folder: how many rows have none, and where they are from.

use std::path::{Path, PathBuf};

use backdraft_data::{ClassFolders, DataError};

use super::{ExampleTask, TaskOptions};
use crate::TrainError;
use crate::run::RUN;
use crate::run::checksums::checksum;

/// The examples of a file with their answers.
pub(super) fn read<T: ExampleTask>(
    path: &Path,
    options: &T::Options,
    known: Option<&T>,
) -> Result<Examples<T::Example>, TrainError> {
    if path == Path::new("-") {
        return Err(TrainError::Invalid {
            setting: "data",
            expected: "a file; standard input is read only as the text of `train lm`".to_string(),
            found: "-".to_string(),
        });
    }
    refuse_empty(path)?;
    T::read(path, options, known)
}

/// Refuses a file with nothing in it, of which each kind of data would say something else.
pub(super) fn refuse_empty(path: &Path) -> Result<(), TrainError> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() && found.len() == 0 => Err(TrainError::OtherKind {
            path: path.to_path_buf(),
            reason: "expected examples, found an empty file".to_string(),
        }),
        // What cannot be looked at is told by whoever reads it.
        _ => Ok(()),
    }
}

/// Examples of at most so many steps, which alone are learned from.
///
/// # Errors
///
/// When all are longer.
pub(super) fn not_longer<E>(
    mut all: Vec<E>,
    max_steps: usize,
    steps: impl Fn(&E) -> usize,
) -> Result<Vec<E>, TrainError> {
    let shortest = all.iter().map(&steps).min();
    all.retain(|example| steps(example) <= max_steps);
    match (shortest, all.is_empty()) {
        (Some(shortest), true) => Err(TrainError::Invalid {
            setting: "max_steps",
            expected: format!("at least {shortest}, the symbols of the shortest example"),
            found: max_steps.to_string(),
        }),
        _ => Ok(all),
    }
}

/// The rows of a file, as examples.
#[derive(Debug, Clone)]
pub struct Rows<E> {
    /// Those that can be used.
    pub examples: Vec<E>,
    /// How many cannot and were passed over.
    pub skipped: usize,
    /// Of a table of one column, the name of that: its first line, which may have been meant for a row.
    pub only_column: Option<String>,
}

impl<E> Rows<E> {
    /// Examples, and how many more there would be if all rows could be used.
    pub fn new(examples: Vec<E>, skipped: usize) -> Self {
        Self {
            examples,
            skipped,
            only_column: None,
        }
    }

    /// Those alone that can be used for something; the others count as passed over.
    #[must_use]
    pub fn only(mut self, can_be_used: impl Fn(&E) -> bool) -> Self {
        let all = self.examples.len();
        self.examples.retain(can_be_used);
        self.skipped += all - self.examples.len();
        self
    }

    /// Refuses none at all; `path` is where they are from.
    ///
    /// # Errors
    ///
    /// When there is no example.
    pub fn unless_none(self, path: &Path) -> Result<Self, TrainError> {
        match self.examples.is_empty() {
            true => Err(TrainError::NoExamples {
                path: path.to_path_buf(),
                skipped: self.skipped,
            }),
            false => Ok(self),
        }
    }
}

/// What was read of a file.
#[derive(Debug, Clone)]
pub struct Examples<E> {
    /// The examples.
    pub examples: Vec<E>,
    /// Rows that could not be used and were passed over.
    pub skipped: usize,
    /// The file.
    pub path: PathBuf,
    /// Of a table of one column, the name of that: its first line, which may have been meant for a row.
    pub only_column: Option<String>,
}

impl<E> Examples<E> {
    /// Examples that a file has.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn of(path: &Path, rows: Rows<E>) -> Result<Self, TrainError> {
        let Rows {
            examples,
            skipped,
            only_column,
        } = rows.unless_none(path)?;
        Ok(Self {
            examples,
            skipped,
            path: path.to_path_buf(),
            only_column,
        })
    }
}

/// The checksum of all files that examples are in, of which this is the one that was named.
pub(crate) fn data_checksum(options: &impl TaskOptions, path: &Path) -> Result<String, TrainError> {
    let others = options.beside(path);
    let own = content_checksum(path)?;
    if others.is_empty() {
        return Ok(own);
    }
    let others = others.iter().map(|other| content_checksum(other));
    let sums = others.collect::<Result<Vec<String>, _>>()?;
    Ok(checksum((own + &sums.concat()).as_bytes()))
}

/// The checksum of a file's content; of a folder, of the names and contents of its files.
fn content_checksum(path: &Path) -> Result<String, TrainError> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| {
            let path = path.to_path_buf();
            DataError::Unreadable { path, error }
        })
    };
    if !path.is_dir() {
        return Ok(checksum(&read(path)?));
    }
    let mut all = String::new();
    for file in class_folders(path)?.paths() {
        let name = file.strip_prefix(path).unwrap_or(file).display();
        // What cannot be read is skipped by whoever reads the texts, too.
        let content = read(file).map_or("unreadable".to_string(), |content| checksum(&content));
        all += &format!("{content} {name}\n");
    }
    Ok(checksum(all.as_bytes()))
}

/// A folder for each class, but for those that are runs or hold them.
pub(crate) fn class_folders(path: &Path) -> Result<ClassFolders, DataError> {
    let is_run = |folder: &Path| folder.join(RUN).is_file();
    ClassFolders::find(path, |folder| {
        let inner = std::fs::read_dir(folder).into_iter().flatten().flatten();
        is_run(folder) || inner.map(|entry| entry.path()).any(|entry| is_run(&entry))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_examples_are_left_out_and_all_of_them_refused() {
        let short = |most| not_longer(vec![3_usize, 5, 2], most, |steps| *steps);
        assert_eq!(short(3).unwrap(), [3, 2]);
        let error = short(1).unwrap_err().to_string();
        let expected = "expected at least 2, the symbols of the shortest example, found 1";
        assert!(error.contains(expected), "{error}");
        assert!(
            not_longer(Vec::<usize>::new(), 1, |steps| *steps)
                .unwrap()
                .is_empty()
        );
    }
}

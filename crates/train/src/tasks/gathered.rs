//! The examples that a training has, and where they are from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use backdraft_data::DataError;

use super::{ExampleTask, TaskOptions, TaskSettings, data_checksum, read};
use crate::{RunDescription, TrainError};

/// What is learned from, what is held out, and where it is from.
pub struct Gathered<T: ExampleTask> {
    /// Where they were read.
    pub(super) path: PathBuf,
    pub(super) learned_from: Arc<Vec<T::Example>>,
    pub(super) held_out: Arc<Vec<T::Example>>,
    pub(super) skipped: usize,
    pub(super) sha256: String,
    /// Of the file that is held out, if there is one.
    pub(super) valid_sha256: Option<String>,
}

impl<T: ExampleTask> Gathered<T> {
    /// What the settings ask for, of these data; `known` is what is known already, where a run is gone on with.
    pub(super) fn read(
        settings: &TaskSettings<T::Options>,
        data: &Path,
        known: Option<&T>,
    ) -> Result<Self, TrainError> {
        let all = read::<T>(data, &settings.options, known)?;
        let sum = |path: &Path| data_checksum(&settings.options, path);
        let mut skipped = all.skipped;
        let usable = all.examples.len();
        let (learned_from, held_out) = match &settings.valid {
            Some(path) => {
                let valid = read::<T>(path, &settings.options, known)?;
                skipped += valid.skipped;
                let learned_from = T::learned(all.examples, settings)?;
                skipped += usable.saturating_sub(learned_from.len());
                (learned_from, T::scored(valid.examples, settings)?)
            }
            None => {
                let (learned_from, held_out) = T::hold_out(all.examples, settings)?;
                // A series is in both parts.
                skipped += usable.saturating_sub(learned_from.len() + held_out.len());
                (learned_from, held_out)
            }
        };
        Ok(Self {
            path: data.to_path_buf(),
            learned_from: Arc::new(learned_from),
            held_out: Arc::new(held_out),
            skipped,
            sha256: sum(data)?,
            valid_sha256: settings.valid.as_deref().map(sum).transpose()?,
        })
    }
}

/// These data, if they are those that a run began with; else `refuse` makes an error of a sentence that says why.
pub(super) fn same<'a, O: TaskOptions>(
    data: Option<&'a Path>,
    description: &RunDescription<TaskSettings<O>>,
    refuse: &dyn Fn(String) -> TrainError,
) -> Result<&'a Path, TrainError> {
    let (Some(made), Some(data)) = (&description.made, data) else {
        let reason = "run.toml does not say which data the run was trained on";
        return Err(refuse(reason.to_string()));
    };
    let valid = description.settings.valid.as_deref();
    let files = [
        (Some(data), false, Some(&made.sha256)),
        (valid, true, made.valid_sha256.as_ref()),
    ];
    for (path, are_held_out, expected) in files {
        let sum = |path: &Path| data_checksum(&description.settings.options, path);
        let found = path.map(sum).transpose();
        let found = found.map_err(|error| moved(error, are_held_out))?;
        if expected != found.as_ref() {
            let mut name =
                path.map_or_else(|| made.text.clone(), |path| path.display().to_string());
            let others = path.map(|path| description.settings.options.beside(path));
            match others.unwrap_or_default().as_slice() {
                [] => {}
                [other] => name += &format!(" and {}", other.display()),
                others => name += &format!(" and the {} files of it", others.len()),
            }
            let sum = |sum: Option<&String>| sum.cloned().unwrap_or("none".to_string());
            return Err(refuse(format!(
                "the data, {name}, are not those that the run was started with: expected the SHA-256 {}, \
                 found {}",
                sum(expected),
                sum(found.as_ref())
            )));
        }
    }
    Ok(data)
}

/// What helps where a file is not where it was.
fn moved(error: TrainError, are_held_out: bool) -> TrainError {
    match error {
        TrainError::Data(error @ DataError::Unreadable { .. }) => TrainError::Moved {
            error,
            are_held_out,
        },
        error => error,
    }
}

//! What is written to standard output: texts, tables, JSON.

use std::path::PathBuf;

use serde::Serialize;

use crate::{TrainError, program};

/// Writes to standard output at once.
pub(super) fn print(text: &str) -> Result<(), TrainError> {
    program::print(text).map_err(|error| TrainError::Unwritable {
        path: PathBuf::from("standard output"),
        error,
    })
}

/// Figures as a table, a line each.
pub(super) fn table<'a, N: AsRef<str> + 'a>(
    figures: impl IntoIterator<Item = (&'a N, &'a f64)>,
) -> String {
    let line = |(name, value): (&N, &f64)| {
        let name = name.as_ref().replace('_', " ");
        format!("{name:<22} {value:.4}\n")
    };
    figures.into_iter().map(line).collect()
}

/// One JSON object on one line.
pub(super) fn print_json(value: &impl Serialize) -> Result<(), TrainError> {
    let text = serde_json::to_string(value).expect("our own types are valid JSON");
    print(&format!("{text}\n"))
}

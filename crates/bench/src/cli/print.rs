//! The report on standard output, and the picture.

use std::path::Path;

use backdraft_train::program;

use super::measuring::How;
use crate::{BenchError, Report};

/// Writes the report as it was asked for, and the picture if one was.
pub(super) fn report(report: &dyn Report, how: &How) -> Result<(), BenchError> {
    if let Some(path) = &how.svg {
        let svg = report.svg()?;
        std::fs::write(path, svg).map_err(|error| unwritable(path, error))?;
        eprintln!("drawn in {}", path.display());
    }
    match how.json {
        true => print(&format!("{}\n", report.json())),
        false => print(&report.table()),
    }
}

/// Refuses a picture in a place where none can be written, before anything is measured for it.
pub(super) fn check(svg: Option<&Path>) -> Result<(), BenchError> {
    let Some(path) = svg else { return Ok(()) };
    if path.is_dir() {
        return Err(unwritable(path, "it is a folder"));
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(unwritable(path, "there is no such folder"))
        }
        _ => Ok(()),
    }
}

fn print(text: &str) -> Result<(), BenchError> {
    program::print(text).map_err(|error| unwritable(Path::new("standard output"), error))
}

fn unwritable(path: &Path, reason: impl ToString) -> BenchError {
    BenchError::Unwritable {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}

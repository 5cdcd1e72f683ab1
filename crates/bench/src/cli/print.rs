//! Standard output that may be a pipe which somebody closes, and the picture.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

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

/// Writes to standard output at once. A reader that has seen enough, such as `head`, ends the
/// program quietly.
fn print(text: &str) -> Result<(), BenchError> {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(unwritable(&PathBuf::from("standard output"), error)),
        Ok(()) => Ok(()),
    }
}

fn unwritable(path: &Path, reason: impl ToString) -> BenchError {
    BenchError::Unwritable {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}

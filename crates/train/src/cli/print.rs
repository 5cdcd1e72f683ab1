//! Standard output that may be a pipe which somebody closes.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::TrainError;
use crate::say::printable;

/// Writes to standard output at once; to a terminal, nothing that it would obey. A reader that has seen
/// enough, such as `head`, ends the program quietly.
pub(super) fn print(text: &str) -> Result<(), TrainError> {
    let mut out = std::io::stdout();
    let text = match out.is_terminal() {
        true => printable(text),
        false => text.into(),
    };
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(TrainError::Unwritable {
            path: PathBuf::from("standard output"),
            error,
        }),
        Ok(()) => Ok(()),
    }
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

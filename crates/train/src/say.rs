//! What is said to a person on standard error.
//!
//! A terminal that was closed, a full disk behind a log file, a pipe that nobody reads: none of them
//! is a reason to end a training, so what cannot be said is not.

use std::fmt::Display;
use std::io::Write;

/// Says a line.
pub(crate) fn say(line: impl Display) {
    // In one write: several threads may say something.
    let line = format!("{line}\n");
    std::io::stderr().write_all(line.as_bytes()).ok();
}

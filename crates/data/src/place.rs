//! Where an example is from.

use std::fmt;
use std::path::PathBuf;

/// Where an example is from; written as `line 7`, `row 7`, or the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A line of a table, counted from 1: that on which its row begins.
    Line(u64),
    /// A row of arrays, counted from 1.
    Row(usize),
    /// A file, by its path within a folder.
    File(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

//! What can be wrong with data: what was expected, what was found, and where.

use std::path::{Path, PathBuf};

use crate::Encoding;

/// Data that cannot be read or used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file or folder that cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A file that is not text.
    #[error(
        "{}: expected UTF-8 text, found {} at offset {offset} (line {line})",
        path.display(),
        match byte {
            0 => "a NUL byte, as binary files have them,".to_string(),
            byte => format!("the byte 0x{byte:02x}"),
        }
    )]
    NotText {
        /// Which file.
        path: PathBuf,
        /// The first byte that is not UTF-8.
        byte: u8,
        /// Where it is, in bytes from the start.
        offset: usize,
        /// The line it is in, from 1.
        line: usize,
    },
    /// A file that is not UTF-8, and looks like a text in another encoding.
    #[error(
        "{}: expected UTF-8 text, found what looks like {encoding}; \
         `iconv -f {} -t UTF-8 OLD > NEW` converts it",
        path.display(),
        encoding.iconv()
    )]
    OtherEncoding {
        /// Which file.
        path: PathBuf,
        /// Which encoding.
        encoding: Encoding,
    },
    /// A file or folder without any text.
    #[error("{}: expected text, found none: {reason}", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
        /// An empty file, or a folder with no file in it that is read.
        reason: String,
    },
    /// Fewer symbols than one window of each stream needs.
    #[error(
        "the text is too short: {}expected at least {needed} symbols, found {found}; use {}",
        for_windows(*batch, *unroll),
        remedies(*batch, *unroll)
    )]
    TooShort {
        /// Parallel streams.
        batch: usize,
        /// Steps of a window.
        unroll: usize,
        /// Symbols needed.
        needed: usize,
        /// Symbols there are.
        found: usize,
    },
    /// A number that makes no sense.
    #[error("{what}: expected {expected}, found {found}")]
    Invalid {
        /// Of what.
        what: &'static str,
        /// What would be possible.
        expected: String,
        /// What it was.
        found: String,
    },
    /// A vocabulary file that is none.
    #[error("{}: expected a vocabulary, found {reason}", path.display())]
    NotAVocabulary {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A text that a tokenizer has no symbols for.
    #[error("this tokenizer cannot encode the text: {reason}")]
    NotEncoded {
        /// What it says.
        reason: String,
    },
    /// A table without a column that was asked for.
    #[error("{}: expected a column {column}, found {}", path.display(), brief(found))]
    NoColumn {
        /// Which file.
        path: PathBuf,
        /// Which column, by its name or by what it is for.
        column: String,
        /// The columns there are.
        found: String,
    },
    /// A row of a table with a quote that nothing closes.
    #[error("{}: line {line}: expected quotes that are closed, found one without an end", path.display())]
    Unclosed {
        /// Which file.
        path: PathBuf,
        /// The line, from 1, in which the row begins.
        line: u64,
    },
    /// A table whose first row does not hold the names of the columns.
    #[error(
        "{}: expected the names of the columns in the first row, found `{}`, which is also the label \
         on line {line}; if the column really has this name, select it by name",
        path.display(),
        brief(cell)
    )]
    NoHead {
        /// Which file.
        path: PathBuf,
        /// The cell that was taken for a name.
        cell: String,
        /// The first line, from 1, that has it as its label.
        line: u64,
    },
    /// A row of a table that has more cells than the head, or fewer.
    #[error("{}: line {line}: expected {expected} cells, found {found}", path.display())]
    Ragged {
        /// Which file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Columns of the head.
        expected: usize,
        /// Cells there are.
        found: usize,
    },
    /// A cell of a table that means nothing.
    #[error(
        "{}: line {line}, column `{}`: expected {expected}, found `{}`",
        path.display(),
        brief(column),
        brief(found)
    )]
    Cell {
        /// Which file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The name of the column.
        column: String,
        /// What would be possible.
        expected: String,
        /// What it was.
        found: String,
    },
    /// An array of a file that is not what it should be.
    #[error("{}: array `{array}`: expected {expected}, found {found}", path.display())]
    Array {
        /// Which file.
        path: PathBuf,
        /// Which array in it.
        array: String,
        /// What would have fitted.
        expected: String,
        /// What was there.
        found: String,
    },
    /// A file that has not as many lines as another, to which it belongs line by line.
    #[error("{}: expected {expected} lines, as {} has, found {found}", path.display(), other.display())]
    OtherLines {
        /// Which file.
        path: PathBuf,
        /// The lines of the other.
        expected: usize,
        /// Its own.
        found: usize,
        /// The other.
        other: PathBuf,
    },
    /// A line of columns without something in one of them.
    #[error(
        "{}: line {line}, column {column}: expected a {what}, found the line `{}`",
        path.display(),
        brief(found)
    )]
    NoCell {
        /// Which file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What the column is for.
        what: &'static str,
        /// What the line holds.
        found: String,
    },
}

impl DataError {
    /// Of a table that ends after its first line.
    pub fn no_row(path: &Path) -> Self {
        Self::Empty {
            path: path.to_path_buf(),
            reason: "no row after the first line, which names the columns".to_string(),
        }
    }
}

/// A part of a file as a message has it: its beginning, if it is long.
fn brief(found: &str) -> String {
    const LONGEST: usize = 200;
    match found.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}..", &found[..end]),
        None => found.to_string(),
    }
}

/// What so many symbols are for, where it could be less.
fn for_windows(batch: usize, unroll: usize) -> String {
    match (batch, unroll) {
        (1, 1) => String::new(),
        _ => format!("for {batch} streams of one window of {unroll} steps each, "),
    }
}

/// What makes a text long enough: what is already as small as can be, is none of it.
fn remedies(batch: usize, unroll: usize) -> &'static str {
    match (batch > 1, unroll > 1) {
        (true, true) => "a smaller batch, a shorter unroll or more text",
        (true, false) => "a smaller batch or more text",
        (false, true) => "a shorter unroll or more text",
        (false, false) => "more text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text that is no table has its first line for a head.
    #[test]
    fn a_long_line_is_told_by_its_beginning() {
        let error = DataError::NoColumn {
            path: PathBuf::from("book.txt"),
            column: "of targets".to_string(),
            found: "\u{e4}".repeat(5000),
        };
        let told = error.to_string();
        assert!(told.ends_with("\u{e4}.."), "{told}");
        assert!(told.chars().count() < 300, "{told}");
    }
}

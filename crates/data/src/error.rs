//! What can be wrong with data: what was expected, what was found, and where.

use std::path::PathBuf;

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
        "{}: expected UTF-8 text, found the byte 0x{byte:02x} at offset {offset} (line {line})",
        path.display()
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
    /// A file or folder without any text.
    #[error("{}: expected text, found none: {reason}", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
        /// An empty file, or a folder with no file in it.
        reason: &'static str,
    },
    /// Fewer symbols than one window of each stream needs.
    #[error(
        "the text is too short: {batch} streams of one window of {unroll} steps need at least \
         {needed} symbols, found {found}; use a smaller batch, a shorter unroll or more text"
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
        expected: &'static str,
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
}

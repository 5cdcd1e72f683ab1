//! In which line a row of a table stands.

/// The line of what is read from `at`. A record is read from the end of the one before: blank lines are
/// in between, and the second half of a CRLF.
pub(crate) fn line_of(text: &str, at: &csv::Position) -> u64 {
    let rest = text.as_bytes().get(at.byte() as usize..).unwrap_or(&[]);
    let between = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    at.line() + between.filter(|byte| **byte == b'\n').count() as u64
}

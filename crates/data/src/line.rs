//! In which line a row of a table stands.

/// The line of what is read from `at`. A record is read from the end of the one before: blank lines are
/// in between, and the second half of a CRLF.
pub(crate) fn line_of(text: &str, at: &csv::Position) -> u64 {
    let rest = text.as_bytes().get(at.byte() as usize..).unwrap_or(&[]);
    let between = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    at.line() + between.filter(|byte| **byte == b'\n').count() as u64
}

/// Whether the last record of a table with commas and quotes ends within quotes that nothing closes. A quote in the
/// middle of a cell is one of its characters.
pub(crate) fn is_unclosed(text: &str, last: &csv::Position) -> bool {
    let rest = text.as_bytes().get(last.byte() as usize..).unwrap_or(&[]);
    let (mut is_quoted, mut is_start) = (false, true);
    let mut bytes = rest.iter().peekable();
    while let Some(&byte) = bytes.next() {
        match (is_quoted, byte) {
            // Two are one within quotes.
            (true, b'"') => is_quoted = bytes.next_if_eq(&&b'"').is_some(),
            (true, _) => {}
            (false, b'"') if is_start => is_quoted = true,
            (false, _) => {}
        }
        is_start = !is_quoted && matches!(byte, b',' | b'\n' | b'\r');
    }
    is_quoted
}

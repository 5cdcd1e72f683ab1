//! Plain text: what the bytes of a file say.

use std::fs::File;
use std::io::{BufRead, Read};
use std::path::Path;

use crate::{DataError, Encoding, TextFiles};

/// Reads a file, or every file below a folder one after the other, as [`TextFiles`] does; all of them.
///
/// # Errors
///
/// When something cannot be read or is not UTF-8, and when there is no text at all.
pub fn read_text(path: impl AsRef<Path>) -> Result<String, DataError> {
    TextFiles::new().read(path)?.whole()
}

/// Reads anything to its end, without a byte order mark; errors call it `path`. The text may be empty.
///
/// # Errors
///
/// When it cannot be read or is not UTF-8, and when it has a byte of zeros, as files have that are no text.
pub fn read_text_from(mut reader: impl Read, path: &Path) -> Result<String, DataError> {
    let mut bytes = Vec::new();
    match reader.read_to_end(&mut bytes) {
        Ok(_) => decode(bytes, path),
        Err(error) => Err(unreadable(path, error)),
    }
}

pub(crate) fn read_file(path: &Path) -> Result<String, DataError> {
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    read_text_from(file, path)
}

/// Refuses what is about to be read line by line, if it begins in units of more than 8 bits: each line would
/// be told of by itself, as something else.
pub(crate) fn refuse_wide(reader: &mut impl BufRead, path: &Path) -> Result<(), DataError> {
    let head = reader.fill_buf().map_err(|error| unreadable(path, error))?;
    // What is buffered may end within a character.
    let (whole, shorter) = (head, &head[..head.len().saturating_sub(2)]);
    let found = [whole, shorter].into_iter().find_map(Encoding::guess_wide);
    match found {
        Some(encoding) => Err(other_encoding(path, encoding)),
        None => Ok(()),
    }
}

fn other_encoding(path: &Path, encoding: Encoding) -> DataError {
    let path = path.to_path_buf();
    DataError::OtherEncoding { path, encoding }
}

pub(crate) fn unreadable(path: &Path, error: std::io::Error) -> DataError {
    let path = path.to_path_buf();
    DataError::Unreadable { path, error }
}

fn decode(bytes: Vec<u8>, path: &Path) -> Result<String, DataError> {
    let no_text = |bytes: &[u8], offset: usize| match Encoding::guess(bytes) {
        Some(encoding) => other_encoding(path, encoding),
        None => DataError::NotText {
            path: path.to_path_buf(),
            byte: bytes[offset],
            offset,
            line: 1 + bytes[..offset]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count(),
        },
    };
    let mut text = String::from_utf8(bytes)
        .map_err(|error| no_text(error.as_bytes(), error.utf8_error().valid_up_to()))?;
    if let Some(offset) = text.find('\0') {
        return Err(no_text(text.as_bytes(), offset));
    }
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len_utf8());
    }
    Ok(text)
}

/// Which stands before a text, where it says that this is UTF-8; it is no character of it.
const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// Splits a text in two: what to learn from, and the last `fraction` of it, held out.
///
/// The cut is between two characters, and after a line break if one is near.
///
/// # Errors
///
/// When `fraction` is not above 0 and below 1.
pub fn split_held_out(text: &str, fraction: f64) -> Result<(&str, &str), DataError> {
    if !(fraction > 0.0 && fraction < 1.0) {
        let expected = "a number above 0 and below 1".to_string();
        return Err(DataError::Invalid {
            what: "the held-out fraction",
            expected,
            found: fraction.to_string(),
        });
    }
    let cut = text.len() - (text.len() as f64 * fraction).round() as usize;
    let cut = (0..=cut)
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0);
    // As far back as a tenth of what is held out: short texts keep their proportions.
    let reach = (text.len() - cut) / 10;
    let line = text[..cut]
        .rfind('\n')
        .map(|at| at + 1)
        .filter(|&at| cut - at <= reach);
    Ok(text.split_at(line.unwrap_or(cut)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_is_not_text_is_named_with_the_place() {
        let error = |bytes: &[u8]| {
            let error = decode(bytes.to_vec(), Path::new("bad.bin")).unwrap_err();
            error.to_string()
        };
        assert_eq!(
            error(b"abc\nd\xFFe"),
            "bad.bin: expected UTF-8 text, found the byte 0xff at offset 5 (line 2)"
        );
        assert_eq!(
            error(b"abc\nd\0e"),
            "bad.bin: expected UTF-8 text, found a NUL byte, as binary files have them, at offset 5 (line 2)"
        );
        assert_eq!(
            error(b"\xFF\xFEa\0"),
            "bad.bin: expected UTF-8 text, found what looks like UTF-16; \
             `iconv -f UTF-16 -t UTF-8 OLD > NEW` converts it"
        );
        assert!(error(b"caf\xE9 noir").contains("like Latin-1; `iconv -f ISO-8859-1 -t UTF-8 "));
    }

    #[test]
    fn wide_units_are_refused_wherever_the_buffer_ends() {
        let wide: Vec<u8> = "source\t\u{1F525}\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for length in [wide.len(), wide.len() - 4] {
            let error = refuse_wide(&mut &wide[..length], Path::new("a.tsv")).unwrap_err();
            assert!(error.to_string().contains("UTF-16LE"), "{error}");
        }
        let narrow = "source\ttarget\nGr\u{FC}\u{DF}e\t\u{1F525}\n".as_bytes();
        for length in 0..narrow.len() {
            refuse_wide(&mut &narrow[..length], Path::new("a.tsv")).unwrap();
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_character() {
        let read = |text: &str| read_text_from(text.as_bytes(), Path::new("text")).unwrap();
        assert_eq!(read("\u{FEFF}a\u{FEFF}"), "a\u{FEFF}");
        assert_eq!(read("\u{FEFF}"), "");
        let folder = tempfile::tempdir().unwrap();
        for name in ["one", "two"] {
            fs::write(folder.path().join(name), format!("\u{FEFF}{name}")).unwrap();
        }
        assert_eq!(read_text(folder.path()).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn the_held_out_part_is_the_end_cut_at_a_line() {
        let text = "0123456789\n".repeat(100);
        let (learn, held_out) = split_held_out(&text, 0.105).unwrap();
        assert_eq!((learn.len(), held_out.len()), (979, 121));
        assert_eq!(split_held_out("äöüß", 0.5).unwrap(), ("äö", "üß"));
        for fraction in [0.0, 1.0, -1.0, f64::NAN] {
            assert!(split_held_out("abc", fraction).is_err(), "{fraction}");
        }
    }
}

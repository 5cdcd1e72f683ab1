//! Plain text from files.

use std::fs;
use std::path::{Path, PathBuf};

use crate::DataError;

/// Reads a file, or every file below a folder one after the other, in the order of their paths.
///
/// Files and folders whose name starts with a dot are passed over, and so are empty files in a
/// folder. A line break is put after a file that does not end with one.
///
/// # Errors
///
/// When something cannot be read or is not UTF-8, and when there is no text at all.
pub fn read_text(path: impl AsRef<Path>) -> Result<String, DataError> {
    read_text_where(path, "", |_| true)
}

/// As [`read_text`], of a folder only the files that `keep` wants, with `between` between them.
///
/// # Errors
///
/// As [`read_text`].
pub fn read_text_where(
    path: impl AsRef<Path>,
    between: &str,
    keep: impl Fn(&Path) -> bool,
) -> Result<String, DataError> {
    let path = path.as_ref();
    let unreadable = |error| DataError::Unreadable {
        path: path.to_path_buf(),
        error,
    };
    let is_folder = fs::metadata(path).map_err(unreadable)?.is_dir();
    let mut text = String::new();
    if is_folder {
        for file in files_below(path)?.iter().filter(|file| keep(file)) {
            let content = read_file(file)?;
            if !text.is_empty() && !content.is_empty() {
                text.push_str(between);
            }
            text.push_str(&content);
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
        }
    } else {
        text = read_file(path)?;
    }
    if text.is_empty() {
        let reason = if is_folder {
            "no file with text in this folder"
        } else {
            "an empty file"
        };
        return Err(DataError::Empty {
            path: path.to_path_buf(),
            reason,
        });
    }
    Ok(text)
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let unreadable = |error| DataError::Unreadable {
        path: folder.to_path_buf(),
        error,
    };
    let mut entries = fs::read_dir(folder)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut files = Vec::new();
    for entry in entries {
        let kind = entry.file_type().map_err(unreadable)?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // A link to a folder could lead back to where we are.
        if kind.is_dir() {
            files.extend(files_below(&entry.path())?);
        } else if kind.is_file() || (kind.is_symlink() && entry.path().is_file()) {
            files.push(entry.path());
        }
    }
    Ok(files)
}

pub(crate) fn read_file(path: &Path) -> Result<String, DataError> {
    let bytes = fs::read(path).map_err(|error| DataError::Unreadable {
        path: path.to_path_buf(),
        error,
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        DataError::NotText {
            path: path.to_path_buf(),
            byte: bytes[offset],
            offset,
            line: 1 + bytes[..offset]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count(),
        }
    })
}

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
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_is_read_in_the_order_of_its_paths() {
        let files: [(&str, &[u8]); 5] = [
            ("b.txt", b"two\n"),
            ("a/z.txt", b"one"),
            ("c.txt", "drei \u{1F525}".as_bytes()),
            ("empty", b""),
            (".hidden", b"no"),
        ];
        let folder = folder(&files);
        assert_eq!(
            read_text(folder.path()).unwrap(),
            "one\ntwo\ndrei \u{1F525}\n"
        );
        assert_eq!(
            read_text_where(folder.path(), "%", |_| true).unwrap(),
            "one\n%two\n%drei \u{1F525}\n"
        );
    }

    #[test]
    fn a_file_that_is_not_text_is_named_with_the_place() {
        let folder = folder(&[("bad.bin", b"abc\nd\xFFe")]);
        let error = read_text(folder.path().join("bad.bin"))
            .unwrap_err()
            .to_string();
        let expected = "bad.bin: expected UTF-8 text, found the byte 0xff at offset 5 (line 2)";
        assert!(error.ends_with(expected), "{error}");
    }

    #[test]
    fn nothing_to_read_is_an_error() {
        let folder = folder(&[("empty", b"")]);
        let error = |path: &Path| read_text(path).unwrap_err().to_string();
        assert!(error(&folder.path().join("empty")).ends_with("found none: an empty file"));
        assert!(error(folder.path()).ends_with("no file with text in this folder"));
        assert!(error(&folder.path().join("missing")).starts_with("cannot read "));
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

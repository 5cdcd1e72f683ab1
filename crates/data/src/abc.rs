//! Tunes in ABC notation: their fields, and their notes.
//!
//! ```text
//! X:1                  a tune begins; what stands before the first is passed over
//! T:The Fiddler        fields of its head: a letter, a colon, a value
//! R:reel
//! M:4/4
//! K:Dmaj               the key, which is the last of them
//! DEFA BAFA|d2fd efge| its notes, to an empty line, the next tune, or the end
//! ```
//!
//! Comments (`% ..`, and a line's end after one) are passed over. Of a field that is there several times,
//! the first counts. The ABC music standard 2.1, section 2.2.

use std::path::Path;

use crate::DataError;
use crate::text::read_file;

/// A tune.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tune {
    fields: Vec<(char, String)>,
    /// Its notes, line by line.
    pub notes: String,
}

impl Tune {
    /// The value of a field of its head: `K`.
    pub fn field(&self, name: char) -> Option<&str> {
        let mut fields = self.fields.iter();
        let field = fields.find(|(known, _)| *known == name);
        field.map(|(_, value)| value.as_str())
    }
}

/// The tunes of a file, and the number of those that were passed over, since they have no notes.
///
/// # Errors
///
/// When it cannot be read, or the head of a tune has no key: the line.
pub fn read_tunes(path: impl AsRef<Path>) -> Result<(Vec<Tune>, usize), DataError> {
    let path = path.as_ref();
    tunes(&read_file(path)?, path)
}

fn tunes(text: &str, path: &Path) -> Result<(Vec<Tune>, usize), DataError> {
    let mut all = Vec::new();
    // The tune that is being read, and whether its head is over.
    let mut open: Option<(Tune, bool)> = None;
    let mut end = |open: &mut Option<(Tune, bool)>, line: u64| match open.take() {
        Some((_, false)) => Err(DataError::Cell {
            path: path.to_path_buf(),
            line,
            column: "K".to_string(),
            expected: "the key of the tune, `K:`, before its notes".to_string(),
            found: "none".to_string(),
        }),
        Some((tune, true)) => {
            all.push(tune);
            Ok(())
        }
        None => Ok(()),
    };
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_end();
        if line.starts_with('%') {
            continue;
        }
        let line = before_comment(line).trim_end();
        match (field(line), &mut open) {
            (Some(('X', _)), _) => {
                end(&mut open, number)?;
                open = Some((Tune::default(), false));
            }
            (Some((name, value)), Some((tune, is_over @ false))) => {
                if tune.field(name).is_none() {
                    tune.fields.push((name, value.to_string()));
                }
                *is_over = name == 'K';
            }
            (_, Some(_)) if line.is_empty() => end(&mut open, number)?,
            (None, Some((_, false))) => end(&mut open, number)?,
            (_, Some((tune, true))) => {
                tune.notes.push_str(line);
                tune.notes.push('\n');
            }
            (_, None) => {}
        }
    }
    end(&mut open, text.lines().count() as u64 + 1)?;
    let read = all.len();
    all.retain(|tune| !tune.notes.is_empty());
    let skipped = read - all.len();
    Ok((all, skipped))
}

/// A line without the comment at its end; `\%` is none.
fn before_comment(line: &str) -> &str {
    let starts = line.match_indices('%').map(|(start, _)| start);
    let mut starts = starts.filter(|start| !line[..*start].ends_with('\\'));
    starts.next().map_or(line, |start| &line[..start])
}

/// A field of a head: its letter and its value.
fn field(line: &str) -> Option<(char, &str)> {
    let (name, value) = line.split_once(':')?;
    let mut letters = name.chars();
    let name = letters.next().filter(char::is_ascii_alphabetic)?;
    letters.next().is_none().then(|| (name, value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Vec<Tune>, usize), String> {
        tunes(text, Path::new("a.abc")).map_err(|error| error.to_string())
    }

    #[test]
    fn tunes_have_fields_and_notes() {
        let text = "a collection\n\n%abc-2.1\nX:1\nT:One % really\nT:Other\nR: jig\nM:6/8\nK:G\n\
                    GAB c2d|\n% nothing\nw:la la\ne3- e3|] % the end\n\nfree text\nX:2\r\nK:D\r\nd4\r\n\
                    X:3\nK:A\n\nX:4\nK:none\nz|";
        let (all, skipped) = read(text).unwrap();
        assert_eq!(skipped, 1);
        let notes: Vec<&str> = all.iter().map(|tune| tune.notes.as_str()).collect();
        assert_eq!(notes, ["GAB c2d|\nw:la la\ne3- e3|]\n", "d4\n", "z|\n"]);
        let of_first = ['T', 'R', 'M', 'K', 'L'].map(|name| all[0].field(name));
        let expected = [Some("One"), Some("jig"), Some("6/8"), Some("G"), None];
        assert_eq!(of_first, expected);
    }

    #[test]
    fn a_tune_without_a_key_is_refused() {
        let expected = "a.abc: line 3, column `K`: expected the key of the tune, `K:`, before its \
                        notes, found `none`";
        for text in [
            "X:1\nT:One\nGAB|\n",
            "X:1\nT:One\n\nGAB|",
            "X:1\nT:One\nX:2\nK:D\nG",
            "X:1\nT:One",
        ] {
            assert_eq!(read(text).unwrap_err(), expected, "{text}");
        }
        assert_eq!(read(""), Ok((Vec::new(), 0)));
    }
}

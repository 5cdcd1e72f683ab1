//! Pairs of texts from a table: a head, then a source and its target on each line.
//!
//! ```text
//! source<TAB>target
//! h e l l o<TAB>HH AH L OW
//! ```
//!
//! A tab stands between cells, a line break between rows; neither can be part of a cell, and quotes
//! mean nothing. Rows whose source or target is empty are passed over and counted, and so are empty
//! lines; of questions, whose targets need not be known, every line is one.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::DataError;
use crate::text::refuse_wide;

mod parallel;

pub use parallel::read_parallel;

/// Which columns of a table hold sources and targets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PairColumns {
    source: Option<String>,
    target: Option<String>,
    are_questions: bool,
}

impl PairColumns {
    /// The first two columns, sources first.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the column of the sources.
    #[must_use]
    pub fn with_source(mut self, name: impl Into<String>) -> Self {
        self.source = Some(name.into());
        self
    }

    /// Sets the column of the targets.
    #[must_use]
    pub fn with_target(mut self, name: impl Into<String>) -> Self {
        self.target = Some(name.into());
        self
    }

    /// Takes rows whose target is not known, too, and tables without a column of targets: the target of such a
    /// pair is empty. No row is passed over, so that there is an answer for each: an empty line is an empty source.
    #[must_use]
    pub fn with_unknown_targets(mut self) -> Self {
        self.are_questions = true;
        self
    }

    /// Where in a row they are: those with a name, then the first that is free. Of questions, a target may be
    /// nowhere.
    fn places(&self, path: &Path, head: &[String]) -> Result<(usize, Option<usize>), DataError> {
        let missing = |column: String| {
            let found: Vec<String> = head.iter().map(|name| format!("`{name}`")).collect();
            DataError::NoColumn {
                path: path.to_path_buf(),
                column,
                found: found.join(", "),
            }
        };
        let named = |name: &String| {
            let place = head.iter().position(|known| known == name);
            place.ok_or_else(|| missing(format!("`{name}`")))
        };
        let source = self.source.as_ref().map(named).transpose()?;
        let target = match self.target.as_ref().map(named).transpose() {
            Err(_) if self.are_questions => None,
            target => target?,
        };
        let free = |taken: Option<usize>, what: &str| {
            let place = (0..head.len()).find(|place| Some(*place) != taken);
            place.ok_or_else(|| missing(format!("of {what}")))
        };
        let source = match source {
            Some(place) => place,
            None => free(target, "sources")?,
        };
        let target = match target {
            Some(place) => Some(place),
            // What is beside a named source would be taken for a target that it is not.
            None if self.are_questions && (self.target.is_some() || head.len() == 1) => None,
            None => Some(free(Some(source), "targets")?),
        };
        Ok((source, target))
    }
}

/// A source and its target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pair {
    /// What is given.
    pub source: String,
    /// What is wanted for it; empty if that is not known.
    pub target: String,
}

/// The pairs of a table, read one after the other. Ends after an error.
#[derive(Debug)]
pub struct Pairs<R> {
    reader: R,
    path: PathBuf,
    head: Vec<String>,
    source: usize,
    target: Option<usize>,
    /// Whether the target of a row may be empty.
    are_questions: bool,
    /// The line that was read last, from 1.
    line: u64,
    bytes: Vec<u8>,
    skipped: usize,
    is_over: bool,
}

impl Pairs<BufReader<File>> {
    /// Of a file.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn open(path: impl AsRef<Path>, columns: &PairColumns) -> Result<Self, DataError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| DataError::Unreadable {
            path: path.to_path_buf(),
            error,
        })?;
        Self::new(BufReader::new(file), path, columns)
    }
}

impl<R: BufRead> Pairs<R> {
    /// Of anything that can be read; errors call it `path`. The head is read at once.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is empty, or a column is not there.
    pub fn new(
        reader: R,
        path: impl Into<PathBuf>,
        columns: &PairColumns,
    ) -> Result<Self, DataError> {
        let mut pairs = Self {
            reader,
            path: path.into(),
            head: Vec::new(),
            source: 0,
            target: None,
            are_questions: columns.are_questions,
            line: 0,
            bytes: Vec::new(),
            skipped: 0,
            is_over: false,
        };
        refuse_wide(&mut pairs.reader, &pairs.path)?;
        if !pairs.read_line()? {
            return Err(DataError::Empty {
                path: pairs.path,
                reason: "an empty file".to_string(),
            });
        }
        let head = String::from_utf8_lossy(&pairs.bytes);
        // Spreadsheets put a mark before the first name.
        let head = head.strip_prefix('\u{FEFF}').unwrap_or(&head);
        pairs.head = head
            .split('\t')
            .map(|name| name.trim().to_string())
            .collect();
        (pairs.source, pairs.target) = columns.places(&pairs.path, &pairs.head)?;
        Ok(pairs)
    }

    /// Of a table of one column, the name of that: its first line, which may have been meant for a row.
    pub fn only_column(&self) -> Option<&str> {
        match self.head.as_slice() {
            [name] => Some(name),
            _ => None,
        }
    }

    /// The rows that were passed over until now: their source or target was empty.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Reads the next line, without its break; whether there was one.
    fn read_line(&mut self) -> Result<bool, DataError> {
        self.bytes.clear();
        let read = self.reader.read_until(b'\n', &mut self.bytes);
        let read = read.map_err(|error| DataError::Unreadable {
            path: self.path.clone(),
            error,
        })?;
        for end in [b'\n', b'\r'] {
            if self.bytes.last() == Some(&end) {
                self.bytes.pop();
            }
        }
        self.line += 1;
        Ok(read > 0)
    }

    /// The next row that is none to pass over; `None` at the end.
    fn read_pair(&mut self) -> Result<Option<Pair>, DataError> {
        while self.read_line()? {
            if self.bytes.trim_ascii().is_empty() {
                if self.are_questions {
                    return Ok(Some(Pair::default()));
                }
                self.skipped += 1;
                continue;
            }
            let cells: Vec<&[u8]> = self.bytes.split(|byte| *byte == b'\t').collect();
            if cells.len() != self.head.len() {
                return Err(DataError::Ragged {
                    path: self.path.clone(),
                    line: self.line,
                    expected: self.head.len(),
                    found: cells.len(),
                });
            }
            let text = |place: usize| {
                let cell = std::str::from_utf8(cells[place]);
                cell.map(str::trim).map_err(|_| DataError::Cell {
                    path: self.path.clone(),
                    line: self.line,
                    column: self.head[place].clone(),
                    expected: "UTF-8 text".to_string(),
                    found: String::from_utf8_lossy(cells[place]).into_owned(),
                })
            };
            let source = text(self.source)?;
            let target = self.target.map_or(Ok(""), text)?;
            if !self.are_questions && (source.is_empty() || target.is_empty()) {
                self.skipped += 1;
                continue;
            }
            return Ok(Some(Pair {
                source: source.to_string(),
                target: target.to_string(),
            }));
        }
        Ok(None)
    }
}

impl<R: BufRead> Iterator for Pairs<R> {
    type Item = Result<Pair, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let pair = self.read_pair().transpose();
        self.is_over = !matches!(pair, Some(Ok(_)));
        pair
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = Result<(Vec<[String; 2]>, usize), String>;

    fn read(text: &[u8], columns: &PairColumns) -> Read {
        let told = |error: DataError| error.to_string();
        let mut pairs = Pairs::new(text, "words.tsv", columns).map_err(told)?;
        let rows = pairs.by_ref().map(|pair| {
            let pair = pair.map_err(told)?;
            Ok([pair.source, pair.target])
        });
        let rows = rows.collect::<Result<_, String>>()?;
        Ok((rows, pairs.skipped()))
    }

    fn owned(rows: &[[&str; 2]]) -> Vec<[String; 2]> {
        rows.iter().map(|row| row.map(str::to_string)).collect()
    }

    #[test]
    fn the_first_two_columns_are_source_and_target() {
        let text = "\u{FEFF}word\tsound\r\nh i\tHH AY\r\n \"o\" \tOW\nno\t\n\n\tOW\n\u{e4}\tEH";
        let (rows, skipped) = read(text.as_bytes(), &PairColumns::new()).unwrap();
        let expected = [["h i", "HH AY"], ["\"o\"", "OW"], ["\u{e4}", "EH"]];
        assert_eq!(rows, owned(&expected));
        assert_eq!(skipped, 3);
        assert_eq!(read(b"a\tb\n", &PairColumns::new()), Ok((Vec::new(), 0)));
    }

    #[test]
    fn columns_have_names() {
        let text = b"id\ten\tes\n1\tdog\tperro\n2\tcat\tgato\n";
        let of = |columns: PairColumns| read(text, &columns).map(|(rows, _)| rows);
        let columns = PairColumns::new();
        let named = columns.clone().with_source("es").with_target("en");
        let expected = owned(&[["perro", "dog"], ["gato", "cat"]]);
        assert_eq!(of(named), Ok(expected));
        let expected = owned(&[["dog", "1"], ["cat", "2"]]);
        assert_eq!(of(columns.clone().with_source("en")), Ok(expected));
        let expected = owned(&[["en", "1"]; 0]);
        assert_eq!(read(b"en\tid\n", &columns), Ok((expected, 0)));
        assert_eq!(
            of(columns.with_target("fr")),
            Err("words.tsv: expected a column `fr`, found `id`, `en`, `es`".to_string())
        );
        assert_eq!(
            read(b"alone\n", &PairColumns::new()),
            Err("words.tsv: expected a column of targets, found `alone`".to_string())
        );
    }

    #[test]
    fn a_question_needs_no_target() {
        let questions = PairColumns::new().with_unknown_targets();
        let of = |text: &str, columns: &PairColumns| read(text.as_bytes(), columns).unwrap();
        let rows = (owned(&[["dog", ""], ["", ""], ["cat", ""]]), 0);
        assert_eq!(of("en\ndog\n\ncat\n", &questions), rows);
        let rows = (owned(&[["dog", "perro"], ["cat", ""], ["", "gato"]]), 0);
        assert_eq!(of("en\tes\ndog\tperro\ncat\t\n\tgato\n", &questions), rows);
        let only = |text: &str| {
            let pairs = Pairs::new(text.as_bytes(), "words.csv", &questions).unwrap();
            pairs.only_column().map(str::to_string)
        };
        assert_eq!(only("so, what\ndog\n"), Some("so, what".to_string()));
        assert_eq!(only("en\tes\n"), None);
        // A target that was asked for by its name and is not there is not the column beside the source.
        let named = questions.clone().with_source("en").with_target("es");
        let rows = (owned(&[["dog", ""]]), 0);
        assert_eq!(of("id\ten\n1\tdog\n", &named), rows);
        let error = read(b"id\n1\n", &named).unwrap_err();
        assert_eq!(error, "words.tsv: expected a column `en`, found `id`");
    }

    #[test]
    fn errors_name_the_place() {
        let columns = PairColumns::new();
        let error = |text: &[u8]| read(text, &columns).unwrap_err();
        assert_eq!(
            error(b"a\tb\n1\t2\n\n1\t2\t3\n"),
            "words.tsv: line 4: expected 2 cells, found 3"
        );
        assert_eq!(
            error(b"a\tb\n1\tx\xFFy\n"),
            "words.tsv: line 2, column `b`: expected UTF-8 text, found `x\u{FFFD}y`"
        );
        assert_eq!(
            error(b""),
            "words.tsv: expected text, found none: an empty file"
        );
        let wide = b"s\0\t\0t\0\n\0".as_slice();
        let wide = Pairs::new(wide, "words.tsv", &columns).unwrap_err();
        assert!(
            wide.to_string().contains("what looks like UTF-16"),
            "{wide}"
        );
        let missing = Pairs::open("/nowhere/words.tsv", &columns).unwrap_err();
        let told = missing.to_string();
        assert!(told.starts_with("cannot read /nowhere/words.tsv"), "{told}");
        let text: &[u8] = b"a\tb\n1\n1\t2\n";
        let mut pairs = Pairs::new(text, "words.tsv", &columns).unwrap();
        assert!(pairs.next().unwrap().is_err());
        assert!(pairs.next().is_none(), "an error ends it");
    }
}

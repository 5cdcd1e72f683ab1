//! Vectors of words that were learned elsewhere, as word2vec, GloVe and fastText write them to text files.
//!
//! ```text
//! 400000 50                        word2vec and fastText: how many words, and how many numbers each
//! the 0.418 0.24968 -0.41242 ..    a word a line, and its numbers after it
//! ```
//!
//! A word may have spaces in it: the numbers are the last of a line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::DataError;
use crate::text::unreadable;

/// Numbers of a vector, at most: no line has more, whatever the first one says.
const MOST_NUMBERS: usize = 1 << 20;

/// Words and a vector for each.
#[derive(Debug, Clone, PartialEq)]
pub struct WordVectors {
    size: usize,
    words: Vec<String>,
    values: Vec<f32>,
}

impl WordVectors {
    /// Reads the first `at_most` of a file; the frequent words come first in most. What is no UTF-8 in a word is
    /// replaced.
    ///
    /// # Errors
    ///
    /// When it cannot be read, has no vector, or a line has not as many numbers as the first: the line, what was
    /// expected and found.
    pub fn read(path: &Path, at_most: usize) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|error| unreadable(path, error))?;
        let mut lines = BufReader::new(file);
        let mut vectors = Self {
            size: 0,
            words: Vec::new(),
            values: Vec::new(),
        };
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = lines.read_until(b'\n', &mut line);
            if read.map_err(|error| unreadable(path, error))? == 0 || vectors.len() == at_most {
                break;
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end();
            let text = match number {
                1 => text.strip_prefix('\u{FEFF}').unwrap_or(text),
                _ => text,
            };
            if text.is_empty() {
                continue;
            }
            if vectors.size == 0 {
                let fields: Vec<&str> = text.split([' ', '\t']).collect();
                let counts = fields.iter().map(|field| field.parse::<usize>());
                match counts.collect::<Result<Vec<_>, _>>().as_deref() {
                    // The first line of word2vec.
                    Ok([_, size]) if number == 1 => {
                        vectors.size = (*size).min(MOST_NUMBERS);
                        continue;
                    }
                    _ => vectors.size = fields.len() - 1,
                }
            }
            vectors.push(path, number, text)?;
        }
        match vectors.words.is_empty() || vectors.size == 0 {
            true => Err(DataError::Empty {
                path: path.to_path_buf(),
                reason: "no word with numbers after it".to_string(),
            }),
            false => Ok(vectors),
        }
    }

    /// Adds a line.
    fn push(&mut self, path: &Path, line: u64, text: &str) -> Result<(), DataError> {
        let mut fields: Vec<&str> = text.rsplitn(self.size + 1, [' ', '\t']).collect();
        let word = fields.pop().unwrap_or_default();
        if fields.len() != self.size {
            return Err(DataError::Ragged {
                path: path.to_path_buf(),
                line,
                expected: self.size + 1,
                found: fields.len() + 1,
            });
        }
        for (place, field) in fields.iter().rev().enumerate() {
            let value: Option<f32> = field.parse().ok();
            let value = value.filter(|value| value.is_finite());
            self.values.push(value.ok_or_else(|| DataError::Cell {
                path: path.to_path_buf(),
                line,
                column: (place + 2).to_string(),
                expected: "a finite number".to_string(),
                found: (*field).to_string(),
            })?);
        }
        self.words.push(word.to_string());
        Ok(())
    }

    /// The number of words.
    #[allow(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Numbers of a vector.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The words in their order, each with its vector; one may be there twice.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[f32])> {
        let words = self.words.iter().map(String::as_str);
        words.zip(self.values.chunks(self.size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str, at_most: usize) -> Result<WordVectors, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.txt");
        std::fs::write(&path, content).unwrap();
        let found = WordVectors::read(&path, at_most).map_err(|error| error.to_string());
        found.map_err(|error| error.replace(&format!("{}/", folder.path().display()), ""))
    }

    #[test]
    fn with_and_without_a_first_line() {
        let glove = read("the 1 -2.5\nold man 3e-1 4\n\n. 0 0\n", 9).unwrap();
        let word2vec = read("3 2\nthe 1 -2.5 \nold man 3e-1 4\n. 0 0\n", 9).unwrap();
        assert_eq!(glove, word2vec);
        assert_eq!((glove.len(), glove.size()), (3, 2));
        let all: Vec<(&str, &[f32])> = glove.iter().collect();
        assert_eq!(all[0], ("the", &[1.0, -2.5][..]));
        assert_eq!(all[1], ("old man", &[0.3, 4.0][..]));
        assert_eq!(read("the 1 2\ncat 3 4\n", 1).unwrap().len(), 1);
        // So many numbers are in no line.
        let error = read("5 18446744073709551615\nthe 1 2\n", 9).unwrap_err();
        assert!(
            error.contains("line 2: expected 1048577 cells, found 3"),
            "{error}"
        );
        // Two numbers are a first line; a number may be a word.
        assert_eq!(
            read("1 2\n3 4 5\n", 9).unwrap().iter().next().unwrap().0,
            "3"
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let error = read("the 1 2\ncat 3\n", 9).unwrap_err();
        assert_eq!(error, "vectors.txt: line 2: expected 3 cells, found 2");
        let error = read("the 1 2\n\ncat 3 x\n", 9).unwrap_err();
        let expected = "vectors.txt: line 3, column `3`: expected a finite number, found `x`";
        assert_eq!(error, expected);
        let error = read("the 1 NaN\n", 9).unwrap_err();
        assert!(error.contains("column `3`"), "{error}");
        for nothing in ["", "\n", "alone\n", "5 3\n", "5 0\n"] {
            let error = read(nothing, 9).unwrap_err();
            assert!(error.contains("no word with numbers"), "{error}");
        }
    }
}

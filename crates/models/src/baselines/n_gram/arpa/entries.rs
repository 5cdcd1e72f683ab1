//! The n-grams of an ARPA file, line by line.

use std::fmt::Display;

use backdraft_cells::Error;

use super::super::{NAME, NGramConfig};

/// A line of an ARPA file that is an n-gram.
pub(super) struct Entry<'a> {
    pub line: usize,
    pub words: Vec<&'a str>,
    /// `ln p`.
    pub log_p: f64,
    /// `ln b`, if there is one.
    pub log_weight: Option<f64>,
}

/// The n-grams of an ARPA file, in its order.
pub(super) struct Entries<'a> {
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
    /// The words of an n-gram of this section; none before the first.
    length: usize,
    ended: bool,
}

impl<'a> Entries<'a> {
    pub fn new(text: &'a str) -> Self {
        Self {
            lines: text.lines().enumerate(),
            length: 0,
            ended: false,
        }
    }

    /// An n-gram, or nothing where a line is none.
    fn entry(&mut self, line: usize, text: &'a str) -> Result<Option<Entry<'a>>, Error> {
        if let Some(heading) = text.strip_prefix('\\') {
            let length = heading.strip_suffix("-grams:");
            return match (heading, length.map(str::parse)) {
                ("data\\", _) if self.length == 0 => Ok(None),
                ("end\\", _) if self.length > 0 => {
                    self.ended = true;
                    Ok(None)
                }
                (_, Some(Ok(length))) if length == self.length + 1 => {
                    if length > NGramConfig::LONGEST {
                        let expected = format!("n-grams of 1 to {} words", NGramConfig::LONGEST);
                        return Err(at(line, expected, length));
                    }
                    self.length = length;
                    Ok(None)
                }
                _ => {
                    let next = self.length + 1;
                    let expected = match self.length {
                        0 => "\\data\\ or \\1-grams:".to_string(),
                        _ => format!("\\{next}-grams: or \\end\\"),
                    };
                    Err(at(line, expected, text))
                }
            };
        }
        if self.length == 0 || text.is_empty() {
            return Ok(None);
        }
        // As other programs do: of spaces that are no ASCII, a word may have some.
        let mut parts = text.split_ascii_whitespace();
        let number = |part: Option<&str>| part.and_then(|part| part.parse::<f64>().ok());
        let log_p = number(parts.next()).filter(|log_p| *log_p <= 0.0);
        let words: Vec<&str> = parts.by_ref().take(self.length).collect();
        let rest = parts.next();
        let weight = number(rest).filter(|weight| weight.is_finite());
        let fits = words.len() == self.length && weight.is_some() == rest.is_some();
        match log_p {
            Some(log_p) if fits && parts.next().is_none() => Ok(Some(Entry {
                line,
                words,
                log_p: log_p * std::f64::consts::LN_10,
                log_weight: weight.map(|weight| weight * std::f64::consts::LN_10),
            })),
            _ => {
                let words = match self.length {
                    1 => "a word".to_string(),
                    length => format!("{length} words"),
                };
                let expected =
                    format!("a logarithm, {words} and perhaps the logarithm of a weight");
                Err(at(line, expected, format!("{text:?}")))
            }
        }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let Some((index, text)) = self.lines.next() else {
                self.ended = true;
                return Some(Err(Error::new(
                    NAME,
                    "ARPA file",
                    "\\end\\ at its end",
                    "none",
                )));
            };
            match self.entry(index + 1, text.trim_ascii()) {
                Ok(None) => {}
                Ok(Some(entry)) => return Some(Ok(entry)),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// An error in this line.
pub(super) fn at(line: usize, expected: impl Display, found: impl Display) -> Error {
    Error::new(
        NAME,
        format!("line {line} of the ARPA file"),
        expected.to_string(),
        found.to_string(),
    )
}

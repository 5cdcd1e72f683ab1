//! N-grams from text.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use backdraft_cells::Error;

use super::super::contexts::Contexts;
use super::super::sorted::{BEGIN, code};
use super::super::{Discounting, NAME, NGram, NGramConfig, NGramState};
use super::BEGIN_NAME;

/// What an ARPA file tells of a context.
#[derive(Debug, Clone, Default)]
struct Told {
    /// `ln b(h)`, if there is one.
    weight: Option<f64>,
    /// The symbols that follow, and `ln p` of each.
    followers: BTreeMap<u32, f64>,
}

/// The contexts of one length, each by its symbols with the newest first.
type Level = BTreeMap<Vec<u32>, Told>;

impl NGram {
    /// The model of an ARPA file, in which `names[i]` is symbol `i`. N-grams with other words are passed over;
    /// those words have the probability that is missing from the sum of the others. [`Self::arpa_names`] tells
    /// which words a file has.
    ///
    /// It goes on as one that was counted does, but for [`Self::discounts`], which a file does not tell.
    ///
    /// # Errors
    ///
    /// With the number of the line, when it is none of an ARPA file; when a name has no 1-gram, or the file
    /// has n-grams of more than [`NGramConfig::LONGEST`] words or of no known word.
    pub fn from_arpa<S: AsRef<str>>(text: &str, names: &[S]) -> Result<Self, Error> {
        let mut codes: HashMap<&str, u32> = names
            .iter()
            .zip(0..)
            .map(|(name, symbol)| (name.as_ref(), code(symbol)))
            .collect();
        codes.insert(BEGIN_NAME, BEGIN);
        let mut levels: Vec<Level> = Vec::new();
        for entry in Entries::new(text) {
            let Entry {
                line,
                words,
                log_p,
                log_weight,
            } = entry?;
            if words.len() > levels.len() {
                levels.resize(words.len(), Level::new());
            }
            let known: Option<Vec<u32>> =
                words.iter().map(|word| codes.get(word).copied()).collect();
            let Some(mut gram) = known else {
                continue;
            };
            gram.reverse();
            if let Some(weight) = log_weight {
                // Of the longest n-grams, nothing follows.
                if levels.len() == words.len() {
                    levels.push(Level::new());
                }
                levels[words.len()].entry(gram.clone()).or_default().weight = Some(weight);
            }
            let (newest, context) = gram.split_first().expect("an n-gram has a word");
            if *newest == BEGIN {
                continue;
            }
            let context = levels[words.len() - 1].entry(context.to_vec()).or_default();
            if context.followers.insert(*newest, log_p).is_some() {
                let found = format!("{:?} again", words.join(" "));
                return Err(at(line, "each n-gram once", found));
            }
        }
        Self::from_told(levels, names)
    }

    /// The words of an ARPA file, in its order, without the one that begins sequences: names for
    /// [`Self::from_arpa`].
    ///
    /// # Errors
    ///
    /// When it is no ARPA file.
    pub fn arpa_names(text: &str) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        for entry in Entries::new(text) {
            let words = entry?.words;
            match words[..] {
                [BEGIN_NAME] => {}
                [word] => names.push(word.to_string()),
                _ => break,
            }
        }
        Ok(names)
    }

    fn from_told<S: AsRef<str>>(mut levels: Vec<Level>, names: &[S]) -> Result<Self, Error> {
        // A level of contexts that nothing follows tells nothing.
        while levels
            .last()
            .is_some_and(|level| level.values().all(|told| told.followers.is_empty()))
        {
            levels.pop();
        }
        let alone = levels.first().and_then(|level| level.get(&Vec::new()));
        let alone = alone.ok_or_else(|| {
            let expected = "an ARPA file with a word of the vocabulary";
            Error::new(NAME, "n-grams", expected, "none")
        })?;
        let absent =
            (0..names.len()).find(|&symbol| !alone.followers.contains_key(&code(symbol as u32)));
        if let Some(symbol) = absent {
            let (expected, found) = (
                "a 1-gram of each word of the vocabulary",
                names[symbol].as_ref(),
            );
            return Err(Error::new(
                NAME,
                "1-grams",
                expected,
                format!("none of {found:?}"),
            ));
        }
        // What ends a context is a context, too: else the longer one would not be found.
        for length in (1..levels.len()).rev() {
            let shorter: Vec<Vec<u32>> = levels[length]
                .keys()
                .map(|context| context[..length - 1].to_vec())
                .collect();
            for context in shorter {
                levels[length - 1].entry(context).or_default();
            }
        }
        let begin = levels
            .get(1)
            .is_some_and(|level| level.contains_key(&vec![BEGIN]));
        let mut model = Self {
            config: NGramConfig {
                vocabulary_size: names.len(),
                order: levels.len(),
                discounting: Discounting::default(),
                begin,
            },
            levels: Vec::new(),
        };
        for (length, level) in levels.iter().enumerate() {
            let mut contexts = Contexts::default();
            let mut longer = levels
                .get(length + 1)
                .into_iter()
                .flat_map(Level::keys)
                .peekable();
            let mut branches = 0;
            for (context, told) in level {
                let first = branches;
                while longer
                    .next_if(|longer| longer[..length] == context[..])
                    .is_some()
                {
                    branches += 1;
                }
                // The file tells p of every symbol that stands alone.
                let weight = match length {
                    0 => 0.0,
                    _ => told.weight.map_or(1.0, f64::exp),
                };
                let state = NGramState {
                    codes: context.iter().rev().copied().collect(),
                };
                let shares = told.followers.iter().map(|(&code, log_p)| {
                    let shorter = match length {
                        0 => 0.0,
                        _ => model.p(&state, code),
                    };
                    (code, log_p.exp() - weight * shorter)
                });
                let oldest = context.last().copied().unwrap_or(BEGIN);
                contexts.tell(oldest, first, weight, shares);
            }
            contexts.end(branches);
            model.levels.push(contexts);
        }
        Ok(model)
    }
}

/// A line of an ARPA file that is an n-gram.
struct Entry<'a> {
    line: usize,
    words: Vec<&'a str>,
    log_p: f64,
    log_weight: Option<f64>,
}

/// The n-grams of an ARPA file, in its order.
struct Entries<'a> {
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
    /// The words of an n-gram of this section; none before the first.
    length: usize,
    ended: bool,
}

impl<'a> Entries<'a> {
    fn new(text: &'a str) -> Self {
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
        let mut parts = text.split_whitespace();
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
                let words = self.length;
                let expected =
                    format!("a logarithm, {words} words and perhaps the logarithm of a weight");
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
            match self.entry(index + 1, text.trim()) {
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

fn at(line: usize, expected: impl Display, found: impl Display) -> Error {
    Error::new(
        NAME,
        format!("line {line} of the ARPA file"),
        expected.to_string(),
        found.to_string(),
    )
}

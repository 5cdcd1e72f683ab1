//! N-grams of a text as a file of their own: counted, written as ARPA, read again, measured.
//!
//! Each line of a text is a sequence: it begins anew, and its end is a symbol. So it is in KenLM and SRILM, too.

mod evaluation;
pub(crate) mod names;

use std::borrow::Cow;
use std::path::Path;

use backdraft_data::{Units, read_text};
use backdraft_models::baselines::{NGram, NGramConfig};

pub use evaluation::{NGramEvaluation, evaluate_n_grams};

use crate::bounds::{counts, require};
use crate::run::files::write_whole;
use crate::say::say;
use crate::{Lexicon, TextUnit, TrainError};

/// A model of the next symbol by those before it in its line, as an ARPA file has it.
#[derive(Debug, Clone)]
pub struct NGramFile {
    pub(crate) units: Units,
    pub(crate) model: NGram,
}

impl NGramFile {
    /// What the name of such a file ends with.
    pub const EXTENSION: &str = "arpa";

    /// Whether a path is called as such a file is, and is no folder.
    pub fn is_named(path: &Path) -> bool {
        let extension = path.extension();
        let is_called = extension.is_some_and(|found| found.eq_ignore_ascii_case(Self::EXTENSION));
        is_called && !path.is_dir()
    }

    /// Counts the n-grams of a text, of `order` symbols at most; see [`NGramConfig`] for how they are smoothed.
    ///
    /// # Errors
    ///
    /// When the symbols are not characters, bytes or words, the order is impossible, or the text is empty.
    pub fn count(text: &str, lexicon: &Lexicon, order: usize) -> Result<Self, TrainError> {
        lexicon.check()?;
        counts([("order", order)])?;
        let longest = NGramConfig::LONGEST;
        let expected = format!("at most {longest}");
        require("order", &expected, order, order <= longest)?;
        let is_whole = !matches!(lexicon.unit, TextUnit::File(_));
        let expected = "char, byte or word, as an ARPA file does not hold a tokenizer";
        require("unit", expected, &lexicon.unit, is_whole)?;
        lexicon.check_full("n-grams have no softmax")?;
        let text = whole_lines(text);
        let units = with_line_end(lexicon.units(&text)?);
        names::check(&units)?;
        // That of the end of a line, which is known.
        let end = units.first();
        let config = NGramConfig::new(units.len(), order).with_end(end);
        let model = config.fit(&[units.encode(&text)?])?;
        Ok(Self { units, model })
    }

    /// Reads an ARPA file.
    ///
    /// * `unit`: what its words stand for. If it is not given, they are bytes or characters where all are names of
    ///   such, and else words. Words are those of [`words`](backdraft_data::words) if all are such, and else what
    ///   stands between white space.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is something else, or has words that stand for no such unit.
    pub fn read(path: &Path, unit: Option<&TextUnit>) -> Result<Self, TrainError> {
        let text = read_text(path)?;
        let damaged = |error: backdraft_cells::Error| TrainError::Damaged {
            path: path.to_path_buf(),
            reason: error.to_string(),
        };
        let found = NGram::arpa_names(&text).map_err(damaged)?;
        let (units, names) =
            names::units(&found, unit).map_err(|expected| TrainError::Invalid {
                setting: "unit",
                expected: expected.to_string(),
                found: format!("others in {}", path.display()),
            })?;
        if unit.is_none() && names::are_doubtful(&units, &found) {
            say(format_args!(
                "note: {}: each of its words is a character, so that they are read as characters; --unit word reads \
                 them as words",
                path.display()
            ));
        }
        let model = NGram::from_arpa(&text, &names).map_err(damaged)?;
        Ok(Self { units, model })
    }

    /// Writes an ARPA file, whole or not at all.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or the text has the word `<s>`, which has another meaning there.
    pub fn write(&self, path: &Path) -> Result<(), TrainError> {
        let file = self.model.to_arpa(&names::of(&self.units))?;
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        write_whole(&path, file.as_bytes())
    }

    /// What its symbols are: `char`, `byte` or `word`.
    pub fn unit(&self) -> &'static str {
        match &self.units {
            Units::Characters(_) => "char",
            Units::Bytes => "byte",
            Units::Words(_) | Units::Tokens(_) | Units::Pieces(_) => "word",
        }
    }

    /// The number of symbols.
    pub fn vocabulary_size(&self) -> usize {
        self.units.len()
    }

    /// The number of distinct n-grams of 1, 2 .. n symbols.
    pub fn grams(&self) -> Vec<usize> {
        self.model.grams()
    }
}

/// A text whose last line has an end, too.
fn whole_lines(text: &str) -> Cow<'_, str> {
    match text.ends_with(Units::END_OF_LINE) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.to_string() + Units::END_OF_LINE),
    }
}

/// Units that know the end of a line, however rare it is.
fn with_line_end(units: Units) -> Units {
    match units {
        Units::Words(words) => Units::Words(words.with_more([Units::END_OF_LINE.to_string()])),
        others => others,
    }
}

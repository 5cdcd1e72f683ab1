//! Writing with the model of a run, or with n-grams.

mod model;

use std::path::Path;

use backdraft_data::{Spelling, Units};
use backdraft_models::{BeamSearch, Sampling};

use super::Language;
use crate::road::Opened;
use crate::{NGramFile, PickedDevice, TrainError};
use model::Model;

/// A model that writes: an iterator over what each of its symbols adds to the text.
///
/// A symbol that is a piece of a character adds nothing until the last of them is there.
pub struct Writer<'a> {
    units: &'a Units,
    spelling: Spelling,
    symbols: Box<dyn Iterator<Item = u32> + 'a>,
}

impl Iterator for Writer<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let symbol = self.symbols.next()?;
        Some(self.spelling.write(self.units, symbol))
    }
}

/// The model of a run, or n-grams, to write on after a prompt.
///
/// What the model does not know is drawn again, or kept if asked: then it is written as `<UNK>`, or as
/// U+FFFD among characters.
pub struct Prompted {
    units: Units,
    model: Model,
    /// What is read before anything is written: to the model of a run a line break, if there is no prompt.
    prompt: Vec<u32>,
    /// After the prompt: with a space, if it ends with a word.
    spelling: Spelling,
    excluded: Vec<u32>,
    /// Symbols of the prompt that the model does not know.
    pub unknown: usize,
}

impl Prompted {
    /// Opens a run to write on after `prompt`.
    ///
    /// # Errors
    ///
    /// When the run cannot be used.
    pub fn open(
        path: &Path,
        prompt: &str,
        keep_unknown: bool,
        device: &PickedDevice,
    ) -> Result<Self, TrainError> {
        let Opened {
            task: Language { units, .. },
            model,
            ..
        } = Opened::open(path, &device.device)?;
        let first = units.first();
        let model = Model::Recurrent(Box::new(model));
        let mut opened = Self::new(units, model, prompt, keep_unknown)?;
        if opened.prompt.is_empty() {
            opened.prompt.push(first);
        }
        Ok(opened)
    }

    /// Writes on after `prompt` with n-grams: from the beginning of a line, if that is empty.
    ///
    /// # Errors
    ///
    /// When a symbol of the prompt is impossible.
    pub fn from_n_grams(
        file: NGramFile,
        prompt: &str,
        keep_unknown: bool,
    ) -> Result<Self, TrainError> {
        let NGramFile { units, model } = file;
        Self::new(units, Model::NGram(model), prompt, keep_unknown)
    }

    fn new(
        units: Units,
        model: Model,
        prompt: &str,
        keep_unknown: bool,
    ) -> Result<Self, TrainError> {
        let prompt = units.encode(prompt)?;
        let mut spelling = Spelling::new();
        for symbol in &prompt {
            spelling.write(&units, *symbol);
        }
        let unknown = units.unknown();
        let count = prompt.iter().filter(|symbol| Some(**symbol) == unknown);
        Ok(Self {
            unknown: count.count(),
            excluded: unknown.filter(|_| !keep_unknown).into_iter().collect(),
            units,
            model,
            prompt,
            spelling,
        })
    }

    /// What is drawn, symbol by symbol.
    ///
    /// # Errors
    ///
    /// When a setting of `sampling` is impossible.
    pub fn writer(&self, sampling: Sampling, seed: u64) -> Result<Writer<'_>, TrainError> {
        let sampling = sampling.with_excluded(self.excluded.clone());
        Ok(Writer {
            units: &self.units,
            spelling: self.spelling.clone(),
            symbols: self.model.symbols(&self.prompt, sampling, seed)?,
        })
    }

    /// Several texts of at most `length` symbols, drawn side by side; of each what comes after the
    /// prompt, cut off after `until`. The first is what a [`writer`](Self::writer) of the same seed
    /// writes.
    ///
    /// # Errors
    ///
    /// When a setting of `sampling` is impossible, or no symbol has a probability.
    pub fn texts(
        &self,
        texts: usize,
        length: usize,
        until: Option<&str>,
        sampling: Sampling,
        seed: u64,
    ) -> Result<Vec<String>, TrainError> {
        let sampling = sampling.with_excluded(self.excluded.clone());
        let mut symbols = self
            .model
            .side_by_side(texts, &self.prompt, sampling, seed)?;
        let mut written = vec![(self.spelling.clone(), String::new(), false); texts];
        for _ in 0..length {
            let drawn = symbols.next().ok_or(TrainError::NoSymbol)?;
            for (symbol, (spelling, text, has_ended)) in drawn.into_iter().zip(&mut written) {
                if *has_ended {
                    continue;
                }
                // The end may have begun in what was there before.
                let known = until.map_or(0, |end| text.len().saturating_sub(end.len()));
                text.push_str(&spelling.write(&self.units, symbol));
                let from = text.floor_char_boundary(known);
                let end = until.and_then(|end| text[from..].find(end).map(|at| at + end.len()));
                if let Some(end) = end {
                    text.truncate(from + end);
                    *has_ended = true;
                }
            }
            if written.iter().all(|(_, _, has_ended)| *has_ended) {
                break;
            }
        }
        let whole = |(mut spelling, text, has_ended): (Spelling, String, bool)| match has_ended {
            true => text,
            false => text + &spelling.finish(&self.units),
        };
        Ok(written.into_iter().map(whole).collect())
    }

    /// The likeliest text after the prompt, that ends with `until` if that is given: it must be one
    /// symbol.
    ///
    /// # Errors
    ///
    /// When `until` is not one symbol, or a setting of the search is impossible.
    pub fn likeliest(&self, search: BeamSearch, until: Option<&str>) -> Result<String, TrainError> {
        let end = until.map(|text| self.ending(text)).transpose()?;
        let search = search.with_excluded(self.excluded.clone());
        let found = self.model.beam(&self.prompt, end, &search)?;
        let best = found.into_iter().next().ok_or(TrainError::NoSymbol)?;
        let mut spelling = self.spelling.clone();
        let symbols = best.symbols.into_iter().chain(end);
        let text: String = symbols
            .map(|symbol| spelling.write(&self.units, symbol))
            .collect();
        Ok(text + &spelling.finish(&self.units))
    }

    fn ending(&self, text: &str) -> Result<u32, TrainError> {
        let symbols = self.units.encode(text)?;
        match symbols[..] {
            [symbol] if Some(symbol) != self.units.unknown() => Ok(symbol),
            _ => Err(TrainError::Invalid {
                setting: "until",
                expected: "one symbol that the model knows, as --beam is given".to_string(),
                found: format!("{text:?}"),
            }),
        }
    }
}

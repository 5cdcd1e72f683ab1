//! Writing with the model of a run.

use std::path::Path;

use backdraft_cells::{Cell, Error, SequenceConfig};
use backdraft_data::Vocabulary;
use backdraft_models::{Generator, Sampling};

use super::cells::with_cell;
use super::load;
use crate::{PickedDevice, Run, Settings, TrainError};

/// A model that writes characters.
pub struct Writer {
    vocabulary: Vocabulary,
    symbols: Box<dyn Symbols>,
    /// Characters of the prompt that the model does not know.
    pub unknown: usize,
}

/// A generator, whatever its cell.
trait Symbols: Iterator<Item = u32> {
    fn read(&mut self, symbols: &[u32]) -> Result<(), Error>;
}

impl<C: Cell> Symbols for Generator<C> {
    fn read(&mut self, symbols: &[u32]) -> Result<(), Error> {
        Generator::read(self, symbols)
    }
}

impl Iterator for Writer {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let symbol = self.symbols.next()?;
        Some(self.vocabulary.character(symbol))
    }
}

/// What stands before a text: a line break, or else the first known character.
pub(super) fn first_symbol(vocabulary: &Vocabulary) -> u32 {
    match vocabulary.encode("\n")[0] {
        Vocabulary::UNKNOWN => 1.min(vocabulary.len() as u32 - 1),
        line_break => line_break,
    }
}

/// Opens a run to write on after `prompt`; after a line break when it is empty.
///
/// # Errors
///
/// When the run cannot be used or a setting of `sampling` is impossible.
pub fn open_writer(
    path: &Path,
    prompt: &str,
    sampling: Sampling,
    seed: u64,
    device: &PickedDevice,
) -> Result<Writer, TrainError> {
    sampling.check()?;
    let (run, description) = Run::open(path)?;
    let vocabulary = run.vocabulary()?;
    let settings = &description.settings;
    let sampling = sampling.with_excluded(vec![Vocabulary::UNKNOWN]);
    let mut symbols = with_cell!(settings, |cell| {
        generator(&run, settings, &vocabulary, cell, sampling, seed, device)
    })?;
    let prompt = vocabulary.encode(prompt);
    match prompt.is_empty() {
        true => symbols.read(&[first_symbol(&vocabulary)])?,
        false => symbols.read(&prompt)?,
    }
    let unknown = prompt
        .iter()
        .filter(|symbol| **symbol == Vocabulary::UNKNOWN)
        .count();
    Ok(Writer {
        vocabulary,
        symbols,
        unknown,
    })
}

fn generator<K: SequenceConfig<Built: Cell>>(
    run: &Run,
    settings: &Settings,
    vocabulary: &Vocabulary,
    cell: K,
    sampling: Sampling,
    seed: u64,
    device: &PickedDevice,
) -> Result<Box<dyn Symbols>, TrainError> {
    let model = load(run, settings, vocabulary, cell, &device.device)?;
    Ok(Box::new(model.generator(sampling, seed)?))
}

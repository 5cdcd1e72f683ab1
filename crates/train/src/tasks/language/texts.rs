//! A text, cut into what is learned and what is held out, and both into windows.

use backdraft_data::{DataError, Streams, Units, split_held_out};
use burn::tensor::Device;

use super::{Text, evaluated};
use crate::fit::memory::{self, Needed};
use crate::{LanguageSettings, StreamLoader, TextUnit, TrainError};

/// What is learned of a text, and what it is tested with.
pub(super) struct Texts<'a> {
    pub(super) source: &'a str,
    pub(super) skipped_files: usize,
    pub(super) characters: usize,
    /// Bits that a character of what is held out costs, for each nat that a symbol does.
    pub(super) bits_a_nat: f64,
    pub(super) units: Units,
    pub(super) windows: StreamLoader,
    pub(super) valid: StreamLoader,
}

impl<'a> Texts<'a> {
    /// What is learned of a text and what is held out, the latter also as it is; on a device. What
    /// the symbols are is told by the text, if not by `units`. What does not fit into the memory that is
    /// free is refused before its symbols are made.
    pub(super) fn of(
        text: &'a Text,
        settings: &LanguageSettings,
        units: Option<Units>,
        device: &Device,
    ) -> Result<(Self, &'a str), TrainError> {
        let (learn, held_out) = split_held_out(&text.content, settings.training.valid_fraction)?;
        let units = match units {
            Some(units) => units,
            None => settings.lexicon.units(learn)?,
        };
        settings.lexicon.check_bounds(units.len())?;
        // A character is a symbol; how many another unit makes of the text is seen when it is cut.
        let symbols = match settings.lexicon.unit {
            TextUnit::Char => learn.chars().count(),
            TextUnit::Word | TextUnit::File(_) => 0,
        };
        Needed::new(
            &settings.training,
            settings.num_params(units.len())?,
            device,
        )
        .with_window(settings.window_bytes(units.len()), device)
        .with_symbols(symbols)
        .check(memory::free())?;
        let (symbols, documents) = units.encode_documents(learn, settings.windows.separator())?;
        let streams = Streams::new(&symbols, settings.training.batch, settings.unroll)
            .map_err(|error| left(error, settings.training.valid_fraction))?
            .with_documents(documents);
        let asked = &settings.windows;
        let windows = StreamLoader::new(streams, settings.cut()?, device.clone())
            .with_carrying(asked.carry)
            .with_accumulation(asked.accumulate)
            .with_recomputation(asked.recompute);
        let valid = evaluated(held_out, &units, settings, settings.training.batch, device);
        let valid = valid.map_err(|error| match error {
            TrainError::Data(error) => TrainError::HeldOut(error),
            error => error,
        })?;
        let texts = Self {
            source: &text.source,
            skipped_files: text.skipped.len(),
            characters: learn.chars().count(),
            bits_a_nat: valid.bits_a_nat,
            units,
            windows,
            valid: valid.windows,
        };
        Ok((texts, held_out))
    }
}

/// Too short a text, of which most is held out.
fn left(error: DataError, valid_fraction: f64) -> TrainError {
    match error {
        DataError::TooShort { needed, found, .. } if valid_fraction > 0.5 => TrainError::Invalid {
            setting: "valid_fraction",
            expected: format!("a part that leaves at least {needed} symbols to learn from"),
            found: format!("{valid_fraction}, which leaves {found}"),
        },
        error => error.into(),
    }
}

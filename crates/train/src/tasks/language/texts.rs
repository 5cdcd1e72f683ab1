//! A text, cut into what is learned and what is held out, and both into windows.

use std::borrow::Cow;

use backdraft_data::{DataError, Streams, Units, split_held_out};
use burn::tensor::Device;

use super::{Evaluated, Text, evaluated};
use crate::{LanguageSettings, StreamLoader, TrainError};

/// What is learned of a text, and what it is tested with.
pub struct Texts<'a> {
    pub(super) text: &'a Text,
    pub(super) learned: &'a str,
    /// The end of it, or a text of its own.
    pub(super) held_out: Cow<'a, str>,
}

/// How much of a text there is.
pub struct Amounts {
    /// What a symbol is.
    pub(super) unit: String,
    /// Symbols that are known.
    pub(super) vocabulary: usize,
    /// Bits that a character of what is held out costs, for each nat that a symbol does.
    pub(super) bits_a_nat: f64,
    /// Files of a folder that are not in it.
    pub(super) skipped_files: usize,
    /// What is learned from.
    pub(super) windows: StreamLoader,
}

impl<'a> Texts<'a> {
    /// A text, with what the settings hold out.
    pub(super) fn of(text: &'a Text, settings: &LanguageSettings) -> Result<Self, TrainError> {
        let (learned, held_out) = match held_out_text(settings)? {
            Some(held_out) => (&text.content[..], Cow::Owned(held_out)),
            None => {
                let part = settings.training.valid_fraction;
                let (learned, held_out) = split_held_out(&text.content, part)?;
                (learned, Cow::Borrowed(held_out))
            }
        };
        Ok(Self {
            text,
            learned,
            held_out,
        })
    }

    /// What is learned from, on a device.
    pub(super) fn windows(
        &self,
        units: &Units,
        settings: &LanguageSettings,
        device: &Device,
    ) -> Result<StreamLoader, TrainError> {
        let asked = &settings.windows;
        let (symbols, documents) = units.encode_documents(self.learned, asked.separator())?;
        let streams = Streams::new(&symbols, settings.training.batch, settings.unroll)
            .map_err(|error| left(error, settings.training.valid_fraction))?
            .with_documents(documents);
        Ok(StreamLoader::new(streams, settings.cut()?, device.clone())
            .with_carrying(asked.carry)
            .with_accumulation(asked.accumulate)
            .with_recomputation(asked.recompute))
    }

    /// What it is tested with, on a device.
    pub(super) fn held_out(
        &self,
        units: &Units,
        settings: &LanguageSettings,
        device: &Device,
    ) -> Result<Evaluated, TrainError> {
        let rows = settings.training.batch;
        let read = evaluated(&self.held_out, units, settings, rows, device);
        read.map_err(|error| match error {
            TrainError::Data(error) => TrainError::HeldOut(error),
            error => error,
        })
    }
}

/// The text of `--valid`, if there is one.
pub(crate) fn held_out_text(settings: &LanguageSettings) -> Result<Option<String>, TrainError> {
    let read = |path| Text::open(Some(path), settings);
    let text = settings.valid.as_deref().map(read).transpose()?;
    Ok(text.map(|text| text.content))
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

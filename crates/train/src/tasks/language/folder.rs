//! What the run of a language model has in its folder beside what every run has.

use std::path::PathBuf;

use backdraft_data::Units;

use crate::{LanguageSettings, Run, RunDescription, TrainError};

/// The symbols of a language model.
pub(super) const VOCABULARY: &str = "vocabulary.json";
/// The part of a text that was not learned.
pub(super) const HELD_OUT: &str = "held-out.txt";

impl Run {
    /// Opens the folder of a run of a language model.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn open(
        path: impl Into<PathBuf>,
    ) -> Result<(Self, RunDescription<LanguageSettings>), TrainError> {
        Self::open_as(path)
    }

    /// What the symbols of the model are.
    ///
    /// # Errors
    ///
    /// When the file is missing or damaged.
    pub fn units(&self) -> Result<Units, TrainError> {
        let (path, text) = self.text(VOCABULARY)?;
        Units::from_json(&text).map_err(|reason| TrainError::Damaged { path, reason })
    }

    /// The part of the text that was not learned.
    ///
    /// # Errors
    ///
    /// When the file is missing or damaged.
    pub fn held_out(&self) -> Result<String, TrainError> {
        Ok(self.text(HELD_OUT)?.1)
    }
}

//! What the user asks of a language model's training: as typed, and checked.

mod cell;
pub(crate) mod check;
mod lexicon;
pub(crate) mod names;
mod recurrence;
mod regularize;
mod saving;
mod training;
mod windows;

use backdraft_data::{Cut, DataError};
use backdraft_models::{LanguageModelConfig, Penalties};
use serde::{Deserialize, Serialize};

use crate::AnyLayerConfig;
pub use cell::CellKind;
pub use lexicon::{Lexicon, TextUnit};
pub use recurrence::Recurrence;
pub use regularize::{NormedWeights, Regularize};
pub use saving::Saving;
pub use training::{OptimizerKind, Training};
pub use windows::{Carrying, Windows};

/// How a language model is built and trained. The defaults are those of `backdraft train lm`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What the symbols are.
    #[serde(flatten)]
    pub lexicon: Lexicon,
    /// The recurrent layers.
    #[serde(flatten)]
    pub recurrence: Recurrence,
    /// Whether output and embedding share their weights.
    pub tied: bool,
    /// What is learned beside the cross-entropy.
    pub penalties: Penalties,
    /// Which files are read of a folder, as patterns: `*.rs`; all if there is none.
    pub include: Vec<String>,
    /// Steps of a window: how far the gradient goes back.
    pub unroll: usize,
    /// How the text is cut into windows.
    pub windows: Windows,
    /// How it is trained.
    #[serde(flatten)]
    pub training: Training,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lexicon: Lexicon::default(),
            recurrence: Recurrence::default(),
            tied: false,
            penalties: Penalties::default(),
            include: Vec::new(),
            unroll: 64,
            windows: Windows::default(),
            training: Training::default(),
        }
    }
}

impl Settings {
    /// The model of these settings, for a vocabulary of this size.
    pub fn model(&self, vocabulary_size: usize) -> LanguageModelConfig<AnyLayerConfig> {
        let layer = AnyLayerConfig::new(self.recurrence.embedding, &self.recurrence);
        LanguageModelConfig::new(vocabulary_size, layer)
            .with_dropout(self.recurrence.dropout)
            .with_tied(self.tied)
            .with_bounds(self.lexicon.adaptive.clone())
            .with_penalties(self.penalties)
    }

    /// How streams are cut into windows.
    ///
    /// # Errors
    ///
    /// When the lengths are impossible.
    pub fn cut(&self) -> Result<Cut, DataError> {
        self.windows.cut(self.unroll, self.training.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_go_through_json() {
        let settings = Settings {
            training: Training {
                epochs: Some(3),
                ..Training::default()
            },
            ..Settings::default()
        };
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
    }
}

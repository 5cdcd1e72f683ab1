//! What a language model drops beside what its layers do, as it is asked for.

use backdraft_models::{EncoderConfig, LanguageModelConfig};
use serde::{Deserialize, Serialize};

use super::LanguageSettings;
use crate::TrainError;
use crate::bounds::{exclude, parts};

/// The probabilities of dropout beside `dropout`, which is that between the layers.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropping {
    /// Of a whole symbol of the embedding, for a window (Gal 2016).
    pub embedding: f64,
    /// Of a feature after the embedding; `dropout` if not given.
    pub input: Option<f64>,
    /// Of a feature before the output; `dropout` if not given.
    pub output: Option<f64>,
    /// Whether these and `dropout` draw one mask for all steps of a window (Gal 2016).
    pub variational: bool,
}

impl Dropping {
    /// With a value for each key that there is.
    pub(super) fn full() -> Self {
        Self {
            input: Some(0.0),
            output: Some(0.0),
            ..Self::default()
        }
    }

    /// A model that drops so, beside `dropout` between its layers.
    pub(super) fn put(
        &self,
        dropout: f64,
        model: LanguageModelConfig<EncoderConfig>,
    ) -> LanguageModelConfig<EncoderConfig> {
        let drops = self.around(dropout).iter().any(|own| *own > 0.0);
        let mut model = model
            .with_dropout(dropout)
            .with_input_dropout(self.input)
            .with_output_dropout(self.output)
            .with_embedding_dropout(self.embedding)
            .with_variational(self.variational && drops);
        let between = &mut model.layer.stack;
        between.variational = self.variational && between.dropout > 0.0;
        model
    }

    /// The probabilities after the embedding and before the output, beside `dropout`.
    fn around(&self, dropout: f64) -> [f64; 2] {
        [self.input, self.output].map(|own| own.unwrap_or(dropout))
    }

    /// Refuses what makes no sense.
    pub(super) fn check(&self, asked: &LanguageSettings) -> Result<(), TrainError> {
        let dropout = asked.recurrence.dropout;
        let [input, output] = self.around(dropout);
        parts([
            ("dropping.embedding", self.embedding),
            ("dropping.input", input),
            ("dropping.output", output),
        ])?;
        let drops = [dropout, input, output].iter().any(|own| *own > 0.0);
        if self.variational && !drops {
            return Err(TrainError::Idle {
                setting: "dropping.variational",
                with: "--dropout, --input-dropout or --output-dropout",
            });
        }
        // What is drawn for a whole window would be drawn again where it is computed again.
        match asked.windows.recompute {
            true if self.variational => exclude("windows.recompute", "dropping.variational"),
            true if self.embedding > 0.0 => exclude("windows.recompute", "dropping.embedding"),
            _ => Ok(()),
        }
    }
}

//! What a language model shows as it learns: bits per character, what it writes, its spectra, and how far back its
//! gradients reach.

use backdraft_data::{StreamWindow, Units};
use backdraft_models::{Encoder, LanguageModel, Sampling};

use super::Language;
use crate::fit::training::{Figure, LossInUnit, Shows, Terms};
use crate::insight::gradient_through_time::{GradientSnapshot, of_text};
use crate::insight::spectrum::SpectrumSnapshot;
use crate::{Task, TrainError};

/// Characters a sample, about.
const LENGTH: usize = 300;

/// The loss as it is known, in `metrics.jsonl`.
const FIGURE: &str = "bits_per_character";

/// What a language model calls things.
pub(crate) const TERMS: Terms = Terms {
    loss: Some(LossInUnit {
        figure: FIGURE,
        name: "Bits per character",
        unit: "bits",
    }),
    rate: "Symbols a second",
};

/// Writes in the symbols of a text.
pub struct LanguageShows {
    pub(super) units: Units,
    /// Bits that a character costs, for each nat that a symbol does.
    pub(super) bits_a_nat: f64,
    pub(super) seed: u64,
    /// What is read to see how far back gradients reach, if there is enough text.
    pub(super) looked_back: Option<StreamWindow>,
}

impl Shows<LanguageModel<Encoder>> for LanguageShows {
    fn terms(&self) -> Terms {
        TERMS
    }

    fn a_loss(&self) -> f64 {
        self.bits_a_nat
    }

    fn of_loss(&self, loss: f64) -> Vec<Figure> {
        vec![(FIGURE, loss * self.bits_a_nat), ("perplexity", loss.exp())]
    }

    fn sample(&mut self, model: &LanguageModel<Encoder>) -> Result<Option<String>, TrainError> {
        let sampling = Sampling::new()
            .with_temperature(0.7)
            .with_excluded(Vec::from_iter(self.units.unknown()));
        let mut writer = model.generator(sampling, self.seed)?;
        writer.read(&[self.units.first()])?;
        let symbols_a_character = self.bits_a_nat * std::f64::consts::LN_2;
        let length = (LENGTH as f64 * symbols_a_character).ceil() as usize;
        let symbols: Vec<u32> = writer.take(length).collect();
        Ok(Some(self.units.decode(&symbols)))
    }

    fn spectra(&self, steps: usize, model: &LanguageModel<Encoder>, large: bool) -> Option<String> {
        Some(SpectrumSnapshot::line(
            steps,
            &Language::recurrent(model),
            large,
        ))
    }

    fn gradients(
        &self,
        steps: usize,
        model: &LanguageModel<Encoder>,
    ) -> Result<Option<String>, TrainError> {
        let Some(window) = &self.looked_back else {
            return Ok(None);
        };
        let gradients = of_text(model, window)?;
        Ok(Some(GradientSnapshot::line(steps, gradients)))
    }
}

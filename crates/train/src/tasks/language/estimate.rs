//! What a training would be, before it is begun.

use std::fmt;

use backdraft_cells::Layer;
use burn::module::Module;
use serde::Serialize;

use super::Text;
use super::pretrained::Pretrained;
use super::texts::Texts;
use super::training::new_model;
use crate::fit::training::{paths, seconds_a_step, weight_bytes};
use crate::{LanguageSettings, PickedDevice, TrainError};

/// What `backdraft train .. --dry-run` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Estimate {
    /// The recurrent layers.
    pub model: String,
    /// Which way they go, and why.
    pub path: String,
    /// Numbers that are learned.
    pub parameters: usize,
    /// Symbols of the vocabulary, the unknown one included.
    pub vocabulary: usize,
    /// Bytes of the weights, their gradients and what the optimiser remembers.
    pub weight_bytes: usize,
    /// Bytes, about, that a window keeps for its backward pass.
    pub window_bytes: usize,
    /// Steps of the whole training.
    pub steps: usize,
    /// Symbols that it would learn from.
    pub symbols: usize,
    /// Seconds, about, that it would take without evaluation: some steps were tried.
    pub seconds: f64,
    /// What it was tried on.
    pub device: String,
    /// The text.
    pub data: String,
}

/// Tries some steps of a training, of new weights or of those of another run, and leaves nothing behind.
///
/// # Errors
///
/// As [`train_language_model`](crate::train_language_model).
pub fn estimate_language_model(
    pretrained: Option<&Pretrained>,
    settings: &LanguageSettings,
    text: &Text,
    device: &PickedDevice,
) -> Result<Estimate, TrainError> {
    settings.check()?;
    pretrained.map_or(Ok(()), |pretrained| pretrained.check(settings, text))?;
    let units = pretrained.map(|pretrained| pretrained.units().clone());
    let (texts, _) = Texts::of(text, settings, units, &device.device)?;
    let model = match pretrained {
        Some(pretrained) => pretrained.model(settings)?,
        None => new_model(settings, &texts.units)?,
    };
    let (parameters, vocabulary) = (model.num_params(), texts.units.len());
    let (_, steps) = settings.training.extent(texts.windows.len());
    settings.training.check_extent(texts.windows.len())?;
    Ok(Estimate {
        model: model.recurrent.describe(),
        path: paths(&model.recurrent, &device.device),
        seconds: steps as f64
            * seconds_a_step(&texts.windows, model, &settings.training, &device.device)?,
        parameters,
        vocabulary,
        weight_bytes: weight_bytes(&settings.training, parameters),
        window_bytes: settings.window_bytes(vocabulary),
        steps,
        symbols: texts.windows.learned(steps),
        device: device.name.clone(),
        data: texts.source.to_string(),
    })
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebi = |bytes: usize| bytes as f64 / f64::from(1 << 20);
        writeln!(
            f,
            "text        {}, {} symbols known",
            self.data, self.vocabulary
        )?;
        writeln!(
            f,
            "model       {}, {} parameters",
            self.model, self.parameters
        )?;
        writeln!(f, "path        {}", self.path)?;
        writeln!(
            f,
            "memory      {:.1} MiB for weights, gradients and the optimiser; about {:.1} MiB for a window",
            mebi(self.weight_bytes),
            mebi(self.window_bytes)
        )?;
        writeln!(
            f,
            "steps       {}, over {} symbols",
            self.steps, self.symbols
        )?;
        let (seconds, rate) = (self.seconds, self.symbols as f64 / self.seconds);
        writeln!(
            f,
            "time        about {}:{:02} on {} ({rate:.0} symbols a second)",
            seconds as u64 / 60,
            seconds as u64 % 60,
            self.device
        )
    }
}

//! From a text to a run folder.

use std::path::Path;
use std::sync::Arc;

use backdraft_data::Units;
use backdraft_models::LanguageModel;
use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;

use super::Text;
use super::author::Author;
use super::texts::Texts;
use crate::checkpoint::Saved;
use crate::checksums::checksum;
use crate::run::{HELD_OUT, RESULT, VOCABULARY};
use crate::training::{Plan, last_checkpoint, learn, paths};
use crate::{AnyLayer, Display, Made, PickedDevice, Run, RunDescription, Settings, TrainError};

/// What `backdraft train lm` prints.
#[derive(Debug, Clone, Serialize)]
pub struct TrainReport {
    /// The mean cross-entropy on the held-out part, in nats a symbol, of the weights kept.
    pub loss: f64,
    /// The same in bits, a character of that part.
    pub bits_per_character: f64,
    /// Among how many symbols the model is as unsure as if all were alike: `exp(loss)`.
    pub perplexity: f64,
    /// Symbols that were learned from, counted each time.
    pub symbols: usize,
    /// Symbols of the held-out part that were foreseen.
    pub valid_symbols: usize,
    /// Steps, those included that were left out.
    pub steps: usize,
    /// Steps that were left out, their loss or gradient not being finite.
    pub skipped_steps: usize,
    /// Passes over the text, the last maybe in part.
    pub epochs: usize,
    /// What it was computed on.
    pub device: String,
    /// Which way the recurrent layers went, and why: `kernel (AVX-512, flex)`.
    pub path: String,
    /// How long it took, evaluation and samples included.
    pub seconds: f64,
    /// Symbols learned from a second.
    pub symbols_per_second: f64,
    /// Numbers that were learned.
    pub parameters: usize,
    /// What a symbol is: `char`, `word` or the file of a tokenizer.
    pub unit: String,
    /// Symbols of the vocabulary, the unknown one included.
    pub vocabulary: usize,
    /// The text.
    pub data: String,
    /// The run folder.
    pub run: String,
    /// What the model wrote last.
    pub sample: String,
}

/// Trains a language model on a text and leaves a run folder at `path`.
///
/// Weights are drawn on the CPU, so that a seed is the same model on every device.
///
/// # Errors
///
/// When a setting is impossible, the text too short, the folder in use, or training diverges.
pub fn train_language_model(
    settings: &Settings,
    text: &Text,
    path: &Path,
    device: &PickedDevice,
    display: Display,
) -> Result<TrainReport, TrainError> {
    settings.check()?;
    let (texts, held_out) = Texts::of(text, settings, None, &device.device)?;
    let description = RunDescription {
        data: text.path.clone(),
        device: device.choice(),
        settings: Settings {
            lexicon: settings.lexicon.clone().absolute(),
            ..settings.clone()
        },
        made: Some(Made {
            backdraft: env!("CARGO_PKG_VERSION").to_string(),
            text: text.source.clone(),
            sha256: checksum(text.content.as_bytes()),
            valid_sha256: None,
            characters: Some(texts.characters),
            examples: None,
        }),
        ..RunDescription::default()
    };
    settings.training.check_extent(texts.windows.len())?;
    let model = new_model(settings, &texts.units)?;
    let run = Run::create(path)?;
    let _lock = run.lock()?;
    let vocabulary = texts.units.to_json();
    run.begin(
        &description,
        &[(VOCABULARY, &vocabulary), (HELD_OUT, held_out)],
    )?;
    learn_from(texts, model, None, settings, run, device, display)
}

/// Goes on with a training that was cut off, from its last checkpoint: with the settings, the text
/// and the kind of device that it began with, to the weights that it would have had.
///
/// `text` is the text if the run cannot find it again by itself.
///
/// # Errors
///
/// When there is nothing to go on with: the training has ended, the text is another, no
/// checkpoint is whole. And when training cannot go on, as in [`train_language_model`].
pub fn resume_language_model(
    path: &Path,
    text: Option<Text>,
    display: Display,
) -> Result<TrainReport, TrainError> {
    let (run, description) = Run::open(path)?;
    let _lock = run.lock()?;
    let settings = &description.settings;
    settings.check()?;
    let refuse = |reason: String| {
        let path = path.to_path_buf();
        Err(TrainError::CannotResume { path, reason })
    };
    if run.has_ended() {
        return refuse("this training has ended: there is nothing to go on with".to_string());
    }
    let Some(made) = &description.made else {
        return refuse("run.toml does not say what it was made of".to_string());
    };
    let text = match (text, &description.data) {
        (Some(text), _) => text,
        (None, Some(path)) => Text::open(Some(path), &settings.windows)?,
        (None, None) if made.text == super::DEMO => Text::open(None, &settings.windows)?,
        (None, None) => {
            return refuse(format!("the text, {}, was not read from a file", made.text));
        }
    };
    let found = checksum(text.content.as_bytes());
    if found != made.sha256 {
        return refuse(format!(
            "the text, {}, is not the one that the run began with: expected the SHA-256 {}, \
             found {found}",
            text.source, made.sha256
        ));
    }
    let saved = last_checkpoint(&run, &[VOCABULARY, HELD_OUT])?;
    let device = description.device.pick()?;
    let (mut texts, _) = Texts::of(&text, settings, Some(run.units()?), &device.device)?;
    texts.source = &made.text;
    let model = new_model(settings, &texts.units)?;
    learn_from(texts, model, saved, settings, run, &device, display)
}

pub(super) fn new_model(
    settings: &Settings,
    units: &Units,
) -> Result<LanguageModel<AnyLayer>, TrainError> {
    let device = Device::flex();
    device.seed(settings.training.seed);
    let model = settings.model(units.len()).init(&device)?;
    debug_assert_eq!(
        settings.num_params(units.len()).ok(),
        Some(model.num_params())
    );
    Ok(model)
}

fn learn_from(
    texts: Texts<'_>,
    model: LanguageModel<AnyLayer>,
    saved: Option<Saved>,
    settings: &Settings,
    run: Run,
    device: &PickedDevice,
    display: Display,
) -> Result<TrainReport, TrainError> {
    let (parameters, vocabulary) = (model.num_params(), texts.units.len());
    let path = paths(&model.recurrent, &device.device);
    let author = Author {
        units: texts.units,
        bits_a_nat: texts.bits_a_nat,
        seed: settings.training.seed,
    };
    let learned = learn(Plan {
        model,
        saved,
        learned_from: Arc::new(texts.windows),
        held_out: Arc::new(texts.valid),
        shows: author,
        training: &settings.training,
        run: &run,
        device,
        display,
    })?;
    let (best, memory) = (learned.best.validation, learned.memory);
    let report = TrainReport {
        loss: best.loss,
        bits_per_character: best.loss * texts.bits_a_nat,
        perplexity: best.loss.exp(),
        symbols: memory.positions,
        valid_symbols: best.positions,
        steps: memory.steps,
        skipped_steps: memory.skipped,
        epochs: memory.last.map_or(0, |last| last.epoch),
        device: device.name.clone(),
        path,
        seconds: learned.seconds,
        symbols_per_second: memory.positions as f64 / learned.seconds,
        parameters,
        unit: settings.lexicon.unit.to_string(),
        vocabulary,
        data: texts.source.to_string(),
        run: run.path().display().to_string(),
        sample: memory.sample,
    };
    run.write_json(RESULT, &report)?;
    Ok(report)
}

//! From a text to a run folder.

use std::path::Path;
use std::sync::Arc;

use backdraft_data::Units;
use backdraft_models::{Encoder, LanguageModel};
use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;

use super::folder::{HELD_OUT, VOCABULARY};
use super::pretrained::Pretrained;
use super::shows::LanguageShows;
use super::texts::Texts;
use super::{DEMO, Text};
use crate::fit::checkpoint::Latest;
use crate::fit::training::{TrainingPlan, paths};
use crate::run::checksums::checksum;
use crate::run::{NewRun, RunState};
use crate::say::say;
use crate::{
    Asked, DeviceChoice, Display, LanguageSettings, PickedDevice, Provenance, Run, RunDescription,
    TrainError,
};

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
    /// Files of its folder that are not in it: they cannot be read, or are no text.
    pub skipped_files: usize,
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
    settings: &LanguageSettings,
    text: &Text,
    path: &Path,
    device: &PickedDevice,
    display: Display,
) -> Result<TrainReport, TrainError> {
    train(None, settings, text, path, device, display)
}

/// Trains a language model that begins with the weights of another run: with other settings of the training,
/// on the same text or on another.
///
/// # Errors
///
/// When the model asked for is another one than that of `pretrained`, or the text has symbols that it does not
/// know and that are not to be learned as unknown ones; and as [`train_language_model`].
pub fn train_language_model_from(
    pretrained: &Pretrained,
    settings: &LanguageSettings,
    text: &Text,
    path: &Path,
    device: &PickedDevice,
    display: Display,
) -> Result<TrainReport, TrainError> {
    train(Some(pretrained), settings, text, path, device, display)
}

/// Makes a run, of new weights or of those of another, and trains it.
fn train(
    pretrained: Option<&Pretrained>,
    settings: &LanguageSettings,
    text: &Text,
    path: &Path,
    device: &PickedDevice,
    display: Display,
) -> Result<TrainReport, TrainError> {
    settings.check()?;
    pretrained.map_or(Ok(()), |pretrained| pretrained.check(settings, text))?;
    let units = pretrained.map(|pretrained| pretrained.units().clone());
    let (texts, held_out) = Texts::of(text, settings, units, &device.device)?;
    let model = match pretrained {
        Some(pretrained) => pretrained.model(settings)?,
        None => new_model(settings, &texts.units)?,
    };
    let description = RunDescription {
        data: text.path.clone(),
        device: device.choice(),
        settings: LanguageSettings {
            lexicon: settings.lexicon.clone().absolute(),
            ..settings.clone()
        },
        made: Some(Provenance {
            backdraft: env!("CARGO_PKG_VERSION").to_string(),
            origin: text.origin(),
            text: text.source.clone(),
            sha256: checksum(text.content.as_bytes()),
            valid_sha256: None,
            characters: Some(texts.characters),
            examples: None,
            from: pretrained.map(Pretrained::made),
        }),
        ..RunDescription::default()
    };
    description.check()?;
    settings.training.check_extent(texts.windows.len())?;
    let display = display.settled()?;
    let new = NewRun::begin(path)?;
    let vocabulary = texts.units.to_json();
    new.run().begin(
        &description,
        RunState::Running,
        &[(VOCABULARY, &vocabulary), (HELD_OUT, held_out)],
    )?;
    let prepared = Prepared::new(texts, model, settings, device, display);
    prepared.plan.save_first(new.run())?;
    let (run, _lock) = new.complete()?;
    let latest = Latest::of(run.path())?;
    prepared.learn(&run, latest)
}

/// Goes on with a training that was cut off, from its last checkpoint: with the settings, the text
/// and the kind of device that it began with, to the weights that it would have had.
///
/// `text` is the text if the run cannot find it again by itself; `device` another device than the one it was on.
/// What cannot go on is left as it is, to the last byte.
///
/// # Errors
///
/// When there is nothing to go on with: the training has ended or diverged, the text is another, no
/// checkpoint is whole. And when training cannot go on, as in [`train_language_model`].
pub fn resume_language_model(
    path: &Path,
    text: Option<Text>,
    device: Option<DeviceChoice>,
    display: Display,
) -> Result<TrainReport, TrainError> {
    let (run, description) = Run::open(path)?;
    let _lock = run.lock()?;
    run.check_resumable(LanguageSettings::TASK)?;
    let settings = &description.settings;
    settings.check()?;
    let refuse = |reason: String| {
        let path = path.to_path_buf();
        Err(TrainError::CannotResume { path, reason })
    };
    let Some(made) = &description.made else {
        return refuse("run.toml does not say which data the run was trained on".to_string());
    };
    let hint = match &text {
        Some(_) => "",
        None => "; pass --data if it is elsewhere now",
    };
    let text = match (text, &description.data) {
        (Some(text), _) => text,
        (None, Some(path)) => Text::open(Some(path), settings).map_err(moved)?,
        (None, None) if made.text == DEMO => Text::open(None, settings)?,
        (None, None) => {
            return refuse(format!(
                "the text, {}, cannot be found again automatically; pass it with --data PATH",
                made.text
            ));
        }
    };
    let found = checksum(text.content.as_bytes());
    if found != made.sha256 {
        return refuse(format!(
            "the text, {}, is not the one that the run was started with: expected the SHA-256 {}, \
             found {found}{hint}",
            text.source, made.sha256
        ));
    }
    run.check(&[VOCABULARY, HELD_OUT])?;
    let latest = Latest::of(run.path())?;
    let display = display.settled()?;
    let device = device.unwrap_or(description.device).pick()?;
    let (mut texts, _) = Texts::of(&text, settings, Some(run.units()?), &device.device)?;
    texts.source = &made.text;
    let model = new_model(settings, &texts.units)?;
    Prepared::new(texts, model, settings, &device, display).learn(&run, latest)
}

/// What helps where the text is not where it was.
fn moved(error: TrainError) -> TrainError {
    match error {
        TrainError::Data(error) => TrainError::Moved {
            error,
            are_held_out: false,
        },
        error => error,
    }
}

pub(super) fn new_model(
    settings: &LanguageSettings,
    units: &Units,
) -> Result<LanguageModel<Encoder>, TrainError> {
    let device = Device::flex();
    device.seed(settings.training.seed);
    let model = settings.model(units.len()).init(&device)?;
    debug_assert_eq!(
        settings.num_params(units.len()).ok(),
        Some(model.num_params())
    );
    Ok(model)
}

/// A training that can begin, and what is told of it when it has ended.
struct Prepared<'a> {
    plan: TrainingPlan<'a, LanguageModel<Encoder>, LanguageShows>,
    bits_a_nat: f64,
    parameters: usize,
    path: String,
    unit: String,
    vocabulary: usize,
    data: String,
    skipped_files: usize,
}

impl<'a> Prepared<'a> {
    fn new(
        texts: Texts<'_>,
        model: LanguageModel<Encoder>,
        settings: &'a LanguageSettings,
        device: &'a PickedDevice,
        display: Display,
    ) -> Self {
        let shows = LanguageShows {
            units: texts.units,
            bits_a_nat: texts.bits_a_nat,
            seed: settings.training.seed,
        };
        Self {
            bits_a_nat: texts.bits_a_nat,
            parameters: model.num_params(),
            path: paths(&model.recurrent, &device.device),
            unit: settings.lexicon.unit.to_string(),
            vocabulary: shows.units.len(),
            data: texts.source.to_string(),
            skipped_files: texts.skipped_files,
            plan: TrainingPlan {
                model,
                learned_from: Arc::new(texts.windows),
                held_out: Arc::new(texts.valid),
                shows,
                training: &settings.training,
                device,
                display,
                source: texts.source.to_string(),
            },
        }
    }

    fn learn(self, run: &Run, latest: Latest) -> Result<TrainReport, TrainError> {
        let device = self.plan.device.name.clone();
        let learned = self.plan.learn(run, latest)?;
        let (best, tally) = (learned.best.validation, learned.tally);
        let guess = (self.vocabulary as f64).ln();
        if best.loss > 2.0 * guess {
            say(format_args!(
                "warning: the loss, {:.3} nats, is far above the {guess:.3} of a uniform guess: the training \
                 diverged; a lower --lr may help",
                best.loss
            ));
        }
        let report = TrainReport {
            loss: best.loss,
            bits_per_character: best.loss * self.bits_a_nat,
            perplexity: best.loss.exp(),
            symbols: tally.positions,
            valid_symbols: best.positions,
            steps: tally.steps,
            skipped_steps: tally.skipped,
            epochs: tally.last.map_or(0, |last| last.epoch),
            device,
            path: self.path,
            seconds: learned.seconds,
            symbols_per_second: tally.positions as f64 / learned.seconds,
            parameters: self.parameters,
            unit: self.unit,
            vocabulary: self.vocabulary,
            data: self.data,
            skipped_files: self.skipped_files,
            run: run.path().display().to_string(),
            sample: tally.sample,
        };
        run.finish(report.steps, &report)?;
        Ok(report)
    }
}

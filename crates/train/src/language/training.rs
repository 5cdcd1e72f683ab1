//! From a text to a run folder.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backdraft_cells::{Cell, Layer};
use backdraft_data::{Streams, Vocabulary, split_held_out};
use backdraft_models::LanguageModel;
use burn::module::Module;
use burn::tensor::Device;
use burn::train::metric::{LearningRateMetric, LossMetric};
use burn::train::{Learner, LearningResult, SupervisedTraining, TrainingStrategy};
use serde::Serialize;

use super::samples::Journal;
use super::{Text, with_cell};
use crate::run::{RESULT, RunDescription};
use crate::{
    PickedDevice, PlainProgress, Run, Settings, StreamLoader, TrainError, Trainee, TruncatedBptt,
    Validation, WindowMetric,
};

/// How training shows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// burn-train's dashboard, when standard output is a terminal; else plain lines.
    Dashboard,
    /// Plain lines and samples on standard error.
    Plain,
    /// Not at all.
    Silent,
}

/// What `backdraft train lm` prints.
#[derive(Debug, Clone, Serialize)]
pub struct TrainReport {
    /// The mean cross-entropy on the held-out part, in nats a symbol, of the weights kept.
    pub loss: f64,
    /// The same in bits.
    pub bits_per_character: f64,
    /// Symbols that were learned from, counted each time.
    pub symbols: usize,
    /// Symbols of the held-out part that were foreseen.
    pub valid_symbols: usize,
    /// Steps of the optimiser.
    pub steps: usize,
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
    let (learn, held_out) = split_held_out(&text.content, settings.valid_fraction)?;
    let vocabulary = Vocabulary::of(learn);
    let windows = Streams::new(&vocabulary.encode(learn), settings.batch, settings.unroll)?;
    let held_out_symbols = vocabulary.encode(held_out);
    let valid = Streams::at_most(&held_out_symbols, settings.batch, settings.unroll)
        .map_err(TrainError::HeldOut)?;
    let description = RunDescription {
        backdraft: env!("CARGO_PKG_VERSION").to_string(),
        task: "lm".to_string(),
        data: text.source.clone(),
        characters: learn.chars().count(),
        settings: settings.clone(),
    };
    with_cell!(settings, |cell| {
        Device::flex().seed(settings.seed);
        let model = settings
            .model(vocabulary.len(), cell)
            .init(&Device::flex())?;
        let run = Run::create(path)?;
        run.begin(&description, &vocabulary, held_out)?;
        let texts = Texts {
            source: &text.source,
            vocabulary,
            windows,
            valid,
        };
        learn_from(texts, model, settings, run, device, display)
    })
}

struct Texts<'a> {
    source: &'a str,
    vocabulary: Vocabulary,
    windows: Streams,
    valid: Streams,
}

fn learn_from<C: Cell>(
    texts: Texts<'_>,
    model: LanguageModel<C>,
    settings: &Settings,
    run: Run,
    device: &PickedDevice,
    display: Display,
) -> Result<TrainReport, TrainError> {
    let start = Instant::now();
    let (_, steps) = settings.extent(texts.windows.len());
    let (parameters, vocabulary) = (model.num_params(), texts.vocabulary.len());
    let path = path(&model, &device.device);
    let dashboard = display == Display::Dashboard && std::io::stdout().is_terminal();
    let every = match display {
        Display::Silent => None,
        Display::Dashboard | Display::Plain => Some(Duration::from_secs(5)),
    };
    let renderer = (!dashboard).then(|| PlainProgress::new(every));
    let aloud = !dashboard && display != Display::Silent;
    let journal = Journal::new(run.clone(), texts.vocabulary, steps, settings.seed, aloud);
    let journal = Arc::new(Mutex::new(journal));

    let windows = [texts.windows, texts.valid];
    let result = launch(
        model,
        windows,
        settings,
        &run,
        device,
        renderer,
        journal.clone(),
    );
    let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
    let best = outcome(&mut journal, result)?;

    let seconds = start.elapsed().as_secs_f64();
    let report = TrainReport {
        loss: best.loss,
        bits_per_character: best.loss / std::f64::consts::LN_2,
        symbols: journal.positions,
        valid_symbols: best.positions,
        steps: journal.steps,
        epochs: journal.last.map_or(0, |last| last.epoch),
        device: device.name.clone(),
        path,
        seconds,
        symbols_per_second: journal.positions as f64 / seconds,
        parameters,
        vocabulary,
        data: texts.source.to_string(),
        run: run.path().display().to_string(),
        sample: journal.sample.clone(),
    };
    run.write_json(RESULT, &report)?;
    Ok(report)
}

/// The paths of the recurrent layers; one where all are the same.
fn path<C: Cell>(model: &LanguageModel<C>, device: &Device) -> String {
    let recurrent = model.recurrent.clone().to_device(device);
    let mut paths: Vec<String> = recurrent
        .paths()
        .iter()
        .map(|(_, path)| path.to_string())
        .collect();
    paths.dedup();
    paths.join(", ")
}

/// The training itself, by burn-train; without a `renderer`, with its dashboard.
fn launch<C: Cell>(
    model: LanguageModel<C>,
    [windows, valid]: [Streams; 2],
    settings: &Settings,
    run: &Run,
    device: &PickedDevice,
    renderer: Option<PlainProgress>,
    journal: Arc<Mutex<Journal>>,
) -> LearningResult<Trainee<LanguageModel<C>>> {
    let (epochs, steps) = settings.extent(windows.len());
    let strategy = TruncatedBptt::new(device.device.clone())
        .with_observer(journal)
        .with_clipping(settings.clipping)
        .with_steps(Some(steps))
        .with_seed(settings.seed);
    let loader = |streams| Arc::new(StreamLoader::new(streams, device.device.clone()));
    let mut training = SupervisedTraining::new(run.path(), loader(windows), loader(valid))
        .metrics((LossMetric::new(), WindowMetric::bits_per_character()))
        .metric_train_numeric(WindowMetric::gradient_norm())
        .metric_train_numeric(LearningRateMetric::new())
        .with_default_checkpointers()
        .with_application_logger(None)
        .with_training_strategy(TrainingStrategy::Custom(Arc::new(strategy)))
        .num_epochs(epochs);
    if let Some(renderer) = renderer {
        training = training.renderer(Box::new(renderer));
    }
    let trainee = Trainee {
        model: model.train(),
    };
    training.launch(Learner::new(
        trainee,
        settings.optimizer(),
        settings.schedule(steps),
    ))
}

/// The evaluation of the weights that were kept, or why there are none.
fn outcome<M>(journal: &mut Journal, result: LearningResult<M>) -> Result<Validation, TrainError> {
    if let Some(error) = journal.error.take() {
        return Err(error);
    }
    let stopped = |reason: String| TrainError::Stopped { reason };
    if let Some(error) = result.error {
        return Err(stopped(error.to_string()));
    }
    let reason = result.interrupted.and_then(|stop| stop.reason);
    match (journal.best, journal.last) {
        (Some(best), _) => Ok(best),
        (None, Some(last)) => Err(TrainError::Diverged {
            loss: last.loss,
            steps: journal.steps,
        }),
        (None, None) => Err(stopped(reason.unwrap_or_else(|| "interrupted".to_string()))),
    }
}

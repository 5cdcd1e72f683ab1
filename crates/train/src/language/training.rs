//! From a text to a run folder.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backdraft_cells::{Cell, Layer, SequenceConfig};
use backdraft_data::{Streams, Vocabulary, split_held_out};
use backdraft_models::LanguageModel;
use burn::module::Module;
use burn::tensor::Device;
use burn::train::metric::{LearningRateMetric, LossMetric};
use burn::train::{Learner, LearningResult, SupervisedTraining, TrainingStrategy};
use serde::Serialize;

use super::Text;
use super::cells::with_cell;
use super::journal::Journal;
use crate::checkpoint::{self, Always, Checkpoints, Latest, Saved};
use crate::checksums::checksum;
use crate::run::{CHECKPOINTS, RESULT};
use crate::{
    Made, PickedDevice, PlainProgress, Run, RunDescription, Settings, StreamLoader, TrainError,
    Trainee, TruncatedBptt, Validation, WindowMetric, interrupt,
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
    let (texts, held_out) = Texts::of(text, settings)?;
    let description = RunDescription {
        data: text.path.clone(),
        device: device.choice(),
        settings: settings.clone(),
        made: Some(Made {
            backdraft: env!("CARGO_PKG_VERSION").to_string(),
            text: text.source.clone(),
            sha256: checksum(text.content.as_bytes()),
            characters: texts.characters,
        }),
        ..RunDescription::default()
    };
    with_cell!(settings, |cell| {
        let model = new_model(settings, &texts.vocabulary, cell)?;
        let run = Run::create(path)?;
        let _lock = run.lock()?;
        run.begin(&description, &texts.vocabulary, held_out)?;
        learn_from(texts, model, None, settings, run, device, display)
    })
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
        (None, Some(path)) => Text::read(path)?,
        (None, None) if made.text == super::DEMO => Text::demo()?,
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
    let Latest { saved, damaged } = checkpoint::latest(&run.file(CHECKPOINTS))?;
    for damage in &damaged {
        eprintln!("warning: {damage}; it is put aside, and the checkpoint before it is taken");
    }
    if let (None, Some(damage)) = (&saved, damaged.first()) {
        return refuse(format!("no checkpoint is whole ({damage})"));
    }
    let (mut texts, _) = Texts::of(&text, settings)?;
    texts.source = &made.text;
    let device = description.device.pick()?;
    let steps = saved.as_ref().map_or(0, |saved| saved.position.steps);
    if display != Display::Silent {
        eprintln!("going on after {steps} steps, on {}", device.name);
    }
    with_cell!(settings, |cell| {
        let model = new_model(settings, &texts.vocabulary, cell)?;
        learn_from(texts, model, saved, settings, run, &device, display)
    })
}

pub(super) fn new_model<K: SequenceConfig<Built: Cell>>(
    settings: &Settings,
    vocabulary: &Vocabulary,
    cell: K,
) -> Result<LanguageModel<K::Built>, TrainError> {
    let device = Device::flex();
    device.seed(settings.seed);
    Ok(settings.model(vocabulary.len(), cell).init(&device)?)
}

/// What is learned of a text, and what it is tested with.
pub(super) struct Texts<'a> {
    pub(super) source: &'a str,
    characters: usize,
    pub(super) vocabulary: Vocabulary,
    pub(super) windows: Streams,
    valid: Streams,
}

impl<'a> Texts<'a> {
    /// What is learned of a text and what is held out, the latter also as it is.
    pub(super) fn of(text: &'a Text, settings: &Settings) -> Result<(Self, &'a str), TrainError> {
        let (learn, held_out) = split_held_out(&text.content, settings.valid_fraction)?;
        let vocabulary = Vocabulary::of(learn);
        let windows = Streams::new(&vocabulary.encode(learn), settings.batch, settings.unroll)?;
        let held_out_symbols = vocabulary.encode(held_out);
        let valid = Streams::at_most(&held_out_symbols, settings.batch, settings.unroll)
            .map_err(TrainError::HeldOut)?;
        let texts = Self {
            source: &text.source,
            characters: learn.chars().count(),
            vocabulary,
            windows,
            valid,
        };
        Ok((texts, held_out))
    }
}

fn learn_from<C: Cell>(
    texts: Texts<'_>,
    model: LanguageModel<C>,
    saved: Option<Saved>,
    settings: &Settings,
    run: Run,
    device: &PickedDevice,
    display: Display,
) -> Result<TrainReport, TrainError> {
    let (_, steps) = settings.extent(texts.windows.len());
    let (parameters, vocabulary) = (model.num_params(), texts.vocabulary.len());
    let path = paths(&model, &device.device);
    let dashboard = display == Display::Dashboard && std::io::stdout().is_terminal();
    let every = match display {
        Display::Silent => None,
        Display::Dashboard | Display::Plain => Some(Duration::from_secs(5)),
    };
    let renderer = (!dashboard).then(|| PlainProgress::new(every));
    let aloud = !dashboard && display != Display::Silent;
    let mut journal = Journal::new(run.clone(), texts.vocabulary, steps, settings.seed, aloud);
    let memory = saved.as_ref().map(|saved| &saved.position.observer);
    journal.recall(memory)?;
    let journal = Arc::new(Mutex::new(journal));

    let windows = [texts.windows, texts.valid];
    let result = launch(
        model,
        saved,
        windows,
        settings,
        &run,
        device,
        renderer,
        journal.clone(),
    )?;
    let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
    let best = outcome(&mut journal, &run, result)?;

    let seconds = journal.seconds();
    let report = TrainReport {
        loss: best.loss,
        bits_per_character: best.loss / std::f64::consts::LN_2,
        symbols: journal.memory.positions,
        valid_symbols: best.positions,
        steps: journal.memory.steps,
        skipped_steps: journal.memory.skipped,
        epochs: journal.memory.last.map_or(0, |last| last.epoch),
        device: device.name.clone(),
        path,
        seconds,
        symbols_per_second: journal.memory.positions as f64 / seconds,
        parameters,
        vocabulary,
        data: texts.source.to_string(),
        run: run.path().display().to_string(),
        sample: journal.memory.sample.clone(),
    };
    run.write_json(RESULT, &report)?;
    Ok(report)
}

/// The paths of the recurrent layers; one where all are the same.
pub(super) fn paths<C: Cell>(model: &LanguageModel<C>, device: &Device) -> String {
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
#[expect(clippy::too_many_arguments, reason = "all that a training is made of")]
fn launch<C: Cell>(
    model: LanguageModel<C>,
    saved: Option<Saved>,
    [windows, valid]: [Streams; 2],
    settings: &Settings,
    run: &Run,
    device: &PickedDevice,
    renderer: Option<PlainProgress>,
    journal: Arc<Mutex<Journal>>,
) -> Result<LearningResult<Trainee<LanguageModel<C>>>, TrainError> {
    let (epochs, steps) = settings.extent(windows.len());
    let checkpoints = Checkpoints::new(run.file(CHECKPOINTS), settings.saving);
    let trainee = Trainee {
        model: model.train(),
    };
    let schedule = settings.schedule(steps);
    let brake = schedule.brake();
    let mut learner = Learner::new(trainee, settings.optimizer(), schedule);
    let mut strategy = TruncatedBptt::new(device.device.clone())
        .with_observer(journal)
        .with_clipping(settings.clipping)
        .with_guard(settings.guard, brake)
        .with_steps(Some(steps))
        .with_seed(settings.seed)
        .with_checkpoints(checkpoints.clone())
        .with_interrupt(interrupt::wanted());
    if let Some(saved) = saved {
        strategy = strategy.with_start(saved.restore(&mut learner)?);
    }
    let [model, optimizer, schedule] = checkpoints.parts();
    let loader = |streams| Arc::new(StreamLoader::new(streams, device.device.clone()));
    let mut training = SupervisedTraining::new(run.path(), loader(windows), loader(valid))
        .metrics((LossMetric::new(), WindowMetric::bits_per_character()))
        .metric_train_numeric(WindowMetric::gradient_norm())
        .metric_train_numeric(LearningRateMetric::new())
        .with_custom_checkpointers(model, optimizer, schedule)
        .with_checkpointing_strategy(Always)
        .with_application_logger(None)
        .with_training_strategy(TrainingStrategy::Custom(Arc::new(strategy)))
        .num_epochs(epochs);
    if let Some(renderer) = renderer {
        training = training.renderer(Box::new(renderer));
    }
    let result = training.launch(learner);
    match checkpoints.failure() {
        Some(error) => Err(error),
        None => Ok(result),
    }
}

/// The evaluation of the weights that were kept, or why there are none.
fn outcome<M>(
    journal: &mut Journal,
    run: &Run,
    result: LearningResult<M>,
) -> Result<Validation, TrainError> {
    if let Some(error) = journal.error.take() {
        return Err(error);
    }
    if let Some(error) = result.error {
        let reason = error.to_string();
        return Err(TrainError::Stopped { reason });
    }
    let steps = journal.memory.steps;
    match (journal.memory.best, journal.memory.last) {
        _ if result.interrupted.is_some() => Err(TrainError::Interrupted {
            steps,
            path: run.path().to_path_buf(),
        }),
        (Some(best), _) => Ok(best),
        (None, Some(last)) => Err(TrainError::Diverged {
            loss: last.loss,
            steps,
        }),
        (None, None) => unreachable!("a training that is not cut off ends with an evaluation"),
    }
}

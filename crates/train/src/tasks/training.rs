//! From examples to a run folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;

use super::{ExampleLoader, Examples, Task, TaskSettings};
use crate::checkpoint::Saved;
use crate::memory::{self, Needed};
use crate::run::{RESULT, TASK};
use crate::training::{Figure, Plan, Shows, last_checkpoint, learn, paths};
use crate::{Display, Made, PickedDevice, Recurrence, Run, RunDescription, TrainError, polynomial};

/// Examples of the held-out part whose answers are shown as it learns.
const SHOWN: usize = 8;

/// What `backdraft train` prints of a task.
#[derive(Debug, Clone, Serialize)]
pub struct TaskReport {
    /// The task.
    pub task: &'static str,
    /// The mean loss on the held-out part, of the weights kept.
    pub loss: f64,
    /// What these weights reach there, by name.
    #[serde(flatten)]
    pub figures: BTreeMap<String, f64>,
    /// Examples that were learned from.
    pub examples: usize,
    /// Examples that were held out.
    pub valid_examples: usize,
    /// Rows of the data that could not be used and were passed over.
    pub skipped_rows: usize,
    /// Positions that were learned from, counted each time.
    pub positions: usize,
    /// Steps, those included that were left out.
    pub steps: usize,
    /// Steps that were left out, their loss or gradient not being finite.
    pub skipped_steps: usize,
    /// Passes over the examples, the last maybe in part.
    pub epochs: usize,
    /// What it was computed on.
    pub device: String,
    /// Which way the recurrent layers went, and why: `kernel (AVX-512, flex)`.
    pub path: String,
    /// How long it took, evaluation included.
    pub seconds: f64,
    /// Positions learned from a second.
    pub positions_per_second: f64,
    /// Numbers that were learned.
    pub parameters: usize,
    /// The data.
    pub data: String,
    /// The run folder.
    pub run: String,
}

/// What is learned from, what is held out, and where it is from.
pub(super) struct Gathered<T: Task> {
    pub(super) learned_from: Arc<Vec<T::Example>>,
    pub(super) held_out: Arc<Vec<T::Example>>,
    pub(super) skipped: usize,
    pub(super) sha256: String,
    /// Of the file that is held out, if there is one.
    pub(super) valid_sha256: Option<String>,
}

impl<T: Task> Gathered<T> {
    /// What the settings ask for, of these data.
    pub(super) fn read(
        settings: &TaskSettings<T::Options>,
        data: &Path,
    ) -> Result<Self, TrainError> {
        let all: Examples<T::Example> = T::read(data, &settings.options)?;
        let (mut skipped, mut valid_sha256) = (all.skipped, None);
        let (learned_from, held_out) = match &settings.valid {
            Some(path) => {
                let valid = T::read(path, &settings.options)?;
                skipped += valid.skipped;
                valid_sha256 = Some(valid.sha256);
                (
                    T::learned(all.examples, settings)?,
                    T::scored(valid.examples, settings)?,
                )
            }
            None => T::hold_out(all.examples, settings)?,
        };
        Ok(Self {
            learned_from: Arc::new(learned_from),
            held_out: Arc::new(held_out),
            skipped,
            sha256: all.sha256,
            valid_sha256,
        })
    }

    /// The data that a run began with; `refuse` makes an error of a sentence that says why these are
    /// not there.
    pub(super) fn again(
        description: &RunDescription<TaskSettings<T::Options>>,
        refuse: impl Fn(String) -> TrainError,
    ) -> Result<Self, TrainError> {
        let (Some(made), Some(data)) = (&description.made, &description.data) else {
            let reason = "run.toml does not say what it was made of";
            return Err(refuse(reason.to_string()));
        };
        let found = Self::read(&description.settings, data)?;
        let valid = description.settings.valid.as_deref();
        let valid = valid.map_or_else(String::new, |path| path.display().to_string());
        for (file, expected, found) in [
            (&made.text, Some(&made.sha256), Some(&found.sha256)),
            (
                &valid,
                made.valid_sha256.as_ref(),
                found.valid_sha256.as_ref(),
            ),
        ] {
            if expected != found {
                let sum = |sum: Option<&String>| sum.cloned().unwrap_or("none".to_string());
                return Err(refuse(format!(
                    "the data, {file}, are not those that the run began with: expected the SHA-256 \
                     {}, found {}",
                    sum(expected),
                    sum(found)
                )));
            }
        }
        Ok(found)
    }
}

/// Trains the model of a task on the examples of a file and leaves a run folder at `path`.
///
/// Weights are drawn on the CPU, so that a seed is the same model on every device.
///
/// # Errors
///
/// When a setting is impossible, the data cannot be used, the folder is in use, or training diverges.
pub fn train_task<T: Task>(
    settings: &TaskSettings<T::Options>,
    data: &Path,
    path: &Path,
    device: &PickedDevice,
    display: Display,
) -> Result<TaskReport, TrainError> {
    settings.check()?;
    let gathered = Gathered::<T>::read(settings, data)?;
    let task = T::of(&gathered.learned_from, settings)?;
    task.check_all(
        settings.valid.as_deref().unwrap_or(data),
        &gathered.held_out,
    )?;
    let rows = settings.training.batch;
    let an_epoch = gathered.learned_from.len().div_ceil(rows);
    settings.training.check_extent(an_epoch)?;
    check_memory(&task, settings, device)?;
    let model = new_model(&task, settings)?;
    let absolute = |path: &Path| std::path::absolute(path).ok();
    let description = RunDescription {
        data: absolute(data),
        device: device.choice(),
        settings: TaskSettings {
            valid: settings.valid.as_deref().and_then(absolute),
            ..settings.clone()
        },
        made: Some(Made {
            backdraft: env!("CARGO_PKG_VERSION").to_string(),
            text: data.display().to_string(),
            sha256: gathered.sha256.clone(),
            valid_sha256: gathered.valid_sha256.clone(),
            characters: None,
            examples: Some(gathered.learned_from.len()),
        }),
        ..RunDescription::default()
    };
    let run = Run::create(path)?;
    let _lock = run.lock()?;
    let json = serde_json::to_string(&task).expect("our own types are valid JSON");
    run.begin(&description, &[(TASK, &json)])?;
    learn_from(
        task,
        gathered,
        model,
        None,
        &description,
        &run,
        device,
        display,
    )
}

/// Goes on with a training that was cut off, from its last checkpoint: with the settings, the data
/// and the kind of device that it began with, to the weights that it would have had.
///
/// # Errors
///
/// When there is nothing to go on with: the training has ended, the data are others, no checkpoint is
/// whole. And when training cannot go on, as in [`train_task`].
pub fn resume_task<T: Task>(path: &Path, display: Display) -> Result<TaskReport, TrainError> {
    let (run, description) = Run::open_as::<TaskSettings<T::Options>>(path)?;
    let _lock = run.lock()?;
    description.settings.check()?;
    let refuse = |reason: String| TrainError::CannotResume {
        path: path.to_path_buf(),
        reason,
    };
    if run.has_ended() {
        let reason = "this training has ended: there is nothing to go on with";
        return Err(refuse(reason.to_string()));
    }
    let gathered = Gathered::<T>::again(&description, refuse)?;
    let saved = last_checkpoint(&run, &[TASK])?;
    let task = open(&run)?;
    let device = description.device.pick()?;
    let model = new_model(&task, &description.settings)?;
    learn_from(
        task,
        gathered,
        model,
        saved,
        &description,
        &run,
        &device,
        display,
    )
}

/// The task of a run.
pub(super) fn open<T: Task>(run: &Run) -> Result<T, TrainError> {
    let (path, text) = run.text(TASK)?;
    serde_json::from_str(&text).map_err(|error| TrainError::Damaged {
        path,
        reason: error.to_string(),
    })
}

/// Refuses weights that the memory that is free does not hold.
pub(super) fn check_memory<T: Task>(
    task: &T,
    settings: &TaskSettings<T::Options>,
    device: &PickedDevice,
) -> Result<(), TrainError> {
    let parameters = num_params(task, settings)?;
    Needed::new(&settings.training, parameters, &device.device).check(memory::free())
}

/// Numbers that the model of a task learns. It is not built, however large its layers are.
pub(super) fn num_params<T: Task>(
    task: &T,
    settings: &TaskSettings<T::Options>,
) -> Result<usize, TrainError> {
    let Recurrence {
        layers,
        hidden,
        embedding,
        ..
    } = settings.recurrence;
    let of = |layers| {
        let small = |embedding, hidden| -> Result<usize, TrainError> {
            let mut small = settings.clone();
            small.recurrence.layers = layers;
            (small.recurrence.embedding, small.recurrence.hidden) = (embedding, hidden);
            Ok(task.model(&small, &Device::flex())?.num_params())
        };
        polynomial::value([embedding, hidden], small)
    };
    // All layers but the first are alike.
    let (one, two) = (of(1)?, of(2)?);
    let upper = two.saturating_sub(one).saturating_mul(layers - 1);
    Ok(one.saturating_add(upper))
}

pub(super) fn new_model<T: Task>(
    task: &T,
    settings: &TaskSettings<T::Options>,
) -> Result<T::Model, TrainError> {
    let device = Device::flex();
    device.seed(settings.training.seed);
    let model = task.model(settings, &device)?;
    debug_assert_eq!(num_params(task, settings).ok(), Some(model.num_params()));
    Ok(model)
}

/// The batches that are learned from, and those of the held-out part.
pub(super) fn loaders<T: Task>(
    task: &Arc<T>,
    gathered: &Gathered<T>,
    settings: &TaskSettings<T::Options>,
    device: &Device,
) -> Result<[ExampleLoader<T>; 2], TrainError> {
    let (rows, seed) = (settings.training.batch, settings.training.seed);
    let (learned_from, held_out) = (gathered.learned_from.clone(), gathered.held_out.clone());
    Ok([
        ExampleLoader::new(task.clone(), learned_from, rows, seed, device.clone())?,
        ExampleLoader::new(task.clone(), held_out, rows, seed, device.clone())?,
    ])
}

#[expect(clippy::too_many_arguments, reason = "all that a training is made of")]
fn learn_from<T: Task>(
    task: T,
    gathered: Gathered<T>,
    model: T::Model,
    saved: Option<Saved>,
    description: &RunDescription<TaskSettings<T::Options>>,
    run: &Run,
    device: &PickedDevice,
    display: Display,
) -> Result<TaskReport, TrainError> {
    let settings = &description.settings;
    let (parameters, path) = (model.num_params(), all_paths::<T>(&model, &device.device));
    let task = Arc::new(task);
    let [learned_from, held_out] = loaders(&task, &gathered, settings, &device.device)?;
    let shows = Answering {
        task,
        held_out: gathered.held_out.clone(),
        rows: settings.training.batch,
    };
    let learned = learn(Plan {
        model,
        saved,
        learned_from: Arc::new(learned_from),
        held_out: Arc::new(held_out),
        shows,
        training: &settings.training,
        run,
        device,
        display,
    })?;
    let memory = learned.memory;
    let report = TaskReport {
        task: T::NAME,
        loss: learned.best.validation.loss,
        figures: learned.best.figures,
        examples: gathered.learned_from.len(),
        valid_examples: gathered.held_out.len(),
        skipped_rows: gathered.skipped,
        positions: memory.positions,
        steps: memory.steps,
        skipped_steps: memory.skipped,
        epochs: memory.last.map_or(0, |last| last.epoch),
        device: device.name.clone(),
        path,
        seconds: learned.seconds,
        positions_per_second: memory.positions as f64 / learned.seconds,
        parameters,
        data: description
            .made
            .as_ref()
            .map_or_else(String::new, |made| made.text.clone()),
        run: run.path().display().to_string(),
    };
    run.write_json(RESULT, &report)?;
    Ok(report)
}

/// The paths of all recurrent layers of a model; one where all are the same.
pub(super) fn all_paths<T: Task>(model: &T::Model, device: &Device) -> String {
    let layers = T::layers(model).into_iter();
    let mut all: Vec<String> = layers.map(|layer| paths(layer, device)).collect();
    all.dedup();
    all.join(", ")
}

/// Shows what the model answers to held-out examples, and how well.
struct Answering<T: Task> {
    task: Arc<T>,
    held_out: Arc<Vec<T::Example>>,
    rows: usize,
}

impl<T: Task> Shows<T::Model> for Answering<T> {
    fn held_out(&mut self, model: &T::Model) -> Result<Vec<Figure>, TrainError> {
        Ok(self.task.score(model, &self.held_out, self.rows)?.figures)
    }

    fn cost(&self, loss: f64, held_out: &[Figure]) -> f64 {
        T::cost(loss, held_out)
    }

    fn sample(&mut self, model: &T::Model) -> Result<Option<String>, TrainError> {
        let some: Vec<&T::Example> = self.held_out.iter().take(SHOWN).collect();
        let answers = self.task.answer(model, &some)?;
        let lines: Vec<String> = answers.iter().map(super::Answer::to_tsv).collect();
        Ok(Some(lines.join("\n")))
    }
}

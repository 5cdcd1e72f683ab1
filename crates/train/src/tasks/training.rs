//! From examples to a run folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;

use super::gathered::Gathered;
use super::pretrained::PretrainedTask;
use super::{ExampleLoader, Task, TaskOptions, TaskSettings};
use crate::fit::checkpoint::Latest;
use crate::fit::memory::{self, Needed};
use crate::fit::training::{Figure, Shows, TrainingPlan, paths};
use crate::run::{NewRun, RunState, TASK};
use crate::say::{counted, say};
use crate::{
    DeviceChoice, Display, Origin, PickedDevice, Provenance, Recurrence, Run, RunDescription,
    TrainError, Variant, polynomial,
};

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
    train::<T>(None, settings, data, path, device, display)
}

/// Trains the model of a task that begins with the weights of another run: with other settings of the training,
/// on the same examples or on others.
///
/// # Errors
///
/// When the settings are of another model than that of `pretrained`, or an example has an answer that it does not
/// know; and as [`train_task`].
pub fn train_task_from<T: Task>(
    pretrained: &PretrainedTask<T>,
    settings: &TaskSettings<T::Options>,
    data: &Path,
    path: &Path,
    device: &PickedDevice,
    display: Display,
) -> Result<TaskReport, TrainError> {
    train(Some(pretrained), settings, data, path, device, display)
}

/// Makes a run, of new weights or of those of another, and trains it.
fn train<T: Task>(
    pretrained: Option<&PretrainedTask<T>>,
    settings: &TaskSettings<T::Options>,
    data: &Path,
    path: &Path,
    device: &PickedDevice,
    display: Display,
) -> Result<TaskReport, TrainError> {
    settings.check()?;
    let known = pretrained.map(PretrainedTask::task);
    let gathered = Gathered::<T>::read(settings, data, known)?;
    let (task, model) = task_and_model(pretrained, &gathered, settings, data, device)?;
    task.check_all(
        settings.valid.as_deref().unwrap_or(data),
        &gathered.held_out,
    )?;
    let an_epoch = gathered
        .learned_from
        .len()
        .div_ceil(settings.training.batch);
    settings.training.check_extent(an_epoch)?;
    let absolute = |path: &Path| std::path::absolute(path).ok();
    let description = RunDescription {
        data: absolute(data),
        device: device.choice(),
        settings: TaskSettings {
            valid: settings.valid.as_deref().and_then(absolute),
            options: settings.options.clone().absolute(),
            ..settings.clone()
        },
        made: Some(Provenance {
            backdraft: env!("CARGO_PKG_VERSION").to_string(),
            origin: Origin::File,
            text: data.display().to_string(),
            sha256: gathered.sha256.clone(),
            valid_sha256: gathered.valid_sha256.clone(),
            characters: None,
            examples: Some(gathered.learned_from.len()),
            from: pretrained.map(PretrainedTask::made),
        }),
        ..RunDescription::default()
    };
    description.check()?;
    let display = display.settled()?;
    let new = NewRun::begin(path)?;
    let json = serde_json::to_string(&task).expect("our own types are valid JSON");
    new.run()
        .begin(&description, RunState::Running, &[(TASK, &json)])?;
    let prepared = Prepared::new(task, gathered, model, &description, device, display)?;
    prepared.plan.save_first(new.run())?;
    let (run, _lock) = new.complete()?;
    let latest = Latest::of(run.path())?;
    prepared.learn(&run, latest)
}

/// The task and its model, before the first step: of new weights, or of those of another run.
pub(super) fn task_and_model<T: Task>(
    pretrained: Option<&PretrainedTask<T>>,
    gathered: &Gathered<T>,
    settings: &TaskSettings<T::Options>,
    data: &Path,
    device: &PickedDevice,
) -> Result<(T, T::Model), TrainError> {
    if let Some(pretrained) = pretrained {
        let (task, model) = pretrained.start(settings, &gathered.learned_from)?;
        check_known(&task, gathered, data, pretrained.path())?;
        return Ok((task, model));
    }
    let mut task = T::of(&gathered.learned_from, settings)?;
    check_memory(&task, settings, device)?;
    let model = new_model(&task, settings)?;
    let model = task.with_known_weights(model);
    Ok((task, model))
}

/// Refuses examples that the task of another run cannot learn.
fn check_known<T: Task>(
    task: &T,
    gathered: &Gathered<T>,
    data: &Path,
    pretrained: &Path,
) -> Result<(), TrainError> {
    task.check_all(data, &gathered.learned_from)?;
    gathered.learned_from.iter().try_for_each(|example| {
        task.check_learned(example)
            .map_err(|reason| TrainError::OtherKind {
                path: data.to_path_buf(),
                reason: format!("{reason}, in a training from {}", pretrained.display()),
            })
    })
}

/// What a training that goes on is given anew: nothing, by default.
#[derive(Debug, Clone, Default)]
pub struct Resumed {
    /// Where the data are now.
    pub data: Option<PathBuf>,
    /// Where the file of what is held out is now.
    pub valid: Option<PathBuf>,
    /// Another device than the one it was on.
    pub device: Option<DeviceChoice>,
}

/// Goes on with a training that was cut off, from its last checkpoint: with the settings, the data
/// and the kind of device that it began with, to the weights that it would have had. What cannot go on is
/// left as it is, to the last byte.
///
/// # Errors
///
/// When there is nothing to go on with: the training has ended or diverged, the data are others, no
/// checkpoint is whole. And when training cannot go on, as in [`train_task`].
pub fn resume_task<T: Task>(
    path: &Path,
    resumed: Resumed,
    display: Display,
) -> Result<TaskReport, TrainError> {
    let (run, mut description) = Run::open_as::<TaskSettings<T::Options>>(path)?;
    let _lock = run.lock()?;
    run.check_resumable(T::NAME)?;
    description.settings.check()?;
    let is_told = resumed.data.is_some() || resumed.valid.is_some();
    if let (Some(valid), None) = (&resumed.valid, &description.settings.valid) {
        return Err(TrainError::Invalid {
            setting: "valid",
            expected: "a run that was trained with --valid".to_string(),
            found: valid.display().to_string(),
        });
    }
    description.data = resumed.data.or(description.data);
    description.settings.valid = resumed.valid.or(description.settings.valid);
    let refuse = |reason: String| TrainError::CannotResume {
        path: path.to_path_buf(),
        reason: match is_told {
            true => reason,
            false => format!("{reason}; pass --data or --valid if they are elsewhere now"),
        },
    };
    run.check(&[TASK])?;
    let task = open(&run)?;
    let gathered = Gathered::<T>::again(&task, &description, refuse)?;
    let latest = Latest::of(run.path())?;
    let display = display.settled()?;
    let device = resumed.device.unwrap_or(description.device).pick()?;
    let model = new_model(&task, &description.settings)?;
    Prepared::new(task, gathered, model, &description, &device, display)?.learn(&run, latest)
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
fn check_memory<T: Task>(
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
        variant: Variant { heads, .. },
        ..
    } = settings.recurrence;
    let of = |layers| {
        let small = |embedding, units| -> Result<usize, TrainError> {
            let mut small = settings.clone();
            small.recurrence.layers = layers;
            (small.recurrence.embedding, small.recurrence.hidden) = (embedding, units * heads);
            Ok(task.model(&small, &Device::flex())?.num_params())
        };
        // Units come in as many parts as there are heads.
        polynomial::value([embedding, hidden / heads], small)
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

/// The examples that have a loss: an answer that was never learned has none, and counts as wrong in the figures alone.
///
/// # Errors
///
/// When there is none: why the first has none.
pub(super) fn with_loss<T: Task>(
    task: &T,
    examples: &Arc<Vec<T::Example>>,
) -> Result<Arc<Vec<T::Example>>, TrainError> {
    let reasons = examples
        .iter()
        .map(|example| task.check_learned(example).err());
    let reasons: Vec<Option<String>> = reasons.collect();
    let Some(first) = reasons.iter().flatten().next() else {
        return Ok(examples.clone());
    };
    let with_reasons = examples.iter().zip(&reasons);
    let known = with_reasons.filter(|(_, reason)| reason.is_none());
    let known: Vec<T::Example> = known.map(|(example, _)| example.clone()).collect();
    if known.is_empty() {
        return Err(TrainError::Unfit {
            what: "the held-out examples",
            expected: "one at least whose answer can be learned".to_string(),
            found: format!("none: {first}"),
        });
    }
    say(format_args!(
        "note: {} of {} have an answer that was never learned: they count as wrong and have no loss; {first}",
        examples.len() - known.len(),
        counted(examples.len(), "example"),
    ));
    Ok(Arc::new(known))
}

/// The batches that are learned from, and those of the held-out part.
pub(super) fn loaders<T: Task>(
    task: &Arc<T>,
    gathered: &Gathered<T>,
    settings: &TaskSettings<T::Options>,
    device: &Device,
) -> Result<[ExampleLoader<T>; 2], TrainError> {
    let (rows, seed) = (settings.training.batch, settings.training.seed);
    let learned_from = gathered.learned_from.clone();
    let held_out = with_loss(&**task, &gathered.held_out)?;
    Ok([
        ExampleLoader::new(task.clone(), learned_from, rows, seed, device.clone())?,
        ExampleLoader::new(task.clone(), held_out, rows, seed, device.clone())?,
    ])
}

/// A training that can begin, and what is told of it when it has ended.
struct Prepared<'a, T: Task> {
    plan: TrainingPlan<'a, T::Model, Answering<T>>,
    examples: usize,
    valid_examples: usize,
    skipped: usize,
    parameters: usize,
    path: String,
    data: String,
}

impl<'a, T: Task> Prepared<'a, T> {
    fn new(
        task: T,
        gathered: Gathered<T>,
        model: T::Model,
        description: &'a RunDescription<TaskSettings<T::Options>>,
        device: &'a PickedDevice,
        display: Display,
    ) -> Result<Self, TrainError> {
        let settings = &description.settings;
        let task = Arc::new(task);
        let [learned_from, held_out] = loaders(&task, &gathered, settings, &device.device)?;
        let made = description.made.as_ref();
        let data = made.map_or_else(String::new, |made| made.text.clone());
        Ok(Self {
            examples: gathered.learned_from.len(),
            valid_examples: gathered.held_out.len(),
            skipped: gathered.skipped,
            parameters: model.num_params(),
            path: all_paths::<T>(&model, &device.device),
            data: data.clone(),
            plan: TrainingPlan {
                model,
                learned_from: Arc::new(learned_from),
                held_out: Arc::new(held_out),
                shows: Answering {
                    task,
                    held_out: gathered.held_out,
                    rows: settings.training.batch,
                },
                training: &settings.training,
                device,
                display,
                source: data,
            },
        })
    }

    fn learn(self, run: &Run, latest: Latest) -> Result<TaskReport, TrainError> {
        let device = self.plan.device.name.clone();
        let learned = self.plan.learn(run, latest)?;
        let tally = learned.tally;
        let report = TaskReport {
            task: T::NAME,
            loss: learned.best.validation.loss,
            figures: learned.best.figures,
            examples: self.examples,
            valid_examples: self.valid_examples,
            skipped_rows: self.skipped,
            positions: tally.positions,
            steps: tally.steps,
            skipped_steps: tally.skipped,
            epochs: tally.last.map_or(0, |last| last.epoch),
            device,
            path: self.path,
            seconds: learned.seconds,
            positions_per_second: tally.positions as f64 / learned.seconds,
            parameters: self.parameters,
            data: self.data,
            run: run.path().display().to_string(),
        };
        run.finish(report.steps, &report)?;
        Ok(report)
    }
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
        let answers = match self.task.answer(model, &some) {
            // What cannot be answered, as covariates of the steps to come are not known, is not shown.
            Err(TrainError::NoQuestion { .. }) => return Ok(None),
            answers => answers?,
        };
        let lines: Vec<String> = answers.iter().map(super::Answer::to_tsv).collect();
        Ok(Some(lines.join("\n")))
    }
}

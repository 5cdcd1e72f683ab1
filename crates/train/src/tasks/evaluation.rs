//! How well a run's model answers examples whose answers are known.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use burn::data::dataloader::DataLoader;
use burn::tensor::Device;
use burn::train::InferenceStep;
use serde::Serialize;

use super::gathered::{Gathered, same};
use super::loader::with_loss;
use super::{Decoding, ExampleLoader, ExampleTask, TaskSettings, read};
use crate::road::{Opened, Task};
use crate::say::say;
use crate::{PickedDevice, RunDescription, TrainError, Trainee, Window};

/// What `backdraft evaluate` prints of a task.
#[derive(Debug, Clone, Serialize)]
pub struct TaskEvaluation {
    /// The task.
    pub task: &'static str,
    /// The mean loss; NaN if no example has an answer that the model can give.
    pub loss: f64,
    /// What the model reaches, by name.
    #[serde(flatten)]
    pub figures: BTreeMap<&'static str, f64>,
    /// Examples it was measured on.
    pub examples: usize,
    /// Rows of the data that could not be used and were passed over.
    pub skipped_rows: usize,
    /// What it was computed on.
    pub device: String,
    /// How long it took.
    pub seconds: f64,
    /// The data.
    pub data: String,
    /// More of it, to be looked at.
    #[serde(skip)]
    pub table: Option<String>,
}

/// Evaluates the model of a run on the examples of a file; without one, on those that were held out
/// of its own.
///
/// # Errors
///
/// When the run, the data or the way to search for answers cannot be used.
pub fn evaluate_task<T: ExampleTask>(
    path: &Path,
    data: Option<&Path>,
    decoding: &Decoding,
    device: &PickedDevice,
) -> Result<TaskEvaluation, TrainError> {
    let start = Instant::now();
    let mut opened = Opened::<T>::open(path, &device.device)?;
    opened.task = opened.task.with_decoding(decoding, &opened.model)?;
    let Scored {
        examples,
        skipped,
        name,
    } = Scored::of(path, &opened, data)?;
    let Opened {
        task,
        description,
        model,
        ..
    } = opened;
    let rows = description.settings.training.batch;
    let scores = task.score(&model, &examples, rows)?;
    let count = examples.len();
    let loss = match with_loss(&task, &examples) {
        Ok(known) => mean_loss(Arc::new(task), model, known, rows, &device.device)?,
        // Nothing that the model could have answered.
        Err(error) => {
            say(format_args!("note: there is no loss: {error}"));
            f64::NAN
        }
    };
    Ok(TaskEvaluation {
        task: <T as Task>::NAME,
        loss,
        figures: scores.figures.into_iter().collect(),
        examples: count,
        skipped_rows: skipped,
        device: device.name.clone(),
        seconds: start.elapsed().as_secs_f64(),
        data: name,
        table: scores.table,
    })
}

/// Examples that a model is measured on.
pub(super) struct Scored<T: ExampleTask> {
    pub(super) examples: Arc<Vec<T::Example>>,
    pub(super) skipped: usize,
    /// What they are called.
    pub(super) name: String,
}

impl<T: ExampleTask> Scored<T> {
    /// Those of a file, or else those that were held out of the run's own.
    pub(super) fn of(
        run: &Path,
        opened: &Opened<T>,
        data: Option<&Path>,
    ) -> Result<Self, TrainError> {
        let Opened {
            task, description, ..
        } = opened;
        let settings = &description.settings;
        let Some(data) = data else {
            let gathered = held_out_again(run, task, description)?;
            let from = settings.valid.as_ref().or(description.data.as_ref());
            let from = from.map_or_else(String::new, |path| path.display().to_string());
            return Ok(Self {
                examples: gathered.held_out,
                skipped: gathered.skipped,
                name: format!("held out: {from}"),
            });
        };
        let read = read::<T>(data, &settings.options, Some(task))?;
        task.check_all(data, &read.examples)?;
        Ok(Self {
            examples: Arc::new(T::scored(read.examples, settings)?),
            skipped: read.skipped,
            name: data.display().to_string(),
        })
    }
}

/// The data that a run began with, for what was held out of them.
pub(super) fn held_out_again<T: ExampleTask>(
    path: &Path,
    task: &T,
    description: &RunDescription<TaskSettings<T::Options>>,
) -> Result<Gathered<T>, TrainError> {
    let gone = |reason: String| {
        let path = path.to_path_buf();
        TrainError::NoHeldOut { path, reason }
    };
    let again = || {
        let data = same(description.data.as_deref(), description, &gone)?;
        Gathered::read(&description.settings, data, Some(task))
    };
    again().map_err(|error| match error {
        TrainError::Moved { error, .. } => gone(error.to_string()),
        error => error,
    })
}

fn mean_loss<T: ExampleTask>(
    task: Arc<T>,
    model: T::Model,
    examples: Arc<Vec<T::Example>>,
    rows: usize,
    device: &Device,
) -> Result<f64, TrainError> {
    let loader = ExampleLoader::new(task, examples, rows, 0, device.clone())?;
    let loader: &dyn DataLoader<Window<T::Model>> = &loader;
    let model = Trainee { model };
    let (mut sum, mut positions) = (0.0, 0);
    for window in loader.iter() {
        let window = window.expect("examples in memory");
        let losses = InferenceStep::step(&model, window).losses.into_data();
        sum += losses.iter::<f64>().sum::<f64>();
        positions += losses.num_elements();
    }
    Ok(sum / positions as f64)
}

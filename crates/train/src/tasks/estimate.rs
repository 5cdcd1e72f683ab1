//! What the training of a task would be, before it is begun.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use backdraft_cells::Layer;
use burn::module::Module;
use serde::Serialize;

use super::gathered::Gathered;
use super::pretrained::PretrainedTask;
use super::training::{all_paths, loaders, task_and_model};
use super::{Task, TaskSettings};
use crate::fit::training::{seconds_a_step, weight_bytes};
use crate::{PickedDevice, TrainError};

/// What `backdraft train .. --dry-run` prints of a task.
#[derive(Debug, Clone, Serialize)]
pub struct TaskEstimate {
    /// The recurrent layers.
    pub model: String,
    /// Which way they go, and why.
    pub path: String,
    /// Numbers that are learned.
    pub parameters: usize,
    /// Bytes of the weights, their gradients and what the optimiser remembers.
    pub weight_bytes: usize,
    /// Examples that are learned from.
    pub examples: usize,
    /// Examples that are held out.
    pub valid_examples: usize,
    /// Rows of the data that cannot be used and are passed over.
    pub skipped_rows: usize,
    /// Steps of the whole training.
    pub steps: usize,
    /// Seconds, about, that it would take without evaluation: some steps were tried.
    pub seconds: f64,
    /// What it was tried on.
    pub device: String,
    /// The data.
    pub data: String,
}

/// Tries some steps of a training, of new weights or of those of another run, and leaves nothing behind.
///
/// # Errors
///
/// As [`train_task`](crate::train_task).
pub fn estimate_task<T: Task>(
    pretrained: Option<&PretrainedTask<T>>,
    settings: &TaskSettings<T::Options>,
    data: &Path,
    device: &PickedDevice,
) -> Result<TaskEstimate, TrainError> {
    settings.check()?;
    let known = pretrained.map(PretrainedTask::task);
    let gathered = Gathered::<T>::read(settings, data, known)?;
    let (task, model) = task_and_model(pretrained, &gathered, settings, data, device)?;
    let task = Arc::new(task);
    let [learned_from, _] = loaders(&task, &gathered, settings, &device.device)?;
    settings.training.check_extent(an_epoch(&learned_from))?;
    let parameters = model.num_params();
    let (_, steps) = settings.training.extent(an_epoch(&learned_from));
    let layers = T::layers(&model).into_iter();
    let layers: Vec<String> = layers.map(Layer::describe).collect();
    Ok(TaskEstimate {
        model: layers.join(", "),
        path: all_paths::<T>(&model, &device.device),
        parameters,
        weight_bytes: weight_bytes(&settings.training, parameters),
        examples: gathered.learned_from.len(),
        valid_examples: gathered.held_out.len(),
        skipped_rows: gathered.skipped,
        steps,
        seconds: steps as f64
            * seconds_a_step(&learned_from, model, &settings.training, &device.device)?,
        device: device.name.clone(),
        data: data.display().to_string(),
    })
}

fn an_epoch<T: Task>(loader: &super::ExampleLoader<T>) -> usize {
    burn::data::dataloader::DataLoader::num_items(loader)
}

impl fmt::Display for TaskEstimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebi = self.weight_bytes as f64 / f64::from(1 << 20);
        let seconds = self.seconds as u64;
        writeln!(
            f,
            "data        {}: {} examples to learn from, {} held out, {} rows passed over",
            self.data, self.examples, self.valid_examples, self.skipped_rows
        )?;
        writeln!(
            f,
            "model       {}, {} parameters",
            self.model, self.parameters
        )?;
        writeln!(f, "path        {}", self.path)?;
        writeln!(
            f,
            "memory      {mebi:.1} MiB for weights, gradients and the optimiser"
        )?;
        writeln!(f, "steps       {}", self.steps)?;
        writeln!(
            f,
            "time        about {}:{:02} on {}",
            seconds / 60,
            seconds % 60,
            self.device
        )
    }
}

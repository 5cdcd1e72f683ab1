//! What a training would be, before it is begun.

use backdraft_cells::Layer;
use burn::module::Module;

use super::training::{Beginning, all_paths, start};
use super::{Pretrained, Task};
use crate::fit::training::{seconds_a_step, weight_bytes};
use crate::{Asked, PickedDevice, TrainError};

/// A training of which some steps were tried.
pub struct Tried {
    /// The recurrent layers.
    pub(crate) model: String,
    /// Which way they go, and why.
    pub(crate) path: String,
    /// Numbers that are learned.
    pub(crate) parameters: usize,
    /// Bytes of the weights, their gradients and what the optimiser remembers.
    pub(crate) weight_bytes: usize,
    /// Steps of the whole training.
    pub(crate) steps: usize,
    /// Seconds, about, that it would take without evaluation.
    pub(crate) seconds: f64,
    /// What it was tried on.
    pub(crate) device: String,
    /// What the data are called.
    pub(crate) data: String,
}

/// Tries some steps of a training, of new weights or of those of another run, and leaves nothing behind.
///
/// # Errors
///
/// As [`train_task`](crate::train_task).
pub fn estimate_task<T: Task>(
    pretrained: Option<&Pretrained<T>>,
    settings: &T::Settings,
    source: &T::Source,
    device: &PickedDevice,
) -> Result<T::Estimate, TrainError> {
    let Beginning { task, model, data } = start(pretrained, settings, source, device)?;
    let batches = task.clone().batches(data, settings, &device.device)?;
    let an_epoch = batches.learned_from.num_items();
    let training = settings.training();
    training.check_extent(an_epoch)?;
    let parameters = model.num_params();
    let (_, steps) = training.extent(an_epoch);
    let layers = T::recurrent(&model).into_iter();
    let layers: Vec<String> = layers.map(|(_, layer)| layer.describe()).collect();
    let tried = Tried {
        model: layers.join(", "),
        path: all_paths::<T>(&model, &device.device),
        parameters,
        weight_bytes: weight_bytes(training, parameters),
        steps,
        seconds: steps as f64
            * seconds_a_step(&*batches.learned_from, model, training, &device.device)?,
        device: device.name.clone(),
        data: T::name(source),
    };
    Ok(task.estimate(settings, batches.amounts, tried))
}

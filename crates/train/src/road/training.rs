//! From data to a run, and on with one that was cut off.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::Device;

use super::{Batches, Pretrained, Task};
use crate::device::check_count;
use crate::fit::checkpoint::Latest;
use crate::fit::training::{Learned, TrainingPlan, paths};
use crate::run::{NewRun, RunState};
use crate::{
    Asked, DeviceChoice, Display, PickedDevice, Provenance, Run, RunDescription, TrainError,
};

/// A training that has ended.
pub struct Trained {
    pub(crate) learned: Learned,
    /// What it was computed on.
    pub(crate) device: String,
    /// Which way the recurrent layers went, and why.
    pub(crate) path: String,
    /// Numbers that were learned.
    pub(crate) parameters: usize,
    /// What the data are called.
    pub(crate) data: String,
    /// The run folder.
    pub(crate) run: String,
}

/// Trains a new model on data and leaves a run folder at `path`.
///
/// Weights are drawn on the CPU, so that a seed is the same model on every device.
///
/// # Errors
///
/// When a setting is impossible, the data cannot be used, the folder is in use, or training diverges.
pub fn train_task<T: Task>(
    settings: &T::Settings,
    source: &T::Source,
    path: &Path,
    device: &PickedDevice,
    display: Display,
) -> Result<T::Report, TrainError> {
    train::<T>(None, settings, source, path, device, display)
}

/// Trains a model that begins with the weights of another run: with other settings of the training, on the same
/// data or on others.
///
/// # Errors
///
/// When the settings are of another model than that of `pretrained`, or the data have something that it does not know;
/// and as [`train_task`].
pub fn train_task_from<T: Task>(
    pretrained: &Pretrained<T>,
    settings: &T::Settings,
    source: &T::Source,
    path: &Path,
    device: &PickedDevice,
    display: Display,
) -> Result<T::Report, TrainError> {
    train(Some(pretrained), settings, source, path, device, display)
}

/// Makes a run, of new weights or of those of another, and trains it.
fn train<T: Task>(
    pretrained: Option<&Pretrained<T>>,
    settings: &T::Settings,
    source: &T::Source,
    path: &Path,
    device: &PickedDevice,
    display: Display,
) -> Result<T::Report, TrainError> {
    let Beginning { task, model, data } = start(pretrained, settings, source, device)?;
    let (made, found_at) = T::provenance(source, &data);
    let description = RunDescription {
        data: found_at,
        device: device.choice(),
        devices: device.devices().len(),
        settings: settings.clone().absolute(),
        made: Some(Provenance {
            from: pretrained.map(Pretrained::made),
            ..made
        }),
        ..RunDescription::default()
    };
    description.check()?;
    let contents = task.files(&data);
    let files = T::FILES.iter().zip(&contents);
    let files: Vec<(&str, &str)> = files.map(|(name, text)| (*name, text.as_ref())).collect();
    let batches = task.batches(data, settings, &device.device)?;
    let an_epoch = batches.learned_from.num_items();
    settings.training().check_extent(an_epoch)?;
    let display = display.settled()?;
    let new = NewRun::begin(path)?;
    new.run().begin(&description, RunState::Running, &files)?;
    let prepared = Prepared::new(batches, model, &description, device, display);
    prepared.plan.save_first(new.run())?;
    let (run, _lock) = new.complete()?;
    let latest = Latest::of(run.path())?;
    prepared.learn(&run, latest)
}

/// A task, its model before the first step, and the data to learn from.
pub(super) struct Beginning<'a, T: Task> {
    pub(super) task: T,
    pub(super) model: T::Model,
    pub(super) data: T::Data<'a>,
}

/// Of new weights, or of those of another run.
pub(super) fn start<'a, T: Task>(
    pretrained: Option<&Pretrained<T>>,
    settings: &T::Settings,
    source: &'a T::Source,
    device: &PickedDevice,
) -> Result<Beginning<'a, T>, TrainError> {
    settings.check()?;
    check_count(device.devices().len(), settings.training().batch)?;
    pretrained.map_or(Ok(()), |run| run.check_kept(settings))?;
    let data = T::gather(source, settings, pretrained.map(Pretrained::task))?;
    let mut task = match pretrained {
        Some(run) => run.task_for(settings, &data)?,
        None => T::from_data(&data, settings)?,
    };
    task.check_memory(&data, settings, &device.device)?;
    let model = match pretrained {
        Some(run) => run.model_for(&task, settings)?,
        None => {
            let model = new_model(&task, settings)?;
            task.with_known_weights(model)
        }
    };
    Ok(Beginning { task, model, data })
}

/// The model of a task, with new weights: on the CPU, whatever it is to be trained on.
pub(crate) fn new_model<T: Task>(task: &T, settings: &T::Settings) -> Result<T::Model, TrainError> {
    let device = Device::flex();
    device.seed(settings.training().seed);
    let model = task.init(settings, &device)?;
    debug_assert_eq!(task.num_params(settings).ok(), Some(model.num_params()));
    Ok(model)
}

/// What a training that goes on is given anew: nothing, by default.
#[derive(Debug)]
pub struct Resumed<'a, S: ?Sized> {
    /// The data, where they are not found again by themselves.
    pub data: Option<&'a S>,
    /// Where the file of what is held out is now.
    pub valid: Option<PathBuf>,
    /// Another device than the one it was on.
    pub device: Option<DeviceChoice>,
    /// Another number of devices.
    pub devices: Option<usize>,
}

impl<S: ?Sized> Default for Resumed<'_, S> {
    fn default() -> Self {
        Self {
            data: None,
            valid: None,
            device: None,
            devices: None,
        }
    }
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
    resumed: Resumed<'_, T::Source>,
    display: Display,
) -> Result<T::Report, TrainError> {
    let (run, mut description) = Run::open_as::<T::Settings>(path)?;
    let _lock = run.lock()?;
    run.check_resumable(T::NAME)?;
    description.settings.check()?;
    if let Some(now) = resumed.valid {
        let Some(valid) = description.settings.valid_mut() else {
            return Err(TrainError::Invalid {
                setting: "valid",
                expected: "a run that was trained with --valid".to_string(),
                found: now.display().to_string(),
            });
        };
        *valid = now;
    }
    let refuse = |reason: String| TrainError::CannotResume {
        path: path.to_path_buf(),
        reason,
    };
    run.check(T::FILES)?;
    let task = T::open(&run)?;
    let source: Cow<'_, T::Source> = T::find_again(&description, resumed.data, refuse)?;
    let latest = Latest::of(run.path())?;
    let display = display.settled()?;
    let device = resumed.device.unwrap_or(description.device).pick()?;
    let device = device.with_devices(resumed.devices.unwrap_or(description.devices))?;
    let settings = &description.settings;
    check_count(device.devices().len(), settings.training().batch)?;
    let data = T::gather(&source, settings, Some(&task))?;
    task.check_memory(&data, settings, &device.device)?;
    let model = new_model(&task, settings)?;
    let batches = task.batches(data, settings, &device.device)?;
    Prepared::new(batches, model, &description, &device, display).learn(&run, latest)
}

/// A training that can begin, and what is told of it when it has ended.
struct Prepared<'a, T: Task> {
    plan: TrainingPlan<'a, T::Model, T::Shows>,
    amounts: T::Amounts,
    path: String,
    parameters: usize,
}

impl<'a, T: Task> Prepared<'a, T> {
    fn new(
        batches: Batches<T>,
        model: T::Model,
        description: &'a RunDescription<T::Settings>,
        device: &'a PickedDevice,
        display: Display,
    ) -> Self {
        let made = description.made.as_ref();
        Self {
            amounts: batches.amounts,
            path: all_paths::<T>(&model, &device.device),
            parameters: model.num_params(),
            plan: TrainingPlan {
                model,
                learned_from: batches.learned_from,
                held_out: batches.held_out,
                shows: batches.shows,
                training: description.settings.training(),
                device,
                display,
                source: made.map_or_else(String::new, |made| made.text.clone()),
            },
        }
    }

    fn learn(self, run: &Run, latest: Latest) -> Result<T::Report, TrainError> {
        let (device, data) = (self.plan.device.name.clone(), self.plan.source.clone());
        let learned = self.plan.learn(run, latest)?;
        let steps = learned.tally.steps;
        let trained = Trained {
            learned,
            device,
            path: self.path,
            parameters: self.parameters,
            data,
            run: run.path().display().to_string(),
        };
        let report = T::report(self.amounts, trained);
        run.finish(steps, &report)?;
        Ok(report)
    }
}

/// The paths of all recurrent layers of a model; one where all are the same.
pub(super) fn all_paths<T: Task>(model: &T::Model, device: &Device) -> String {
    let layers = T::recurrent(model).into_iter();
    let mut all: Vec<String> = layers.map(|(_, layer)| paths(layer, device)).collect();
    all.dedup();
    all.join(", ")
}

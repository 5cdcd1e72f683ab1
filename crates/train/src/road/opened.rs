//! A run, opened for use.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;

use super::{Task, new_model};
use crate::{Asked, Run, RunDescription, TrainError};

/// A run's task, what was asked for, and its model on a device.
pub(crate) struct Opened<T: Task> {
    pub(crate) run: Run,
    pub(crate) task: T,
    pub(crate) description: RunDescription<T::Settings>,
    pub(crate) model: T::Model,
}

impl<T: Task> Opened<T> {
    /// Opens a run for use.
    ///
    /// # Errors
    ///
    /// When it is none of this task, or has no weights that can be used.
    pub(crate) fn open(path: &Path, device: &Device) -> Result<Self, TrainError> {
        let (run, description) = Run::open_as::<T::Settings>(path)?;
        description.settings.check()?;
        let task = T::open(&run)?;
        // New weights first, on the CPU: what a file does not fit is refused before a GPU is touched.
        let model = new_model(&task, &description.settings)?;
        let model = run.load_weights(model)?.fork(device).valid();
        Ok(Self {
            run,
            task,
            description,
            model,
        })
    }
}

//! A run of a task whose weights another training begins with.

use std::path::Path;

use burn::module::Module;

use super::training::{new_model, open};
use super::{Task, TaskSettings};
use crate::run::plain;
use crate::{OriginRun, Run, RunDescription, TrainError};

/// A run of a task whose weights another training begins with: one that has ended, or was stopped.
///
/// What is known of its examples, such as vocabularies, labels and scales, stays as it is.
#[derive(Debug)]
pub struct PretrainedTask<T: Task> {
    run: Run,
    description: RunDescription<TaskSettings<T::Options>>,
    task: T,
    made: OriginRun,
}

impl<T: Task> PretrainedTask<T> {
    /// Opens a run to begin with.
    ///
    /// # Errors
    ///
    /// When it is none of this task, or its weights cannot be used.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        let (run, description) = Run::open_as::<TaskSettings<T::Options>>(path)?;
        description.settings.check()?;
        Ok(Self {
            task: open(&run)?,
            made: run.as_pretrained()?,
            description,
            run,
        })
    }

    /// The run folder.
    pub fn path(&self) -> &Path {
        self.run.path()
    }

    pub(super) fn task(&self) -> &T {
        &self.task
    }

    pub(super) fn made(&self) -> OriginRun {
        self.made.clone()
    }

    /// The task and its model with the weights of the run, for a training with these settings.
    pub(super) fn begun(
        &self,
        settings: &TaskSettings<T::Options>,
    ) -> Result<(T, T::Model), TrainError> {
        let own = new_model(&self.task, &self.description.settings)?;
        let record = self.run.load_weights(own)?.into_record();
        let model = new_model(&self.task, settings)?;
        let loaded = model.try_load_record(record);
        let model = loaded.map_err(|error| TrainError::Invalid {
            setting: "from",
            expected: format!(
                "settings of the same model as that of {}",
                self.run.path().display()
            ),
            found: format!("others ({})", plain(error)),
        })?;
        Ok((self.task.clone(), model))
    }
}

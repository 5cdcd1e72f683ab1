//! What the user asks of a task: the layers, what the task has of its own, and the training.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Asked, Recurrence, TrainError, Training};

/// A setting that does nothing as things are, and what it belongs to.
pub type Idle = (&'static str, &'static str);

/// What is asked of one kind of task, beside layers and training. Its fields are named as the flags.
pub trait TaskOptions:
    Clone + Default + PartialEq + Debug + Send + Sync + Serialize + DeserializeOwned + 'static
{
    /// What the task is called: `classify`.
    const TASK: &'static str;

    /// The options that decide what a run knows of its examples, such as its vocabulary. A training that begins from a run
    /// cannot change them.
    const KEPT: &'static [&'static str] = &[];

    /// The options that decide which weights the model has, beside those that are kept and the recurrent layers.
    const SHAPING: &'static [&'static str] = &[];

    /// With a value for each key that there is, those too that have none by default.
    fn full() -> Self {
        Self::default()
    }

    /// The layers that it has by default.
    fn recurrence() -> Recurrence;

    /// How it is trained by default.
    fn training() -> Training;

    /// Refuses what makes no sense, by itself or with these layers.
    ///
    /// # Errors
    ///
    /// Names the first option that is impossible, what would be possible and what it was.
    fn check(&self, recurrence: &Recurrence) -> Result<(), TrainError>;

    /// The files that are asked for, each with its option.
    fn paths(&self) -> Vec<(&'static str, &Path)> {
        Vec::new()
    }

    /// The same, whatever folder it is used from.
    #[must_use]
    fn absolute(self) -> Self {
        self
    }

    /// The other files that examples are in, beside the one that is named.
    fn beside(&self, _data: &Path) -> Vec<PathBuf> {
        Vec::new()
    }

    /// The settings that do nothing with examples in such a file.
    fn idle(&self, _data: &Path) -> Vec<Idle> {
        Vec::new()
    }
}

/// How the model of a task is built and trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSettings<O> {
    /// A file of examples that are held out; a part of the others if there is none.
    pub valid: Option<PathBuf>,
    /// The recurrent layers.
    #[serde(flatten)]
    pub recurrence: Recurrence,
    /// What the task has of its own.
    #[serde(flatten)]
    pub options: O,
    /// How it is trained.
    #[serde(flatten)]
    pub training: Training,
}

impl<O: TaskOptions> Default for TaskSettings<O> {
    fn default() -> Self {
        Self {
            valid: None,
            recurrence: O::recurrence(),
            options: O::default(),
            training: O::training(),
        }
    }
}

impl<O: TaskOptions> Asked for TaskSettings<O> {
    const TASK: &'static str = O::TASK;
    const KEPT: &'static [&'static str] = O::KEPT;

    fn shaping() -> Vec<&'static str> {
        [Recurrence::SHAPING, O::SHAPING].concat()
    }

    fn full() -> Self {
        Self {
            valid: Some(PathBuf::from("valid")),
            recurrence: O::recurrence().full(),
            options: O::full(),
            training: Training::full(),
        }
    }

    fn check(&self) -> Result<(), TrainError> {
        self.recurrence.check()?;
        self.training.check()?;
        self.options.check(&self.recurrence)
    }

    fn recurrence(&self) -> &Recurrence {
        &self.recurrence
    }

    fn training(&self) -> &Training {
        &self.training
    }

    fn paths(&self) -> Vec<(&'static str, &Path)> {
        let valid = self.valid.as_deref().map(|path| ("valid", path));
        let own = self.options.paths().into_iter();
        valid.into_iter().chain(own).collect()
    }

    fn absolute(self) -> Self {
        Self {
            valid: self
                .valid
                .map(|path| std::path::absolute(&path).unwrap_or(path)),
            options: self.options.absolute(),
            ..self
        }
    }

    fn valid_mut(&mut self) -> Option<&mut PathBuf> {
        self.valid.as_mut()
    }
}

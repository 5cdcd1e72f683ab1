//! A run of a task whose weights another training begins with.

use std::path::Path;

use burn::module::Module;
use toml::{Table, Value};

use super::training::{new_model, open};
use super::{Task, TaskOptions, TaskSettings};
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

    /// The task and its model with the weights of the run, for a training on these examples with these settings.
    ///
    /// # Errors
    ///
    /// When the settings ask for other examples to be known, or for another model.
    pub(super) fn start(
        &self,
        settings: &TaskSettings<T::Options>,
        examples: &[T::Example],
    ) -> Result<(T, T::Model), TrainError> {
        self.check_kept(settings)?;
        let own = new_model(&self.task, &self.description.settings)?;
        let record = self.run.load_weights(own)?.into_record();
        let task = self.task.clone().for_training(examples, settings);
        let model = new_model(&task, settings)?;
        let loaded = model.try_load_record(record);
        let model = loaded.map_err(|error| match self.differing(settings) {
            Some(differing) => differing,
            None => TrainError::Invalid {
                setting: "from",
                expected: format!(
                    "settings of the same model as that of {}",
                    self.run.path().display()
                ),
                found: format!("others ({})", plain(error)),
            },
        })?;
        Ok((task, model))
    }

    /// Refuses options that the run has decided.
    fn check_kept(&self, settings: &TaskSettings<T::Options>) -> Result<(), TrainError> {
        self.first_change(T::Options::KEPT, settings)
            .map_or(Ok(()), Err)
    }

    /// The setting that makes it another model, if one of these does.
    fn differing(&self, settings: &TaskSettings<T::Options>) -> Option<TrainError> {
        const SHAPING: [&str; 16] = [
            "cell",
            "layers",
            "hidden",
            "embedding",
            "ways",
            "pooling",
            "characters",
            "character_embedding",
            "decoder",
            "output",
            "covariates",
            "calendar",
            "attention",
            "condition",
            "key_size",
            "stacking",
        ];
        self.first_change(&SHAPING, settings)
    }

    /// The first of some settings that is another one than in the run.
    fn first_change(
        &self,
        names: &[&'static str],
        settings: &TaskSettings<T::Options>,
    ) -> Option<TrainError> {
        let table = |settings: &TaskSettings<T::Options>| {
            let options = settings.options.clone().absolute();
            let settings = TaskSettings {
                options,
                ..settings.clone()
            };
            Table::try_from(settings).expect("our own types are valid TOML")
        };
        let (own, asked) = (table(&self.description.settings), table(settings));
        let shown = |value: Option<&Value>| match value {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => "none".to_string(),
        };
        names.iter().find_map(|&setting| {
            let [own, asked] = [&own, &asked].map(|table| shown(table.get(setting)));
            (own != asked).then(|| TrainError::Invalid {
                setting,
                expected: format!("{own}, as in {}", self.run.path().display()),
                found: asked,
            })
        })
    }
}

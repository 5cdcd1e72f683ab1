//! A run whose weights another training begins with.

use std::path::Path;

use burn::module::Module;
use toml::{Table, Value};

use super::{Task, new_model};
use crate::run::plain;
use crate::{Asked, OriginRun, Run, RunDescription, TrainError};

/// A run whose weights another training begins with: one that has ended, was imported, or was stopped.
///
/// What is known of its data, such as vocabularies, labels and scales, stays as it is.
#[derive(Debug)]
pub struct Pretrained<T: Task> {
    run: Run,
    description: RunDescription<T::Settings>,
    task: T,
    made: OriginRun,
}

impl<T: Task> Pretrained<T> {
    /// Opens a run to begin with.
    ///
    /// # Errors
    ///
    /// When it is none of this task, or its weights cannot be used.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        let (run, description) = Run::open_as::<T::Settings>(path)?;
        description.settings.check()?;
        Ok(Self {
            task: T::open(&run)?,
            made: run.as_pretrained()?,
            description,
            run,
        })
    }

    /// With something else done to its task.
    pub(crate) fn map_task(self, change: impl FnOnce(T) -> T) -> Self {
        Self {
            task: change(self.task),
            ..self
        }
    }

    pub(super) fn task(&self) -> &T {
        &self.task
    }

    pub(super) fn made(&self) -> OriginRun {
        self.made.clone()
    }

    /// The task, for a training on these data with these settings.
    ///
    /// # Errors
    ///
    /// When the data have something that it does not know.
    pub(super) fn task_for(
        &self,
        settings: &T::Settings,
        data: &T::Data<'_>,
    ) -> Result<T, TrainError> {
        self.task.clone().for_data(data, settings, self.run.path())
    }

    /// The model of that task, with the weights of the run.
    ///
    /// # Errors
    ///
    /// When the settings ask for another model.
    pub(super) fn model_for(
        &self,
        task: &T,
        settings: &T::Settings,
    ) -> Result<T::Model, TrainError> {
        let own = new_model(&self.task, &self.description.settings)?;
        let record = self.run.load_weights(own)?.into_record();
        let loaded = new_model(task, settings)?.try_load_record(record);
        loaded.map_err(|error| match self.differing(settings) {
            Some(differing) => differing,
            None => TrainError::Invalid {
                setting: "from",
                expected: format!(
                    "settings of the same model as that of {}",
                    self.run.path().display()
                ),
                found: format!("others ({})", plain(error)),
            },
        })
    }

    /// Refuses settings that the run has decided.
    pub(super) fn check_kept(&self, settings: &T::Settings) -> Result<(), TrainError> {
        self.first_change(T::Settings::KEPT, settings)
            .map_or(Ok(()), Err)
    }

    /// The setting that makes it another model, if one of these does.
    fn differing(&self, settings: &T::Settings) -> Option<TrainError> {
        self.first_change(&T::Settings::shaping(), settings)
    }

    /// The first of some settings that is another one than in the run.
    fn first_change(&self, names: &[&'static str], settings: &T::Settings) -> Option<TrainError> {
        let table = |settings: &T::Settings| {
            let settings = settings.clone().absolute();
            Table::try_from(settings).expect("our own types are valid TOML")
        };
        let (own, asked) = (table(&self.description.settings), table(settings));
        names.iter().find_map(|&setting| {
            let [own, asked] = [&own, &asked].map(|table| shown(value(table, setting)));
            (own != asked).then(|| TrainError::Invalid {
                setting,
                expected: format!("{own}, as in {}", self.run.path().display()),
                found: asked,
            })
        })
    }
}

/// What a setting is, such as `regularize.weight_norm`.
fn value<'a>(table: &'a Table, setting: &str) -> Option<&'a Value> {
    match setting.split_once('.') {
        None => table.get(setting),
        Some((first, rest)) => value(table.get(first)?.as_table()?, rest),
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => "none".to_string(),
    }
}

//! `backdraft train` of a task that learns from examples, with flags or with a file.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;

use super::arguments::{refuse_without_effect, take};
use super::keeping::Keeping;
use super::layering::Layering;
use super::optimising::Optimising;
use super::running::Running;
use super::{launch, warn};
use crate::bounds::require;
use crate::names::flag;
use crate::tasks::data_checksum;
use crate::{
    Asked, ExampleTask, Pretrained, RunDescription, TaskOptions, TaskSettings, TrainError, Training,
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments<O: clap::Args> {
    #[command(flatten)]
    running: Running,
    /// File of examples, or for `classify` also a folder with a folder for each class
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    data: Option<PathBuf>,
    /// File of held-out examples [default: a part of the others]
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    valid: Option<PathBuf>,
    #[command(flatten)]
    options: O,
    #[command(flatten)]
    layering: Layering,
    /// Maximum number of passes over the examples
    #[arg(long, value_name = "N", help_heading = "Training")]
    epochs: Option<usize>,
    /// Maximum number of optimiser steps
    #[arg(long, value_name = "N", help_heading = "Training")]
    steps: Option<usize>,
    /// Examples in a batch
    #[arg(long, value_name = "B", default_value_t = Training::default().batch, help_heading = "Training")]
    batch: usize,
    /// Seed of all random numbers
    #[arg(long, value_name = "S", default_value_t = Training::default().seed, help_heading = "Training")]
    seed: u64,
    #[command(flatten)]
    optimising: Optimising,
    #[command(flatten)]
    keeping: Keeping,
}

impl<O: TaskOptions + clap::Args> Arguments<O> {
    /// What is asked for: by the file, if there is one, and by what was typed beside it.
    pub(in crate::cli) fn description(
        &self,
        typed: &dyn Fn(&str) -> bool,
    ) -> Result<RunDescription<TaskSettings<O>>, TrainError> {
        let mut asked: RunDescription<TaskSettings<O>> = self.running.begun_with(typed)?;
        take!(self, typed, asked, data);
        let settings = &mut asked.settings;
        take!(self, typed, settings, valid);
        take!(self, typed, settings.training, epochs steps batch seed);
        for (setting, path) in self.options.paths() {
            let expected = "a path in UTF-8, which run.toml can hold";
            require(setting, expected, path.display(), path.to_str().is_some())?;
        }
        refuse_too_large(&self.options)?;
        settings.options = put(&settings.options, &self.options, typed);
        self.layering.put(typed, &mut settings.recurrence);
        self.optimising.put(typed, &mut settings.training);
        self.keeping.put(typed, &mut settings.training);
        let (config, from) = (self.running.config(), self.running.from());
        let idle = asked.data.as_deref();
        let idle = idle.map_or_else(Vec::new, |data| settings.options.idle(data));
        refuse_without_effect(config, from, typed, &settings.training, &idle)?;
        settings.check()?;
        asked.check()?;
        let settings = &asked.settings;
        if settings.valid.is_some() && typed("valid_fraction") {
            let (setting, other) = ("valid_fraction", "valid");
            return Err(TrainError::Excluded { setting, other });
        }
        Ok(asked)
    }
}

/// Refuses a number that no file can hold.
fn refuse_too_large(flags: &impl Serialize) -> Result<(), TrainError> {
    let all = serde_json::to_value(flags).expect("our own types are valid JSON");
    let most = i64::MAX as u64;
    let mut fields = all.as_object().into_iter().flatten();
    let too_large = fields.find(|(_, value)| value.as_u64().is_some_and(|number| number > most));
    match too_large {
        None => Ok(()),
        Some((name, number)) => Err(TrainError::Usage {
            reason: format!("{}: expected at most {most}, found {number}", flag(name)),
        }),
    }
}

/// `asked` with what was typed in its place: the flags of options are named as their fields.
fn put<O: Serialize + DeserializeOwned>(asked: &O, flags: &O, typed: &dyn Fn(&str) -> bool) -> O {
    let table = |options: &O| Table::try_from(options).expect("our own types are valid TOML");
    let mut asked = table(asked);
    asked.extend(table(flags).into_iter().filter(|(name, _)| typed(name)));
    asked.try_into().expect("values of our own types")
}

/// `backdraft train TASK`.
pub(in crate::cli) fn run<T: ExampleTask<Options: clap::Args>>(
    arguments: &Arguments<T::Options>,
    typed: &dyn Fn(&str) -> bool,
) -> Result<(), TrainError> {
    let asked = arguments.description(typed)?;
    let Some(data) = &asked.data else {
        return Err(TrainError::Invalid {
            setting: "data",
            expected: "the file with the examples".to_string(),
            found: "none".to_string(),
        });
    };
    let running = &arguments.running;
    if let Some(file) = running.file_of_data(typed)
        && asked.made.is_some()
    {
        let sum = |path: &Path| data_checksum(&asked.settings.options, path).ok();
        let valid = asked.settings.valid.as_deref().and_then(sum);
        if let Some(data) = sum(data) {
            warn(&asked.warnings(&file, &data, valid.as_deref()));
        }
    }
    let pretrained = running.from().map(Pretrained::<T>::open).transpose()?;
    launch(running, &asked, data.as_path(), pretrained.as_ref())
}

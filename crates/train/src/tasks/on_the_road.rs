//! A task that learns from examples goes the road of every task.
//!
//! ```text
//! task.json      of a run: what is known of its examples, the task itself
//! ```

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backdraft_cells::Error;
use backdraft_models::Encoder;
use burn::tensor::Device;

use super::gathered::{Gathered, same};
use super::loader::loaders;
use super::showing::inside;
use super::{
    Answering, ExampleTask, TaskEstimate, TaskOptions, TaskReport, TaskSettings, parameters,
};
use crate::drawing::Inside;
use crate::fit::memory::{self, Needed};
use crate::road::{Batches, Task, Trained, Tried};
use crate::{Asked, Origin, Provenance, Run, RunDescription, TrainError};

/// How many examples there are.
pub struct ExampleCounts {
    /// Examples that are learned from.
    pub(super) examples: usize,
    /// Examples that are held out.
    pub(super) valid_examples: usize,
    /// Rows of the data that cannot be used and are passed over.
    pub(super) skipped_rows: usize,
}

impl<T: ExampleTask> Task for T {
    const FILES: &'static [&'static str] = &["task.json"];

    type Settings = TaskSettings<T::Options>;
    type Source = Path;
    type Data<'a> = Gathered<T>;
    type Model = T::Model;
    type Shows = Answering<T>;
    type Amounts = ExampleCounts;
    type Report = TaskReport;
    type Estimate = TaskEstimate;

    fn gather(
        source: &Path,
        settings: &Self::Settings,
        known: Option<&Self>,
    ) -> Result<Gathered<T>, TrainError> {
        Gathered::read(settings, source, known)
    }

    fn find_again<'a>(
        description: &RunDescription<Self::Settings>,
        given: Option<&'a Path>,
        refuse: impl Fn(String) -> TrainError,
    ) -> Result<Cow<'a, Path>, TrainError> {
        if given.is_some() {
            return same(given, description, &refuse).map(Cow::Borrowed);
        }
        let refuse = |reason| {
            refuse(format!(
                "{reason}; pass --data or --valid if they are elsewhere now"
            ))
        };
        let found = same(description.data.as_deref(), description, &refuse)?;
        Ok(Cow::Owned(found.to_path_buf()))
    }

    fn from_data(data: &Gathered<T>, settings: &Self::Settings) -> Result<Self, TrainError> {
        T::of(&data.learned_from, settings)
    }

    fn for_data(
        self,
        data: &Gathered<T>,
        settings: &Self::Settings,
        from: &Path,
    ) -> Result<Self, TrainError> {
        let task = self.for_training(&data.learned_from, settings);
        task.check_all(&data.path, &data.learned_from)?;
        let mut examples = data.learned_from.iter();
        examples.try_for_each(|example| {
            task.check_learned(example)
                .map_err(|reason| TrainError::OtherKind {
                    path: data.path.clone(),
                    reason: format!("{reason}, in a training from {}", from.display()),
                })
        })?;
        Ok(task)
    }

    fn check_memory(
        &self,
        _data: &Gathered<T>,
        settings: &Self::Settings,
        device: &Device,
    ) -> Result<(), TrainError> {
        let parameters = self.num_params(settings)?;
        Needed::new(settings.training(), parameters, device).check(memory::free())
    }

    fn num_params(&self, settings: &Self::Settings) -> Result<usize, Error> {
        parameters::count(self, settings)
    }

    fn init(&self, settings: &Self::Settings, device: &Device) -> Result<T::Model, Error> {
        self.model(settings, device)
    }

    fn with_known_weights(&mut self, model: T::Model) -> T::Model {
        ExampleTask::with_known_weights(self, model)
    }

    fn recurrent(model: &T::Model) -> Vec<(&'static str, &Encoder)> {
        T::layers(model)
    }

    fn name(source: &Path) -> String {
        source.display().to_string()
    }

    fn provenance(source: &Path, data: &Gathered<T>) -> (Provenance, Option<PathBuf>) {
        let made = Provenance {
            backdraft: env!("CARGO_PKG_VERSION").to_string(),
            origin: Origin::File,
            text: Self::name(source),
            sha256: data.sha256.clone(),
            valid_sha256: data.valid_sha256.clone(),
            characters: None,
            examples: Some(data.learned_from.len()),
            from: None,
        };
        (made, std::path::absolute(source).ok())
    }

    fn files<'a>(&self, _data: &Gathered<T>) -> Vec<Cow<'a, str>> {
        let json = serde_json::to_string(self).expect("our own types are valid JSON");
        vec![Cow::Owned(json)]
    }

    fn open(run: &Run) -> Result<Self, TrainError> {
        let (path, text) = run.text(Self::FILES[0])?;
        serde_json::from_str(&text).map_err(|error| TrainError::Damaged {
            path,
            reason: error.to_string(),
        })
    }

    fn batches(
        self,
        data: Gathered<T>,
        settings: &Self::Settings,
        device: &Device,
    ) -> Result<Batches<Self>, TrainError> {
        let held_out = settings.valid.as_deref().unwrap_or(&data.path);
        self.check_all(held_out, &data.held_out)?;
        let task = Arc::new(self);
        let [learned_from, held_out] = loaders(&task, &data, settings, device)?;
        Ok(Batches {
            learned_from: Arc::new(learned_from),
            held_out: Arc::new(held_out),
            amounts: ExampleCounts {
                examples: data.learned_from.len(),
                valid_examples: data.held_out.len(),
                skipped_rows: data.skipped,
            },
            shows: Answering {
                task,
                held_out: data.held_out,
                rows: settings.training().batch,
            },
        })
    }

    fn report(amounts: ExampleCounts, trained: Trained) -> TaskReport {
        TaskReport::new(<T::Options as TaskOptions>::TASK, amounts, trained)
    }

    fn estimate(
        &self,
        _settings: &Self::Settings,
        amounts: ExampleCounts,
        tried: Tried,
    ) -> TaskEstimate {
        TaskEstimate::new(amounts, tried)
    }

    fn inside(run: &Path) -> Result<Inside, TrainError> {
        inside::<T>(run)
    }
}

//! The one road that every kind of training goes: from what is asked and its data to a run, and from a run back to a
//! model.
//!
//! ```text
//! data -> gather -> from_data     -> init  -> batches -> training      -> report
//!         as read   what is known    model               run folder
//!                   of them                              (run.toml, the task's files,
//!                                                         checkpoints, model.bpk)
//! ```
//!
//! What differs from task to task is a [`Task`]. Whoever brings a task that learns from examples, each of which
//! is seen whole, writes an [`ExampleTask`](crate::ExampleTask), which is a task of this road by itself.

mod estimate;
mod exchange;
mod opened;
mod pretrained;
mod training;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backdraft_cells::Error;
use backdraft_models::Encoder;
use burn::data::dataloader::DataLoader;
use burn::tensor::Device;
use serde::Serialize;

pub(crate) use estimate::Tried;
pub use estimate::estimate_task;
pub use exchange::{ExchangeReport, export_task, import_task};
pub(crate) use opened::Opened;
pub use pretrained::Pretrained;
pub use training::{Resumed, resume_task, train_task, train_task_from};
pub(crate) use training::{Trained, new_model};

use crate::drawing::Inside;
use crate::fit::training::Shows;
use crate::{Asked, Objective, Provenance, Run, RunDescription, TrainError, Window};

/// A kind of training. A value of the type holds what is known about the data of a run, such as vocabularies, labels
/// and scales.
///
/// It is implemented for [`Language`](crate::Language) and for every [`ExampleTask`](crate::ExampleTask).
pub trait Task: Clone + Send + Sync + 'static {
    /// What it is called: `classify`.
    const NAME: &'static str = <Self::Settings as Asked>::TASK;

    /// The files of a run folder that are the task's own, beside those that every run has.
    const FILES: &'static [&'static str];

    /// What is asked.
    type Settings: Asked;
    /// Where its data are from: a path, or a text at hand.
    type Source: ?Sized + ToOwned;
    /// What was read: what is learned from, and what is held out.
    type Data<'a>;
    /// What is trained.
    type Model: Objective;
    /// What shows how the training goes.
    type Shows: Shows<Self::Model> + 'static;
    /// How much data there are.
    type Amounts;
    /// What is told of a training that has ended.
    type Report: Serialize;
    /// What is told of a training before it is begun.
    type Estimate: Serialize;

    /// Reads the data that are asked for. `known` is the task of an existing run, if that is resumed or begun from.
    ///
    /// # Errors
    ///
    /// When they cannot be read or used.
    fn gather<'a>(
        source: &'a Self::Source,
        settings: &Self::Settings,
        known: Option<&Self>,
    ) -> Result<Self::Data<'a>, TrainError>;

    /// Where the data of a run are: where `given` says, or else where they were. Those that the run did not begin with
    /// are refused.
    ///
    /// # Errors
    ///
    /// When they are not found again, or have changed: `refuse` makes an error of the reason.
    fn find_again<'a>(
        description: &RunDescription<Self::Settings>,
        given: Option<&'a Self::Source>,
        refuse: impl Fn(String) -> TrainError,
    ) -> Result<Cow<'a, Self::Source>, TrainError>;

    /// What is known of data that are learned from.
    ///
    /// # Errors
    ///
    /// When nothing can be learned from them.
    fn from_data(data: &Self::Data<'_>, settings: &Self::Settings) -> Result<Self, TrainError>;

    /// The task of an existing run, for a training on these data with these settings, which agree with those of the run
    /// on what is [kept](Asked::KEPT); `from` is the run.
    ///
    /// # Errors
    ///
    /// When the data have something that the task does not know and cannot learn.
    fn for_data(
        self,
        data: &Self::Data<'_>,
        settings: &Self::Settings,
        from: &Path,
    ) -> Result<Self, TrainError>;

    /// Refuses a training that does not fit into the memory that is free.
    ///
    /// # Errors
    ///
    /// With the sizes.
    fn check_memory(
        &self,
        data: &Self::Data<'_>,
        settings: &Self::Settings,
        device: &Device,
    ) -> Result<(), TrainError>;

    /// Numbers that the model learns. It is not built, however large its layers are.
    ///
    /// # Errors
    ///
    /// When a setting is impossible.
    fn num_params(&self, settings: &Self::Settings) -> Result<usize, Error>;

    /// The model, with new weights.
    ///
    /// # Errors
    ///
    /// When a setting is impossible.
    fn init(&self, settings: &Self::Settings, device: &Device) -> Result<Self::Model, Error>;

    /// Sets those weights of a new model that are known beforehand, such as word vectors.
    fn with_known_weights(&mut self, model: Self::Model) -> Self::Model {
        model
    }

    /// The stacks of recurrent layers of a model, each with what it is called.
    fn recurrent(model: &Self::Model) -> Vec<(&'static str, &Encoder)>;

    /// What the data are called.
    fn name(source: &Self::Source) -> String;

    /// Where the data are from, for the description of a run, and where they can be read again, if they can.
    fn provenance(source: &Self::Source, data: &Self::Data<'_>) -> (Provenance, Option<PathBuf>);

    /// The contents of [`FILES`](Self::FILES), for a run on these data.
    fn files<'a>(&self, data: &Self::Data<'a>) -> Vec<Cow<'a, str>>;

    /// The task of a run, by these files.
    ///
    /// # Errors
    ///
    /// When one is missing or damaged.
    fn open(run: &Run) -> Result<Self, TrainError>;

    /// What is learned from and what is held out, as it comes to the model on a device.
    ///
    /// # Errors
    ///
    /// When there is too little.
    fn batches(
        self,
        data: Self::Data<'_>,
        settings: &Self::Settings,
        device: &Device,
    ) -> Result<Batches<Self>, TrainError>;

    /// What is told of a training that has ended.
    fn report(amounts: Self::Amounts, trained: Trained) -> Self::Report;

    /// What is told of a training that was tried for some steps.
    fn estimate(
        &self,
        settings: &Self::Settings,
        amounts: Self::Amounts,
        tried: Tried,
    ) -> Self::Estimate;

    /// What a page about a run shows of its model.
    ///
    /// # Errors
    ///
    /// When the run cannot be used. What is only not there is told on the page.
    fn inside(run: &Path) -> Result<Inside, TrainError>;
}

/// The data of a task as its model takes them.
pub struct Batches<T: Task> {
    /// What is learned from.
    pub learned_from: Arc<dyn DataLoader<Window<T::Model>>>,
    /// What is held out.
    pub held_out: Arc<dyn DataLoader<Window<T::Model>>>,
    /// What shows how the training goes.
    pub shows: T::Shows,
    /// How much there is of both.
    pub amounts: T::Amounts,
}

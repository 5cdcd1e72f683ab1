//! What can be trained. A language model reads texts as streams; every other task learns from examples, each of
//! which is seen whole.
//!
//! A kind of the latter is an [`ExampleTask`]: how examples are read, what is known of them (vocabularies, labels,
//! scales), which model that makes, and what is told of its answers. Everything else is here: batches of similar
//! length, evaluation, prediction, and how it goes the [road](crate::road) of every task.

mod answer;
mod answering;
pub(crate) mod classify;
pub(crate) mod compose;
mod confusion;
mod decoding;
mod estimate;
mod evaluation;
mod examples;
pub(crate) mod forecast;
mod gathered;
pub(crate) mod language;
mod loader;
mod normalisation;
mod on_the_road;
mod parameters;
mod prediction;
mod report;
mod sequences;
mod settings;
mod showing;
pub(crate) mod tag;
mod text_reader;
pub(crate) mod transcribe;
pub(crate) mod translate;
mod unit_vocabulary;
mod vectors;

use std::io::Read;
use std::path::Path;

use backdraft_cells::Error;
use backdraft_data::hold_out;
use backdraft_models::Encoder;
use burn::tensor::Device;
use serde::{Serialize, de::DeserializeOwned};

pub use answer::Answer;
use answer::rounded;
pub use answering::Answering;
pub use classify::{
    ClassBatch, ClassExample, ClassWeighting, Classify, ClassifyOptions, PoolingKind,
};
pub use compose::{
    Author, Compose, ComposeBatch, ComposeExample, ComposeOptions, ConditioningKind, KeyUnit,
    Writing, Written,
};
pub use decoding::Decoding;
pub use estimate::TaskEstimate;
pub use evaluation::{TaskEvaluation, evaluate_task};
pub use examples::{Examples, Rows};
pub(crate) use examples::{class_folders, data_checksum};
use examples::{not_longer, read, refuse_empty};
pub use forecast::{
    BacktestReport, Backtesting, CalendarKind, ColumnOptions, Forecast, ForecastOptions,
    OutputKind, PointErrorKind, ScalingKind, SeriesBatch, SeriesExample, backtest,
};
pub use loader::ExampleLoader;
pub use prediction::Predictor;
pub use report::TaskReport;
pub use sequences::{Reading, Sequence, Ways};
pub use settings::{Idle, TaskOptions, TaskSettings};
pub use tag::{DecoderKind, SchemeKind, Tag, TagBatch, TagOptions};
pub use text_reader::TextReader;
pub use transcribe::{FeatureKind, SoundBatch, SoundExample, Transcribe, TranscribeOptions};
pub use translate::{AttentionKind, PairBatch, PairExample, Translate, TranslateOptions};
pub use vectors::VectorOptions;

use crate::fit::training::Terms;
use crate::{Asked, LanguageSettings, Objective, Section, TrainError};

/// What a kind of training calls things.
pub(crate) fn terms(task: &str) -> Terms {
    match task {
        LanguageSettings::TASK => language::TERMS,
        _ => Terms::default(),
    }
}

/// A kind of learning from examples. A value of the type holds what is known about the examples of a run, such as
/// vocabularies, labels and scales.
pub trait ExampleTask: Clone + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// Whether answers have [`probabilities`](Self::probabilities).
    const HAS_PROBABILITIES: bool = false;
    /// Whether answers are lists, with a value for each step, and are written as a table with a row for each.
    const BY_STEP: bool = false;

    /// Whether an example may have one loss of all its steps together, to which each of them is as near as any other:
    /// that of CTC, or of a conditional random field.
    const HAS_LOSS_OF_ALL_STEPS: bool = false;

    /// What is asked beside layers and training.
    type Options: TaskOptions;
    /// One example, with its answer if that is known.
    type Example: Clone + Send + Sync + 'static;
    /// What is trained.
    type Model: Objective<State = ()>;

    /// Reads the examples of a file. `known` is the task of an existing run, if that is resumed or used.
    ///
    /// # Errors
    ///
    /// When it cannot be read or used: the file, the line, what was expected and found.
    fn read(
        path: &Path,
        options: &Self::Options,
        known: Option<&Self>,
    ) -> Result<Examples<Self::Example>, TrainError>;

    /// Selects the examples to train on from all that are not held out.
    ///
    /// # Errors
    ///
    /// When it cannot be.
    fn learned(
        all: Vec<Self::Example>,
        _settings: &TaskSettings<Self::Options>,
    ) -> Result<Vec<Self::Example>, TrainError> {
        Ok(all)
    }

    /// Of what was read, what is evaluated.
    ///
    /// # Errors
    ///
    /// When it cannot be.
    fn scored(
        all: Vec<Self::Example>,
        _settings: &TaskSettings<Self::Options>,
    ) -> Result<Vec<Self::Example>, TrainError> {
        Ok(all)
    }

    /// Splits examples into those to train on, as [`learned`](Self::learned) selects them, and those that are held out; at
    /// random, unless the task does it in another way.
    ///
    /// # Errors
    ///
    /// When there is too little.
    fn hold_out(
        all: Vec<Self::Example>,
        settings: &TaskSettings<Self::Options>,
    ) -> Result<Parts<Self::Example>, TrainError> {
        let (learned_from, held_out) = held_out_at_random(all, settings)?;
        Ok((Self::learned(learned_from, settings)?, held_out))
    }

    /// What is known of examples that are learned from.
    ///
    /// # Errors
    ///
    /// When nothing can be learned from them.
    fn of(
        examples: &[Self::Example],
        settings: &TaskSettings<Self::Options>,
    ) -> Result<Self, TrainError>;

    /// The model, with new weights.
    ///
    /// # Errors
    ///
    /// When a setting is impossible.
    fn model(
        &self,
        settings: &TaskSettings<Self::Options>,
        device: &Device,
    ) -> Result<Self::Model, Error>;

    /// Prepares a model with new weights for training: sets those that are known beforehand, such as word vectors.
    fn with_known_weights(&mut self, model: Self::Model) -> Self::Model {
        model
    }

    /// The task of an existing run, for a training on these examples with these settings: what the settings say of decoding
    /// and of weighting is taken from them. They agree on what is [kept](TaskOptions::KEPT).
    #[must_use]
    fn for_training(
        self,
        _examples: &[Self::Example],
        _settings: &TaskSettings<Self::Options>,
    ) -> Self {
        self
    }

    /// The task of a run that is used, with the answers of its model searched for in this way.
    ///
    /// # Errors
    ///
    /// When a setting means nothing to the task or to the model, or is impossible.
    fn with_decoding(self, asked: &Decoding, _model: &Self::Model) -> Result<Self, TrainError> {
        asked.only(Self::Options::TASK, &[])?;
        Ok(self)
    }

    /// The stacks of recurrent layers of a model, each with what it is called.
    fn layers(model: &Self::Model) -> Vec<(&'static str, &Encoder)>;

    /// The same [`layers`](Self::layers), to be changed: to be watched.
    fn layers_mut(model: &mut Self::Model) -> Vec<(&'static str, &mut Encoder)>;

    /// Steps of an example, and of its answer if that has its own: those of similar lengths come
    /// together.
    fn lengths(&self, example: &Self::Example) -> [usize; 2];

    /// Some examples as the model takes them, and the number of positions at which they have a loss.
    fn batch(&self, examples: &[&Self::Example], device: &Device) -> BatchOf<Self>;

    /// The same batch as the one of that number, where what is learned from it depends on how many were
    /// before; counted on over the epochs.
    fn numbered(
        &self,
        batch: <Self::Model as Objective>::Batch,
        _number: usize,
    ) -> <Self::Model as Objective>::Batch {
        batch
    }

    /// What the model reaches on examples whose answers are known.
    ///
    /// # Errors
    ///
    /// When the model cannot be run.
    fn score(
        &self,
        model: &Self::Model,
        examples: &[Self::Example],
        rows: usize,
    ) -> Result<Scores, TrainError>;

    /// What a page about a run shows of the model's answers to held-out examples, beside their figures.
    ///
    /// # Errors
    ///
    /// When the model cannot be run, or something cannot be drawn.
    fn shown(
        &self,
        _model: &Self::Model,
        _examples: &[Self::Example],
        _rows: usize,
    ) -> Result<Vec<Section>, TrainError> {
        Ok(Vec::new())
    }

    /// The number that is lowest for the best weights, computed from their loss and figures. By default the error
    /// rate, where the first figure is the accuracy; if the accuracy is the same, the lower loss is better.
    fn cost(loss: f64, figures: &[(&'static str, f64)]) -> f64 {
        let right = figures.first().map_or(0.0, |(_, right)| *right);
        1.0 - right + 1e-6 * loss
    }

    /// Refuses an example of another kind than those that were learned from; the error is a sentence.
    ///
    /// # Errors
    ///
    /// What was expected, and found.
    fn check(&self, _example: &Self::Example) -> Result<(), String> {
        Ok(())
    }

    /// Refuses an example whose answer is none that the model could give, where it is to be learned from; the
    /// error is a sentence.
    ///
    /// # Errors
    ///
    /// What was expected, and found.
    fn check_learned(&self, _example: &Self::Example) -> Result<(), String> {
        Ok(())
    }

    /// The same as [`check`](Self::check) of each of a file's examples.
    ///
    /// # Errors
    ///
    /// The file, what was expected, and found.
    fn check_all(&self, path: &Path, examples: &[Self::Example]) -> Result<(), TrainError> {
        let mut examples = examples.iter();
        let checked = examples.try_for_each(|example| self.check(example));
        checked.map_err(|reason| TrainError::OtherKind {
            path: path.to_path_buf(),
            reason,
        })
    }

    /// Reads the examples of a file, whose answers may not be known.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    fn questions(
        &self,
        path: &Path,
        options: &Self::Options,
    ) -> Result<Examples<Self::Example>, TrainError>;

    /// Reads all examples of a table that comes from elsewhere, such as standard input; `None` of a task whose examples
    /// are lines, each a [`question`](Self::question).
    fn table(
        &self,
        _input: &mut dyn Read,
        _name: &Path,
        _options: &Self::Options,
    ) -> Option<Result<Vec<Self::Example>, TrainError>> {
        None
    }

    /// An example of a line of text, its answer unknown; the error is a sentence.
    ///
    /// # Errors
    ///
    /// When the line is none.
    fn question(&self, line: &str) -> Result<Self::Example, String>;

    /// What the model answers to examples.
    ///
    /// # Errors
    ///
    /// When the model cannot be run.
    fn answer(
        &self,
        model: &Self::Model,
        examples: &[&Self::Example],
    ) -> Result<Vec<Answer>, TrainError>;

    /// How likely each possible answer is, example by example, by its name; of a task that
    /// [has them](Self::HAS_PROBABILITIES).
    ///
    /// # Errors
    ///
    /// When the model cannot be run.
    fn probabilities(
        &self,
        _model: &Self::Model,
        _examples: &[&Self::Example],
    ) -> Result<Vec<serde_json::Value>, TrainError> {
        Ok(Vec::new())
    }
}

/// A part that is drawn at random, held out.
fn held_out_at_random<O, E>(
    all: Vec<E>,
    settings: &TaskSettings<O>,
) -> Result<Parts<E>, TrainError> {
    let asked = &settings.training;
    Ok(hold_out(all, asked.valid_fraction, asked.seed)?)
}

/// What is learned from, and what is held out of it.
pub type Parts<E> = (Vec<E>, Vec<E>);

/// What a task's model takes, and the number of positions at which that has a loss.
pub type BatchOf<T> = (<<T as ExampleTask>::Model as Objective>::Batch, usize);

/// What a model reaches.
#[derive(Debug, Clone, Default)]
pub struct Scores {
    /// Numbers by name, the one that counts most first.
    pub figures: Vec<(&'static str, f64)>,
    /// More of them, to be looked at: a confusion matrix.
    pub table: Option<String>,
}

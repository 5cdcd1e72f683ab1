//! Training recurrent models by backpropagation through time.
//!
//! Built on [burn-train](burn::train), whose `Learner`, metrics, dashboard and checkpointers it uses. This crate adds
//! what recurrent models need: [`TruncatedBptt`], which carries the state of each window into the next;
//! [`Clipping`] by the norm of the whole gradient; the [`Schedule`] of the learning rate; the [`Run`] folder, from
//! which a model can be used again; and [`checkpoint`]s, from which a training continues as if it had never stopped.
//! An [`Insight`] shows what goes on inside the model of a run: [`inspect_language_model`] computes it, and
//! [`report_task`] draws it.
//!
//! [`train_task`] trains the model of a [`Task`]: of [`Language`], [`Classify`], [`Tag`] or one of your own, which
//! is an [`ExampleTask`].
//!
//! ```no_run
//! use std::path::Path;
//! use backdraft_train::{
//!     DeviceChoice, Display, Language, LanguageSettings, Recurrence, Text, train_task,
//! };
//!
//! # fn main() -> Result<(), backdraft_train::TrainError> {
//! let recurrence = Recurrence { hidden: 128, ..Recurrence::default() };
//! let settings = LanguageSettings { recurrence, ..LanguageSettings::default() };
//! let text = Text::read(Path::new("shakespeare.txt"))?;
//! let device = DeviceChoice::Auto.pick()?;
//! let report = train_task::<Language>(&settings, &text, Path::new("run"), &device, Display::Plain)?;
//! println!("{:.3} bits per character", report.bits_per_character);
//! # Ok(())
//! # }
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod baselines;
mod bounds;
pub mod cli;
mod device;
mod drawing;
mod error;
mod failpoint;
mod fit;
mod insight;
mod interrupt;
mod n_gram;
mod names;
mod polynomial;
mod probe;
pub mod program;
mod progress;
mod report;
mod road;
mod run;
mod say;
mod settings;
mod tasks;
mod terminal;
mod update;

pub use baselines::{
    BaselineRow, BaselineSettings, Baselines, Remembers, forecast_baselines, language_baselines,
    tag_baselines,
};
pub use device::{DeviceChoice, KnownDevice, PickedDevice, known_devices};
pub use drawing::{Picture, Section};
pub use error::TrainError;
pub use fit::{
    Batch, Ending, Loss, Objective, Observer, Part, Piece, Share, Start, Step, StepTimes, Trainee,
    TruncatedBptt, Validation, Window, WindowMetric, WindowOutput, WindowValues, checkpoint,
};
pub use insight::{
    Feature, GradientNorm, Insight, LayerName, Passage, Spectrum, StateGradient, TellingUnit,
    UnitActivity, WeightSummary,
};
pub use n_gram::{NGramEvaluation, NGramFile, evaluate_n_grams};
pub use probe::{Probe, Problem, Sample, Trial, draw_trials};
pub use progress::{Display, PlainProgress};
pub use report::{RunReport, report_runs, report_task};
pub use road::{
    Batches, ExchangeReport, Pretrained, Resumed, Task, estimate_task, export_task, import_task,
    resume_task, train_task, train_task_from,
};
pub use run::description::{Asked, Origin, OriginRun, Provenance, RunDescription};
pub use run::{Run, RunState};
pub use settings::{
    CellKind, NormedWeights, OptimizerKind, Recurrence, Regularize, ResetKind, Saving, TextUnit,
    Training, Variant,
};
pub use tasks::language::{
    Carrying, Dropping, Estimate, EvaluationReport, Language, LanguageSettings, Lexicon, Prompted,
    StreamLoader, SymbolBatch, Text, TrainReport, VocabularyUse, Windows, Writer, burn_source,
    evaluate_language_model, inspect_language_model,
};
pub use tasks::{
    Answer, AttentionKind, Author, BacktestReport, Backtesting, BatchOf, CalendarKind, ClassBatch,
    ClassExample, ClassWeighting, Classify, ClassifyOptions, ColumnOptions, Compose, ComposeBatch,
    ComposeExample, ComposeOptions, ConditioningKind, DecoderKind, Decoding, ExampleLoader,
    ExampleTask, Examples, FeatureKind, Forecast, ForecastOptions, Idle, KeyUnit, OutputKind,
    PairBatch, PairExample, Parts, PointErrorKind, PoolingKind, Predictor, Reading, Rows,
    ScalingKind, SchemeKind, Scores, Sequence, SeriesBatch, SeriesExample, SoundBatch,
    SoundExample, Tag, TagBatch, TagOptions, TaskEstimate, TaskEvaluation, TaskOptions, TaskReport,
    TaskSettings, TextReader, Transcribe, TranscribeOptions, Translate, TranslateOptions,
    VectorOptions, Ways, Writing, Written, backtest, evaluate_task,
};
pub use update::{
    AverageKind, Averaging, Brake, Clipper, Clipping, Decay, Decayed, Falling, FusedAdam, Guard,
    History, LeftOut, Norms, Schedule,
};

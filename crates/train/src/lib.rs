//! Training recurrent models by backpropagation through time.
//!
//! On [burn-train](burn::train): its `Learner`, metrics, dashboard and checkpointers are used.
//! What recurrent models need beside is here: [`TruncatedBptt`], which carries the state of each
//! window into the next; [`Clipping`] by the norm of the whole gradient; the [`Schedule`] of the
//! learning rate; the [`Run`] folder, from which a model is used again; and [`checkpoint`]s, from
//! which a training goes on as if it had never stopped.
//!
//! ```no_run
//! use std::path::Path;
//! use backdraft_train::{DeviceChoice, Display, Settings, Text, train_language_model};
//!
//! # fn main() -> Result<(), backdraft_train::TrainError> {
//! let settings = Settings { hidden: 128, epochs: Some(2), ..Settings::default() };
//! let text = Text::read(Path::new("shakespeare.txt"))?;
//! let device = DeviceChoice::Auto.pick()?;
//! let report = train_language_model(&settings, &text, Path::new("run"), &device, Display::Plain)?;
//! println!("{:.3} bits per character", report.bits_per_character);
//! # Ok(())
//! # }
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod checkpoint;
mod checksums;
pub mod cli;
mod clipping;
mod demo;
mod description;
mod device;
mod error;
mod files;
mod growing;
mod guard;
mod interrupt;
mod language;
mod loader;
mod lock;
mod metrics;
mod objective;
mod observer;
mod progress;
mod report;
mod run;
mod schedule;
mod settings;
mod truncated;

pub use clipping::Clipping;
pub use demo::burn_source;
pub use description::{Made, RunDescription};
pub use device::{DeviceChoice, KnownDevice, PickedDevice, known_devices};
pub use error::TrainError;
pub use guard::Guard;
pub use language::{
    Display, Estimate, EvaluationReport, ExchangeReport, Text, TrainReport, Writer,
    estimate_language_model, evaluate_language_model, export_language_model, import_language_model,
    open_writer, resume_language_model, train_language_model,
};
pub use loader::StreamLoader;
pub use metrics::{WindowMetric, WindowValues};
pub use objective::{Objective, SymbolBatch, Trainee, Window, WindowOutput};
pub use observer::{Observer, Step, Validation};
pub use progress::PlainProgress;
pub use report::{RunReport, report_runs};
pub use run::Run;
pub use schedule::{Brake, Decay, Schedule};
pub use settings::{CellKind, NormedWeights, OptimizerKind, Regularize, Saving, Settings};
pub use truncated::{Start, TruncatedBptt};

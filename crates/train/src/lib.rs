//! Training recurrent models by backpropagation through time.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod clipping;
mod loader;
mod metrics;
mod objective;
mod schedule;

pub use clipping::Clipping;
pub use loader::StreamLoader;
pub use metrics::{WindowMetric, WindowValues};
pub use objective::{Objective, SymbolBatch, Trainee, Window, WindowOutput};
pub use schedule::{Decay, Schedule};

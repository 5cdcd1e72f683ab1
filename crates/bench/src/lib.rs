//! How fast the cells are: backends, paths and peers, side by side.
//!
//! What is compared runs in turns within one process or with one worker beside it, A B A B .., and
//! is told by medians and by the median of the ratios pair by pair, so that what else the machine
//! does falls on both alike. Both sides have the same number of threads.
//!
//! ```
//! use backdraft_bench::{CellKind, DeviceChoice, Shape, Way, Work, alternate, burn_nn, ours};
//!
//! # fn main() -> Result<(), backdraft_bench::BenchError> {
//! let place = DeviceChoice::default().find()?;
//! let shape: Shape = "2,8,16,16".parse()?; // batch, time, input, hidden
//! let mut kernel = ours(CellKind::Lstm, shape, &place, Way::Kernel)?;
//! let mut peer = burn_nn(CellKind::Lstm, shape, &place);
//! let comparison = alternate(kernel.as_mut(), peer.as_mut(), Work::Training, Some(3))?;
//! println!("{:.2} times as fast as burn-nn", comparison.ratio());
//! # Ok(())
//! # }
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod alternate;
mod cell;
pub mod cli;
mod comparisons;
mod contender;
mod device;
mod error;
mod launches;
mod memory;
mod model;
mod report;
mod scaling;
mod sgemm;
mod shape;
pub mod statistics;
mod threads;
mod variants;

pub use alternate::{Comparison, alternate};
pub use cell::CellKind;
pub use comparisons::{Comparisons, Mean, Row};
pub use contender::{
    Contender, InProcess, ModelContender, ModelStep, PyTorch, PyTorchModel, PyTorchProgram, Way,
    Work, burn_nn, ours,
};
pub use device::{DeviceChoice, FoundDevice};
pub use error::BenchError;
pub use launches::{LaunchRow, LaunchSchedule, Launches, count_launches};
pub use memory::{count_bytes_with, live_bytes};
pub use model::{
    Agreement, LanguageModelSetup, ModelRow, ModelSetup, Parts, TaggerSetup, TranslatorSetup,
};
pub use report::Report;
pub use scaling::{Point, Scaling, ScalingRow, Sweep, sweeps};
pub use sgemm::sgemm_gflops;
pub use shape::Shape;
pub use threads::set_threads;
pub use variants::{Variant, VariantMean, VariantRow, Variants};

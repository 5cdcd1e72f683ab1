//! What the user asks of any training: as typed, and checked.

mod cell;
mod check;
mod recurrence;
mod regularize;
mod saving;
mod training;
mod unit;
mod variant;

pub use cell::CellKind;
pub use recurrence::Recurrence;
pub use regularize::{NormedWeights, Regularize};
pub use saving::Saving;
pub use training::{OptimizerKind, Training};
pub use unit::TextUnit;
pub(crate) use unit::absolute;
pub use variant::{ResetKind, Variant};

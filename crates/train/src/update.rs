//! What becomes of a gradient on its way into the weights, step by step.
//!
//! ```text
//! clipping    a gradient that is too long is scaled down
//! guard       a step whose loss or gradient is no finite number is not taken
//! noise       is added to the gradient
//! schedule    the learning rate
//! optimizer   the step
//! averaging   the average of the weights, which is kept in place of the last
//! history     what the evaluations so far say about schedule, average and ending
//! ```
//!
//! Each is a setting of its own, below [`Training`](crate::Training), and knows nothing of what is trained.

pub(crate) mod averaging;
mod clipping;
pub(crate) mod guard;
mod history;
pub(crate) mod noise;
mod optimizer;
mod schedule;

pub use averaging::{AverageKind, Averaging};
pub use clipping::{Clipper, Clipping, Norms};
pub use guard::{Guard, LeftOut};
pub use history::History;
pub use optimizer::{Decayed, FusedAdam};
pub use schedule::{Brake, Decay, Falling, Schedule};

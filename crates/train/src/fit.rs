//! Fitting a model to data, whatever they are: what is learned ([`Objective`]), how far back ([`TruncatedBptt`]),
//! what is done to the gradient and to the learning rate, and what is saved to go on from ([`checkpoint`]).
//!
//! ```text
//! window      what a step learns from: pieces of a batch, and the state that they begin with
//! objective   the losses of a model on a piece
//! trainee     the gradient of a window, at once or computed again piece by piece
//! truncated   the loop of burn-train over windows, each of which begins where the one before it ended
//! clipping, noise, guard, schedule, averaging, optimizer        what becomes of a gradient
//! training    all of it from a beginning, or a checkpoint, to an end; its journal
//! checkpoint  a training that was cut off
//! memory      what a training takes of the machine's memory
//! ```

pub(crate) mod averaging;
pub mod checkpoint;
mod clipping;
pub(crate) mod guard;
mod history;
pub(crate) mod memory;
pub(crate) mod metrics;
pub(crate) mod noise;
mod objective;
mod observer;
mod optimizer;
pub(crate) mod schedule;
pub(crate) mod seed;
mod tensorboard;
mod trainee;
pub(crate) mod training;
mod truncated;
mod window;

pub use averaging::{AverageKind, Averaging};
pub use clipping::{Clipper, Clipping, Norms};
pub use guard::{Guard, LeftOut};
pub use history::History;
pub use metrics::{WindowMetric, WindowValues};
pub use objective::{Loss, Objective};
pub use observer::{Ending, Observer, Step, Validation};
pub use optimizer::{Decayed, FusedAdam};
pub use schedule::{Brake, Decay, Falling, Schedule};
pub use trainee::{Trainee, WindowOutput};
pub use truncated::{Start, TruncatedBptt};
pub use window::{Part, Piece, Window};

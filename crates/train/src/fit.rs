//! Fitting a model to data, whatever they are: what is learned ([`Objective`]), how far back ([`TruncatedBptt`]),
//! and what is saved to go on from ([`checkpoint`]). What becomes of the gradient is [`update`](crate::update).
//!
//! ```text
//! window      what a step learns from: pieces of a batch, and the state that they begin with
//! objective   the losses of a model on a piece
//! batch       rows that can be computed without each other
//! share       the rows of a window that one of several devices has
//! trainee     the gradient of a window, at once or computed again piece by piece
//! truncated   the loop of burn-train over windows, each of which begins where the one before it ended
//! training    all of it from a beginning, or a checkpoint, to an end; its journal
//! checkpoint  a training that was cut off
//! step_times  how long the parts of a step take
//! weights     those that a run is used with
//! memory      what a training takes of the machine's memory
//! ```

mod batch;
pub mod checkpoint;
pub(crate) mod memory;
pub(crate) mod metrics;
mod objective;
mod observer;
pub(crate) mod seed;
mod share;
pub(crate) mod step_times;
mod tensorboard;
mod trainee;
pub(crate) mod training;
mod truncated;
mod weights;
mod window;

pub use batch::Batch;
pub use metrics::{WindowMetric, WindowValues};
pub use objective::{Loss, Objective};
pub use observer::{Ending, Observer, Step, Validation};
pub use share::Share;
pub use step_times::StepTimes;
pub use trainee::{Trainee, WindowOutput};
pub use truncated::{Start, TruncatedBptt};
pub use window::{Part, Piece, Window};

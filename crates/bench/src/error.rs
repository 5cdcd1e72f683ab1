//! Why something was not measured: what was expected, what was found, and where.

use std::path::PathBuf;

/// Why something was not measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// An argument makes no sense.
    #[error("{what}: expected {expected}, found {found}")]
    Invalid {
        /// Which argument.
        what: &'static str,
        /// What would be possible.
        expected: String,
        /// What it was.
        found: String,
    },
    /// The device asked for is not there.
    #[error("no device `{device}`: {reason}")]
    NoDevice {
        /// As it was asked for.
        device: &'static str,
        /// Why, and what would help.
        reason: String,
    },
    /// A layer cannot be built.
    #[error(transparent)]
    Layer(#[from] backdraft_cells::Error),
    /// A device that stopped computing.
    #[error("{contender} on {device}: {reason}")]
    Failed {
        /// What ran.
        contender: String,
        /// Where.
        device: String,
        /// What the device says.
        reason: String,
    },
    /// The interpreter of a peer's script does not run it.
    #[error(
        "the Python interpreter {}: expected one that has PyTorch, found {found}",
        python.display()
    )]
    Interpreter {
        /// The interpreter.
        python: PathBuf,
        /// What it does instead.
        found: String,
    },
    /// Weights that cannot go over to a peer.
    #[error(transparent)]
    Exchange(#[from] backdraft_exchange::Error),
    /// Two that are to compute the same do not, so that their times say nothing.
    #[error(
        "the loss of training step {step}: expected {expected} nats as of {against}, from the same \
         weights on the same symbols, found {found}"
    )]
    Disagreement {
        /// What ours is compared with.
        against: String,
        /// The step.
        step: usize,
        /// Its loss.
        expected: f64,
        /// Ours.
        found: f64,
    },
    /// The number of threads cannot be set.
    #[error("{threads} threads: {reason}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What stands against it.
        reason: String,
    },
    /// A file that cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What stands against it.
        reason: String,
    },
    /// A picture that cannot be drawn.
    #[error("the picture: {0}")]
    Picture(String),
}

//! What can go wrong from the data to the run folder: what was expected, found, and where.

use std::path::PathBuf;

/// Why a command or a training could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The data cannot be read or used.
    #[error(transparent)]
    Data(#[from] backdraft_data::DataError),
    /// The part of the text that is held out is too small.
    #[error("the held-out part of the text: {0}; a larger --valid-fraction holds out more")]
    HeldOut(backdraft_data::DataError),
    /// The model cannot be built or does not fit.
    #[error(transparent)]
    Model(#[from] backdraft_cells::Error),
    /// Weights cannot come in or go out.
    #[error(transparent)]
    Exchange(#[from] backdraft_exchange::Error),
    /// A setting makes no sense.
    #[error("{what}: expected {expected}, found {found}")]
    Invalid {
        /// Which setting.
        what: &'static str,
        /// What would be possible.
        expected: String,
        /// What it was.
        found: String,
    },
    /// A file that describes a run and does not.
    #[error("{}: {reason}", path.display())]
    Undescribed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The device asked for is not there.
    #[error("no device `{device}`: {reason}")]
    NoDevice {
        /// As it was asked for.
        device: String,
        /// Why, and what would help.
        reason: String,
    },
    /// The text that is there without being asked for is not.
    #[error(
        "no --data was given, and the text that is learned without it, the Rust source of Burn \
         {version} in cargo's registry, is not on this machine ({reason}); pass --data with a text \
         file or a folder of them"
    )]
    NoDemo {
        /// The version of Burn.
        version: &'static str,
        /// What was looked for and not found.
        reason: String,
    },
    /// A folder that a run was to be written to is in use.
    #[error("{}: expected a new or empty folder, found {found}; choose another with --out", path.display())]
    RunExists {
        /// The folder.
        path: PathBuf,
        /// What it has in it.
        found: &'static str,
    },
    /// A folder that is no run.
    #[error("{}: expected a run folder as `backdraft train` makes it, found {found}", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// A run that is for something else.
    #[error(
        "{}: expected a run of `backdraft train {expected}`, found one of `train {found}`",
        path.display()
    )]
    OtherTask {
        /// The run folder.
        path: PathBuf,
        /// What it was to be for.
        expected: &'static str,
        /// What it is for.
        found: String,
    },
    /// A task that this program does not know.
    #[error("task: expected {expected}, found `{found}`")]
    NoTask {
        /// Those there are.
        expected: String,
        /// Which it was.
        found: String,
    },
    /// A file without anything to learn from.
    #[error("{}: expected examples, found none; {skipped} rows could not be used", path.display())]
    NoExamples {
        /// The file.
        path: PathBuf,
        /// Rows that were passed over.
        skipped: usize,
    },
    /// What was held out of a run's data is not there any more.
    #[error(
        "{}: what was held out cannot be read again: {reason}; pass --data with other examples",
        path.display()
    )]
    NoHeldOut {
        /// The run folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file of examples of another kind.
    #[error("{}: {reason}", path.display())]
    OtherKind {
        /// The file.
        path: PathBuf,
        /// What was expected, and found.
        reason: String,
    },
    /// A step of a series whose covariate is missing.
    #[error(
        "{}: column `{column}`: expected a number at {time}{}, as covariates are known of each step, \
         found none",
        path.display(),
        series.as_ref().map(|name| format!(" of `{name}`")).unwrap_or_default()
    )]
    NoCovariate {
        /// The file.
        path: PathBuf,
        /// The column of the covariate.
        column: String,
        /// When.
        time: String,
        /// Of which series, if there are several.
        series: Option<String>,
    },
    /// A line that a model cannot answer.
    #[error("{reason}")]
    NoQuestion {
        /// Why.
        reason: String,
    },
    /// A run that ended before it had learned anything.
    #[error("{}: this run has no weights yet: it ended before they were first saved", path.display())]
    NoWeights {
        /// The run folder.
        path: PathBuf,
    },
    /// A file of a run that is not whole.
    #[error("{}: the file is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another program writes to the run.
    #[error("{}: another program is writing to this run; wait for it, or stop it", path.display())]
    RunInUse {
        /// The run folder.
        path: PathBuf,
    },
    /// Nothing to go on from.
    #[error("{}: {reason}", path.display())]
    CannotResume {
        /// The run folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file that cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The loss is no number any more.
    #[error(
        "training diverged: the loss became {loss} after {steps} steps; lower the learning rate \
         or clip the gradient (--clip-norm 1)"
    )]
    Diverged {
        /// The loss.
        loss: f64,
        /// Steps until then.
        steps: usize,
    },
    /// Step after step could not be taken.
    #[error(
        "training diverged: {times} steps in a row were left out, from step {first} on, in which \
         {what} was not finite; the weights are those from before; lower the learning rate or clip \
         the gradient (--clip-norm 1)"
    )]
    NotFinite {
        /// Steps in a row.
        times: usize,
        /// The first of them.
        first: usize,
        /// What was wrong with that one.
        what: String,
    },
    /// The model writes nothing.
    #[error("the model gives no symbol a probability: its weights are not numbers")]
    NoSymbol,
    /// More than the memory of the machine holds.
    #[error("too large for this machine: {needed}; {free} are free")]
    TooLarge {
        /// What would be taken, and for what.
        needed: String,
        /// What is free.
        free: String,
    },
    /// Somebody wanted it to stop.
    #[error(
        "interrupted after {steps} steps, and saved: `backdraft train --resume {}` goes on from there",
        path.display()
    )]
    Interrupted {
        /// Steps until then.
        steps: usize,
        /// The run folder.
        path: PathBuf,
    },
    /// burn-train stopped.
    #[error("training stopped: {reason}")]
    Stopped {
        /// What it says.
        reason: String,
    },
}

//! What can go wrong from the data to the run folder: what was expected, found, and where.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use backdraft_data::DataError;

use crate::names::flag;
use crate::say::counted;

/// Why a command or a training could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The data cannot be read or used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The data of a run are not where they were.
    #[error(
        "{error}; if the data have moved, pass the new path with {}",
        if *are_held_out { "--valid" } else { "--data" }
    )]
    Moved {
        /// What the system says.
        error: DataError,
        /// Whether they are those of a file of held-out examples.
        are_held_out: bool,
    },
    /// The part of the text that is held out is too small.
    #[error("the held-out part of the text: {}", held_out(.0))]
    HeldOut(DataError),
    /// The model cannot be built or does not fit.
    #[error(transparent)]
    Model(#[from] backdraft_cells::Error),
    /// Weights cannot come in or go out.
    #[error(transparent)]
    Exchange(#[from] backdraft_exchange::Error),
    /// A setting makes no sense.
    #[error("{}: expected {expected}, found {found}", flag(setting))]
    Invalid {
        /// Which setting, by its key in a file: `regularize.drop_connect`. It is told as the flag.
        setting: &'static str,
        /// What would be possible.
        expected: String,
        /// What it was.
        found: String,
    },
    /// A setting that does nothing without another.
    #[error("{} has an effect only with {with}", flag(setting))]
    Idle {
        /// Which setting, by its key in a file.
        setting: &'static str,
        /// The flag, and its value, that it belongs to.
        with: &'static str,
    },
    /// Two settings that exclude each other.
    #[error("{} cannot be combined with {}", flag(setting), flag(other))]
    Excluded {
        /// The one, by its key in a file.
        setting: &'static str,
        /// The other.
        other: &'static str,
    },
    /// A command line that cannot be understood.
    #[error("{reason}")]
    Usage {
        /// Which argument, what was expected, and found.
        reason: String,
    },
    /// Data or a model that cannot be used for the requested operation.
    #[error("{what}: expected {expected}, found {found}")]
    Unfit {
        /// What about them.
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
    /// No text was given, and the default text is not on this machine.
    #[error(
        "no --data was given, and the default text, the Rust source of Burn \
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
    #[error("`task`: expected {expected}, found `{found}`")]
    NoTask {
        /// Those there are.
        expected: String,
        /// Which it was.
        found: String,
    },
    /// A file without anything to learn from.
    #[error(
        "{}: expected examples, found none; {} could not be used", path.display(), counted(*skipped, "row")
    )]
    NoExamples {
        /// The file.
        path: PathBuf,
        /// Rows that were passed over.
        skipped: usize,
    },
    /// What was held out of a run's data is not there any more.
    #[error(
        "{}: the held-out examples cannot be read again: {reason}; pass --data with other examples",
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
    #[error(
        "{}: this run has no trained weights yet: it was stopped before the training was saved for the first time",
        path.display()
    )]
    NoWeights {
        /// The run folder.
        path: PathBuf,
    },
    /// A file of a run that is not there.
    #[error("{}: the file is missing; without it the run is incomplete", path.display())]
    Missing {
        /// The file.
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
    /// No checkpoint of a run can be used.
    #[error("{}: {reason}", path.display())]
    NoCheckpoint {
        /// The run folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A run folder that is not there any more.
    #[error(
        "{}: the run folder was removed while its training was writing to it", path.display()
    )]
    Removed {
        /// The run folder.
        path: PathBuf,
    },
    /// A training that cannot go on.
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
        "training diverged: the loss became {loss} after {steps} steps; a lower \
         --lr or a smaller --clip-norm may help"
    )]
    Diverged {
        /// The loss.
        loss: f64,
        /// Steps until then.
        steps: usize,
    },
    /// Step after step could not be taken.
    #[error(
        "training diverged: {times} steps in a row were skipped, from step {first} on, where \
         {what} was not finite; the weights from before these steps are kept; a lower --lr or a smaller \
         --clip-norm may help"
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
        "interrupted after {}, and saved: `backdraft train --resume {}` goes on from there",
        counted(*steps, "step"),
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

/// What is wrong with what is held out. It is read in as few streams as it takes, so that a smaller batch
/// would not help.
fn held_out(error: &DataError) -> String {
    match error {
        DataError::TooShort { needed, found, .. } => format!(
            "expected at least {needed} symbols, found {found}; a larger --valid-fraction holds out more"
        ),
        error => error.to_string(),
    }
}

impl TrainError {
    /// A file of a run that could not be read.
    pub(crate) fn unread(path: &Path, error: std::io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            ErrorKind::NotFound => Self::Missing { path },
            _ => Self::Data(DataError::Unreadable { path, error }),
        }
    }

    /// Which kind of error it is, for programs: the name of the variant.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Data(_) => "data",
            Self::Moved { .. } => "moved",
            Self::HeldOut(_) => "held_out",
            Self::Model(_) => "model",
            Self::Exchange(_) => "exchange",
            Self::Invalid { .. } => "invalid",
            Self::Idle { .. } => "idle",
            Self::Excluded { .. } => "excluded",
            Self::Usage { .. } => "usage",
            Self::Unfit { .. } => "unfit",
            Self::Undescribed { .. } => "undescribed",
            Self::NoDevice { .. } => "no_device",
            Self::NoDemo { .. } => "no_demo",
            Self::RunExists { .. } => "run_exists",
            Self::NotARun { .. } => "not_a_run",
            Self::OtherTask { .. } => "other_task",
            Self::NoTask { .. } => "no_task",
            Self::NoExamples { .. } => "no_examples",
            Self::NoHeldOut { .. } => "no_held_out",
            Self::OtherKind { .. } => "other_kind",
            Self::NoCovariate { .. } => "no_covariate",
            Self::NoQuestion { .. } => "no_question",
            Self::NoWeights { .. } => "no_weights",
            Self::Damaged { .. } => "damaged",
            Self::RunInUse { .. } => "run_in_use",
            Self::Missing { .. } => "missing",
            Self::NoCheckpoint { .. } => "no_checkpoint",
            Self::Removed { .. } => "removed",
            Self::CannotResume { .. } => "cannot_resume",
            Self::Unwritable { .. } => "unwritable",
            Self::Diverged { .. } => "diverged",
            Self::NotFinite { .. } => "not_finite",
            Self::NoSymbol => "no_symbol",
            Self::Interrupted { .. } => "interrupted",
            Self::TooLarge { .. } => "too_large",
            Self::Stopped { .. } => "stopped",
        }
    }
}

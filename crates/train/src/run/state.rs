//! What state a run is in: one file says so, and only the run's own training changes it.
//!
//! ```text
//! running --+--> finished        the training ended by itself
//!    ^      +--> diverged        loss or gradient were no finite numbers any more
//!    |      +--> interrupted     somebody stopped it
//!    +------------ resumed -+
//! imported                       the weights came from elsewhere: there is no training
//! ```
//!
//! A run whose program was killed still says `running`, but nobody holds its lock.

use serde::{Deserialize, Serialize};

use super::Run;
use crate::TrainError;
use crate::run::checksums::{read_known, write_known};

/// The file that says so.
pub(super) const STATE: &str = "state.json";

/// What state a run is in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RunState {
    /// It is being trained, or its program was killed.
    Running,
    /// Somebody stopped its training, which was saved.
    Interrupted {
        /// Steps until then.
        steps: usize,
    },
    /// Loss or gradient were no finite numbers any more.
    Diverged {
        /// Steps until then.
        steps: usize,
        /// What was said of it.
        reason: String,
    },
    /// Its training ended by itself.
    Finished {
        /// Steps until then.
        steps: usize,
    },
    /// Its weights came from elsewhere.
    Imported,
}

impl RunState {
    /// Whether the training has not come to its end.
    pub(crate) fn is_cut_off(&self) -> bool {
        !matches!(self, Self::Finished { .. } | Self::Imported)
    }
}

impl Run {
    /// What state the run is in.
    ///
    /// # Errors
    ///
    /// When the file that says so is missing or damaged.
    pub fn state(&self) -> Result<RunState, TrainError> {
        let path = self.file(STATE);
        serde_json::from_slice(&read_known(&path)?).map_err(|error| TrainError::Damaged {
            path,
            reason: error.to_string(),
        })
    }

    /// Notes the state.
    pub(crate) fn set_state(&self, state: &RunState) -> Result<(), TrainError> {
        let text = serde_json::to_string(state).expect("our own types are valid JSON");
        write_known(&self.file(STATE), text.as_bytes())
    }

    /// Refuses a run whose training cannot go on; `task` is what it is for.
    pub(crate) fn check_resumable(&self, task: &str) -> Result<(), TrainError> {
        let from = format!("`backdraft train {task} --from {}`", self.path().display());
        let reason = match self.state()? {
            RunState::Running | RunState::Interrupted { .. } => return Ok(()),
            RunState::Finished { steps } => format!(
                "this training has ended, after {steps} steps; {from} begins another one with its \
                 weights"
            ),
            RunState::Diverged { steps, reason } => format!(
                "this training diverged after {steps} steps, and would again ({reason}); {from} \
                 begins another one with its weights, for which a lower --lr can be given"
            ),
            RunState::Imported => format!(
                "the weights of this run were imported, and there is no training to go on with; \
                 {from} begins one with them"
            ),
        };
        Err(TrainError::CannotResume {
            path: self.path().to_path_buf(),
            reason,
        })
    }
}

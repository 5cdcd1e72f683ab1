//! One part of a learner, on its way into a checkpoint.

use burn::tensor::Bytes;
use burn::train::checkpoint::{Checkpoint, Checkpointer, CheckpointerError};

use super::Checkpoints;

/// A checkpointer of burn-train for one part of a learner; the step stands for the epoch.
#[derive(Debug)]
pub struct LearnerPart {
    checkpoints: Checkpoints,
    name: &'static str,
}

impl LearnerPart {
    pub(super) fn new(checkpoints: Checkpoints, name: &'static str) -> Self {
        Self { checkpoints, name }
    }
}

impl<R: Checkpoint> Checkpointer<R> for LearnerPart {
    fn save(&self, step: usize, record: R) -> Result<(), CheckpointerError> {
        let _alone = self.checkpoints.alone();
        match record.checkpoint_into_bytes() {
            Ok(content) => self.checkpoints.put(step, self.name, &content),
            Err(error) => Err(self.checkpoints.give_up(step, self.name, error)),
        }
    }

    /// Nothing: old checkpoints go when a new one is whole.
    fn delete(&self, _: usize) -> Result<(), CheckpointerError> {
        Ok(())
    }

    fn restore(&self, step: usize) -> Result<R, CheckpointerError> {
        let path = super::folder::name_of(step);
        let path = self.checkpoints.0.folder.join(path).join(self.name);
        let content = crate::run::checksums::read_known(&path)
            .map_err(|error| CheckpointerError::Unknown(error.to_string()))?;
        R::checkpoint_from_bytes(Bytes::from_bytes_vec(content)).map_err(CheckpointerError::Record)
    }
}

//! The weights of a run: the best ones of its training, or else those of its last checkpoint.

use std::fs;

use burn::module::Module;
use burn::tensor::Bytes;

use crate::fit::checkpoint::Latest;
use crate::fit::training::Tally;
use crate::run::checksums::{checksum, read_known, write_known};
use crate::run::{WEIGHTS, older, plain};
use crate::say::say;
use crate::{Objective, OriginRun, Run, TrainError};

impl Run {
    /// Writes the weights that are best so far.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save_weights<M: Module>(&self, model: &M) -> Result<(), TrainError> {
        let path = self.file(WEIGHTS);
        let bytes = model.clone().into_record().into_bytes();
        let bytes = bytes.map_err(|error| TrainError::Damaged {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        write_known(&path, &bytes)
    }

    /// Makes sure that the best weights are what was written, if there are any yet.
    ///
    /// # Errors
    ///
    /// When the file is missing or damaged.
    pub(crate) fn check_weights(&self, tally: &Tally) -> Result<(), TrainError> {
        // Where the program was killed they may be there, and its last checkpoint be from before.
        let path = self.file(WEIGHTS);
        if tally.has_best() || path.exists() {
            read_known(&path)?;
        }
        Ok(())
    }

    /// Reads the weights into `model`: the best ones; or, where nothing was evaluated yet, those of the last
    /// checkpoint, which is told on standard error.
    ///
    /// # Errors
    ///
    /// When nothing was learned yet, a file is not whole, or it is of another model.
    pub fn load_weights<M: Objective>(&self, model: M) -> Result<M, TrainError> {
        match self.has_best()? {
            true => self.load_best(model),
            false => self.load_last(model),
        }
    }

    /// Whether there are best weights, or are to be.
    fn has_best(&self) -> Result<bool, TrainError> {
        let exists = fs::exists(self.file(WEIGHTS)).unwrap_or(true);
        Ok(exists || !self.state()?.is_cut_off())
    }

    /// How another run tells that its weights are from this one.
    ///
    /// # Errors
    ///
    /// When there are none, or they are not whole.
    pub(crate) fn as_pretrained(&self) -> Result<OriginRun, TrainError> {
        let sha256 = match self.has_best()? {
            true => checksum(&read_known(&self.file(WEIGHTS))?),
            false => Latest::of(self.path())?.saved.sha256(),
        };
        Ok(OriginRun {
            run: std::path::absolute(self.path()).unwrap_or_else(|_| self.path().to_path_buf()),
            sha256,
        })
    }

    fn load_best<M: Objective>(&self, model: M) -> Result<M, TrainError> {
        let path = self.file(WEIGHTS);
        let damaged = |reason: String| TrainError::Damaged {
            path: path.clone(),
            reason,
        };
        let content = Bytes::from_bytes_vec(read_known(&path)?);
        let record = older::weights(content).map_err(|error| damaged(plain(error)))?;
        model
            .try_load_record(record)
            .map_err(|error| damaged(plain(error)))
    }

    fn load_last<M: Objective>(&self, model: M) -> Result<M, TrainError> {
        let saved = Latest::of(self.path())?.saved;
        saved.position.check(self)?;
        self.check_weights(&Tally::of(self, &saved.position)?)?;
        let steps = saved.position.steps;
        if steps == 0 {
            return Err(TrainError::NoWeights {
                path: self.path().to_path_buf(),
            });
        }
        say(format_args!(
            "note: {}: nothing was evaluated yet; these are the weights after {steps} steps, of the last \
             checkpoint",
            self.path().display()
        ));
        saved.weights(model)
    }
}

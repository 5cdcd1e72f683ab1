//! Writing with the model of a run that composes.

use std::path::Path;

use backdraft_cells::Lengths;
use backdraft_models::{BeamSearch, Inputs, Sampling};

use super::{Compose, reading};
use crate::road::Opened;
use crate::tasks::Sequence;
use crate::{PickedDevice, TrainError};

/// The model of a run that composes, at hand.
pub struct Author {
    opened: Opened<Compose>,
}

/// How texts are written.
#[derive(Debug, Clone)]
pub enum Writing {
    /// Drawn.
    Drawn {
        /// How many.
        texts: usize,
        /// How each symbol is.
        sampling: Sampling,
        /// The same seed draws the same.
        seed: u64,
    },
    /// The likeliest.
    Likeliest(BeamSearch),
}

/// What was written, and of what nothing was known.
#[derive(Debug, Clone)]
pub struct Written {
    /// The texts, each with its prompt.
    pub texts: Vec<String>,
    /// Words of the key and symbols of the prompt that the model does not know.
    pub unknown: usize,
}

impl Author {
    /// Opens a run.
    ///
    /// # Errors
    ///
    /// When the run cannot be used.
    pub fn open(run: &Path, device: &PickedDevice) -> Result<Self, TrainError> {
        let opened = Opened::open(run, &device.device)?;
        Ok(Self { opened })
    }

    /// Writes texts of a key that begin with `prompt`, of at most `limit` symbols after it.
    ///
    /// What the model does not know is drawn again, or kept if asked: then it is written as `<UNK>`.
    ///
    /// # Errors
    ///
    /// When the key is none, or a setting is impossible.
    pub fn write(
        &self,
        key: &str,
        prompt: &str,
        limit: usize,
        writing: Writing,
        keep_unknown: bool,
    ) -> Result<Written, TrainError> {
        let Opened { task, model, .. } = &self.opened;
        let refused = |reason: String| TrainError::NoQuestion {
            reason: format!("the key: {reason}"),
        };
        let key = reading::key(key, task.key_unit).map_err(refused)?;
        task.keys.check(&key).map_err(refused)?;
        let prompt = task.texts.encode(prompt)?;
        let unknown = task.texts.unknown();
        let of_prompt = prompt.iter().filter(|symbol| Some(**symbol) == unknown);
        let count = task.keys.unknown(&key) + of_prompt.count();

        let texts = match &writing {
            Writing::Drawn { texts, .. } => *texts,
            Writing::Likeliest(_) => 1,
        };
        let (keys, lengths) = self.several(&key, texts);
        let excluded = match keep_unknown {
            true => Vec::new(),
            false => Vec::from_iter(unknown),
        };
        let found = match writing {
            Writing::Drawn { sampling, seed, .. } => {
                let sampling = sampling.with_excluded(excluded);
                model.compose(keys, &lengths, &prompt, limit, &sampling, seed)?
            }
            Writing::Likeliest(search) => {
                let search = BeamSearch {
                    limit,
                    excluded,
                    ..search
                };
                let found = model.beam(keys, &lengths, &prompt, &search)?;
                found.into_iter().next().unwrap_or_default()
            }
        };
        let text = |symbols: &[u32]| task.texts.decode(&[&prompt, symbols].concat());
        Ok(Written {
            texts: found.iter().map(|found| text(&found.symbols)).collect(),
            unknown: count,
        })
    }

    /// A key, several times.
    fn several(&self, key: &Sequence, times: usize) -> (Inputs, Lengths) {
        let device = self.opened.model.device();
        self.opened.task.keys.batch(&vec![key; times], &device)
    }
}

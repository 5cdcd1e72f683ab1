//! A tagger as it is trained.

use backdraft_cells::{Error, Layer};
use backdraft_models::{Tagger, TaggerInput};
use burn::tensor::{Int, Tensor};

use crate::{Loss, Objective};

/// Sentences and their tags.
#[derive(Debug, Clone)]
pub struct TagBatch {
    /// The sentences.
    pub input: TaggerInput,
    /// Their tags: `[batch, time]`.
    pub tags: Tensor<2, Int>,
}

crate::batch!(TagBatch { input, tags });

impl<L: Layer> Objective for Tagger<L> {
    type Batch = TagBatch;
    type State = ();

    /// Of each sentence.
    fn loss(&self, batch: TagBatch, _state: Option<()>) -> Result<Loss<()>, Error> {
        Ok(Loss {
            losses: Tagger::loss(self, &batch.input, batch.tags)?,
            penalty: None,
            state: (),
        })
    }

    fn blank_state(&self, _rows: usize) {}
}

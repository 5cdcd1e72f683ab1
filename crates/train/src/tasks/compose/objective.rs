//! A composer as it is trained.

use backdraft_cells::{Error, Lengths};
use backdraft_models::{Composer, Encoder, Inputs};
use burn::tensor::{Int, Tensor};

use crate::{Loss, Objective};

/// Keys and their texts, with padding.
#[derive(Debug, Clone)]
pub struct ComposeBatch {
    /// The keys.
    pub key: Inputs,
    /// Their words, or one vector each.
    pub key_lengths: Lengths,
    /// The texts: `[batch, time]`.
    pub text: Tensor<2, Int>,
    /// Their lengths.
    pub text_lengths: Lengths,
}

crate::batch!(ComposeBatch {
    key,
    key_lengths,
    text,
    text_lengths
});

impl Objective for Composer<Encoder> {
    type Batch = ComposeBatch;
    type State = ();

    fn loss(&self, batch: ComposeBatch, _state: Option<()>) -> Result<Loss<()>, Error> {
        let (key, text) = (batch.key, batch.text);
        let losses = Composer::loss(self, key, &batch.key_lengths, text, &batch.text_lengths)?;
        Ok(Loss {
            losses,
            penalty: None,
            state: (),
        })
    }

    fn blank_state(&self, _rows: usize) {}
}

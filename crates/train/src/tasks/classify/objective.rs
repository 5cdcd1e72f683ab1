//! A classifier as it is trained.

use backdraft_cells::{Error, Lengths};
use backdraft_models::{Classifier, Encoder, Inputs};
use burn::tensor::{Int, Tensor};

use crate::{Loss, Objective};

/// Sequences with padding, and their classes.
#[derive(Debug, Clone)]
pub struct ClassBatch {
    /// The sequences.
    pub inputs: Inputs,
    /// Their lengths.
    pub lengths: Lengths,
    /// Their classes: `[batch]`.
    pub classes: Tensor<1, Int>,
}

crate::batch!(ClassBatch {
    inputs,
    lengths,
    classes
});

impl Objective for Classifier<Encoder> {
    type Batch = ClassBatch;
    type State = ();

    fn loss(&self, batch: ClassBatch, _state: Option<()>) -> Result<Loss<()>, Error> {
        let losses = Classifier::loss(self, batch.inputs, &batch.lengths, batch.classes)?;
        Ok(Loss {
            losses,
            penalty: None,
            state: (),
        })
    }

    fn blank_state(&self, _rows: usize) {}
}

//! A transcriber as it is trained.

use std::ops::Range;

use backdraft_cells::{Error, Lengths};
use backdraft_models::{Encoder, Transcriber};
use burn::tensor::{Device, Tensor};

use crate::{Batch, Loss, Objective};

/// Frames with padding, and what is said in them.
#[derive(Debug, Clone)]
pub struct SoundBatch {
    /// The frames: `[batch, time, features]`.
    pub frames: Tensor<3>,
    /// Their lengths.
    pub lengths: Lengths,
    /// The labels of each row.
    pub targets: Vec<Vec<u32>>,
}

impl Batch for SoundBatch {
    fn rows(&self) -> usize {
        self.targets.len()
    }

    fn take_rows(&self, rows: Range<usize>) -> Self {
        Self {
            frames: self.frames.take_rows(rows.clone()),
            lengths: self.lengths.take_rows(rows.clone()),
            targets: self.targets[rows].to_vec(),
        }
    }

    fn to_device(self, device: &Device) -> Self {
        Self {
            frames: self.frames.to_device(device),
            ..self
        }
    }
}

impl Objective for Transcriber<Encoder> {
    type Batch = SoundBatch;
    type State = ();

    fn loss(&self, batch: SoundBatch, _state: Option<()>) -> Result<Loss<()>, Error> {
        let losses = Transcriber::loss(self, batch.frames, &batch.lengths, &batch.targets)?;
        Ok(Loss {
            losses,
            penalty: None,
            state: (),
        })
    }

    fn blank_state(&self, _rows: usize) {}
}

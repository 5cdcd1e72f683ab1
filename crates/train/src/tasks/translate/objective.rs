//! A translator as it is trained.

use std::ops::Range;

use backdraft_cells::{Error, Lengths};
use backdraft_models::{Encoder, ScheduledSampling, Translator};
use burn::tensor::{Device, Int, Tensor};
use rand::{SeedableRng, rngs::StdRng};

use crate::fit::seed::mix;
use crate::{Batch, Loss, Objective};

/// Sources and their targets, with padding.
#[derive(Debug, Clone)]
pub struct PairBatch {
    /// The sources: `[batch, steps]`.
    pub source: Tensor<2, Int>,
    /// Their lengths.
    pub source_lengths: Lengths,
    /// The targets: `[batch, time]`.
    pub target: Tensor<2, Int>,
    /// Their lengths.
    pub target_lengths: Lengths,
    /// In training, how often the writer reads what it would write itself, and the seed of the draws;
    /// always what is right without.
    pub scheduled: Option<(ScheduledSampling, u64)>,
}

impl Batch for PairBatch {
    fn rows(&self) -> usize {
        self.target.rows()
    }

    fn take_rows(&self, rows: Range<usize>) -> Self {
        let seeded = |(sampling, seed)| (sampling, mix(seed, rows.start as u64));
        Self {
            source: self.source.take_rows(rows.clone()),
            source_lengths: self.source_lengths.take_rows(rows.clone()),
            target: self.target.take_rows(rows.clone()),
            target_lengths: self.target_lengths.take_rows(rows.clone()),
            // Other rows draw other numbers.
            scheduled: self.scheduled.clone().map(seeded),
        }
    }

    fn to_device(self, device: &Device) -> Self {
        Self {
            source: self.source.to_device(device),
            target: self.target.to_device(device),
            ..self
        }
    }
}

impl Objective for Translator<Encoder, Encoder> {
    type Batch = PairBatch;
    type State = ();

    fn loss(&self, batch: PairBatch, _state: Option<()>) -> Result<Loss<()>, Error> {
        let (source, source_lengths) = (batch.source, &batch.source_lengths);
        let (target, target_lengths) = (batch.target, &batch.target_lengths);
        let trains = self.output.weight.val().device().is_autodiff();
        let losses = match batch.scheduled.filter(|_| trains) {
            Some((schedule, seed)) => self.scheduled_loss(
                source,
                source_lengths,
                target,
                target_lengths,
                &schedule,
                &mut StdRng::seed_from_u64(seed),
            )?,
            None => Translator::loss(self, source, source_lengths, target, target_lengths)?,
        };
        Ok(Loss {
            losses,
            penalty: None,
            state: (),
        })
    }

    fn blank_state(&self, _rows: usize) {}
}

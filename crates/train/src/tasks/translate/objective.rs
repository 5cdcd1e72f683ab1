//! A translator as it is trained.

use backdraft_cells::{Error, Lengths};
use backdraft_models::{Encoder, ScheduledSampling, Translator};
use burn::tensor::{Int, Tensor};
use rand::{SeedableRng, rngs::StdRng};

use crate::{Loss, Objective};

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

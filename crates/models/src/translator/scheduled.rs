//! Scheduled sampling: a decoder that learns from its own symbols, too.
//!
//! ```text
//! yhat_t = y_t, or with probability p a symbol drawn from p(. | x, yhat_1 .. yhat_{t-1})
//! loss_t = -ln p(y_t | x, yhat_1 .. yhat_{t-1})
//! ```
//!
//! Bengio et al. 2015, arXiv 1506.03099. The symbols are drawn first, one step after the other and
//! without a gradient; then the whole sequence that came of it is learned from at once. That is
//! exact, for the paper too lets no gradient through the draws; but for dropout, which is off while
//! they are made. A draw stands for a symbol of the target, so it is never the end.

use backdraft_cells::{Error, Layer, Lengths};
use burn::tensor::{Int, Tensor, TensorData};
use rand::{Rng, RngExt as _};
use serde::{Deserialize, Serialize};

use super::writing::Writer;
use super::{NAME, Translator};
use crate::Sampling;
use crate::teacher::Teacher;

/// How often a decoder reads its own symbols.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScheduledSampling {
    /// `p`.
    pub probability: f64,
    /// How its own symbol is drawn: from all of its distribution by default, and always the
    /// likeliest at temperature 0.
    pub sampling: Sampling,
}

impl ScheduledSampling {
    /// Its own symbol with this probability, drawn from all of its distribution.
    pub fn new(probability: f64) -> Self {
        Self {
            probability,
            sampling: Sampling::new(),
        }
    }

    /// Sets how its own symbol is drawn.
    #[must_use]
    pub fn with_sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    fn check(&self) -> Result<(), Error> {
        if !(0.0..=1.0).contains(&self.probability) {
            let expected = "at least 0 and at most 1";
            let what = "probability of scheduled sampling";
            return Err(Error::new(NAME, what, expected, self.probability));
        }
        self.sampling.check()
    }
}

impl<E: Layer, D: Layer> Translator<E, D> {
    /// As [`loss`](Self::loss), with some of the symbols before each drawn by the model itself.
    ///
    /// # Errors
    ///
    /// As [`forward`](Self::forward); and when a setting is impossible.
    pub fn scheduled_loss(
        &self,
        source: Tensor<2, Int>,
        source_lengths: &Lengths,
        target: Tensor<2, Int>,
        target_lengths: &Lengths,
        schedule: &ScheduledSampling,
        random: &mut impl Rng,
    ) -> Result<Tensor<1>, Error> {
        schedule.check()?;
        let mut teacher = self.teacher(&source, target, target_lengths)?;
        if schedule.probability > 0.0 {
            let source = source.clone();
            teacher.inputs = self.mixed(&teacher, source, source_lengths, schedule, random)?;
        }
        let encoded = self.encode(source, source_lengths)?;
        self.nats(&teacher, encoded)
    }

    /// What a teacher gives to read, with draws in the place of some of it.
    fn mixed(
        &self,
        teacher: &Teacher,
        source: Tensor<2, Int>,
        source_lengths: &Lengths,
        schedule: &ScheduledSampling,
        random: &mut impl Rng,
    ) -> Result<Tensor<2, Int>, Error> {
        let [batch, time] = teacher.inputs.dims();
        let mut inputs: Vec<u32> = teacher.inputs.to_data().iter().collect();
        let mut sampling = schedule.sampling.clone();
        sampling.excluded.push(self.edge());

        let mut writer = Writer::new(self, source, source_lengths)?;
        for step in 0..time - 1 {
            let read: Vec<u32> = (0..batch).map(|row| inputs[row * time + step]).collect();
            let log_p = writer.step(&read)?;
            for (row, log_p) in log_p.iter().enumerate() {
                if random.random::<f64>() < schedule.probability
                    && let Some(drawn) = sampling.draw(log_p, random)
                {
                    inputs[row * time + step + 1] = drawn;
                }
            }
        }
        let inputs: Vec<i32> = inputs.into_iter().map(|symbol| symbol as i32).collect();
        let inputs = TensorData::new(inputs, [batch, time]);
        Ok(Tensor::from_data(inputs, &teacher.inputs.device()))
    }
}

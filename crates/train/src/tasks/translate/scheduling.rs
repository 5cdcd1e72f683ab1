//! How often the writer learns from symbols that it drew itself, as its training goes on.

use backdraft_models::ScheduledSampling;
use serde::{Deserialize, Serialize};

use super::TranslateOptions;
use crate::TaskSettings;
use crate::fit::seed::mix;

/// How often the writer learns from symbols that it drew itself.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Drawn {
    /// In the end.
    probability: f64,
    /// Batches over which that rises from 0.
    steps: usize,
    seed: u64,
}

impl Drawn {
    pub(super) fn of(settings: &TaskSettings<TranslateOptions>) -> Self {
        Self {
            probability: settings.options.scheduled_sampling,
            steps: settings.options.sampling_steps,
            seed: settings.training.seed,
        }
    }

    /// The same in the batch of that number, and the seed of the draws.
    pub(super) fn at(self, number: usize) -> Option<(ScheduledSampling, u64)> {
        let risen = match number < self.steps {
            true => number as f64 / self.steps as f64,
            false => 1.0,
        };
        let probability = risen * self.probability;
        let seed = mix(self.seed, number as u64);
        (probability > 0.0).then(|| (ScheduledSampling::new(probability), seed))
    }
}

//! What the user asks of a language model's training: as typed, and checked.

mod cell;
mod regularize;
mod saving;

use std::fmt::Display;

use backdraft_models::LanguageModelConfig;
use burn::optim::{AdamConfig, ModuleOptimizer, SgdConfig, momentum::MomentumConfig};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

pub use cell::CellKind;
pub use regularize::{NormedWeights, Regularize};
pub use saving::Saving;

use crate::{Clipping, Decay, Guard, Schedule, TrainError};

/// The optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerKind {
    /// Adam with PyTorch's constants: 0.9, 0.999, 1e-8 (Kingma and Ba 2015, arXiv 1412.6980)
    #[default]
    Adam,
    /// Stochastic gradient descent with momentum, as PyTorch's, without dampening
    Sgd,
}

/// 8 GiB of them, in single precision.
const MOST_WEIGHTS: usize = 1 << 31;

/// How a language model is built and trained. The defaults are those of `backdraft train lm`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The cell.
    pub cell: CellKind,
    /// Recurrent layers.
    pub layers: usize,
    /// Units of each layer.
    pub hidden: usize,
    /// Features of a symbol.
    pub embedding: usize,
    /// The probability of dropping a connection that does not recur.
    pub dropout: f64,
    /// Whether output and embedding share their weights.
    pub tied: bool,
    /// What holds the recurrent weights back.
    pub regularize: Regularize,
    /// Steps of a window: how far the gradient goes back.
    pub unroll: usize,
    /// Parallel streams.
    pub batch: usize,
    /// Passes over the text; one, or as many as `steps` need, when not given.
    pub epochs: Option<usize>,
    /// Steps of the optimiser, at most.
    pub steps: Option<usize>,
    /// The optimiser.
    pub optimizer: OptimizerKind,
    /// The learning rate, at its highest.
    pub lr: f64,
    /// The momentum of stochastic gradient descent.
    pub momentum: f64,
    /// How the learning rate falls.
    pub decay: Decay,
    /// Steps in which the learning rate rises.
    pub warmup: usize,
    /// How gradients are clipped.
    pub clipping: Clipping,
    /// What is done about steps that are no numbers.
    pub guard: Guard,
    /// The part of the text that is held out.
    pub valid_fraction: f64,
    /// The seed of everything that is drawn.
    pub seed: u64,
    /// When the training is saved, to go on from there.
    pub saving: Saving,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cell: CellKind::Gru,
            layers: 1,
            hidden: 192,
            embedding: 64,
            dropout: 0.0,
            tied: false,
            regularize: Regularize::default(),
            unroll: 64,
            batch: 32,
            epochs: None,
            steps: None,
            optimizer: OptimizerKind::Adam,
            lr: 4e-3,
            momentum: 0.9,
            decay: Decay::Cosine,
            warmup: 0,
            clipping: Clipping {
                value: None,
                norm: Some(1.0),
            },
            guard: Guard::default(),
            valid_fraction: 0.02,
            seed: 0,
            saving: Saving::default(),
        }
    }
}

impl Settings {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    ///
    /// Names the first setting that is impossible, what would be possible and what it was.
    pub fn check(&self) -> Result<(), TrainError> {
        let sizes = [
            ("the number of layers", self.layers),
            ("the hidden size", self.hidden),
            ("the embedding size", self.embedding),
            ("the unroll length", self.unroll),
            ("the batch size", self.batch),
            ("the number of epochs", self.epochs.unwrap_or(1)),
            ("the number of steps", self.steps.unwrap_or(1)),
            (
                "the steps between checkpoints",
                self.saving.steps.unwrap_or(1),
            ),
            ("the checkpoints to keep", self.saving.keep),
            ("the guard's patience", self.guard.patience),
        ];
        for (what, size) in sizes {
            require(what, "at least 1", size, size > 0)?;
        }
        require(
            "dropout",
            "at least 0 and below 1",
            self.dropout,
            (0.0..1.0).contains(&self.dropout),
        )?;
        if !self.cell.looks_back() && self.regularize != Regularize::default() {
            return Err(TrainError::Invalid {
                what: "the regularisers of the recurrence",
                expected: format!("none, with {}", self.cell.name()),
                found: "one".to_string(),
            });
        }
        let momentum = self.momentum;
        require(
            "the momentum",
            "at least 0 and below 1",
            momentum,
            (0.0..1.0).contains(&momentum),
        )?;
        let fraction = self.valid_fraction;
        require(
            "the held-out fraction",
            "above 0 and below 1",
            fraction,
            fraction > 0.0 && fraction < 1.0,
        )?;
        let backoff = self.guard.backoff;
        require(
            "the guard's backoff",
            "above 0 and at most 1",
            backoff,
            backoff > 0.0 && backoff <= 1.0,
        )?;
        let seed = self.seed;
        let most = i64::MAX as u64;
        require("the seed", &format!("at most {most}"), seed, seed <= most)?;
        let rates = [
            ("the learning rate", Some(self.lr)),
            ("the norm to clip at", self.clipping.norm),
            ("the value to clip at", self.clipping.value),
            ("the seconds between checkpoints", self.saving.seconds),
        ];
        for (what, rate) in rates {
            let Some(rate) = rate else { continue };
            require(
                what,
                "a finite number above 0",
                rate,
                rate.is_finite() && rate > 0.0,
            )?;
        }
        self.check_weights()
    }

    /// Refuses sizes that no machine's memory holds, before anything is allocated.
    fn check_weights(&self) -> Result<(), TrainError> {
        // Four gates a layer, of which each sees the layer below and its own past.
        let first = self
            .hidden
            .saturating_mul(self.hidden.saturating_add(self.embedding));
        let upper = self.hidden.saturating_mul(self.hidden).saturating_mul(2);
        let upper = upper.saturating_mul(self.layers - 1);
        let weights = first.saturating_add(upper).saturating_mul(4);
        let what = "the hidden size, the embedding size and the number of layers";
        let expected = format!("at most {MOST_WEIGHTS} recurrent weights between them");
        require(what, &expected, weights, weights <= MOST_WEIGHTS)
    }

    /// The model of these settings, for a vocabulary of this size.
    pub fn model<K>(&self, vocabulary_size: usize, cell: K) -> LanguageModelConfig<K> {
        LanguageModelConfig::new(vocabulary_size, cell)
            .with_layers(self.layers)
            .with_dropout(self.dropout)
            .with_tied(self.tied)
    }

    /// Epochs and steps in all, when an epoch has `windows` of them.
    pub fn extent(&self, windows: usize) -> (usize, usize) {
        match (self.epochs, self.steps) {
            (None, None) => (1, windows),
            (Some(epochs), None) => (epochs, epochs.saturating_mul(windows)),
            (None, Some(steps)) => (steps.div_ceil(windows), steps),
            (Some(epochs), Some(steps)) => {
                let steps = steps.min(epochs.saturating_mul(windows));
                (steps.div_ceil(windows), steps)
            }
        }
    }

    /// The optimiser. Clipping is done before it, over the whole gradient.
    pub fn optimizer(&self) -> ModuleOptimizer {
        match self.optimizer {
            OptimizerKind::Adam => AdamConfig::new().with_epsilon(1e-8).init(),
            OptimizerKind::Sgd => {
                let momentum = MomentumConfig {
                    momentum: self.momentum,
                    dampening: 0.0,
                    nesterov: false,
                };
                SgdConfig::new().with_momentum(Some(momentum)).init()
            }
        }
    }

    /// The learning rate over `steps` steps.
    pub fn schedule(&self, steps: usize) -> Schedule {
        Schedule::new(self.lr, self.decay, self.warmup, steps)
    }
}

fn require(
    what: &'static str,
    expected: &str,
    found: impl Display,
    holds: bool,
) -> Result<(), TrainError> {
    if holds {
        return Ok(());
    }
    Err(TrainError::Invalid {
        what,
        expected: expected.to_string(),
        found: found.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_settings_are_refused_by_name() {
        let refuse = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        assert!(Settings::default().check().is_ok());
        assert_eq!(
            refuse(|s| s.batch = 0),
            "the batch size: expected at least 1, found 0"
        );
        assert_eq!(
            refuse(|s| s.lr = f64::NAN),
            "the learning rate: expected a finite number above 0, found NaN"
        );
        assert!(refuse(|s| s.dropout = 1.0).starts_with("dropout"));
        assert!(refuse(|s| s.valid_fraction = 0.0).starts_with("the held-out fraction"));
        assert!(refuse(|s| s.clipping.norm = Some(-1.0)).starts_with("the norm to clip at"));
        assert!(refuse(|s| s.steps = Some(0)).starts_with("the number of steps"));
    }

    #[test]
    fn epochs_and_steps_bound_each_other() {
        let extent = |epochs, steps| {
            Settings {
                epochs,
                steps,
                ..Settings::default()
            }
            .extent(100)
        };
        assert_eq!(extent(None, None), (1, 100));
        assert_eq!(extent(Some(3), None), (3, 300));
        assert_eq!(extent(None, Some(250)), (3, 250));
        assert_eq!(extent(Some(2), Some(250)), (2, 200));
        assert_eq!(extent(Some(9), Some(50)), (1, 50));
    }

    #[test]
    fn settings_go_through_json_and_unknown_ones_are_refused() {
        let settings = Settings {
            epochs: Some(3),
            ..Settings::default()
        };
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
        let text = text.replacen("\"layers\"", "\"depth\"", 1);
        assert!(
            serde_json::from_str::<Settings>(&text)
                .unwrap_err()
                .to_string()
                .contains("depth")
        );
    }
}

//! How a model is trained: the optimiser, what is done to its gradient, how long, and what is kept.

use burn::optim::{
    AdaGradConfig, ModuleOptimizer, RmsPropConfig, SgdConfig, momentum::MomentumConfig,
};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::Saving;
use crate::bounds::parts;
use crate::names;
use crate::say::counted;
use crate::{Averaging, Clipping, Decay, Decayed, Falling, FusedAdam, Guard, Schedule, TrainError};

/// Steps in which a model learns next to nothing.
const FEW: usize = 100;

/// The optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerKind {
    /// Adam, with beta 0.9 and 0.999 and epsilon 1e-8 (Kingma and Ba 2015, arXiv 1412.6980)
    #[default]
    Adam,
    /// Stochastic gradient descent with momentum
    Sgd,
    /// RMSprop, with epsilon 1e-8 (Tieleman and Hinton 2012)
    #[value(name = "rmsprop")]
    #[serde(rename = "rmsprop")]
    RmsProp,
    /// AdaGrad, with epsilon 1e-10 (Duchi, Hazan and Singer 2011)
    #[value(name = "adagrad")]
    #[serde(rename = "adagrad")]
    AdaGrad,
}

impl OptimizerKind {
    /// As it is typed.
    pub(crate) fn name(self) -> String {
        names::typed(&self)
    }
}

/// How a model is trained, whatever it is a model of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Examples that a step learns from; of a text, parallel streams.
    pub batch: usize,
    /// Passes over the data; one, or as many as `steps` need, when not given.
    pub epochs: Option<usize>,
    /// Steps of the optimiser, at most.
    pub steps: Option<usize>,
    /// The optimiser.
    pub optimizer: OptimizerKind,
    /// The learning rate, at its highest.
    pub lr: f64,
    /// The momentum of stochastic gradient descent.
    pub momentum: f64,
    /// What RMSprop's mean of squared gradients keeps of itself in a step.
    pub rms_decay: f64,
    /// The part of the weights that goes in each step, times the learning rate.
    pub weight_decay: f64,
    /// How the learning rate falls.
    pub decay: Decay,
    /// How far and when, where it falls in steps.
    pub falling: Falling,
    /// Steps in which the learning rate rises.
    pub warmup: usize,
    /// How gradients are clipped.
    pub clipping: Clipping,
    /// The variance of the noise on the first gradient.
    pub gradient_noise: f64,
    /// Which average of the weights is kept.
    pub averaging: Averaging,
    /// What happens at steps whose loss or gradient is not finite.
    pub guard: Guard,
    /// The part of the data that is held out.
    pub valid_fraction: f64,
    /// Steps between evaluations, beside those at the ends of epochs.
    pub evaluate_steps: Option<usize>,
    /// Evaluations without improvement after which the training ends.
    pub stop_after: Option<usize>,
    /// The seed of everything that is drawn.
    pub seed: u64,
    /// Whether the figures are written as TensorBoard reads them, too.
    pub tensorboard: bool,
    /// When the training is saved, to go on from there.
    pub saving: Saving,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            batch: 32,
            epochs: None,
            steps: None,
            optimizer: OptimizerKind::Adam,
            lr: 4e-3,
            momentum: 0.9,
            rms_decay: 0.99,
            weight_decay: 0.0,
            decay: Decay::Cosine,
            falling: Falling::default(),
            warmup: 0,
            clipping: Clipping::by_norm(1.0),
            gradient_noise: 0.0,
            averaging: Averaging::default(),
            guard: Guard::default(),
            valid_fraction: 0.02,
            evaluate_steps: None,
            stop_after: None,
            seed: 0,
            tensorboard: false,
            saving: Saving::default(),
        }
    }
}

impl Training {
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

    /// Refuses what needs more steps than there are, when an epoch has `windows` of them.
    ///
    /// # Errors
    ///
    /// When the learning rate would rise until the last step or longer.
    pub fn check_extent(&self, windows: usize) -> Result<(), TrainError> {
        let (_, steps) = self.extent(windows);
        self.schedule(steps, windows).map(drop)
    }

    /// What to tell whoever begins a training of `steps` steps that has not asked for so few.
    pub(crate) fn advice(&self, steps: usize) -> Option<String> {
        let few = self.steps.is_none() && steps < FEW;
        few.then(|| {
            let steps = counted(steps, "step");
            format!("{steps} in all, which is too few to learn much: pass more --epochs")
        })
    }

    /// The optimiser. Clipping is done before it, over the whole gradient.
    ///
    /// # Errors
    ///
    /// When its momentum, its decay or that of the weights is impossible.
    pub fn optimizer(&self) -> Result<ModuleOptimizer, TrainError> {
        Ok(match self.optimizer {
            OptimizerKind::Adam => Decayed::new(FusedAdam::default(), self.weight_decay)?.into(),
            OptimizerKind::Sgd => {
                parts([("momentum", self.momentum)])?;
                let momentum = MomentumConfig {
                    momentum: self.momentum,
                    dampening: 0.0,
                    nesterov: false,
                };
                let sgd = SgdConfig::new().with_momentum(Some(momentum)).build();
                Decayed::new(sgd, self.weight_decay)?.into()
            }
            OptimizerKind::RmsProp => {
                parts([("rms_decay", self.rms_decay)])?;
                let rms_prop = RmsPropConfig::new()
                    .with_alpha(self.rms_decay as f32)
                    .with_momentum(0.0)
                    .with_epsilon(1e-8)
                    .build();
                Decayed::new(rms_prop, self.weight_decay)?.into()
            }
            OptimizerKind::AdaGrad => {
                let ada_grad = AdaGradConfig::new().with_epsilon(1e-10).build();
                Decayed::new(ada_grad, self.weight_decay)?.into()
            }
        })
    }

    /// The learning rate over `steps` steps, of which an epoch has `an_epoch`.
    ///
    /// # Errors
    ///
    /// When the rate, or how it rises or falls, is impossible in so many steps.
    pub fn schedule(&self, steps: usize, an_epoch: usize) -> Result<Schedule, TrainError> {
        Schedule::new(self.lr, self.decay, self.warmup, steps)?.with_falling(self.falling, an_epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warm_up_leaves_steps_to_learn_in() {
        let training = |warmup, epochs| Training {
            warmup,
            epochs: Some(epochs),
            ..Training::default()
        };
        assert!(training(19, 2).check_extent(10).is_ok());
        assert!(training(0, 1).check_extent(1).is_ok());
        assert_eq!(
            training(20, 2).check_extent(10).unwrap_err().to_string(),
            "--warmup: expected fewer than all 20 steps, found 20"
        );
    }

    #[test]
    fn few_steps_are_told_unless_they_were_asked_for() {
        let training = Training::default();
        let told = |steps| training.advice(steps);
        let expected = "1 step in all, which is too few to learn much: pass more --epochs";
        assert_eq!(told(1).as_deref(), Some(expected));
        assert!(told(99).unwrap().starts_with("99 steps in all"));
        assert_eq!(told(100), None);
        let asked = Training {
            steps: Some(5),
            ..Training::default()
        };
        assert_eq!(asked.advice(5), None);
    }

    #[test]
    fn epochs_and_steps_bound_each_other() {
        let extent = |epochs, steps| {
            Training {
                epochs,
                steps,
                ..Training::default()
            }
            .extent(100)
        };
        assert_eq!(extent(None, None), (1, 100));
        assert_eq!(extent(Some(3), None), (3, 300));
        assert_eq!(extent(None, Some(250)), (3, 250));
        assert_eq!(extent(Some(2), Some(250)), (2, 200));
        assert_eq!(extent(Some(9), Some(50)), (1, 50));
    }
}

//! How it is learned: the optimiser, its rate, and what is done to the gradient.

use super::arguments::take;
use crate::{
    AverageKind, Averaging, Clipping, Decay, Falling, OptimizerKind, TrainError, Training,
};

#[derive(Debug, clap::Args)]
pub(super) struct Optimising {
    #[command(flatten)]
    stepping: Stepping,
    #[command(flatten)]
    holding: Holding,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Optimiser")]
struct Stepping {
    /// Optimiser
    #[arg(long, value_enum, default_value_t = Training::default().optimizer)]
    optimizer: OptimizerKind,
    /// Learning rate, at its highest
    #[arg(long, value_name = "F", default_value_t = Training::default().lr)]
    lr: f64,
    /// Momentum of sgd
    #[arg(long, value_name = "F", default_value_t = Training::default().momentum)]
    momentum: f64,
    /// Decay of the mean of squared gradients, with --optimizer rmsprop
    #[arg(long, value_name = "F", default_value_t = Training::default().rms_decay)]
    rms_decay: f64,
    /// Weight decay, decoupled from the gradient
    #[arg(
        long,
        value_name = "F",
        default_value_t = 0.0,
        help_heading = "Regularisation"
    )]
    weight_decay: f64,
    /// Schedule of the learning rate after the warm-up
    #[arg(long, value_enum, default_value_t = Training::default().decay)]
    decay: Decay,
    /// Factor of each fall, with --decay halve, step and plateau
    #[arg(long, value_name = "F", default_value_t = Falling::default().factor)]
    fall_factor: f64,
    /// Epochs before the first fall (halve) or each (step), or evaluations without improvement (plateau)
    #[arg(long, value_name = "N", default_value_t = Falling::default().after)]
    fall_after: usize,
    /// Steps of warm-up, in which the learning rate rises
    #[arg(long, value_name = "N", default_value_t = Training::default().warmup)]
    warmup: usize,
    /// Average of the weights to evaluate and keep
    #[arg(long, value_enum, default_value_t)]
    average: AverageKind,
    /// Decay of the moving average, with --average ema
    #[arg(long, value_name = "F", default_value_t = Averaging::default().decay)]
    average_decay: f64,
    /// Evaluations without improvement before --average nt-asgd begins
    #[arg(long, value_name = "N", default_value_t = Averaging::default().after)]
    average_after: usize,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Guard")]
struct Holding {
    /// Clip the gradient to this norm [default: 1, unless another --clip flag is given]
    #[arg(long, value_name = "F")]
    clip_norm: Option<f64>,
    /// Clip the gradient of each tensor to this norm
    #[arg(long, value_name = "F")]
    clip_tensor: Option<f64>,
    /// Clip the gradient of each unit to this fraction of the norm of its weights (AGC)
    #[arg(long, value_name = "F")]
    clip_adaptive: Option<f64>,
    /// Clip each component of the gradient to this absolute value
    #[arg(long, value_name = "F")]
    clip_value: Option<f64>,
    /// Variance of Gaussian noise on the gradient, which falls with the steps
    #[arg(
        long,
        value_name = "F",
        default_value_t = 0.0,
        help_heading = "Regularisation"
    )]
    gradient_noise: f64,
    /// Stop after N steps in a row whose loss or gradient is not finite
    #[arg(long, value_name = "N", default_value_t = Training::default().guard.patience)]
    patience: usize,
    /// Multiply the learning rate by this after each such step, which is skipped
    #[arg(long, value_name = "F", default_value_t = Training::default().guard.backoff)]
    backoff: f64,
}

impl Optimising {
    pub(super) fn put(&self, typed: &dyn Fn(&str) -> bool, training: &mut Training) {
        let (stepping, holding) = (&self.stepping, &self.holding);
        take!(stepping, typed, training, optimizer lr momentum rms_decay weight_decay decay warmup);
        if typed("fall_factor") {
            training.falling.factor = stepping.fall_factor;
        }
        if typed("fall_after") {
            training.falling.after = stepping.fall_after;
        }
        if typed("average") {
            training.averaging.kind = stepping.average;
        }
        if typed("average_decay") {
            training.averaging.decay = stepping.average_decay;
        }
        if typed("average_after") {
            training.averaging.after = stepping.average_after;
        }
        take!(holding, typed, training, gradient_noise);
        take!(holding, typed, training.guard, patience backoff);
        let clips = ["clip_norm", "clip_tensor", "clip_adaptive", "clip_value"];
        if clips.into_iter().any(typed) {
            training.clipping = Clipping {
                value: holding.clip_value,
                tensor: holding.clip_tensor,
                adaptive: holding.clip_adaptive,
                norm: holding.clip_norm,
            };
        }
    }
}

/// Refuses what would do nothing: of the keys that were `asked` for, by a flag or in a file.
pub(super) fn refuse_idle(
    asked: impl Fn(&str) -> bool,
    training: &Training,
) -> Result<(), TrainError> {
    let falls = matches!(training.decay, Decay::Halve | Decay::Step | Decay::Plateau);
    let average = training.averaging.kind;
    let idle = [
        (
            "momentum",
            "--optimizer sgd",
            training.optimizer == OptimizerKind::Sgd,
        ),
        (
            "rms_decay",
            "--optimizer rmsprop",
            training.optimizer == OptimizerKind::RmsProp,
        ),
        ("falling.factor", "--decay halve, step or plateau", falls),
        ("falling.after", "--decay halve, step or plateau", falls),
        (
            "averaging.decay",
            "--average ema",
            average == AverageKind::Ema,
        ),
        (
            "averaging.after",
            "--average nt-asgd",
            average == AverageKind::NtAsgd,
        ),
    ];
    for (setting, with, holds) in idle {
        if asked(setting) && !holds {
            return Err(TrainError::Idle { setting, with });
        }
    }
    Ok(())
}

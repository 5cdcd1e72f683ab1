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
    /// The optimiser
    #[arg(long, value_enum, default_value_t = Training::default().optimizer)]
    optimizer: OptimizerKind,
    /// The learning rate, at its highest
    #[arg(long, value_name = "F", default_value_t = Training::default().lr)]
    lr: f64,
    /// The momentum of sgd
    #[arg(long, value_name = "F", default_value_t = Training::default().momentum)]
    momentum: f64,
    /// The part of the weights that goes in each step, times the learning rate
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    weight_decay: f64,
    /// How the learning rate falls
    #[arg(long, value_enum, default_value_t = Training::default().decay)]
    decay: Decay,
    /// What it falls by, with `halve` and `plateau`
    #[arg(long, value_name = "F", default_value_t = Falling::default().factor)]
    fall_factor: f64,
    /// Epochs before it falls (`halve`), or evaluations that are no better (`plateau`)
    #[arg(long, value_name = "N", default_value_t = Falling::default().after)]
    fall_after: usize,
    /// Steps in which the learning rate rises
    #[arg(long, value_name = "N", default_value_t = Training::default().warmup)]
    warmup: usize,
    /// Which average of the weights is evaluated and kept
    #[arg(long, value_enum, default_value_t)]
    average: AverageKind,
    /// What the moving average keeps of itself in a step
    #[arg(long, value_name = "F", default_value_t = Averaging::default().decay)]
    average_decay: f64,
    /// Evaluations that nt-asgd looks back over
    #[arg(long, value_name = "N", default_value_t = Averaging::default().after)]
    average_after: usize,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Gradient")]
struct Holding {
    /// The norm that the whole gradient is shortened to [default: 1, unless another --clip is given]
    #[arg(long, value_name = "F")]
    clip_norm: Option<f64>,
    /// The norm that the gradient of each tensor is shortened to
    #[arg(long, value_name = "F")]
    clip_tensor: Option<f64>,
    /// The same of each unit, as part of the norm of its weights (AGC)
    #[arg(long, value_name = "F")]
    clip_adaptive: Option<f64>,
    /// The absolute value that each component of the gradient is cut at
    #[arg(long, value_name = "F")]
    clip_value: Option<f64>,
    /// The variance of the noise on the first gradient; it falls with the steps
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    gradient_noise: f64,
    /// Steps in a row that are left out, since loss or gradient are not finite, before training ends
    #[arg(long, value_name = "N", default_value_t = Training::default().guard.patience)]
    patience: usize,
    /// What the learning rate is multiplied by after each step that is left out
    #[arg(long, value_name = "F", default_value_t = Training::default().guard.backoff)]
    backoff: f64,
}

impl Optimising {
    pub(super) fn put(
        &self,
        typed: &dyn Fn(&str) -> bool,
        training: &mut Training,
    ) -> Result<(), TrainError> {
        let (stepping, holding) = (&self.stepping, &self.holding);
        take!(stepping, typed, training, optimizer lr momentum weight_decay decay warmup);
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
        self.refuse_idle(typed, training)
    }

    /// Refuses what was typed and would do nothing.
    fn refuse_idle(
        &self,
        typed: &dyn Fn(&str) -> bool,
        training: &Training,
    ) -> Result<(), TrainError> {
        let falls = matches!(training.decay, Decay::Halve | Decay::Plateau);
        let average = training.averaging.kind;
        let idle = [
            (
                "momentum",
                "--momentum",
                "--optimizer sgd",
                training.optimizer == OptimizerKind::Sgd,
            ),
            (
                "fall_factor",
                "--fall-factor",
                "--decay halve or plateau",
                falls,
            ),
            (
                "fall_after",
                "--fall-after",
                "--decay halve or plateau",
                falls,
            ),
            (
                "average_decay",
                "--average-decay",
                "--average ema",
                average == AverageKind::Ema,
            ),
            (
                "average_after",
                "--average-after",
                "--average nt-asgd",
                average == AverageKind::NtAsgd,
            ),
        ];
        for (id, what, beside, holds) in idle {
            if typed(id) && !holds {
                return Err(TrainError::Invalid {
                    what,
                    expected: format!("{beside} beside it"),
                    found: "another".to_string(),
                });
            }
        }
        Ok(())
    }
}

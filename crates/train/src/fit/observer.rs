//! What is told of a training as it goes.

use std::ops::ControlFlow;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::fit::step_times::StepTimes;
use crate::{Norms, TrainError};

/// What happens beside the training: samples, saved weights, a count of what was done.
pub trait Observer<M>: Send {
    /// After each step of the optimiser; may end the training, with a reason. The model is the one
    /// that would be used: where weights are averaged, their average.
    fn stepped(&mut self, step: Step<'_>, model: &M) -> ControlFlow<String>;

    /// After the held-out part was evaluated.
    fn validated(&mut self, validation: Validation, model: &M);

    /// When the training ends since step after step could not be taken.
    fn gave_up(&mut self, _error: TrainError) {}

    /// When the training has ended, however it did.
    fn ended(&mut self, _ending: Ending) {}

    /// What is to be known when the training goes on from a checkpoint.
    fn remember(&mut self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

/// How a training ended, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It did all that was asked, or stopped early since it got no better.
    Finished,
    /// It was stopped before that, from outside or by an [`Observer`].
    Interrupted,
    /// An error stopped it, of its data, its device or its checkpoints.
    Failed,
}

/// Nothing happens beside the training.
impl<M> Observer<M> for () {
    fn stepped(&mut self, _step: Step<'_>, _model: &M) -> ControlFlow<String> {
        ControlFlow::Continue(())
    }

    fn validated(&mut self, _validation: Validation, _model: &M) {}
}

/// One step of the optimiser.
#[derive(Debug)]
pub struct Step<'a> {
    /// Steps so far, this one included.
    pub steps: usize,
    /// Positions that the loss was taken at.
    pub positions: usize,
    /// What was not finite, if the [`Guard`](crate::Guard) left the step out.
    pub left_out: Option<&'a str>,
    /// The loss at each position. Reading it waits for the device.
    pub losses: &'a Tensor<1>,
    /// The norms of the whole gradient, before clipping and after it. Reading them waits for the
    /// device.
    pub norms: &'a Norms,
    /// The learning rate.
    pub learning_rate: f64,
    /// How long the parts of it took, if it was timed.
    pub times: Option<StepTimes>,
}

/// The evaluation of the held-out part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// The epoch, from 1; it may not be over.
    pub epoch: usize,
    /// The mean loss.
    pub loss: f64,
    /// Positions that it was taken at.
    pub positions: usize,
}

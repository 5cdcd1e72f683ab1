//! Steps that would spoil the weights are not taken.
//!
//! ```text
//! E_t or |g_t| not finite:   theta_{t+1} = theta_t, the state is that from before the window,
//!                            and the learning rate is multiplied by b from there on
//! n such steps in a row:     the training ends
//! ```
//!
//! So too where the clipped gradient is so long that its square is not finite: in the moments of an
//! optimiser it would stay for good. One number a step is read from the device for it.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::bounds::{counts, factor};
use crate::{Brake, Norms, TrainError};

/// What is done about a loss or a gradient that is no finite number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// Steps in a row after which the training ends.
    pub patience: usize,
    /// What the learning rate is multiplied by after each of them; 1 leaves it.
    pub backoff: f64,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            patience: 10,
            backoff: 1.0,
        }
    }
}

impl Guard {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    ///
    /// When no step may be left out, or the learning rate would not be a positive number after one,
    /// or larger.
    pub fn check(&self) -> Result<(), TrainError> {
        counts([("guard.patience", self.patience)])?;
        factor("guard.backoff", self.backoff)
    }
}

/// Steps in a row that were left out, the last step's among them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// How many.
    pub in_a_row: usize,
    /// The first of them.
    pub first: usize,
    /// What was wrong with that one.
    pub what: String,
}

/// The guard of one training.
#[derive(Debug)]
pub(crate) struct Watch {
    guard: Guard,
    brake: Brake,
    left_out: LeftOut,
}

impl Watch {
    pub(crate) fn new(guard: Guard, brake: Brake, left_out: LeftOut) -> Self {
        Self {
            guard,
            brake,
            left_out,
        }
    }

    pub(crate) fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// What is not finite in step number `step`, which is then not to be taken.
    pub(crate) fn look<M: Module>(
        &mut self,
        step: usize,
        model: &M,
        gradients: &GradientsParams,
        losses: &Tensor<1>,
        norms: &Norms,
    ) -> Option<String> {
        // Zero, unless one of them is not finite: losses that are may have a sum that is not.
        let lengths = norms.before.clone() * 0.0 + norms.after.clone().square() * 0.0;
        let probe = (losses.clone() * 0.0).sum() + lengths;
        if probe.into_scalar::<f32>() == 0.0 {
            self.left_out.in_a_row = 0;
            return None;
        }
        let what = first_bad(model, gradients).unwrap_or_else(|| match is_bad(losses.clone()) {
            true => "the loss".to_string(),
            false => "the square of the gradient".to_string(),
        });
        if self.left_out.in_a_row == 0 {
            self.left_out.first = step;
            self.left_out.what = what.clone();
        }
        self.left_out.in_a_row += 1;
        self.brake.multiply(self.guard.backoff);
        Some(what)
    }

    /// Why the training is to end, when it is not worth going on.
    pub(crate) fn verdict(&self) -> Option<TrainError> {
        let LeftOut {
            in_a_row,
            first,
            ref what,
        } = self.left_out;
        (in_a_row >= self.guard.patience).then(|| TrainError::NotFinite {
            times: in_a_row,
            first,
            what: what.clone(),
        })
    }
}

/// The first tensor of a model that is not finite, of the weights or else of the gradients.
fn first_bad<M: Module>(module: &M, gradients: &GradientsParams) -> Option<String> {
    let mut search = Search {
        gradients,
        path: Vec::new(),
        weight: None,
        gradient: None,
    };
    module.visit(&mut search);
    search.weight.or(search.gradient)
}

struct Search<'a> {
    gradients: &'a GradientsParams,
    path: Vec<String>,
    weight: Option<String>,
    gradient: Option<String>,
}

impl ModuleVisitor for Search<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = || self.path.join(".");
        if self.weight.is_none() && is_bad(param.val()) {
            self.weight = Some(format!("the weight `{}`", name()));
        }
        let gradient = self.gradients.get::<D>(param.id);
        if self.gradient.is_none() && gradient.is_some_and(is_bad) {
            self.gradient = Some(format!("the gradient of `{}`", name()));
        }
    }
}

fn is_bad<const D: usize>(tensor: Tensor<D>) -> bool {
    (tensor * 0.0).sum().into_scalar::<f32>() != 0.0
}

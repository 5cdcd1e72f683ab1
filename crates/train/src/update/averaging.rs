//! Averages of the weights as they go, which are evaluated and kept in the place of the last.
//!
//! ```text
//! EMA:      w_t = d_t w_{t-1} + (1 - d_t) theta_t         d_t = min(d, (1 + t) / (10 + t))
//! NT-ASGD:  w_t = w_{t-1} + (theta_t - w_{t-1}) / t       t = 1 .. from the evaluation on that is
//!                                                         worse than the best of all but the n before
//! ```
//!
//! EMA: Polyak and Juditsky 1992, as it is done in TensorFlow, whose d_t lets it begin quickly.
//! NT-ASGD: Merity, Keskar and Socher 2018, arXiv 1708.02182, with averages after each step.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::bounds::parts;
use crate::{History, TrainError};

/// Which average of the weights is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum AverageKind {
    /// No average
    #[default]
    Off,
    /// Exponential moving average
    Ema,
    /// Mean from where evaluations stop improving
    NtAsgd,
}

/// How weights are averaged; not at all by default.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Averaging {
    /// Which average.
    pub kind: AverageKind,
    /// What the moving average keeps of itself in a step.
    pub decay: f64,
    /// Evaluations that NT-ASGD looks back over.
    pub after: usize,
}

impl Default for Averaging {
    fn default() -> Self {
        Self {
            kind: AverageKind::Off,
            decay: 0.999,
            after: 5,
        }
    }
}

impl Averaging {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    ///
    /// When the moving average keeps less than nothing of itself in a step, or all.
    pub fn check(&self) -> Result<(), TrainError> {
        parts([("averaging.decay", self.decay)])
    }
}

/// The average of one training.
#[derive(Debug)]
pub(crate) struct Average<M> {
    averaging: Averaging,
    weights: Option<M>,
    /// Steps in it.
    steps: usize,
}

impl<M: Module> Average<M> {
    /// One that goes on with these weights, of so many steps.
    pub(crate) fn new(averaging: Averaging, going_on: Option<(M, usize)>) -> Self {
        let (weights, steps) = match going_on {
            Some((weights, steps)) => (Some(weights), steps),
            None => (None, 0),
        };
        Self {
            averaging,
            weights,
            steps,
        }
    }

    /// The average, where there is one, and its steps.
    pub(crate) fn get(&self) -> Option<(&M, usize)> {
        self.weights.as_ref().map(|weights| (weights, self.steps))
    }

    /// Takes in the weights after a step.
    pub(crate) fn step(&mut self, model: &M) {
        match (self.averaging.kind, &self.weights) {
            (AverageKind::Off, _) | (AverageKind::NtAsgd, None) => return,
            (AverageKind::Ema, _) | (AverageKind::NtAsgd, Some(_)) => {}
        }
        self.steps += 1;
        let Some(average) = self.weights.take() else {
            self.weights = Some(model.valid());
            return;
        };
        let steps = self.steps as f64;
        let kept = match self.averaging.kind {
            AverageKind::Ema => self.averaging.decay.min((1.0 + steps) / (10.0 + steps)),
            AverageKind::Off | AverageKind::NtAsgd => 1.0 - steps.recip(),
        };
        let mut read = Weights(GradientsParams::new());
        model.visit(&mut read);
        self.weights = Some(average.map(&mut MovedTowards {
            weights: read.0,
            kept,
        }));
    }

    /// After an evaluation: whether averaging begins here.
    pub(crate) fn evaluated(&mut self, history: &History, model: &M) -> bool {
        let begins = self.averaging.kind == AverageKind::NtAsgd
            && self.weights.is_none()
            && history.is_non_monotonic(self.averaging.after);
        if begins {
            self.weights = Some(model.valid());
            self.steps = 1;
        }
        begins
    }
}

/// Weights by their parameters; burn-optim's container of gradients holds any tensor.
struct Weights(GradientsParams);

impl ModuleVisitor for Weights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.register(param.id, param.val().without_autodiff());
    }
}

struct MovedTowards {
    weights: GradientsParams,
    kept: f64,
}

impl ModuleMapper for MovedTowards {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(weight) = self.weights.remove::<D>(param.id) else {
            return param;
        };
        let (id, average, mapper) = param.consume();
        let moved = average * self.kept + weight * (1.0 - self.kept);
        Param::from_mapped_value(id, moved, mapper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    fn layer(value: f32) -> impl Fn(Linear) -> Linear {
        move |mut layer| {
            layer.weight = layer.weight.map(|weight| weight.full_like(value));
            layer
        }
    }

    fn value(average: &Average<Linear>) -> Option<f32> {
        let (weights, _) = average.get()?;
        weights.weight.val().into_data().iter::<f32>().next()
    }

    fn steps(average: &mut Average<Linear>, values: &[f32]) {
        let device = Device::default().autodiff();
        let mut model = LinearConfig::new(1, 1).with_bias(false).init(&device);
        for &next in values {
            model = layer(next)(model);
            average.step(&model);
        }
    }

    #[test]
    fn the_moving_average_follows_its_formula() {
        let averaging = Averaging {
            kind: AverageKind::Ema,
            decay: 0.3,
            ..Averaging::default()
        };
        let mut average = Average::new(averaging, None);
        steps(&mut average, &[1.0, 2.0, -4.0, 8.0]);
        let mut expected = 1.0;
        for (step, next) in [(2.0, 2.0), (3.0, -4.0), (4.0, 8.0)] {
            let kept = f64::min(0.3, (1.0 + step) / (10.0 + step));
            expected = kept * expected + (1.0 - kept) * next;
        }
        let found = value(&average).unwrap();
        assert!(
            (f64::from(found) - expected).abs() < 1e-6,
            "{found} against {expected}"
        );
    }

    #[test]
    fn the_mean_begins_with_the_evaluation_that_is_worse() {
        let averaging = Averaging {
            kind: AverageKind::NtAsgd,
            after: 0,
            ..Averaging::default()
        };
        let mut average = Average::new(averaging, None);
        steps(&mut average, &[5.0, 6.0]);
        assert_eq!(value(&average), None);
        let mut history = History::default();
        let device = Device::default().autodiff();
        let model = layer(1.0)(LinearConfig::new(1, 1).with_bias(false).init(&device));
        history.push(2.0);
        assert!(!average.evaluated(&history, &model));
        history.push(2.1);
        assert!(average.evaluated(&history, &model));
        assert_eq!(value(&average), Some(1.0));
    }
}

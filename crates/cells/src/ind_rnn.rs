//! The independently recurrent network: a unit sees no other unit's past than its own.
//!
//! ```text
//! h_t = phi(W x_t + b + u h_{t-1})        |u| <= bound, element by element
//! ```
//!
//! Over T steps a unit's gradient is scaled by `u^T`. A bound of `2^(1/T)` keeps that below 2 with
//! ReLU, the paper's phi; see [`IndRnnConfig::with_steps`].
//!
//! Li, Li, Cook, Zhu and Gao 2018, "Independently recurrent neural network (IndRNN): building a
//! longer and deeper RNN", arXiv 1803.04831.

use burn::module::{Module, Param};
use burn::tensor::{Device, Distribution, Tensor};

use crate::config::{by_fields, config};
use crate::equations::{At, Equations, Expression};
use crate::gates::{project, zeros};
use crate::{Activation, CellBase, Error, GatesConfig, Initialization, Projected, SequenceConfig};

config! {
    /// Configuration of an [`IndRnn`] cell.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
    /// let layer = RecurrentConfig::new(IndRnnConfig::new(8, 16)).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 16]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 16]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct IndRnnConfig {
        /// Features of the input, `I`.
        pub input_size: usize,
        /// Units, `H`.
        pub hidden_size: usize,
        /// phi.
        pub activation: Activation = Activation::Relu,
        /// The bound of `|u|`; none by default.
        pub bound: Option<f64> = None,
        /// Whether there is a bias.
        pub bias: bool = true,
        /// Of `W`, the input weights.
        pub input_initialization: Initialization = Initialization::default(),
        /// Of `b`, the bias.
        pub bias_initialization: Initialization = Initialization::default(),
    }
}

impl IndRnnConfig {
    /// Sets the paper's bound for sequences of `steps` steps, `2^(1/steps)`; for none there is no
    /// bound, which [`init`](SequenceConfig::init) refuses.
    #[must_use]
    pub fn with_steps(self, steps: usize) -> Self {
        self.with_bound(Some(2f64.powf((steps as f64).recip())))
    }
}

impl SequenceConfig for IndRnnConfig {
    type Built = IndRnn;

    by_fields!(hidden_size);

    fn init(&self, device: &Device) -> Result<IndRnn, Error> {
        self.activation.check("IndRnn", "activation")?;
        Error::unless_bound("IndRnn", "bound", self.bound)?;
        let hidden = self.hidden_size;
        let weights = GatesConfig::new()
            .with_bias(self.bias)
            .with_input_initialization(self.input_initialization.clone())
            .with_bias_initialization(self.bias_initialization.clone());
        let input_weight = weights.input_weight("IndRnn", [1, self.input_size, hidden], device)?;
        let uniform = Distribution::Uniform(0.0, self.bound.unwrap_or(1.0));
        Ok(IndRnn {
            input_weight,
            recurrent_weight: Param::from_tensor(Tensor::random([hidden], uniform, device)),
            bias: weights.bias("IndRnn", [1, hidden], device)?,
            activation: self.activation,
            bound: self.bound,
        })
    }
}

/// The cell of [`IndRnnConfig`]; its state is the hidden units.
#[derive(Module, Debug)]
pub struct IndRnn {
    /// `W`: `[hidden, input]`.
    pub input_weight: Param<Tensor<2>>,
    /// `u`, before it is bounded: `[hidden]`; uniform between 0 and the bound at first (between 0
    /// and 1 without one), as in the paper.
    pub recurrent_weight: Param<Tensor<1>>,
    /// `b`: `[hidden]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// phi.
    #[module(skip)]
    pub activation: Activation,
    /// The bound of `|u|`.
    #[module(skip)]
    pub bound: Option<f64>,
}

impl IndRnn {
    /// `u` as it is used in the equation, within its bound.
    ///
    /// Beyond the bound, where a plain clamp would have no gradient, the gradient passes through unchanged, so
    /// that a weight which the optimiser has driven there can come back.
    pub fn bounded_weight(&self) -> Tensor<1> {
        let weight = self.recurrent_weight.val();
        match self.bound {
            Some(bound) => {
                let inside = weight.clone().detach();
                let beyond = inside.clone() - inside.clamp(-bound, bound);
                weight - beyond
            }
            None => weight,
        }
    }
}

impl Equations for IndRnn {
    fn matrices(&self) -> Vec<Tensor<2>> {
        Vec::new()
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        vec![self.bounded_weight()]
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let recurrent = at.vectors[0].clone() * at.state[0].clone();
        vec![self.activation.apply(at.projected + recurrent)]
    }
}

impl CellBase for IndRnn {
    type State = Tensor<2>;

    fn input_size(&self) -> usize {
        self.input_weight.dims()[1]
    }

    fn output_size(&self) -> usize {
        self.input_weight.dims()[0]
    }

    fn project(&self, input: Tensor<3>) -> Projected<3> {
        project(input, &self.input_weight, self.bias.as_ref()).into()
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        zeros(&self.input_weight, [batch, self.output_size()])
    }
}

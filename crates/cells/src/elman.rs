//! The simple recurrent network.
//!
//! ```text
//! h_t = phi(W x_t + b_W + R h_{t-1} + b_R)        phi: tanh, ReLU or the logistic sigmoid
//! ```
//!
//! Elman 1990, "Finding structure in time".

use backdraft_kernels::{Nonlinearity, Recurrence};
use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::equations::{self, At, Equations, Expression};
use crate::{
    Cell, Direction, Error, Gates, GatesConfig, Path, Regularizer, Sequence, SequenceConfig,
};

/// Configuration of an [`Elman`] cell.
#[derive(Config, Debug)]
pub struct ElmanConfig {
    /// Features of the input, `I`.
    pub input_size: usize,
    /// Units, `H`.
    pub hidden_size: usize,
    /// phi.
    #[config(default = "Nonlinearity::Tanh")]
    pub nonlinearity: Nonlinearity,
    /// How the weights start; as PyTorch's by default.
    #[config(default = "GatesConfig::new()")]
    pub gates: GatesConfig,
}

impl SequenceConfig for ElmanConfig {
    type Built = Elman;

    fn input_size(&self) -> usize {
        self.input_size
    }

    fn with_input_size(mut self, input_size: usize) -> Self {
        self.input_size = input_size;
        self
    }

    fn init(&self, device: &Device) -> Result<Elman, Error> {
        // There is no candidate: the whole state is new at each step.
        let takes = [Regularizer::DropConnect, Regularizer::RecurrentDropout];
        let sizes = [1, self.input_size, self.hidden_size];
        let gates = self
            .gates
            .init_regularized("Elman", sizes, &takes, device)?;
        Ok(Elman {
            gates,
            nonlinearity: self.nonlinearity,
        })
    }
}

/// The simple recurrent network's cell; its state is the hidden units.
#[derive(Module, Debug)]
pub struct Elman {
    /// The weights.
    pub gates: Gates,
    /// phi.
    #[module(skip)]
    pub nonlinearity: Nonlinearity,
}

impl Equations for Elman {
    fn matrices(&self) -> Vec<Tensor<2>> {
        self.gates.matrices()
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        self.gates.vectors()
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let sum = self.gates.projected(&at) + self.gates.recurrent(&at, &at.state[0]);
        vec![match self.nonlinearity {
            Nonlinearity::Tanh => sum.tanh(),
            Nonlinearity::Relu => sum.relu(),
            Nonlinearity::Sigmoid => sum.sigmoid(),
        }]
    }
}

impl Cell for Elman {
    type State = Tensor<2>;

    fn input_size(&self) -> usize {
        self.gates.input_size()
    }

    fn output_size(&self) -> usize {
        self.gates.hidden_size()
    }

    fn project(&self, input: Tensor<3>) -> Tensor<3> {
        self.gates.project(input)
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        self.gates.zeros(batch)
    }

    fn step(&self, projected: Tensor<2>, hidden: Tensor<2>) -> Tensor<2> {
        equations::step(self, projected, hidden)
    }

    fn output(&self, hidden: &Tensor<2>) -> Tensor<2> {
        hidden.clone()
    }

    fn prepared(&self, _: usize) -> Self {
        Self {
            gates: self.gates.prepared(),
            ..self.clone()
        }
    }

    fn path(&self) -> Path {
        self.gates.path_of(self)
    }

    fn scan(
        &self,
        input: Sequence,
        hidden: Tensor<2>,
        direction: Direction,
    ) -> (Tensor<3>, Tensor<2>) {
        if self.gates.is_masked() {
            return equations::scan(self, input, hidden, direction);
        }
        let recurrence = Recurrence::Elman(self.nonlinearity);
        let (outputs, [hidden]) = self.gates.scan(recurrence, input, [hidden], direction);
        (outputs, hidden)
    }
}

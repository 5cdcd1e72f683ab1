//! A GRU whose gates look at the input alone, so that all steps can be computed at once.
//!
//! ```text
//! z, c = W x_t + b
//! h_t  = (1 - sigmoid(z)) h_{t-1} + sigmoid(z) g(c)
//! ```
//!
//! `g` is the [`Candidate`]: the identity, or what keeps the state positive.
//!
//! Feng, Tung, Ahmed, Bengio and Hajimirsadeghi 2024, "Were RNNs all we needed?", arXiv 2410.01201.

use burn::module::Module;
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor};

use crate::config::{by_fields, config};
use crate::{
    Candidate, Cell, CellBase, Direction, Error, InputGates, InputGatesConfig, Path, Projected,
    Sequence, SequenceConfig, scan,
};

config! {
    /// Configuration of a [`MinGru`] cell.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
    /// let layer = RecurrentConfig::new(MinGruConfig::new(8, 16)).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 16]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 16]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct MinGruConfig {
        /// Features of the input, `I`.
        pub input_size: usize,
        /// Units, `H`.
        pub hidden_size: usize,
        /// How the weights start.
        pub gates: InputGatesConfig = InputGatesConfig::new(),
        /// `g`.
        pub candidate: Candidate = Candidate::default(),
    }
}

impl SequenceConfig for MinGruConfig {
    type Built = MinGru;

    by_fields!(hidden_size);

    fn init(&self, device: &Device) -> Result<MinGru, Error> {
        let sizes = [2, self.input_size, self.hidden_size];
        Ok(MinGru {
            gates: self.gates.init("MinGru", sizes, device)?,
            candidate: self.candidate,
        })
    }
}

/// The cell of [`MinGruConfig`]; its state is the hidden units. Gates are packed z, c.
#[derive(Module, Debug)]
pub struct MinGru {
    /// The weights.
    pub gates: InputGates,
    /// `g`.
    #[module(skip)]
    pub candidate: Candidate,
}

impl MinGru {
    /// How much of the new content is let in.
    fn update<const D: usize>(z: Tensor<D>) -> Tensor<D> {
        sigmoid(z)
    }

    /// `a_t` and `b_t` of `h_t = a_t h_{t-1} + b_t`.
    fn linear<const D: usize>(&self, [z, content]: [Tensor<D>; 2]) -> [Tensor<D>; 2] {
        let update = Self::update(z);
        let content = self.candidate.apply(content);
        [1.0 - update.clone(), update * content]
    }
}

impl CellBase for MinGru {
    type State = Tensor<2>;

    fn input_size(&self) -> usize {
        self.gates.input_size()
    }

    fn output_size(&self) -> usize {
        self.gates.weight.dims()[0] / 2
    }

    fn project(&self, input: Tensor<3>) -> Projected<3> {
        self.gates.project(input).into()
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        self.gates.zeros(batch, self.output_size())
    }
}

impl Cell for MinGru {
    fn step(&self, projected: Projected<2>, hidden: Tensor<2>) -> Tensor<2> {
        let [keep, new] = self.linear(InputGates::split(projected.values));
        keep * hidden + new
    }

    fn output(&self, hidden: &Tensor<2>) -> Tensor<2> {
        hidden.clone()
    }

    fn gate_activations(
        &self,
        projected: Projected<2>,
        _state: &Tensor<2>,
    ) -> Vec<(&'static str, Tensor<2>)> {
        let [z, _] = InputGates::split(projected.values);
        vec![("update", Self::update(z))]
    }

    fn path(&self) -> Path {
        scan::PATH
    }

    fn scan(
        &self,
        input: Sequence,
        hidden: Tensor<2>,
        direction: Direction,
    ) -> (Tensor<3>, Tensor<2>) {
        let [factor, term] = self.linear(self.gates.each(input.values));
        scan::hidden(factor, term, hidden, input.lengths.as_ref(), direction)
    }
}

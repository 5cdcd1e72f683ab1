//! An LSTM without output gate whose gates look at the input alone, so that all steps can be
//! computed at once.
//!
//! ```text
//! f, i, c = W x_t + b
//! f' = sigmoid(f) / (sigmoid(f) + sigmoid(i))
//! i' = sigmoid(i) / (sigmoid(f) + sigmoid(i))
//! h_t = f' h_{t-1} + i' g(c)
//! ```
//!
//! `g` is the [`Candidate`]: the identity, or what keeps the state positive. Since `f' / i'` is
//! `sigmoid(f) / sigmoid(i)` and the two sum to 1, `f'` is `sigmoid(log sigmoid(f) - log
//! sigmoid(i))`, which divides nothing by two gates that are both shut.
//!
//! Feng, Tung, Ahmed, Bengio and Hajimirsadeghi 2024, "Were RNNs all we needed?", arXiv 2410.01201.

use burn::module::Module;
use burn::tensor::activation::{log_sigmoid, sigmoid};
use burn::tensor::{Device, Tensor};

use crate::config::{by_fields, config};
use crate::{
    Candidate, Cell, CellBase, Direction, Error, InputGates, InputGatesConfig, Path, Projected,
    Sequence, SequenceConfig, scan,
};

config! {
    /// Configuration of a [`MinLstm`] cell.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
    /// let layer = RecurrentConfig::new(MinLstmConfig::new(8, 16)).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 16]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 16]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct MinLstmConfig {
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

impl SequenceConfig for MinLstmConfig {
    type Built = MinLstm;

    by_fields!(hidden_size);

    fn init(&self, device: &Device) -> Result<MinLstm, Error> {
        let sizes = [3, self.input_size, self.hidden_size];
        Ok(MinLstm {
            gates: self.gates.init("MinLstm", sizes, device)?,
            candidate: self.candidate,
        })
    }
}

/// The cell of [`MinLstmConfig`]; its state is the hidden units. Gates are packed f, i, c.
#[derive(Module, Debug)]
pub struct MinLstm {
    /// The weights.
    pub gates: InputGates,
    /// `g`.
    #[module(skip)]
    pub candidate: Candidate,
}

impl MinLstm {
    /// `f'` and `i'`.
    fn normalized<const D: usize>(f: Tensor<D>, i: Tensor<D>) -> [Tensor<D>; 2] {
        let odds = log_sigmoid(f) - log_sigmoid(i);
        [sigmoid(odds.clone()), sigmoid(-odds)]
    }

    /// `a_t` and `b_t` of `h_t = a_t h_{t-1} + b_t`.
    fn linear<const D: usize>(&self, [f, i, content]: [Tensor<D>; 3]) -> [Tensor<D>; 2] {
        let [forget, input] = Self::normalized(f, i);
        [forget, input * self.candidate.apply(content)]
    }
}

impl CellBase for MinLstm {
    type State = Tensor<2>;

    fn input_size(&self) -> usize {
        self.gates.input_size()
    }

    fn output_size(&self) -> usize {
        self.gates.weight.dims()[0] / 3
    }

    fn project(&self, input: Tensor<3>) -> Projected<3> {
        self.gates.project(input).into()
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        self.gates.zeros(batch, self.output_size())
    }
}

impl Cell for MinLstm {
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
        let [f, i, _] = InputGates::split(projected.values);
        let [forget, input] = Self::normalized(f, i);
        vec![("forget", forget), ("input", input)]
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

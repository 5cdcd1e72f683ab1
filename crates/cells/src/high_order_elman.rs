//! The simple recurrent network that looks further back than one step.
//!
//! ```text
//! h_t = phi(W x_t + b_W + R_1 h_{t-1} + .. + R_p h_{t-p} + b_R)        p: the order
//! ```
//!
//! Soltani and Jiang 2016, "Higher order recurrent neural networks", arXiv 1605.00064; with order 1
//! it is the network of Elman 1990.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::config::{by_fields, config};
use crate::equations::{At, Equations, Expression};
use crate::gates::{prepared_by_gates, zeros};
use crate::zoneout::Kept;
use crate::{
    Activation, CellBase, Error, Gates, GatesConfig, Projected, Regularizer, SequenceConfig,
};

config! {
    /// Configuration of a [`HighOrderElman`] cell.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
    /// let layer = RecurrentConfig::new(HighOrderElmanConfig::new(8, 16, 3)).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 16]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 16]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct HighOrderElmanConfig {
        /// Features of the input, `I`.
        pub input_size: usize,
        /// Units, `H`.
        pub hidden_size: usize,
        /// Steps that it looks back, `p`.
        pub order: usize,
        /// phi.
        pub activation: Activation = Activation::Tanh,
        /// How the weights start; as PyTorch's other cells by default.
        pub gates: GatesConfig = GatesConfig::new(),
    }
}

impl SequenceConfig for HighOrderElmanConfig {
    type Built = HighOrderElman;

    by_fields!(hidden_size);

    fn init(&self, device: &Device) -> Result<HighOrderElman, Error> {
        Error::unless_positive("HighOrderElman", "order", self.order)?;
        self.activation.check("HighOrderElman", "activation")?;
        let sizes = [1, self.input_size, self.hidden_size];
        let recurrent = self.order * self.hidden_size;
        let gates = self.gates.init_from(
            "HighOrderElman",
            sizes,
            recurrent,
            &Regularizer::OF_SUMS,
            device,
        )?;
        Ok(HighOrderElman {
            gates,
            activation: self.activation,
        })
    }
}

/// The cell of [`HighOrderElmanConfig`]; its state is the hidden units of the last `p` steps, the
/// newest first.
#[derive(Module, Debug)]
pub struct HighOrderElman {
    /// The weights; the recurrent one is `R_1 .. R_p` side by side: `[hidden, order * hidden]`.
    pub gates: Gates,
    /// phi.
    #[module(skip)]
    pub activation: Activation,
}

impl HighOrderElman {
    /// Steps that it looks back, `p`.
    pub fn order(&self) -> usize {
        let [hidden, columns] = self.gates.recurrent_weight.dims();
        columns / hidden
    }
}

impl Equations for HighOrderElman {
    fn matrices(&self) -> Vec<Tensor<2>> {
        self.gates.matrices()
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        self.gates.vectors()
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let past = V::concat(&at.state);
        let sum = at.projected.clone() + self.gates.recurrent(&at, &past);
        let mut state = vec![self.activation.apply(sum)];
        state.extend_from_slice(&at.state[..at.state.len() - 1]);
        state
    }

    /// The past is what was shown: where the output was kept, it has been kept there too.
    fn kept(&self, index: usize) -> Kept {
        match index {
            0 => Kept::Units,
            _ => Kept::No,
        }
    }
}

impl CellBase for HighOrderElman {
    type State = Vec<Tensor<2>>;

    fn input_size(&self) -> usize {
        self.gates.input_size()
    }

    fn output_size(&self) -> usize {
        self.gates.input_weight.dims()[0]
    }

    fn project(&self, input: Tensor<3>) -> Projected<3> {
        self.gates.project(input)
    }

    fn initial_state(&self, batch: usize) -> Vec<Tensor<2>> {
        let hidden = zeros(&self.gates.input_weight, [batch, self.output_size()]);
        vec![hidden; self.order()]
    }

    prepared_by_gates!();
}

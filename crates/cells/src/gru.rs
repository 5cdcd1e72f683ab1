//! The gated recurrent unit, in the form of PyTorch and cuDNN: reset after the product.
//!
//! ```text
//! r, z = sigmoid(W_rz x_t + b_Wrz + R_rz h_{t-1} + b_Rrz)
//! n    = tanh(W_n x_t + b_Wn + r (R_n h_{t-1} + b_Rn))
//! h_t  = (1 - z) n + z h_{t-1}
//! ```
//!
//! Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder", arXiv 1406.1078.

use backdraft_kernels::Recurrence;
use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::equations::{self, At, Equations, Expression};
use crate::memory::MemoryGates;
use crate::{
    Cell, Direction, Error, Gates, GatesConfig, Memory, Path, Regularizer, Sequence, SequenceConfig,
};

/// Configuration of a [`Gru`] cell.
#[derive(Config, Debug)]
pub struct GruConfig {
    /// Features of the input, `I`.
    pub input_size: usize,
    /// Units, `H`.
    pub hidden_size: usize,
    /// How the weights start; as PyTorch's by default.
    #[config(default = "GatesConfig::new()")]
    pub gates: GatesConfig,
    /// What the update gate, which keeps, starts at.
    #[config(default = "Memory::AsDrawn")]
    pub memory: Memory,
}

impl SequenceConfig for GruConfig {
    type Built = Gru;

    fn input_size(&self) -> usize {
        self.input_size
    }

    fn with_input_size(mut self, input_size: usize) -> Self {
        self.input_size = input_size;
        self
    }

    fn init(&self, device: &Device) -> Result<Gru, Error> {
        let sizes = [3, self.input_size, self.hidden_size];
        let takes = &Regularizer::ALL;
        let mut gates = self.gates.init_regularized("Gru", sizes, takes, device)?;
        let which = MemoryGates {
            keep: 1,
            admit: None,
        };
        self.memory.set("Gru", &mut gates, which)?;
        Ok(Gru { gates })
    }
}

/// The gated recurrent unit's cell; its state is the hidden units. Gates are packed in PyTorch's
/// order: r, z, n.
#[derive(Module, Debug)]
pub struct Gru {
    /// The weights.
    pub gates: Gates,
}

impl Equations for Gru {
    fn matrices(&self) -> Vec<Tensor<2>> {
        self.gates.matrices()
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        self.gates.vectors()
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let hidden = at.state[0].clone();
        let [input_r, input_z, input_n] = self.gates.projected(&at).split();
        let [hidden_r, hidden_z, hidden_n] = self.gates.recurrent(&at, &hidden).split();
        let r = (input_r + hidden_r).sigmoid();
        let z = (input_z + hidden_z).sigmoid();
        let n = self.gates.candidate(&at, (input_n + r * hidden_n).tanh());
        // (1 - z) n + z h, with one product less.
        vec![n.clone() + z * (hidden - n)]
    }
}

impl Cell for Gru {
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
        let (outputs, [hidden]) = self.gates.scan(Recurrence::Gru, input, [hidden], direction);
        (outputs, hidden)
    }
}

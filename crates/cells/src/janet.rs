//! Just another network: an LSTM that keeps nothing but the forget gate.
//!
//! ```text
//! s, g = W x_t + b_W + R h_{t-1} + b_R
//! h_t  = sigmoid(s) h_{t-1} + (1 - sigmoid(s - beta)) tanh(g)
//! ```
//!
//! The output is the memory. `beta` lets in less than is forgotten (1 in the paper).
//!
//! van der Westhuizen and Lasenby 2018, "The unreasonable effectiveness of the forget gate",
//! arXiv 1804.04849.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::config::{by_fields, config};
use crate::equations::{At, Equations, Expression};
use crate::gates::by_gates;
use crate::memory::MemoryGates;
use crate::{CellBase, Error, Gates, GatesConfig, Memory, Regularizer, SequenceConfig};

config! {
    /// Configuration of a [`Janet`] cell.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
    /// let layer = RecurrentConfig::new(JanetConfig::new(8, 16)).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 16]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 16]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct JanetConfig {
        /// Features of the input, `I`.
        pub input_size: usize,
        /// Units, `H`.
        pub hidden_size: usize,
        /// How the weights start; as PyTorch's other cells by default.
        pub gates: GatesConfig = GatesConfig::new(),
        /// `beta`: how much less is let in than is forgotten.
        pub beta: f64 = 1.0,
        /// What the gate s, which keeps, starts at. The paper's is chrono.
        pub memory: Memory = Memory::AsDrawn,
    }
}

impl SequenceConfig for JanetConfig {
    type Built = Janet;

    by_fields!(hidden_size);

    fn init(&self, device: &Device) -> Result<Janet, Error> {
        if !self.beta.is_finite() {
            return Err(Error::new("Janet", "beta", "a finite number", self.beta));
        }
        let sizes = [2, self.input_size, self.hidden_size];
        let takes = &Regularizer::ALL;
        let mut gates = self.gates.init_regularized("Janet", sizes, takes, device)?;
        let which = MemoryGates {
            units: self.hidden_size,
            keep: 0,
            admit: None,
        };
        self.memory.set("Janet", &mut gates, which)?;
        Ok(Janet {
            gates,
            beta: self.beta,
        })
    }
}

/// The cell of [`JanetConfig`]; its state is the hidden units. Gates are packed s, g.
#[derive(Module, Debug)]
pub struct Janet {
    /// The weights.
    pub gates: Gates,
    /// `beta`.
    #[module(skip)]
    pub beta: f64,
}

impl Equations for Janet {
    fn matrices(&self) -> Vec<Tensor<2>> {
        self.gates.matrices()
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        self.gates.vectors()
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let hidden = at.state[0].clone();
        let [s, g] = (at.projected.clone() + self.gates.recurrent(&at, &hidden)).split();
        let forget = at.gate("forget", s.clone().sigmoid());
        let admit = s.affine(1.0, -self.beta).sigmoid().complement();
        let admit = at.gate("input", admit);
        vec![forget * hidden + admit * self.gates.candidate(&at, g.tanh())]
    }
}

impl CellBase for Janet {
    type State = Tensor<2>;

    by_gates!();

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        self.gates.zeros(batch)
    }

    fn recurrent_matrices(&self) -> Vec<(&'static str, Tensor<2>)> {
        self.gates.named_matrices(["forget", "candidate"])
    }
}

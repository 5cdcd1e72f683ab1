//! The minimal gated unit: a GRU with one gate for both of its gates' work.
//!
//! ```text
//! f   = sigmoid(W_f x_t + b_Wf + R_f h_{t-1} + b_Rf)
//! n   = tanh(W_n x_t + b_Wn + R_n (f h_{t-1}) + b_Rn)
//! h_t = (1 - f) h_{t-1} + f n
//! ```
//!
//! Zhou, Wu, Zhang and Zhou 2016, "Minimal gated unit for recurrent neural networks",
//! arXiv 1603.09420.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::config::{by_fields, config};
use crate::equations::{At, Equations, Expression};
use crate::gates::by_gates;
use crate::{CellBase, Error, Gates, GatesConfig, Regularizer, SequenceConfig};

config! {
    /// Configuration of an [`Mgu`] cell.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
    /// let layer = RecurrentConfig::new(MguConfig::new(8, 16)).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 16]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 16]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct MguConfig {
        /// Features of the input, `I`.
        pub input_size: usize,
        /// Units, `H`.
        pub hidden_size: usize,
        /// How the weights start; as PyTorch's other cells by default.
        pub gates: GatesConfig = GatesConfig::new(),
    }
}

impl SequenceConfig for MguConfig {
    type Built = Mgu;

    by_fields!(hidden_size);

    fn init(&self, device: &Device) -> Result<Mgu, Error> {
        let sizes = [2, self.input_size, self.hidden_size];
        let takes = &Regularizer::ALL;
        let gates = self.gates.init_regularized("Mgu", sizes, takes, device)?;
        Ok(Mgu { gates })
    }
}

/// The cell of [`MguConfig`]; its state is the hidden units. Gates are packed f, n.
#[derive(Module, Debug)]
pub struct Mgu {
    /// The weights.
    pub gates: Gates,
}

/// The gates of the two products: the second needs the result of the first.
const PRODUCTS: [usize; 2] = [1, 1];

impl Equations for Mgu {
    fn matrices(&self) -> Vec<Tensor<2>> {
        self.gates.matrices_of(&PRODUCTS)
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        self.gates.vectors_of(&PRODUCTS)
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let hidden = at.state[0].clone();
        let [input_f, input_n] = at.projected.clone().split();
        let f = (input_f + self.gates.recurrent_part(&at, 0, &hidden)).sigmoid();
        let f = at.gate("forget", f);
        let kept = f.clone() * hidden.clone();
        let n = (input_n + self.gates.recurrent_part(&at, 1, &kept)).tanh();
        let n = self.gates.candidate(&at, n);
        // (1 - f) h + f n, with one product less.
        vec![hidden.clone() + f * (n - hidden)]
    }
}

impl CellBase for Mgu {
    type State = Tensor<2>;

    by_gates!();

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        self.gates.zeros(batch)
    }

    fn recurrent_matrices(&self) -> Vec<(&'static str, Tensor<2>)> {
        self.gates.named_matrices(["forget", "candidate"])
    }
}

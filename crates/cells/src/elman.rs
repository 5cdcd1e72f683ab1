//! The simple recurrent network.
//!
//! ```text
//! h_t = phi(W x_t + b_W + R h_{t-1} + b_R)
//! ```
//!
//! Elman 1990, "Finding structure in time".

use backdraft_kernels::{Nonlinearity, Recurrence};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::activation::clipped;
use crate::config::{by_fields, config};
use crate::equations::{At, Equations, Expression};
use crate::gates::by_gates;
use crate::{Activation, CellBase, Error, Gates, GatesConfig, Regularizer, SequenceConfig};

config! {
    /// Configuration of an [`Elman`] cell.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
    /// let layer = RecurrentConfig::new(ElmanConfig::new(8, 16)).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 16]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 16]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct ElmanConfig {
        /// Features of the input, `I`.
        pub input_size: usize,
        /// Units, `H`.
        pub hidden_size: usize,
        /// phi.
        pub activation: Activation = Activation::Tanh,
        /// A bound for what goes into phi: from `-gate_clip` to `gate_clip`.
        pub gate_clip: Option<f64> = None,
        /// How the weights start; as PyTorch's by default.
        pub gates: GatesConfig = GatesConfig::new(),
    }
}

impl SequenceConfig for ElmanConfig {
    type Built = Elman;

    by_fields!(hidden_size);

    fn init(&self, device: &Device) -> Result<Elman, Error> {
        self.activation.check("Elman", "activation")?;
        Error::unless_bound("Elman", "gate clip", self.gate_clip)?;
        // There is no candidate: the whole state is new at each step.
        let sizes = [1, self.input_size, self.hidden_size];
        let gates = self
            .gates
            .init_regularized("Elman", sizes, &Regularizer::OF_SUMS, device)?;
        Ok(Elman {
            gates,
            activation: self.activation,
            gate_clip: self.gate_clip,
        })
    }
}

/// The simple recurrent network's cell; its state is the hidden units.
#[doc(alias = "RNNCell")]
#[doc(alias = "RNN")]
#[doc(alias = "SimpleRNN")]
#[derive(Module, Debug)]
pub struct Elman {
    /// The weights.
    pub gates: Gates,
    /// phi.
    #[module(skip)]
    pub activation: Activation,
    /// The bound for what goes into phi.
    #[module(skip)]
    pub gate_clip: Option<f64>,
}

impl Elman {
    /// phi, if there is a kernel made for it.
    fn fused(&self) -> Option<Nonlinearity> {
        self.activation
            .of_kernel()
            .filter(|_| self.gate_clip.is_none())
    }
}

impl Equations for Elman {
    fn matrices(&self) -> Vec<Tensor<2>> {
        self.gates.matrices()
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        self.gates.vectors()
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let sum = at.projected.clone() + self.gates.recurrent(&at, &at.state[0]);
        vec![self.activation.apply(clipped(sum, self.gate_clip))]
    }

    fn written_kernel(&self) -> Option<(Recurrence, &Gates)> {
        let nonlinearity = self.fused()?;
        Some((Recurrence::Elman(nonlinearity), &self.gates))
    }
}

impl CellBase for Elman {
    type State = Tensor<2>;

    by_gates!();

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        self.gates.zeros(batch)
    }

    fn recurrent_matrices(&self) -> Vec<(&'static str, Tensor<2>)> {
        self.gates.named_matrices(["hidden"])
    }
}

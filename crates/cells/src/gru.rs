//! The gated recurrent unit.
//!
//! ```text
//! r, z = sigmoid(W_rz x_t + b_Wrz + R_rz h_{t-1} + b_Rrz)
//! n    = tanh(W_n x_t + b_Wn + reset)
//! h_t  = (1 - z) n + z h_{t-1}
//! ```
//!
//! What `reset` is, and which gates there are:
//!
//! ```text
//! AfterProduct     r (R_n h_{t-1} + b_Rn)        r, z, n     PyTorch's and cuDNN's; the default
//! BeforeProduct    R_n (r h_{t-1}) + b_Rn        r, z, n     Cho et al. 2014
//! None             R_n h_{t-1} + b_Rn               z, n     the light GRU, Ravanelli et al. 2018
//! ```
//!
//! Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder", arXiv 1406.1078.
//! Ravanelli, Brakel, Omologo and Bengio 2018, "Light gated recurrent units for speech
//! recognition", arXiv 1803.10225; there, the candidate's activation is ReLU.

use backdraft_kernels::Recurrence;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::activation::clipped;
use crate::config::{by_fields, config};
use crate::equations::{At, Equations, Expression};
use crate::gates::by_gates;
use crate::memory::MemoryGates;
use crate::{Activation, CellBase, Error, Gates, GatesConfig, Memory, Regularizer, SequenceConfig};

/// Where the reset gate of a [`Gru`] stands.
#[doc(alias = "reset_after")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// It scales `R_n h + b_Rn`: PyTorch's and cuDNN's form, and ONNX's with
    /// `linear_before_reset`. The only one with a kernel made for it.
    #[default]
    AfterProduct,
    /// It scales `h`, which `R_n` then multiplies: the paper's form.
    BeforeProduct,
    /// There is none: two gates, z and n.
    None,
}

config! {
    /// The activations of a [`Gru`].
    #[derive(Copy, PartialEq)]
    pub struct GruActivations {
        /// Of r and z.
        pub gate: Activation = Activation::Sigmoid,
        /// Of n.
        pub candidate: Activation = Activation::Tanh,
    }
}

config! {
    /// Configuration of a [`Gru`] cell.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
    /// let layer = RecurrentConfig::new(GruConfig::new(8, 16)).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 16]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 16]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct GruConfig {
        /// Features of the input, `I`.
        pub input_size: usize,
        /// Units, `H`.
        pub hidden_size: usize,
        /// Where the reset gate stands.
        pub reset: Reset = Reset::AfterProduct,
        /// The activations: sigmoid for the gates, tanh for the candidate.
        pub activations: GruActivations = GruActivations::new(),
        /// A bound for what goes into the activations: from `-gate_clip` to `gate_clip`.
        pub gate_clip: Option<f64> = None,
        /// How the weights start; as PyTorch's by default.
        pub gates: GatesConfig = GatesConfig::new(),
        /// How the bias of the update gate, which keeps the memory, is initialised.
        pub memory: Memory = Memory::AsDrawn,
    }
}

impl SequenceConfig for GruConfig {
    type Built = Gru;

    by_fields!(hidden_size);

    fn init(&self, device: &Device) -> Result<Gru, Error> {
        let GruActivations { gate, candidate } = self.activations;
        gate.check("Gru", "activation of the gates")?;
        candidate.check("Gru", "activation of the candidate")?;
        Error::unless_bound("Gru", "gate clip", self.gate_clip)?;
        let (gates, keep) = match self.reset {
            Reset::AfterProduct | Reset::BeforeProduct => (3, 1),
            Reset::None => (2, 0),
        };
        let sizes = [gates, self.input_size, self.hidden_size];
        let takes = &Regularizer::ALL;
        let mut gates = self.gates.init_regularized("Gru", sizes, takes, device)?;
        let which = MemoryGates {
            units: self.hidden_size,
            keep,
            admit: None,
        };
        self.memory.set("Gru", &mut gates, which)?;
        Ok(Gru {
            gates,
            reset: self.reset,
            activations: self.activations,
            gate_clip: self.gate_clip,
        })
    }
}

/// The gated recurrent unit's cell; its state is the hidden units. Gates are packed in PyTorch's
/// order: r, z, n; without a reset gate, z, n.
#[doc(alias = "GRUCell")]
#[doc(alias = "GRU")]
#[derive(Module, Debug)]
pub struct Gru {
    /// The weights.
    pub gates: Gates,
    /// Where the reset gate stands.
    #[module(skip)]
    pub reset: Reset,
    /// The activations.
    #[module(skip)]
    pub activations: GruActivations,
    /// The bound for what goes into the activations.
    #[module(skip)]
    pub gate_clip: Option<f64>,
}

/// The gates of the two products, where the second needs the result of the first.
const BEFORE_PRODUCT: [usize; 2] = [2, 1];

impl Gru {
    /// Whether these are the equations that have a kernel made for them.
    fn is_fused(&self) -> bool {
        self.reset == Reset::AfterProduct
            && self.activations == GruActivations::new()
            && self.gate_clip.is_none()
    }
}

impl Equations for Gru {
    fn matrices(&self) -> Vec<Tensor<2>> {
        match self.reset {
            Reset::BeforeProduct => self.gates.matrices_of(&BEFORE_PRODUCT),
            Reset::AfterProduct | Reset::None => self.gates.matrices(),
        }
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        match self.reset {
            Reset::BeforeProduct => self.gates.vectors_of(&BEFORE_PRODUCT),
            Reset::AfterProduct | Reset::None => self.gates.vectors(),
        }
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let hidden = at.state[0].clone();
        let projected = at.projected.clone();
        let gate = |sum: V| self.activations.gate.apply(clipped(sum, self.gate_clip));
        let (z, n) = match self.reset {
            Reset::AfterProduct => {
                let [input_r, input_z, input_n] = projected.split();
                let [hidden_r, hidden_z, hidden_n] = self.gates.recurrent(&at, &hidden).split();
                let r = at.gate("reset", gate(input_r + hidden_r));
                (input_z + hidden_z, input_n + r * hidden_n)
            }
            Reset::BeforeProduct => {
                let [input_r, input_z, input_n] = projected.split();
                let [hidden_r, hidden_z] = self.gates.recurrent_part(&at, 0, &hidden).split();
                let r = at.gate("reset", gate(input_r + hidden_r));
                let kept = r * hidden.clone();
                let hidden_n = self.gates.recurrent_part(&at, 1, &kept);
                (input_z + hidden_z, input_n + hidden_n)
            }
            Reset::None => {
                let [z, n] = (projected + self.gates.recurrent(&at, &hidden)).split();
                (z, n)
            }
        };
        let z = at.gate("update", gate(z));
        let n = self.activations.candidate.apply(clipped(n, self.gate_clip));
        let n = self.gates.candidate(&at, n);
        // (1 - z) n + z h, with one product less.
        vec![n.clone() + z * (hidden - n)]
    }

    fn written_kernel(&self) -> Option<(Recurrence, &Gates)> {
        self.is_fused().then_some((Recurrence::Gru, &self.gates))
    }
}

impl CellBase for Gru {
    type State = Tensor<2>;

    by_gates!();

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        self.gates.zeros(batch)
    }

    fn recurrent_matrices(&self) -> Vec<(&'static str, Tensor<2>)> {
        match self.reset {
            Reset::AfterProduct | Reset::BeforeProduct => {
                let names = ["reset", "update", "candidate"];
                self.gates.named_matrices(names)
            }
            Reset::None => self.gates.named_matrices(["update", "candidate"]),
        }
    }
}

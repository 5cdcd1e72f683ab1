//! What may be asked of an LSTM, and its weights built from that.

use burn::tensor::Device;

use super::Lstm;
use crate::config::{by_fields, config};
use crate::initialization::uniform_by_hidden;
use crate::memory::MemoryGates;
use crate::{Activation, Error, GatesConfig, Memory, Regularizer, SequenceConfig};

config! {
    /// The activations of an [`Lstm`].
    #[derive(Copy, PartialEq)]
    pub struct LstmActivations {
        /// Of i, f and o.
        pub gate: Activation = Activation::Sigmoid,
        /// Of g.
        pub candidate: Activation = Activation::Tanh,
        /// Of the memory on its way out, `c_t`.
        pub output: Activation = Activation::Tanh,
    }
}

config! {
    /// Configuration of an [`Lstm`] cell.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
    /// let layer = RecurrentConfig::new(LstmConfig::new(8, 16).with_peepholes(true)).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 16]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 16]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct LstmConfig {
        /// Features of the input, `I`.
        pub input_size: usize,
        /// Units, `H`.
        pub hidden_size: usize,
        /// How the weights start; as PyTorch's by default.
        pub gates: GatesConfig = GatesConfig::new(),
        /// How the bias of the forget gate is initialised, and with chrono initialisation that of the input gate too.
        pub memory: Memory = Memory::AsDrawn,
        /// Whether the gates see the memory, each unit its own. Off by default.
        pub peepholes: bool = false,
        /// Whether what is forgotten makes room for what is let in, `f = 1 - i`. Off by default.
        pub coupled: bool = false,
        /// Features that the output is projected to, `P`; the units themselves when there are none.
        pub proj_size: Option<usize> = None,
        /// A bound for the memory: from `-cell_clip` to `cell_clip`.
        pub cell_clip: Option<f64> = None,
        /// A bound for what goes into the activations of i, f, g and o: from `-gate_clip` to
        /// `gate_clip`.
        pub gate_clip: Option<f64> = None,
        /// A bound for what goes into the activation of the output, while the memory itself is not
        /// changed: from `-output_clip` to `output_clip`. ONNX's `clip` is this and the gates' together.
        pub output_clip: Option<f64> = None,
        /// The activations: sigmoid for the gates, tanh for the other two.
        pub activations: LstmActivations = LstmActivations::new(),
    }
}

impl LstmConfig {
    fn check(&self) -> Result<(), Error> {
        let activations = self.activations;
        activations.gate.check("Lstm", "activation of the gates")?;
        activations
            .candidate
            .check("Lstm", "activation of the candidate")?;
        activations
            .output
            .check("Lstm", "activation of the output")?;
        Error::unless_bound("Lstm", "cell clip", self.cell_clip)?;
        Error::unless_bound("Lstm", "gate clip", self.gate_clip)?;
        Error::unless_bound("Lstm", "output clip", self.output_clip)?;
        Error::unless_positive("Lstm", "proj size", self.proj_size.unwrap_or(1))?;
        if self.coupled && self.memory != Memory::AsDrawn {
            let found = format!("{:?} and coupled gates", self.memory);
            return Err(Error::new(
                "Lstm",
                "memory",
                "a forget gate of its own",
                found,
            ));
        }
        Ok(())
    }
}

impl SequenceConfig for LstmConfig {
    type Built = Lstm;

    by_fields!(hidden_size);

    fn init(&self, device: &Device) -> Result<Lstm, Error> {
        self.check()?;
        let hidden = self.hidden_size;
        let gates = if self.coupled { 3 } else { 4 };
        let sizes = [gates, self.input_size, hidden];
        let recurrent = self.proj_size.unwrap_or(hidden);
        let takes = &Regularizer::ALL;
        let mut gates = self
            .gates
            .init_from("Lstm", sizes, recurrent, takes, device)?;
        let which = MemoryGates {
            units: hidden,
            keep: 1,
            admit: Some(0),
        };
        self.memory.set("Lstm", &mut gates, which)?;

        let peepholes = if self.coupled { 2 } else { 3 };
        let peepholes = self
            .peepholes
            .then(|| uniform_by_hidden(hidden, [peepholes, hidden], device));
        let projection = self
            .proj_size
            .map(|features| uniform_by_hidden(hidden, [features, hidden], device));
        Ok(Lstm {
            gates,
            peepholes,
            projection,
            coupled: self.coupled,
            cell_clip: self.cell_clip,
            gate_clip: self.gate_clip,
            output_clip: self.output_clip,
            activations: self.activations,
        })
    }
}

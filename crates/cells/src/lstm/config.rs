//! What may be asked of an LSTM, and its weights built from that.

use burn::config::Config;
use burn::module::Param;
use burn::tensor::{Device, Tensor};

use super::Lstm;
use crate::initialization::uniform_by_hidden;
use crate::{Activation, Error, Gates, GatesConfig, SequenceConfig};

/// The activations of an [`Lstm`].
#[derive(Config, Debug, Copy, PartialEq)]
pub struct LstmActivations {
    /// Of i, f and o.
    #[config(default = "Activation::Sigmoid")]
    pub gate: Activation,
    /// Of g.
    #[config(default = "Activation::Tanh")]
    pub candidate: Activation,
    /// Of the memory on its way out, `c_t`.
    #[config(default = "Activation::Tanh")]
    pub output: Activation,
}

/// Configuration of an [`Lstm`] cell.
#[derive(Config, Debug)]
pub struct LstmConfig {
    /// Features of the input, `I`.
    pub input_size: usize,
    /// Units, `H`.
    pub hidden_size: usize,
    /// How the weights start; as PyTorch's by default.
    #[config(default = "GatesConfig::new()")]
    pub gates: GatesConfig,
    /// What the forget gate's two biases come to together. 1 keeps the memory open at the start
    /// (Jozefowicz, Zaremba and Sutskever 2015); by default they are drawn as the others, which
    /// is what PyTorch does.
    pub forget_bias: Option<f64>,
    /// Whether the gates see the memory, each unit its own. Off by default.
    #[config(default = false)]
    pub peepholes: bool,
    /// Whether what is forgotten makes room for what is let in, `f = 1 - i`. Off by default.
    #[config(default = false)]
    pub coupled: bool,
    /// Features that the output is projected to, `P`; the units themselves when there are none.
    pub proj_size: Option<usize>,
    /// A bound for the memory: from `-cell_clip` to `cell_clip`.
    pub cell_clip: Option<f64>,
    /// A bound for what goes into the activations of i, f, g and o: from `-gate_clip` to
    /// `gate_clip`. ONNX's `clip`, which, as its runtime has it, leaves `c_t` alone.
    pub gate_clip: Option<f64>,
    /// The activations: sigmoid for the gates, tanh for the other two.
    #[config(default = "LstmActivations::new()")]
    pub activations: LstmActivations,
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
        Error::unless_positive("Lstm", "proj size", self.proj_size.unwrap_or(1))?;
        let Some(bias) = self.forget_bias else {
            return Ok(());
        };
        let (expected, found) = match (bias.is_finite(), self.gates.bias, self.coupled) {
            (false, ..) => ("a finite number", bias.to_string()),
            (_, false, _) => ("biases to set it in", format!("{bias} and no biases")),
            (.., true) => (
                "a forget gate of its own",
                format!("{bias} and coupled gates"),
            ),
            _ => return Ok(()),
        };
        Err(Error::new("Lstm", "forget bias", expected, found))
    }

    /// Sets what the forget gate's two biases come to.
    fn set_forget_bias(&self, gates: &mut Gates) {
        let Some(bias) = self.forget_bias else {
            return;
        };
        let fill = |biases: Option<Param<Tensor<1>>>, value: f64| {
            let forget = self.hidden_size..2 * self.hidden_size;
            biases
                .map(|biases| Param::from_tensor(biases.val().detach().slice_fill([forget], value)))
        };
        gates.input_bias = fill(gates.input_bias.take(), bias);
        gates.recurrent_bias = fill(gates.recurrent_bias.take(), 0.0);
    }
}

impl SequenceConfig for LstmConfig {
    type Built = Lstm;

    fn input_size(&self) -> usize {
        self.input_size
    }

    fn with_input_size(mut self, input_size: usize) -> Self {
        self.input_size = input_size;
        self
    }

    fn init(&self, device: &Device) -> Result<Lstm, Error> {
        self.check()?;
        let hidden = self.hidden_size;
        let gates = if self.coupled { 3 } else { 4 };
        let sizes = [gates, self.input_size, hidden];
        let recurrent = self.proj_size.unwrap_or(hidden);
        let mut gates = self.gates.init_from("Lstm", sizes, recurrent, device)?;
        self.set_forget_bias(&mut gates);

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
            activations: self.activations,
        })
    }
}

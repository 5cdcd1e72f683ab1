//! Long short-term memory.
//!
//! ```text
//! i, f, g, o = W x_t + b_W + R h_{t-1} + b_R
//! c_t = sigmoid(f) c_{t-1} + sigmoid(i) tanh(g)
//! h_t = sigmoid(o) tanh(c_t)
//! ```
//!
//! Hochreiter and Schmidhuber 1997, "Long short-term memory"; the forget gate is of Gers,
//! Schmidhuber and Cummins 2000, "Learning to forget".
//!
//! What may be changed about it, each alone or all together:
//!
//! ```text
//! peepholes      i + p_i c_{t-1}, f + p_f c_{t-1}, o + p_o c_t in the place of i, f, o
//! coupled        1 - sigmoid(i) in the place of sigmoid(f): three gates, i, g, o
//! proj_size      h_t = W_hr (sigmoid(o) tanh(c_t)) of P features; R is [4 H, P]
//! cell_clip      c_t between -cell_clip and cell_clip
//! gate_clip      i, f, g, o between -gate_clip and gate_clip
//! output_clip    tanh(c_t between -output_clip and output_clip), c_t itself as it is
//! activations    others in the place of sigmoid, of tanh(g) and of tanh(c_t)
//! ```
//!
//! Peepholes: Gers and Schmidhuber 2000, "Recurrent nets that time and count". Coupled gates: Greff
//! et al. 2015, "LSTM: a search space odyssey", arXiv 1503.04069. The projection: Sak, Senior and
//! Beaufays 2014, arXiv 1402.1128, which also has the cell's clip.

use backdraft_kernels::Recurrence;
use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::activation::clipped;
use crate::equations::{self, At, Equations, Expression};
use crate::gates::zeros;
use crate::initialization::uniform_by_hidden;
use crate::memory::MemoryGates;
use crate::state;
use crate::{
    Activation, Cell, Direction, Error, Gates, GatesConfig, Memory, Path, Regularizer, Sequence,
    SequenceConfig,
};

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
    /// What the forget gate, and the input gate against it, start at.
    #[config(default = "Memory::AsDrawn")]
    pub memory: Memory,
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
    /// `gate_clip`.
    pub gate_clip: Option<f64>,
    /// A bound for what goes into the activation of the output, while the memory itself is not
    /// changed: from `-output_clip` to `output_clip`. ONNX's `clip` is this and the gates' together.
    pub output_clip: Option<f64>,
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

    fn input_size(&self) -> usize {
        self.input_size
    }

    fn with_input_size(mut self, input_size: usize) -> Self {
        self.input_size = input_size;
        self
    }

    fn with_hidden_size(mut self, hidden_size: usize) -> Option<Self> {
        self.hidden_size = hidden_size;
        Some(self)
    }

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

/// The state of an [`Lstm`].
#[derive(Debug, Clone)]
pub struct LstmState {
    /// `h`, which is also the output: `[batch, hidden]`, or `[batch, proj_size]`.
    pub hidden: Tensor<2>,
    /// `c`, the memory: `[batch, hidden]`.
    pub cell: Tensor<2>,
}
state!(LstmState { hidden, cell });

/// The long short-term memory's cell. Gates are packed in PyTorch's order: i, f, g, o; with coupled
/// gates, i, g, o.
#[derive(Module, Debug)]
pub struct Lstm {
    /// The weights of the gates.
    pub gates: Gates,
    /// `p_i, p_f, p_o`: `[3, hidden]`; with coupled gates `p_i, p_o`: `[2, hidden]`.
    pub peepholes: Option<Param<Tensor<2>>>,
    /// `W_hr`: `[proj_size, hidden]`, PyTorch's `weight_hr`.
    pub projection: Option<Param<Tensor<2>>>,
    /// Whether `f = 1 - i`.
    #[module(skip)]
    pub coupled: bool,
    /// The bound for the memory.
    #[module(skip)]
    pub cell_clip: Option<f64>,
    /// The bound for what goes into the activations of the gates.
    #[module(skip)]
    pub gate_clip: Option<f64>,
    /// The bound for what goes into the activation of the output.
    #[module(skip)]
    pub output_clip: Option<f64>,
    /// The activations.
    #[module(skip)]
    pub activations: LstmActivations,
}

impl Lstm {
    /// Units, `H`.
    pub fn hidden_size(&self) -> usize {
        let gates = if self.coupled { 3 } else { 4 };
        self.gates.input_weight.dims()[0] / gates
    }

    /// Whether these are the equations that have a kernel made for them.
    fn is_fused(&self) -> bool {
        let clips = self.cell_clip.or(self.gate_clip).or(self.output_clip);
        self.peepholes.is_none()
            && self.projection.is_none()
            && !self.coupled
            && clips.is_none()
            && self.activations == LstmActivations::new()
    }
}

impl Equations for Lstm {
    fn matrices(&self) -> Vec<Tensor<2>> {
        let projection = self.projection.as_ref().map(Param::val);
        [self.gates.matrices(), projection.into_iter().collect()].concat()
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        let peepholes = self.peepholes.as_ref().map(Param::val);
        let peepholes = peepholes.into_iter().flat_map(|all| all.iter_dim(0));
        let peepholes = peepholes.map(|one| one.flatten(0, 1));
        self.gates.vectors().into_iter().chain(peepholes).collect()
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let [hidden, memory] = [0, 1].map(|index| at.state[index].clone());
        let sum = self.gates.projected(&at) + self.gates.recurrent(&at, &hidden);
        let (i, f, g, o) = if self.coupled {
            let [i, g, o] = sum.split();
            (i, None, g, o)
        } else {
            let [i, f, g, o] = sum.split();
            (i, Some(f), g, o)
        };
        // p_i, p_f, p_o, of which coupled gates lack the second; none without peepholes.
        let peepholes = self.gates.after_vectors(&at);
        let gate = |sum: V, peephole: Option<&V>, memory: &V| {
            let sum = match peephole {
                Some(peephole) => sum + peephole.clone() * memory.clone(),
                None => sum,
            };
            self.activations.gate.apply(clipped(sum, self.gate_clip))
        };

        let i = gate(i, peepholes.first(), &memory);
        let f = match f {
            Some(f) => gate(f, peepholes.get(1), &memory),
            None => i.clone().complement(),
        };
        let g = self.activations.candidate.apply(clipped(g, self.gate_clip));
        let g = self.gates.candidate(&at, g);
        let cell = clipped(f * memory + i * g, self.cell_clip);
        let o = gate(o, peepholes.last(), &cell);
        let shown = clipped(cell.clone(), self.output_clip);
        let shown = o * self.activations.output.apply(shown);
        let hidden = match self.projection {
            Some(_) => shown.linear(&at.matrices[1]),
            None => shown,
        };
        vec![hidden, cell]
    }
}

impl Cell for Lstm {
    type State = LstmState;

    fn input_size(&self) -> usize {
        self.gates.input_size()
    }

    fn output_size(&self) -> usize {
        self.gates.hidden_size()
    }

    fn project(&self, input: Tensor<3>) -> Tensor<3> {
        self.gates.project(input)
    }

    fn initial_state(&self, batch: usize) -> LstmState {
        LstmState {
            hidden: self.gates.zeros(batch),
            cell: zeros(&self.gates.input_weight, [batch, self.hidden_size()]),
        }
    }

    fn step(&self, projected: Tensor<2>, state: LstmState) -> LstmState {
        equations::step(self, projected, state)
    }

    fn output(&self, state: &LstmState) -> Tensor<2> {
        state.hidden.clone()
    }

    fn prepared(&self, _: usize) -> Self {
        Self {
            gates: self.gates.prepared(),
            ..self.clone()
        }
    }

    fn path(&self) -> Path {
        match self.is_fused() {
            true => self.gates.path_of(self),
            false => equations::path(self),
        }
    }

    fn scan(
        &self,
        input: Sequence,
        state: LstmState,
        direction: Direction,
    ) -> (Tensor<3>, LstmState) {
        if !self.is_fused() || self.gates.is_masked() {
            return equations::scan(self, input, state, direction);
        }
        let states = [state.hidden, state.cell];
        let (outputs, [hidden, cell]) = self.gates.scan(Recurrence::Lstm, input, states, direction);
        (outputs, LstmState { hidden, cell })
    }
}

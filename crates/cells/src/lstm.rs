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

use backdraft_kernels::Recurrence;
use burn::config::Config;
use burn::module::Module;
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor};

use crate::memory::MemoryGates;
use crate::{
    Cell, Direction, Error, Gates, GatesConfig, Memory, Path, Sequence, SequenceConfig, state,
};

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
        let mut gates = self
            .gates
            .init("Lstm", [4, self.input_size, self.hidden_size], device)?;
        let which = MemoryGates {
            keep: 1,
            admit: Some(0),
        };
        self.memory.set("Lstm", &mut gates, which)?;
        Ok(Lstm { gates })
    }
}

/// The state of an [`Lstm`].
#[derive(Debug, Clone)]
pub struct LstmState {
    /// `h`, which is also the output: `[batch, hidden]`.
    pub hidden: Tensor<2>,
    /// `c`, the memory: `[batch, hidden]`.
    pub cell: Tensor<2>,
}
state!(LstmState { hidden, cell });

/// The long short-term memory's cell. Gates are packed in PyTorch's order: i, f, g, o.
#[derive(Module, Debug)]
pub struct Lstm {
    /// The weights.
    pub gates: Gates,
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
            cell: self.gates.zeros(batch),
        }
    }

    fn step(&self, projected: Tensor<2>, state: LstmState) -> LstmState {
        let [i, f, g, o] = Gates::split(projected + self.gates.recur(state.hidden));
        let cell = sigmoid(f) * state.cell + sigmoid(i) * g.tanh();
        let hidden = sigmoid(o) * cell.clone().tanh();
        LstmState { hidden, cell }
    }

    fn output(&self, state: &LstmState) -> Tensor<2> {
        state.hidden.clone()
    }
    fn path(&self) -> Path {
        self.gates.path()
    }

    fn scan(
        &self,
        input: Sequence,
        state: LstmState,
        direction: Direction,
    ) -> (Tensor<3>, LstmState) {
        let states = [state.hidden, state.cell];
        let (outputs, [hidden, cell]) = self.gates.scan(Recurrence::Lstm, input, states, direction);
        (outputs, LstmState { hidden, cell })
    }
}

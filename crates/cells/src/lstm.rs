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
use burn::tensor::{Device, Tensor};

use crate::equations::{self, At, Equations, Expression};
use crate::memory::MemoryGates;
use crate::{
    Cell, Direction, Error, Gates, GatesConfig, Memory, Path, Regularizer, Sequence,
    SequenceConfig, state,
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

    fn init(&self, device: &Device) -> Result<Lstm, Error> {
        let sizes = [4, self.input_size, self.hidden_size];
        let takes = &Regularizer::ALL;
        let mut gates = self.gates.init_regularized("Lstm", sizes, takes, device)?;
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

impl Equations for Lstm {
    fn matrices(&self) -> Vec<Tensor<2>> {
        self.gates.matrices()
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        self.gates.vectors()
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let (hidden, cell) = (&at.state[0], at.state[1].clone());
        let gates = self.gates.projected(&at) + self.gates.recurrent(&at, hidden);
        let [i, f, g, o] = gates.split();
        let g = self.gates.candidate(&at, g.tanh());
        let cell = f.sigmoid() * cell + i.sigmoid() * g;
        let hidden = o.sigmoid() * cell.clone().tanh();
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
            cell: self.gates.zeros(batch),
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
        }
    }

    fn path(&self) -> Path {
        self.gates.path_of(self)
    }

    fn scan(
        &self,
        input: Sequence,
        state: LstmState,
        direction: Direction,
    ) -> (Tensor<3>, LstmState) {
        if self.gates.is_masked() {
            return equations::scan(self, input, state, direction);
        }
        let states = [state.hidden, state.cell];
        let (outputs, [hidden, cell]) = self.gates.scan(Recurrence::Lstm, input, states, direction);
        (outputs, LstmState { hidden, cell })
    }
}

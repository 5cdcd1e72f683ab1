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

mod config;

use backdraft_kernels::Recurrence;
use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::activation::clipped;
use crate::equations::{At, Equations, Expression};
use crate::gates::{by_gates, zeros};
use crate::{CellBase, Gates, state};

pub use config::{LstmActivations, LstmConfig};

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
#[doc(alias = "LSTMCell")]
#[doc(alias = "LSTM")]
#[derive(Module, Debug)]
pub struct Lstm {
    /// The weights of the gates.
    pub gates: Gates,
    /// `p_i, p_f, p_o`: `[3, hidden]`; with coupled gates `p_i, p_o`: `[2, hidden]`.
    pub peepholes: Option<Param<Tensor<2>>>,
    /// `W_hr`: `[proj_size, hidden]`, PyTorch's `weight_hr`.
    #[doc(alias = "weight_hr")]
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
        let sum = at.projected.clone() + self.gates.recurrent(&at, &hidden);
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

        let i = at.gate("input", gate(i, peepholes.first(), &memory));
        let f = match f {
            Some(f) => gate(f, peepholes.get(1), &memory),
            None => i.clone().complement(),
        };
        let f = at.gate("forget", f);
        let g = self.activations.candidate.apply(clipped(g, self.gate_clip));
        let g = self.gates.candidate(&at, g);
        let cell = clipped(f * memory + i * g, self.cell_clip);
        let o = at.gate("output", gate(o, peepholes.last(), &cell));
        let shown = clipped(cell.clone(), self.output_clip);
        let shown = o * self.activations.output.apply(shown);
        let hidden = match self.projection {
            Some(_) => shown.linear(&at.matrices[1]),
            None => shown,
        };
        vec![hidden, cell]
    }

    fn written_kernel(&self) -> Option<(Recurrence, &Gates)> {
        self.is_fused().then_some((Recurrence::Lstm, &self.gates))
    }
}

impl CellBase for Lstm {
    type State = LstmState;

    by_gates!();

    fn initial_state(&self, batch: usize) -> LstmState {
        LstmState {
            hidden: self.gates.zeros(batch),
            cell: zeros(&self.gates.input_weight, [batch, self.hidden_size()]),
        }
    }

    fn recurrent_matrices(&self) -> Vec<(&'static str, Tensor<2>)> {
        match self.coupled {
            true => self.gates.named_matrices(["input", "candidate", "output"]),
            false => {
                let names = ["input", "forget", "candidate", "output"];
                self.gates.named_matrices(names)
            }
        }
    }
}

//! The sLSTM of xLSTM: a long short-term memory with exponential gates and heads.
//!
//! ```text
//! i, f, z, o = W x_t + b + R h_{t-1}        R: one block a head, which sees no other head
//!
//! log f = log sigmoid(f), or f itself       the forget gate: sigmoid or exponential
//! m_t = max(log f + m_{t-1}, i)             the stabiliser: keeps exp below overflow
//! i'  = exp(i - m_t)
//! f'  = exp(log f + m_{t-1} - m_t)
//! c_t = f' c_{t-1} + i' tanh(z)
//! n_t = f' n_{t-1} + i'                     the normaliser: what has been let in
//! h_t = sigmoid(o) c_t / n_t
//! ```
//!
//! m shifts c and n alike and so changes no output.
//!
//! Beck et al. 2024, "xLSTM: extended long short-term memory", arXiv 2405.04517.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::config::{by_fields, config};
use crate::equations::{At, Equations, Expression};
use crate::gates::{project, zeros};
use crate::zoneout::Kept;
use crate::{CellBase, Error, GatesConfig, Projected, SequenceConfig, state};

/// What the forget gate of an [`SLstm`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForgetGate {
    /// `sigmoid(f)`: between 0 and 1.
    #[default]
    Sigmoid,
    /// `exp(f)`: may be above 1.
    Exponential,
}

config! {
    /// Configuration of an [`SLstm`] cell.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
    /// let layer = RecurrentConfig::new(SLstmConfig::new(8, 16).with_heads(4)).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 16]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 16]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct SLstmConfig {
        /// Features of the input, `I`.
        pub input_size: usize,
        /// Units, `H`, of all heads together.
        pub hidden_size: usize,
        /// Heads, each with as many units.
        pub heads: usize = 1,
        /// What the forget gate is.
        pub forget: ForgetGate = ForgetGate::Sigmoid,
        /// How the weights start; as PyTorch's other cells by default, where a head's block of `R` is
        /// as that of a cell of its size. There is one bias.
        pub gates: GatesConfig = GatesConfig::new(),
    }
}

impl SequenceConfig for SLstmConfig {
    type Built = SLstm;

    by_fields!(hidden_size);

    fn init(&self, device: &Device) -> Result<SLstm, Error> {
        let (hidden, heads) = (self.hidden_size, self.heads);
        Error::unless_positive("SLstm", "heads", heads)?;
        if !hidden.is_multiple_of(heads) {
            let expected = format!("a divisor of {hidden}, the hidden size");
            return Err(Error::new("SLstm", "heads", expected, heads));
        }
        let sizes = [4, self.input_size, hidden];
        self.gates.refuse_regularizers("SLstm")?;
        let input_weight = self.gates.input_weight("SLstm", sizes, device)?;
        let units = hidden / heads;
        let block = |_| {
            let sizes = [4, units, units];
            let block = self.gates.recurrent_weight("SLstm", sizes, device)?;
            Ok(block.val())
        };
        let blocks = (0..heads).map(block).collect::<Result<_, Error>>()?;
        let recurrent_weight = Tensor::stack::<3>(blocks, 0).detach();
        Ok(SLstm {
            input_weight,
            recurrent_weight: Param::from_tensor(recurrent_weight),
            bias: self.gates.bias("SLstm", [4, hidden], device)?,
            forget: self.forget,
        })
    }
}

/// The state of an [`SLstm`].
#[derive(Debug, Clone)]
pub struct SLstmState {
    /// `h`, which is also the output: `[batch, hidden]`.
    pub hidden: Tensor<2>,
    /// `c`, the memory: `[batch, hidden]`.
    pub cell: Tensor<2>,
    /// `n`, the normaliser: `[batch, hidden]`.
    pub normalizer: Tensor<2>,
    /// `m`, the stabiliser, a logarithm: `[batch, hidden]`.
    pub stabilizer: Tensor<2>,
}
state!(SLstmState {
    hidden,
    cell,
    normalizer,
    stabilizer,
});

/// The cell of [`SLstmConfig`]. Gates are packed i, f, z, o.
#[derive(Module, Debug)]
pub struct SLstm {
    /// `W`: `[4 * hidden, input]`.
    pub input_weight: Param<Tensor<2>>,
    /// `R`, the block of each head: `[heads, 4 * hidden / heads, hidden / heads]`.
    pub recurrent_weight: Param<Tensor<3>>,
    /// `b`: `[4 * hidden]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// What the forget gate is.
    #[module(skip)]
    pub forget: ForgetGate,
}

impl SLstm {
    /// `R h`, gate by gate as the projection is, each gate head by head.
    fn recurrent<V: Expression>(&self, at: &At<V>, hidden: &V) -> V {
        let heads = at.matrices.len();
        let units = hidden.width() / heads;
        let products: Vec<V> = (0..heads)
            .map(|head| {
                hidden
                    .narrow(head * units, units)
                    .linear(&at.matrices[head])
            })
            .collect();
        let of_gate = |gate| {
            products
                .iter()
                .map(move |product| product.narrow(gate * units, units))
        };
        V::concat(&(0..4).flat_map(of_gate).collect::<Vec<_>>())
    }
}

impl Equations for SLstm {
    fn matrices(&self) -> Vec<Tensor<2>> {
        let [_, rows, columns] = self.recurrent_weight.dims();
        let blocks = self.recurrent_weight.val().iter_dim(0);
        blocks.map(|block| block.reshape([rows, columns])).collect()
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let [hidden, cell, normalizer, stabilizer] =
            [0, 1, 2, 3].map(|index| at.state[index].clone());
        let [i, f, z, o] = (at.projected.clone() + self.recurrent(&at, &hidden)).split();
        let kept = stabilizer
            + match self.forget {
                ForgetGate::Sigmoid => f.log_sigmoid(),
                ForgetGate::Exponential => f,
            };
        let stabilizer = kept.clone().maximum(i.clone());
        let i = (i - stabilizer.clone()).exp();
        let f = (kept - stabilizer.clone()).exp();
        let (i, f) = (at.gate("input", i), at.gate("forget", f));
        let o = at.gate("output", o.sigmoid());
        let cell = f.clone() * cell + i.clone() * z.tanh();
        let normalizer = f * normalizer + i;
        let hidden = o * (cell.clone() / normalizer.clone());
        vec![hidden, cell, normalizer, stabilizer]
    }

    fn kept(&self, index: usize) -> Kept {
        const STABILIZER: usize = 3;
        match index {
            0 => Kept::Units,
            STABILIZER => Kept::Scale,
            _ => Kept::ScaledBy(STABILIZER),
        }
    }
}

impl CellBase for SLstm {
    type State = SLstmState;

    fn input_size(&self) -> usize {
        self.input_weight.dims()[1]
    }

    fn output_size(&self) -> usize {
        self.input_weight.dims()[0] / 4
    }

    fn project(&self, input: Tensor<3>) -> Projected<3> {
        project(input, &self.input_weight, self.bias.as_ref()).into()
    }

    /// Zeros, except for the stabiliser: it is a logarithm and starts far below any gate, since nothing has been
    /// let in yet. (If it started at 0, a first input gate much smaller than 1 could underflow, and 0 would be
    /// divided by 0.)
    fn initial_state(&self, batch: usize) -> SLstmState {
        let zeros = zeros(&self.input_weight, [batch, self.output_size()]);
        SLstmState {
            hidden: zeros.clone(),
            cell: zeros.clone(),
            normalizer: zeros.clone(),
            stabilizer: zeros - 1e4,
        }
    }

    fn recurrent_matrices(&self) -> Vec<(&'static str, Tensor<2>)> {
        const NAMES: [&str; 4] = ["input", "forget", "candidate", "output"];
        let weight = self.recurrent_weight.val();
        let [heads, rows, units] = weight.dims();
        let hidden = heads * units;
        let of_gate = |gate: usize| {
            // A head sees no other: zeros beside its block.
            let zeros = Tensor::zeros([hidden, hidden], (&weight.device(), weight.dtype()));
            (0..heads).fold(zeros, |matrix: Tensor<2>, head| {
                let first = gate * units;
                let block = weight
                    .clone()
                    .slice([head..head + 1, first..first + units, 0..units]);
                let place = head * units..(head + 1) * units;
                matrix.slice_assign([place.clone(), place], block.reshape([units, units]))
            })
        };
        debug_assert_eq!(rows, NAMES.len() * units);
        let names = NAMES.into_iter().enumerate();
        names.map(|(gate, name)| (name, of_gate(gate))).collect()
    }
}

//! The long short-term memory of the teaching literature: learn, forget, remember and use.
//!
//! ```text
//! learn      N = tanh(W_n [STM, E] + b_n)           i = sigmoid(W_i [STM, E] + b_i)
//! forget     f = sigmoid(W_f [STM, E] + b_f)
//! remember   LTM' = LTM f + N i
//! use        U = tanh(W_u (LTM f) + b_u)            V = sigmoid(W_v [STM, E] + b_v)
//!            STM' = U V
//! ```
//!
//! E is the input, the event; STM the short-term memory, which is the output; LTM the long-term
//! one. From the cell of Hochreiter and Schmidhuber 1997 it differs in what the output sees: the
//! long-term memory after forgetting and before learning, through weights of its own.
//!
//! A product with `[STM, E]` is `W E + b_W + R STM + b_R` here, as in the other cells.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::config::{by_fields, config};
use crate::equations::{At, Equations, Expression};
use crate::gates::by_gates;
use crate::{CellBase, Error, Gates, GatesConfig, Regularizer, SequenceConfig, state};

config! {
    /// Configuration of a [`FourGateLstm`] cell.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
    /// let layer = RecurrentConfig::new(FourGateLstmConfig::new(8, 16)).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 16]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 16]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct FourGateLstmConfig {
        /// Features of the input, `I`.
        pub input_size: usize,
        /// Units, `H`.
        pub hidden_size: usize,
        /// How the weights start, `W_u` and `b_u` among them as recurrent ones; as PyTorch's other cells
        /// by default.
        pub gates: GatesConfig = GatesConfig::new(),
    }
}

impl SequenceConfig for FourGateLstmConfig {
    type Built = FourGateLstm;

    by_fields!(hidden_size);

    fn init(&self, device: &Device) -> Result<FourGateLstm, Error> {
        const NAME: &str = "FourGateLstm";
        let hidden = self.hidden_size;
        let sizes = [4, self.input_size, hidden];
        let takes = &Regularizer::ALL;
        Ok(FourGateLstm {
            gates: self.gates.init_regularized(NAME, sizes, takes, device)?,
            use_weight: self
                .gates
                .recurrent_weight(NAME, [1, hidden, hidden], device)?,
            use_bias: self.gates.bias(NAME, [1, hidden], device)?,
        })
    }
}

/// The state of a [`FourGateLstm`].
#[derive(Debug, Clone)]
pub struct FourGateState {
    /// STM, which is also the output: `[batch, hidden]`.
    pub short_term: Tensor<2>,
    /// LTM: `[batch, hidden]`.
    pub long_term: Tensor<2>,
}
state!(FourGateState {
    short_term,
    long_term,
});

/// The cell of [`FourGateLstmConfig`]. Gates are packed i, f, n, v.
#[derive(Module, Debug)]
pub struct FourGateLstm {
    /// The weights of what sees the input and the short-term memory.
    pub gates: Gates,
    /// `W_u`: `[hidden, hidden]`.
    pub use_weight: Param<Tensor<2>>,
    /// `b_u`: `[hidden]`.
    pub use_bias: Option<Param<Tensor<1>>>,
}

impl Equations for FourGateLstm {
    fn matrices(&self) -> Vec<Tensor<2>> {
        [self.gates.matrices(), vec![self.use_weight.val()]].concat()
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        let own = self.use_bias.iter().map(Param::val);
        self.gates.vectors().into_iter().chain(own).collect()
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let recurrent = self.gates.recurrent(&at, &at.state[0]);
        let [i, f, n, v] = (at.projected.clone() + recurrent).split();
        let i = at.gate("input", i.sigmoid());
        let f = at.gate("forget", f.sigmoid());
        let v = at.gate("use", v.sigmoid());
        let learned = self.gates.candidate(&at, n.tanh()) * i;
        let kept = at.state[1].clone() * f;
        let used = kept.linear(&at.matrices[1]);
        let used = match self.gates.after_vectors(&at).first() {
            Some(bias) => used + bias.clone(),
            None => used,
        };
        vec![used.tanh() * v, kept + learned]
    }
}

impl CellBase for FourGateLstm {
    type State = FourGateState;

    by_gates!();

    fn initial_state(&self, batch: usize) -> FourGateState {
        FourGateState {
            short_term: self.gates.zeros(batch),
            long_term: self.gates.zeros(batch),
        }
    }

    fn recurrent_matrices(&self) -> Vec<(&'static str, Tensor<2>)> {
        self.gates
            .named_matrices(["input", "forget", "candidate", "use"])
    }
}

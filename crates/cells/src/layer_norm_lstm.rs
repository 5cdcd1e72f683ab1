//! Long short-term memory with layer normalisation.
//!
//! ```text
//! i, f, g, o = gain_W LN(W x_t) + b_W + gain_R LN(R h_{t-1}) + b_R
//! c_t = sigmoid(f) c_{t-1} + sigmoid(i) tanh(g)
//! h_t = sigmoid(o) tanh(gain_c LN(c_t) + b_c)
//!
//! LN(a) = (a - mean(a)) / sqrt(variance(a) + epsilon)
//! ```
//!
//! Mean and variance are of one row at one step: of all its four gates together, and of its memory.
//! The paper has a shift for each of the first two and a bias for both; as in a plain LSTM, `b_W`
//! and `b_R` are these.
//!
//! Ba, Kiros and Hinton 2016, "Layer normalization", arXiv 1607.06450, equations 20 to 22.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::config::{by_fields, config};
use crate::equations::{At, Equations, Expression};
use crate::gates::by_gates;
use crate::{CellBase, Error, Gates, GatesConfig, LstmState, Regularizer, SequenceConfig};

config! {
    /// Configuration of a [`LayerNormLstm`] cell.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
    /// let layer = RecurrentConfig::new(LayerNormLstmConfig::new(8, 16)).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 16]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 16]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct LayerNormLstmConfig {
        /// Features of the input, `I`.
        pub input_size: usize,
        /// Units, `H`.
        pub hidden_size: usize,
        /// How the weights start; as a plain LSTM's by default.
        pub gates: GatesConfig = GatesConfig::new(),
        /// Added to the variance.
        pub epsilon: f64 = 1e-5,
    }
}

impl SequenceConfig for LayerNormLstmConfig {
    type Built = LayerNormLstm;

    by_fields!(hidden_size);

    fn init(&self, device: &Device) -> Result<LayerNormLstm, Error> {
        const NAME: &str = "LayerNormLstm";
        Error::unless_bound(NAME, "epsilon", Some(self.epsilon))?;
        let hidden = self.hidden_size;
        let sizes = [4, self.input_size, hidden];
        let takes = &Regularizer::ALL;
        let gates = self.gates.init_regularized(NAME, sizes, takes, device)?;
        let ones = |width: usize| Param::from_tensor(Tensor::ones([width], device));
        let zeros = || Param::from_tensor(Tensor::zeros([hidden], device));
        Ok(LayerNormLstm {
            gates,
            input_gain: ones(4 * hidden),
            recurrent_gain: ones(4 * hidden),
            cell_gain: ones(hidden),
            cell_bias: self.gates.bias.then(zeros),
            epsilon: self.epsilon,
        })
    }
}

/// The cell of [`LayerNormLstmConfig`]. Gates are packed i, f, g, o.
#[doc(alias = "LayerNormLSTMCell")]
#[derive(Module, Debug)]
pub struct LayerNormLstm {
    /// The weights.
    pub gates: Gates,
    /// `gain_W`: `[4 * hidden]`, 1 at first.
    pub input_gain: Param<Tensor<1>>,
    /// `gain_R`: `[4 * hidden]`, 1 at first.
    pub recurrent_gain: Param<Tensor<1>>,
    /// `gain_c`: `[hidden]`, 1 at first.
    pub cell_gain: Param<Tensor<1>>,
    /// `b_c`: `[hidden]`, 0 at first; none if there are no biases.
    pub cell_bias: Option<Param<Tensor<1>>>,
    /// Added to the variance.
    #[module(skip)]
    pub epsilon: f64,
}

impl Equations for LayerNormLstm {
    fn matrices(&self) -> Vec<Tensor<2>> {
        self.gates.matrices()
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        let mut vectors = self.gates.vectors();
        vectors.extend([&self.input_gain, &self.recurrent_gain, &self.cell_gain].map(Param::val));
        vectors.extend(self.gates.input_bias.iter().map(Param::val));
        vectors.extend(self.cell_bias.iter().map(Param::val));
        vectors
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let mut own = self.gates.after_vectors(&at).iter().cloned();
        let mut next = || own.next().expect("as many as `vectors` gave");
        let [input_gain, recurrent_gain, cell_gain] = [next(), next(), next()];
        let input_bias = self.gates.input_bias.as_ref().map(|_| next());
        let cell_bias = self.cell_bias.as_ref().map(|_| next());
        let plus = |value: V, bias: Option<V>| match bias {
            Some(bias) => value + bias,
            None => value,
        };

        let input = at.projected.clone().normalize(self.epsilon) * input_gain;
        let recurrent = self.gates.recurrent_through(&at, &at.state[0], |product| {
            product.normalize(self.epsilon) * recurrent_gain
        });
        let [i, f, g, o] = (plus(input, input_bias) + recurrent).split();
        let i = at.gate("input", i.sigmoid());
        let f = at.gate("forget", f.sigmoid());
        let o = at.gate("output", o.sigmoid());
        let g = self.gates.candidate(&at, g.tanh());
        let cell = f * at.state[1].clone() + i * g;
        let shown = plus(cell.clone().normalize(self.epsilon) * cell_gain, cell_bias);
        vec![o * shown.tanh(), cell]
    }
}

impl CellBase for LayerNormLstm {
    type State = LstmState;

    // `W x_t` alone: it is normalised row by row with the rest of a step, while it is in the cache.
    by_gates!(project_without_bias);

    fn initial_state(&self, batch: usize) -> LstmState {
        LstmState {
            hidden: self.gates.zeros(batch),
            cell: self.gates.zeros(batch),
        }
    }

    fn recurrent_matrices(&self) -> Vec<(&'static str, Tensor<2>)> {
        let names = ["input", "forget", "candidate", "output"];
        self.gates.named_matrices(names)
    }
}

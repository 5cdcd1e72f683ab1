//! The gated recurrent unit with layer normalisation.
//!
//! ```text
//! r, z = sigmoid(gain LN(W_rz x_t) + b_Wrz + gain' LN(R_rz h_{t-1}) + b_Rrz)
//! n    = tanh(gain LN(W_n x_t) + b_Wn + r (gain' LN(R_n h_{t-1}) + b_Rn))
//! h_t  = (1 - z) n + z h_{t-1}
//!
//! LN(a) = (a - mean(a)) / sqrt(variance(a) + epsilon)
//! ```
//!
//! Mean and variance are of one row at one step: of its gates r and z together, and of its
//! candidate n alone. Each of the four products has gains and shifts of its own; the shifts are
//! `b_W` and `b_R`. These are the paper's formulas, whose reset gate stands after the product, with
//! z and 1 - z in the places that they have in this crate's [`Gru`](crate::Gru).
//!
//! Ba, Kiros and Hinton 2016, "Layer normalization", arXiv 1607.06450, the GRU of its supplement.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::config::{by_fields, config};
use crate::equations::{At, Equations, Expression};
use crate::gates::by_gates;
use crate::{CellBase, Error, Gates, GatesConfig, Regularizer, SequenceConfig};

config! {
    /// Configuration of a [`LayerNormGru`] cell.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
    /// let layer = RecurrentConfig::new(LayerNormGruConfig::new(8, 16)).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 16]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 16]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct LayerNormGruConfig {
        /// Features of the input, `I`.
        pub input_size: usize,
        /// Units, `H`.
        pub hidden_size: usize,
        /// How the weights start; as a plain GRU's by default.
        pub gates: GatesConfig = GatesConfig::new(),
        /// Added to the variance.
        pub epsilon: f64 = 1e-5,
    }
}

impl SequenceConfig for LayerNormGruConfig {
    type Built = LayerNormGru;

    by_fields!(hidden_size);

    fn init(&self, device: &Device) -> Result<LayerNormGru, Error> {
        const NAME: &str = "LayerNormGru";
        Error::unless_bound(NAME, "epsilon", Some(self.epsilon))?;
        let sizes = [3, self.input_size, self.hidden_size];
        let takes = &Regularizer::ALL;
        let gates = self.gates.init_regularized(NAME, sizes, takes, device)?;
        let ones = || Param::from_tensor(Tensor::ones([3 * self.hidden_size], device));
        Ok(LayerNormGru {
            gates,
            input_gain: ones(),
            recurrent_gain: ones(),
            epsilon: self.epsilon,
        })
    }
}

/// The cell of [`LayerNormGruConfig`]; its state is the hidden units. Gates are packed r, z, n.
#[derive(Module, Debug)]
pub struct LayerNormGru {
    /// The weights.
    pub gates: Gates,
    /// `gain`: `[3 * hidden]`, 1 at first.
    pub input_gain: Param<Tensor<1>>,
    /// `gain'`: `[3 * hidden]`, 1 at first.
    pub recurrent_gain: Param<Tensor<1>>,
    /// Added to the variance.
    #[module(skip)]
    pub epsilon: f64,
}

impl LayerNormGru {
    /// LN of r and z together, and of n, side by side.
    fn normalize<V: Expression>(&self, product: V) -> V {
        let hidden = product.width() / 3;
        V::concat(&[
            product.narrow(0, 2 * hidden).normalize(self.epsilon),
            product.narrow(2 * hidden, hidden).normalize(self.epsilon),
        ])
    }
}

impl Equations for LayerNormGru {
    fn matrices(&self) -> Vec<Tensor<2>> {
        self.gates.matrices()
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        let mut vectors = self.gates.vectors();
        vectors.extend([&self.input_gain, &self.recurrent_gain].map(Param::val));
        vectors.extend(self.gates.input_bias.iter().map(Param::val));
        vectors
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let hidden = at.state[0].clone();
        let own = self.gates.after_vectors(&at);
        let (input_gain, recurrent_gain, input_bias) = (&own[0], &own[1], own.get(2));
        let input = self.normalize(at.projected.clone()) * input_gain.clone();
        let input = match input_bias {
            Some(bias) => input + bias.clone(),
            None => input,
        };
        let recurrent = self.gates.recurrent_through(&at, &hidden, |product| {
            self.normalize(product) * recurrent_gain.clone()
        });
        let [input_r, input_z, input_n] = input.split();
        let [hidden_r, hidden_z, hidden_n] = recurrent.split();
        let r = at.gate("reset", (input_r + hidden_r).sigmoid());
        let z = at.gate("update", (input_z + hidden_z).sigmoid());
        let n = (input_n + r * hidden_n).tanh();
        let n = self.gates.candidate(&at, n);
        // (1 - z) n + z h, with one product less.
        vec![n.clone() + z * (hidden - n)]
    }
}

impl CellBase for LayerNormGru {
    type State = Tensor<2>;

    // `W x_t` alone: it is normalised row by row with the rest of a step, while it is in the cache.
    by_gates!(project_without_bias);

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        self.gates.zeros(batch)
    }

    fn recurrent_matrices(&self) -> Vec<(&'static str, Tensor<2>)> {
        self.gates.named_matrices(["reset", "update", "candidate"])
    }
}

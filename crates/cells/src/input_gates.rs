//! The weights of gates that look at the input alone: `G` gates of `H` units, packed.
//!
//! ```text
//! a_t = W x_t + b            W: [G H, I]   b: [G H]
//! ```

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use crate::config::config;
use crate::initialization::refuse;
use crate::{Error, Initialization};

config! {
    /// How the weights of a cell without recurrent weights start.
    pub struct InputGatesConfig {
        /// Whether there are biases.
        pub bias: bool = true,
        /// Of `W`; uniform between -1/sqrt(I) and 1/sqrt(I) by default, as in PyTorch's linear layer.
        pub initialization: Initialization = by_input(),
        /// Of `b`.
        pub bias_initialization: Initialization = Initialization::default(),
    }
}

impl Default for InputGatesConfig {
    fn default() -> Self {
        Self::new()
    }
}

fn by_input() -> Initialization {
    Initialization::Burn(Initializer::KaimingUniform {
        gain: 3f64.sqrt().recip(),
        fan_out_only: false,
    })
}

impl InputGatesConfig {
    /// Weights of `gates` gates for the cell called `cell`.
    pub(crate) fn init(
        &self,
        cell: &str,
        [gates, input, hidden]: [usize; 3],
        device: &Device,
    ) -> Result<InputGates, Error> {
        Error::unless_positive(cell, "input size", input)?;
        Error::unless_positive(cell, "hidden size", hidden)?;
        let weight = self
            .initialization
            .weight([gates, hidden, input], device)
            .map_err(refuse(
                cell,
                "initialization",
                "an initializer for this shape",
            ))?;
        let bias = || {
            let bias = self.bias_initialization.bias([gates, hidden], device);
            bias.map(Param::from_tensor).map_err(refuse(
                cell,
                "bias initialization",
                "one that is defined for a vector",
            ))
        };
        Ok(InputGates {
            weight: Param::from_tensor(weight),
            bias: self.bias.then(bias).transpose()?,
        })
    }
}

/// The weights of gates that look at the input alone.
#[derive(Module, Debug)]
pub struct InputGates {
    /// `W`: `[gates * hidden, input]`.
    pub weight: Param<Tensor<2>>,
    /// `b`: `[gates * hidden]`.
    pub bias: Option<Param<Tensor<1>>>,
}

impl InputGates {
    /// Features of the input.
    pub fn input_size(&self) -> usize {
        self.weight.dims()[1]
    }

    /// All gates at all steps: `[time, batch, I]` to `[time, batch, G H]`.
    pub fn project(&self, input: Tensor<3>) -> Tensor<3> {
        let [gates] = self.each(input);
        gates
    }

    /// The `G` gates, each at all steps: `[time, batch, H]`.
    ///
    /// One product for each: the gradient of a part of one product for all would be written out
    /// with zeros for the rest of it, once a part.
    pub(crate) fn each<const G: usize>(&self, input: Tensor<3>) -> [Tensor<3>; G] {
        let [time, batch, features] = input.dims();
        let input = input.reshape([time * batch, features]);
        let weight = self.weight.val();
        let hidden = weight.dims()[0] / G;
        std::array::from_fn(|gate| {
            let rows = gate * hidden..(gate + 1) * hidden;
            let weight = weight.clone().slice_dim(0, rows.clone());
            let projected = input.clone().matmul(weight.transpose());
            let projected = match &self.bias {
                Some(bias) => projected + bias.val().slice_dim(0, rows).unsqueeze(),
                None => projected,
            };
            projected.reshape([time, batch, hidden])
        })
    }

    /// The `G` gates of `[batch, G H]`.
    pub(crate) fn split<const G: usize>(packed: Tensor<2>) -> [Tensor<2>; G] {
        let gates = packed.chunk(G, 1);
        gates.try_into().expect("a packed tensor holds its gates")
    }

    /// The state of zeros of `hidden` units: `[batch, hidden]`, on the device and of the type of
    /// the weights.
    pub(crate) fn zeros(&self, batch: usize, hidden: usize) -> Tensor<2> {
        let weight = self.weight.val();
        Tensor::zeros([batch, hidden], (&weight.device(), weight.dtype()))
    }
}

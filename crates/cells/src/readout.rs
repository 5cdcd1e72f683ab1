//! What a cell makes its output of, where that is not its hidden units themselves.
//!
//! ```text
//! o_t = phi_o(V h_t + c)          V: [O, H]   c: [O]
//! ```

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::equations::Expression;
use crate::initialization::uniform_by_hidden;
use crate::{Activation, Error};

/// The weights of a cell's output.
#[derive(Module, Debug)]
pub struct Readout {
    /// `V`: `[output, hidden]`.
    pub weight: Param<Tensor<2>>,
    /// `c`: `[output]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// `phi_o`.
    #[module(skip)]
    pub activation: Activation,
}

impl Readout {
    /// From `hidden` units to `output` features, uniform between -1/sqrt(H) and 1/sqrt(H).
    pub(crate) fn init(
        cell: &str,
        [hidden, output]: [usize; 2],
        activation: Activation,
        bias: bool,
        device: &Device,
    ) -> Result<Self, Error> {
        Error::unless_positive(cell, "output size", output)?;
        activation.check(cell, "activation of the output")?;
        Ok(Self {
            weight: uniform_by_hidden(hidden, [output, hidden], device),
            bias: bias.then(|| uniform_by_hidden(hidden, [output], device)),
            activation,
        })
    }

    /// Features of the output, `O`.
    pub fn output_size(&self) -> usize {
        self.weight.dims()[0]
    }

    /// `c`, if there is one: what a cell puts last among its vectors.
    pub(crate) fn vectors(&self) -> Vec<Tensor<1>> {
        self.bias.iter().map(Param::val).collect()
    }

    /// `o_t` of `h_t`; `weight` is `V` and `vectors` are [`vectors`](Self::vectors).
    pub(crate) fn read<V: Expression>(&self, hidden: &V, weight: &V::Matrix, vectors: &[V]) -> V {
        let product = hidden.linear(weight);
        let sum = match vectors.first() {
            Some(bias) => product + bias.clone(),
            None => product,
        };
        self.activation.apply(sum)
    }
}

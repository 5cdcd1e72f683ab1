//! What goes around each layer of a stack.
//!
//! ```text
//! plain:      y = layer(x)
//! residual:   y = layer(x) + x
//! highway:    y = t layer(x) + (1 - t) x,   t = sigmoid(W_T x + b_T)
//! ```
//!
//! The last two stand where input and output have the same size; elsewhere the layer is plain.
//!
//! Residual connections between recurrent layers as in Wu et al. 2016, arXiv 1609.08144; highways
//! of Srivastava, Greff and Schmidhuber 2015, "Highway networks", arXiv 1505.00387.

use burn::module::Param;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::{Error, Lengths};

/// What goes around each layer of a stack whose input and output have the same size.
#[doc(alias = "ResidualWrapper")]
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// Nothing.
    #[default]
    Plain,
    /// The layer's input is added to its output.
    Residual,
    /// A gate between the layer's output and its input: `t layer(x) + (1 - t) x`, `t = sigmoid(W_T x + b_T)`
    /// (Srivastava, Greff and Schmidhuber 2015, arXiv 1505.00387).
    Highway {
        /// The initial value of `b_T`. Below 0, most of the input bypasses a new layer; the paper uses
        /// -1 to -3.
        bias: f64,
    },
}

impl Connection {
    /// The gate of a layer of `size` features, for those that have one.
    pub(crate) fn gate(self, size: usize, device: &Device) -> Result<Option<Linear>, Error> {
        match self {
            Self::Plain | Self::Residual => Ok(None),
            Self::Highway { bias } if !bias.is_finite() => {
                let what = "bias of the highway";
                Err(Error::new("Deep", what, "a finite number", bias))
            }
            Self::Highway { bias } => {
                let mut gate = LinearConfig::new(size, size).with_bias(false).init(device);
                // Drawn here and now, so that a seed gives the same weights.
                gate.weight.val();
                gate.bias = Some(Param::from_tensor(Tensor::full([size], bias, device)));
                Ok(Some(gate))
            }
        }
    }

    /// `y` from the layer's output and its input.
    pub(crate) fn join(
        self,
        outputs: Tensor<3>,
        below: Tensor<3>,
        gate: Option<&Linear>,
        lengths: Option<&Lengths>,
    ) -> Tensor<3> {
        // What stands in the padding must not be passed on.
        let below = match lengths {
            Some(lengths) => lengths.clear_padding(below),
            None => below,
        };
        match gate {
            None => outputs + below,
            Some(gate) => {
                let transform = sigmoid(gate.forward(below.clone()));
                below.clone() + transform * (outputs - below)
            }
        }
    }
}

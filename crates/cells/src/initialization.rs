//! The values that weights start from.

use burn::module::Param;
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::Error;

/// How the weights or the biases of a cell are drawn, each gate's block on its own.
#[doc(alias = "kernel_initializer")]
#[doc(alias = "recurrent_initializer")]
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initialization {
    /// Uniform between -1/sqrt(H) and 1/sqrt(H), `H` being the hidden size: what PyTorch does with
    /// every parameter of a recurrent layer, and the default of each here.
    #[default]
    UniformByHidden,
    /// `gain` times the identity. For square weights only: recurrent ones, or input ones whose
    /// sizes agree (Le, Jaitly and Hinton 2015, arXiv 1504.00941).
    Identity {
        /// The value on the diagonal.
        gain: f64,
    },
    /// One of Burn's, such as Xavier's (Glorot and Bengio 2010) or an orthogonal matrix (Saxe,
    /// McClelland and Ganguli 2014, arXiv 1312.6120). Rows and columns are those of one gate.
    Burn(Initializer),
}

impl From<Initializer> for Initialization {
    fn from(initializer: Initializer) -> Self {
        Self::Burn(initializer)
    }
}

impl Initialization {
    /// The weights of `gates` gates of `hidden` units: `[gates * hidden, columns]`.
    pub(crate) fn weight(
        &self,
        [gates, hidden, columns]: [usize; 3],
        device: &Device,
    ) -> Result<Tensor<2>, String> {
        let gate = || match self {
            Self::UniformByHidden => Ok(draw(&by_hidden(hidden), [hidden, columns], device)),
            Self::Identity { gain } if hidden == columns => Ok(Tensor::eye(hidden, device) * *gain),
            Self::Identity { .. } => Err(format!("Identity for a {hidden} by {columns} matrix")),
            Self::Burn(initializer) => Ok(draw(initializer, [hidden, columns], device)),
        };
        Ok(Tensor::cat((0..gates).map(|_| gate()).collect::<Result<_, _>>()?, 0).detach())
    }

    /// The biases of `gates` gates of `hidden` units: `[gates * hidden]`.
    ///
    /// Initializers that look at rows and columns mean nothing for a vector: some of Burn's would
    /// panic on one. They are refused instead.
    pub(crate) fn bias(
        &self,
        [gates, hidden]: [usize; 2],
        device: &Device,
    ) -> Result<Tensor<1>, String> {
        let initializer = match self {
            Self::UniformByHidden => &by_hidden(hidden),
            Self::Identity { .. } => return Err(format!("{self:?}")),
            Self::Burn(initializer) => initializer,
        };
        match initializer {
            Initializer::Constant { .. }
            | Initializer::Ones
            | Initializer::Zeros
            | Initializer::Uniform { .. }
            | Initializer::Normal { .. } => Ok(draw(initializer, [gates * hidden], device)),
            _ => Err(format!("{initializer:?}")),
        }
    }
}

/// What [`Initialization::UniformByHidden`] draws, for weights that are no gate's.
pub(crate) fn uniform_by_hidden<const D: usize>(
    hidden: usize,
    shape: [usize; D],
    device: &Device,
) -> Param<Tensor<D>> {
    Param::from_tensor(draw(&by_hidden(hidden), shape, device))
}

fn by_hidden(hidden: usize) -> Initializer {
    let bound = (hidden as f64).sqrt().recip();
    Initializer::Uniform {
        min: -bound,
        max: bound,
    }
}

/// Draws at once, so that a seed gives the same values however late they are first used.
fn draw<const D: usize>(
    initializer: &Initializer,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    let (fan_out, fan_in) = (shape[0], shape[D - 1]);
    initializer
        .init_with(shape, Some(fan_in), Some(fan_out), device)
        .into_value()
        .detach()
}

/// The message for an initializer that cannot be used where it was put.
pub(crate) fn refuse(cell: &str, what: &str, expected: &str) -> impl FnOnce(String) -> Error {
    let (cell, what, expected) = (cell.to_string(), what.to_string(), expected.to_string());
    move |found| Error::new(cell, what, expected, found)
}

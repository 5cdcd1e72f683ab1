//! What the new content of a cell without recurrent weights is made with.

use burn::tensor::Tensor;
use burn::tensor::activation::{relu, sigmoid};
use serde::{Deserialize, Serialize};

/// The function `g` that turns the projected input into the candidate, in a cell without recurrent weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Candidate {
    /// `g(c) = c`: the paper's definition, and the default.
    #[default]
    Linear,
    /// `g(c) = c + 0.5` where `c >= 0`, `sigmoid(c)` elsewhere: always positive, which is what the
    /// paper's own programs, working in logarithms, run on.
    Positive,
}

impl Candidate {
    /// `g(c)`.
    pub(crate) fn apply<const D: usize>(self, content: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Linear => content,
            Self::Positive => {
                let above = relu(content.clone());
                above.clone() + sigmoid(content - above)
            }
        }
    }
}

//! What sequences are made of: symbols or vectors.
//!
//! ```text
//! symbols:    e_t = E[x_t]        embedding, E: [V, D]
//! features:   e_t = x_t
//! ```

use backdraft_cells::{Error, Lengths};
use burn::nn::{Embedding, EmbeddingConfig};
use burn::tensor::{Device, Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::teacher::clear;

/// What the steps of a sequence are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Symbols, embedded in as many features as the recurrent layers read.
    Symbols {
        /// The number of symbols, `V`.
        vocabulary_size: usize,
    },
    /// Vectors of as many features as the recurrent layers read.
    Features,
}

/// A padded batch of sequences of either [`Source`].
#[derive(Debug, Clone)]
pub enum Inputs {
    /// `[batch, time]`.
    Symbols(Tensor<2, Int>),
    /// `[batch, time, features]`.
    Features(Tensor<3>),
}

impl From<Tensor<2, Int>> for Inputs {
    fn from(symbols: Tensor<2, Int>) -> Self {
        Self::Symbols(symbols)
    }
}

impl From<Tensor<3>> for Inputs {
    fn from(features: Tensor<3>) -> Self {
        Self::Features(features)
    }
}

impl Inputs {
    /// Rows and steps.
    pub fn dims(&self) -> [usize; 2] {
        match self {
            Self::Symbols(symbols) => symbols.dims(),
            Self::Features(features) => {
                let [batch, time, _] = features.dims();
                [batch, time]
            }
        }
    }
}

impl Source {
    /// The embedding in `size` features, with weights drawn from N(0, 1), if symbols are read.
    pub(crate) fn embedding(
        self,
        model: &str,
        size: usize,
        device: &Device,
    ) -> Result<Option<Embedding>, Error> {
        Error::unless_positive(model, "input size of the layer", size)?;
        let Self::Symbols { vocabulary_size } = self else {
            return Ok(None);
        };
        Error::unless_positive(model, "vocabulary size", vocabulary_size)?;
        let embedding = EmbeddingConfig::new(vocabulary_size, size).init(device);
        // Drawn here and now, so that a seed gives the same weights.
        embedding.weight.val();
        Ok(Some(embedding))
    }
}

/// `e_t`: `[batch, time, D]`. Rows must have at least one step each.
pub(crate) fn embedded(
    model: &str,
    embedding: Option<&Embedding>,
    inputs: Inputs,
    lengths: &Lengths,
) -> Result<Tensor<3>, Error> {
    let [batch, time] = inputs.dims();
    lengths.check(model, batch, time)?;
    let mut rows = lengths.as_slice().iter();
    if let Some(row) = rows.position(|&length| length == 0) {
        let what = format!("length of row {row}");
        return Err(Error::new(model, what, "at least 1", 0));
    }
    match (inputs, embedding) {
        (Inputs::Symbols(symbols), Some(embedding)) => {
            Ok(embedding.forward(clear(symbols, lengths)))
        }
        (Inputs::Features(features), None) => Ok(lengths.clear_padding(features)),
        (Inputs::Symbols(_), None) => Err(mismatch(model, "features", "symbols")),
        (Inputs::Features(_), Some(_)) => Err(mismatch(model, "symbols", "features")),
    }
}

fn mismatch(model: &str, expected: &str, found: &str) -> Error {
    Error::new(model, "inputs", expected, found)
}

//! What a composer is built from.

use backdraft_cells::{Direction, Error, Layer, SequenceConfig};
use burn::nn::EmbeddingConfig;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{Composer, NAME};
use crate::causal::runs_forward;
use crate::linear::linear;
use crate::probability::dropout;
use crate::{Bridge, Pooling, Source};

/// Where the key enters the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conditioning {
    /// Where it begins: the initial state of each layer.
    State,
    /// At each of its steps.
    Step,
    /// Both.
    #[default]
    Both,
}

impl Conditioning {
    pub(super) fn is_by_state(self) -> bool {
        self != Self::Step
    }

    pub(super) fn is_at_each_step(self) -> bool {
        self != Self::State
    }
}

/// Configuration of a [`Composer`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ComposerConfig<K> {
    /// What a key is: words, or a vector.
    pub key: Source,
    /// The features of a word of a key, or those of a vector.
    pub key_size: usize,
    /// The number of symbols of a text, `V`, without its edge.
    pub vocabulary_size: usize,
    /// The recurrent layers, which run forward. Their input size is that of the embedding of a symbol,
    /// and that of the key beside it if it is read at each step.
    pub layer: K,
    /// Where a text is told what it is to be about; where it begins and at each step by default.
    #[serde(default)]
    pub conditioning: Conditioning,
    /// The probability of dropping a feature of a symbol, and before the output; 0 by default.
    #[serde(default)]
    pub dropout: f64,
}

impl<K> ComposerConfig<K> {
    /// Texts of `vocabulary_size` symbols, for keys with vectors of `key_size`. The key enters the model through
    /// both the initial state and each step; there is no dropout.
    pub fn new(key: Source, key_size: usize, vocabulary_size: usize, layer: K) -> Self {
        Self {
            key,
            key_size,
            vocabulary_size,
            layer,
            conditioning: Conditioning::default(),
            dropout: 0.0,
        }
    }

    /// Sets where a text is told what it is to be about.
    #[must_use]
    pub fn with_conditioning(mut self, conditioning: Conditioning) -> Self {
        self.conditioning = conditioning;
        self
    }

    /// Sets the probability of dropping a feature of a symbol, and before the output.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }
}

impl<K: SequenceConfig<Built: Layer>> ComposerConfig<K> {
    /// Builds the model with new weights, drawn in the order of the fields of [`Composer`].
    ///
    /// Embeddings start from N(0, 1), linear maps uniform within one over the square root of what they
    /// read, as PyTorch's do.
    ///
    /// # Errors
    ///
    /// When a size is zero, the input size of the layers leaves nothing for a symbol, the probability is
    /// not in `0.0..1.0`, or the layers are impossible or look ahead.
    pub fn init(&self, device: &Device) -> Result<Composer<K::Built>, Error> {
        Error::unless_positive(NAME, "vocabulary size", self.vocabulary_size)?;
        Error::unless_positive(NAME, "features of a key", self.key_size)?;
        let dropout = dropout(NAME, "dropout", self.dropout)?;
        let key_embedding = self.key.embedding(NAME, self.key_size, device)?;
        let pool = Pooling::Mean.init(self.key_size, Some(Direction::Forward), device)?;

        let beside = match self.conditioning.is_at_each_step() {
            true => self.key_size,
            false => 0,
        };
        let size = self.layer.input_size();
        if size <= beside {
            let expected = format!("above {beside}: a symbol stands beside its key");
            return Err(Error::new(NAME, "input size of the layer", expected, size));
        }
        let embedding = EmbeddingConfig::new(self.vocabulary_size + 1, size - beside).init(device);
        // Drawn here and now, so that a seed means the same model.
        embedding.weight.val();
        let recurrent = self.layer.init(device);
        let recurrent = recurrent.map_err(|error| error.within(NAME))?;
        runs_forward(NAME, "layer", &recurrent)?;
        let bridge = self.conditioning.is_by_state();
        let bridge = bridge.then(|| Bridge::init(self.key_size, &recurrent, device));
        let bridge = bridge.transpose()?;
        let hidden = recurrent.output_size();
        Ok(Composer {
            key_embedding,
            pool,
            embedding,
            recurrent,
            bridge,
            output: linear(hidden, self.vocabulary_size + 1, true, device),
            dropout,
            conditioning: self.conditioning,
        })
    }
}

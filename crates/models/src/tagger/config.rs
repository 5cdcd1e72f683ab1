//! What a tagger is built of.

use backdraft_cells::{Error, Layer, SequenceConfig};
use burn::nn::EmbeddingConfig;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{CharactersConfig, Tagger};
use crate::CrfConfig;
use crate::linear::linear;
use crate::probability::dropout;

/// How tags are told from their scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decoder {
    /// A linear-chain conditional random field over the whole sentence.
    #[default]
    Crf,
    /// A softmax at each position, whatever the tags beside it.
    Softmax,
}

/// Configuration of a [`Tagger`].
///
/// Words and characters are read by layers of one kind, of different sizes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TaggerConfig<K> {
    /// The number of words.
    pub words: usize,
    /// The number of tags.
    pub tags: usize,
    /// The recurrent layers, most often in both directions; their input size is that of the words'
    /// embedding. What is read of the characters comes on top of it.
    pub layer: K,
    /// What reads the characters of each word; nothing by default.
    pub characters: Option<CharactersConfig<K>>,
    /// The probability of dropping a connection that does not recur: after the embeddings,
    /// and before the output; 0 by default. Between layers, the layers say.
    pub dropout: f64,
    /// How tags are told from their scores; by a conditional random field by default.
    pub decoder: Decoder,
}

impl<K> TaggerConfig<K> {
    /// No characters, no dropout, a conditional random field.
    pub fn new(words: usize, tags: usize, layer: K) -> Self {
        Self {
            words,
            tags,
            layer,
            characters: None,
            dropout: 0.0,
            decoder: Decoder::default(),
        }
    }

    /// Sets what reads the characters of each word.
    #[must_use]
    pub fn with_characters(mut self, characters: CharactersConfig<K>) -> Self {
        self.characters = Some(characters);
        self
    }

    /// Sets the probability of dropping a connection that does not recur.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets how tags are told from their scores.
    #[must_use]
    pub fn with_decoder(mut self, decoder: Decoder) -> Self {
        self.decoder = decoder;
        self
    }
}

impl<K: SequenceConfig<Built: Layer>> TaggerConfig<K> {
    /// Builds the model with new weights.
    ///
    /// Embeddings and output start as PyTorch's `Embedding` and `Linear` do: from N(0, 1), and
    /// uniform within 1/sqrt(H).
    ///
    /// # Errors
    ///
    /// When a size is zero, the probability is not in `0.0..1.0`, or a layer is impossible.
    pub fn init(&self, device: &Device) -> Result<Tagger<K::Built>, Error> {
        let (name, features) = ("Tagger", self.layer.input_size());
        Error::unless_positive(name, "words", self.words)?;
        Error::unless_positive(name, "tags", self.tags)?;
        Error::unless_positive(name, "embedding size", features)?;
        let dropout = dropout(name, "dropout", self.dropout)?;
        // Weights are drawn here and now, in this order, so that a seed means the same model.
        let embedding = EmbeddingConfig::new(self.words, features).init(device);
        embedding.weight.val();
        let characters = self.characters.as_ref().map(|config| config.init(device));
        let characters = characters.transpose().map_err(|error| error.within(name))?;

        let spelled = characters.as_ref().map_or(0, |read| read.output_size());
        let layer = self.layer.clone().with_input_size(features + spelled);
        let recurrent = layer.init(device).map_err(|error| error.within(name))?;

        let output = linear(recurrent.output_size(), self.tags, true, device);
        let crf = match self.decoder {
            Decoder::Crf => Some(CrfConfig::new(self.tags).init(device)?),
            Decoder::Softmax => None,
        };
        Ok(Tagger {
            embedding,
            characters,
            recurrent,
            dropout,
            output,
            crf,
            constraints: None,
        })
    }
}

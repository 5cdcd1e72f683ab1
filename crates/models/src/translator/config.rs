//! What a user types for a [`Translator`].

use backdraft_cells::{Error, Layer, SequenceConfig};
use burn::nn::EmbeddingConfig;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{NAME, Translator, within_decoder};
use crate::bridge::state_features;
use crate::causal::runs_forward;
use crate::linear::linear;
use crate::probability::dropout;
use crate::{AttentionConfig, Bridge, Score};

/// Configuration of a [`Translator`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TranslatorConfig<E, D> {
    /// The number of symbols of a source.
    pub source_vocabulary: usize,
    /// The number of symbols of a target, `V`, without its edge.
    pub target_vocabulary: usize,
    /// The layer that reads sources; its input size is the size of their embedding.
    pub encoder: E,
    /// The layer that writes targets, forward; its input size is the size of their embedding.
    pub decoder: D,
    /// How well a step of the source fits one of the target: the additive score by default, and
    /// `None` for no attention at all.
    pub attention: Option<Score>,
    /// Whether the decoder reads `z_{t-1}` beside the symbol: Luong's input feeding; off by default. In training, too,
    /// the decoder then goes step by step, which is slower, and the masks of dropout are drawn anew at each step.
    #[serde(default)]
    pub input_feeding: bool,
    /// The probability of dropping a connection that does not recur: after the embeddings and before
    /// the output; 0 by default.
    pub dropout: f64,
    /// The part of what is right that all symbols share, in training, so that no model is ever quite sure; 0 by
    /// default (Szegedy et al. 2016, arXiv 1512.00567).
    #[serde(default)]
    pub label_smoothing: f64,
}

impl<E, D> TranslatorConfig<E, D> {
    /// Additive attention, no input feeding, no dropout, no label smoothing.
    pub fn new(source_vocabulary: usize, target_vocabulary: usize, encoder: E, decoder: D) -> Self {
        Self {
            source_vocabulary,
            target_vocabulary,
            encoder,
            decoder,
            attention: Some(Score::default()),
            input_feeding: false,
            dropout: 0.0,
            label_smoothing: 0.0,
        }
    }

    /// Sets how well a step of the source fits one of the target; `None` for no attention.
    #[must_use]
    pub fn with_attention(mut self, attention: Option<Score>) -> Self {
        self.attention = attention;
        self
    }

    /// Sets whether the decoder reads what it saw a step before, too.
    #[must_use]
    pub fn with_input_feeding(mut self, input_feeding: bool) -> Self {
        self.input_feeding = input_feeding;
        self
    }

    /// Sets the probability of dropping a connection that does not recur.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets the part of what is right that all symbols share, in training.
    #[must_use]
    pub fn with_label_smoothing(mut self, label_smoothing: f64) -> Self {
        self.label_smoothing = label_smoothing;
        self
    }
}

impl<E, D> TranslatorConfig<E, D>
where
    E: SequenceConfig<Built: Layer>,
    D: SequenceConfig<Built: Layer>,
{
    /// Builds the model with new weights, drawn in the order of the fields of [`Translator`]. With input
    /// feeding the decoder is drawn twice: how much it is fed, only a decoder that has been built tells.
    ///
    /// Embeddings start from N(0, 1), linear maps uniform within one over the square root of what
    /// they read, as PyTorch's do.
    ///
    /// # Errors
    ///
    /// When a size is zero, the probability or the label smoothing is not in `0.0..1.0`, a layer is impossible, the
    /// decoder does not go forward, a dot product is asked of sizes that differ, or input feeding without attention.
    pub fn init(&self, device: &Device) -> Result<Translator<E::Built, D::Built>, Error> {
        for (what, size) in [
            ("source vocabulary size", self.source_vocabulary),
            ("target vocabulary size", self.target_vocabulary),
            ("source embedding size", self.encoder.input_size()),
            ("target embedding size", self.decoder.input_size()),
        ] {
            Error::unless_positive(NAME, what, size)?;
        }
        if self.input_feeding && self.attention.is_none() {
            let expected = "a model with attention";
            return Err(Error::new(NAME, "input feeding", expected, "no attention"));
        }
        let dropout = dropout(NAME, "dropout", self.dropout)?;
        if !(0.0..1.0).contains(&self.label_smoothing) {
            let (expected, found) = ("at least 0 and below 1", self.label_smoothing);
            return Err(Error::new(NAME, "label smoothing", expected, found));
        }
        let embedding = |symbols, features| {
            let embedding = EmbeddingConfig::new(symbols, features).init(device);
            // Drawn here and now, so that a seed means the same model.
            embedding.weight.val();
            embedding
        };
        let source_embedding = embedding(self.source_vocabulary, self.encoder.input_size());
        let encoder = self.encoder.init(device);
        let encoder = encoder.map_err(|error| error.within(format!("encoder of {NAME}")))?;
        let target_embedding = embedding(self.target_vocabulary + 1, self.decoder.input_size());
        let decoder = self.decoder(device).map_err(within_decoder)?;
        runs_forward(NAME, "decoder", &decoder)?;

        let [_, features] = state_features(&encoder.initial_state(1)).dims();
        let bridge = Bridge::init(features, &decoder, device)?;
        let (hidden, annotation) = (decoder.output_size(), encoder.output_size());
        let attention = self.attention.map(|score| {
            let config = AttentionConfig::new(hidden, annotation).with_score(score);
            config.init(device).map_err(|error| error.within(NAME))
        });
        let attention = attention.transpose()?;
        let seen = hidden + attention.as_ref().map_or(0, |_| annotation);
        Ok(Translator {
            source_embedding,
            encoder,
            target_embedding,
            decoder,
            bridge,
            attention,
            combine: linear(seen, hidden, true, device),
            output: linear(hidden, self.target_vocabulary + 1, true, device),
            dropout,
            input_feeding: self.input_feeding,
            label_smoothing: self.label_smoothing,
        })
    }

    /// The layer that writes, with room for what it is fed.
    fn decoder(&self, device: &Device) -> Result<D::Built, Error> {
        let decoder = self.decoder.init(device)?;
        if !self.input_feeding {
            return Ok(decoder);
        }
        // How much that is, only a layer that has been built tells.
        let fed = decoder.input_size() + decoder.output_size();
        self.decoder.clone().with_input_size(fed).init(device)
    }
}

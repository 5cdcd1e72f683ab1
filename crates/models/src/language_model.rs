//! A model of the next symbol.
//!
//! ```text
//! e_t = dropout(m_{x_t} E[x_t])               embedding, E: [V, D]; m drops whole symbols
//! h_t = recurrent layers over e_1 .. e_t      any that run forward in time
//! p(x_{t+1} | x_1 .. x_t) = softmax(U dropout(h_t) + c)       U: [V, H]; U = E when tied;
//!                                              or adaptive, as `Softmax` has it
//! ```
//!
//! Each dropout has a probability of its own, and draws its mask at each step anew or once for all steps of a row
//! (variational), as AWD-LSTM has it (Merity, Keskar and Socher 2018, arXiv 1708.02182). Mikolov et al. 2010, "Recurrent neural network based language model"; tied weights of Press and
//! Wolf 2017 (arXiv 1608.05859) and Inan, Khosravi and Socher 2017 (arXiv 1611.01462).

use backdraft_cells::{Error, Layer, LayerInput, LayerOutput, SequenceConfig, SequenceDropout};
use burn::module::{Module, ModuleDisplay};
use burn::nn::{Embedding, EmbeddingConfig};
use burn::tensor::{Device, Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::causal::runs_forward;
use crate::embedding_dropout::EmbeddingDropout;
use crate::linear::within_root;
use crate::penalties::{Penalties, sum};
use crate::softmax::Softmax;

/// Configuration of a [`LanguageModel`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LanguageModelConfig<K> {
    /// The number of symbols, `V`.
    pub vocabulary_size: usize,
    /// The recurrent layers, which run forward; their input size is the embedding size, `D`.
    pub layer: K,
    /// The probability of dropping a feature after the embedding and before the output; 0 by
    /// default. That between the layers is theirs.
    pub dropout: f64,
    /// The probability of dropping a feature after the embedding; `dropout` if there is none.
    #[serde(default)]
    pub input_dropout: Option<f64>,
    /// The probability of dropping a feature before the output; `dropout` if there is none.
    #[serde(default)]
    pub output_dropout: Option<f64>,
    /// The probability of dropping a symbol of the embedding, wherever it stands in a batch; 0 by default.
    #[serde(default)]
    pub embedding_dropout: f64,
    /// Whether what is dropped after the embedding and before the output is the same at all steps of a row; off by
    /// default.
    #[serde(default)]
    pub variational: bool,
    /// Whether the output weights are those of the embedding, which must then have as many
    /// features as the recurrent stack puts out; off by default.
    pub tied: bool,
    /// Where the vocabulary is cut for an adaptive softmax, the frequent symbols first; nowhere by
    /// default.
    #[serde(default)]
    pub bounds: Vec<usize>,
    /// What is learned beside the cross-entropy; nothing by default.
    pub penalties: Penalties,
}

impl<K> LanguageModelConfig<K> {
    /// No dropout, untied, nothing beside the cross-entropy.
    pub fn new(vocabulary_size: usize, layer: K) -> Self {
        Self {
            vocabulary_size,
            layer,
            dropout: 0.0,
            input_dropout: None,
            output_dropout: None,
            embedding_dropout: 0.0,
            variational: false,
            tied: false,
            bounds: Vec::new(),
            penalties: Penalties::default(),
        }
    }

    /// Sets the probability of dropping a feature after the embedding and before the output.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets the probability of dropping a feature after the embedding, where it is another than that before the output.
    #[must_use]
    pub fn with_input_dropout(mut self, dropout: Option<f64>) -> Self {
        self.input_dropout = dropout;
        self
    }

    /// Sets the probability of dropping a feature before the output, where it is another than that after the embedding.
    #[must_use]
    pub fn with_output_dropout(mut self, dropout: Option<f64>) -> Self {
        self.output_dropout = dropout;
        self
    }

    /// Sets the probability of dropping a symbol of the embedding.
    #[must_use]
    pub fn with_embedding_dropout(mut self, dropout: f64) -> Self {
        self.embedding_dropout = dropout;
        self
    }

    /// Sets whether what is dropped after the embedding and before the output is the same at all steps of a row.
    #[must_use]
    pub fn with_variational(mut self, variational: bool) -> Self {
        self.variational = variational;
        self
    }

    /// Sets whether the output weights are those of the embedding.
    #[must_use]
    pub fn with_tied(mut self, tied: bool) -> Self {
        self.tied = tied;
        self
    }

    /// Sets where the vocabulary is cut for an adaptive softmax.
    #[must_use]
    pub fn with_bounds(mut self, bounds: Vec<usize>) -> Self {
        self.bounds = bounds;
        self
    }

    /// Sets what is learned beside the cross-entropy.
    #[must_use]
    pub fn with_penalties(mut self, penalties: Penalties) -> Self {
        self.penalties = penalties;
        self
    }
}

impl<K: SequenceConfig> LanguageModelConfig<K> {
    /// Numbers that the model learns beside those of its layers, which put out `hidden` features.
    /// Nothing is built, however large it is.
    pub fn num_params_beside(&self, hidden: usize) -> usize {
        let (vocabulary, features) = (self.vocabulary_size, self.layer.input_size());
        let softmax = Softmax::num_params(vocabulary, hidden, &self.bounds, self.tied);
        vocabulary.saturating_mul(features).saturating_add(softmax)
    }
}

impl<K: SequenceConfig<Built: Layer>> LanguageModelConfig<K> {
    /// Builds the model with new weights.
    ///
    /// Embedding and output start as PyTorch's `Embedding` and `Linear` do: from N(0, 1), and
    /// uniform within 1/sqrt(H), or the square root of fewer features in a tail of an adaptive
    /// softmax. Tied weights start uniform within 1/sqrt(H).
    ///
    /// # Errors
    ///
    /// When a size is zero, a probability is not in `0.0..1.0`, a penalty is impossible, tied
    /// sizes differ, bounds do not rise, label smoothing is asked of an adaptive softmax, which does
    /// not compute every symbol, or the layers look ahead.
    pub fn init(&self, device: &Device) -> Result<LanguageModel<K::Built>, Error> {
        let name = "LanguageModel";
        Error::unless_positive(name, "vocabulary size", self.vocabulary_size)?;
        Error::unless_positive(name, "embedding size", self.layer.input_size())?;
        self.penalties.check(name)?;
        let [input_dropout, output_dropout] = self.dropouts(name)?;
        let embedding_dropout = EmbeddingDropout::new(name, self.embedding_dropout)?;

        let (vocabulary, features) = (self.vocabulary_size, self.layer.input_size());
        let embedding = EmbeddingConfig::new(vocabulary, features);
        // Weights are drawn here and now, in this order, so that a seed means the same model.
        let draw_embedding = |initializer| {
            let embedding = embedding.clone().with_initializer(initializer).init(device);
            embedding.weight.val();
            embedding
        };
        let untied = (!self.tied).then(|| draw_embedding(embedding.initializer.clone()));
        let recurrent = self
            .layer
            .init(device)
            .map_err(|error| error.within(name))?;
        runs_forward(name, "layer", &recurrent)?;

        let hidden = recurrent.output_size();
        if self.tied && hidden != features {
            let expected = format!("an embedding of {hidden} features, as the layers put out");
            return Err(Error::new(name, "tied weights", expected, features));
        }
        let smoothing = self.penalties.label_smoothing;
        if smoothing > 0.0 && !self.bounds.is_empty() {
            let expected = "0 where the softmax is adaptive";
            return Err(Error::new(name, "label smoothing", expected, smoothing));
        }
        let embedding = untied.unwrap_or_else(|| draw_embedding(within_root(hidden)));
        let output = Softmax::new(vocabulary, hidden, &self.bounds, self.tied, device)?;
        Ok(LanguageModel {
            embedding,
            recurrent,
            embedding_dropout,
            input_dropout,
            output_dropout,
            output,
            penalties: self.penalties,
        })
    }

    /// What drops after the embedding and before the output.
    fn dropouts(&self, name: &str) -> Result<[SequenceDropout; 2], Error> {
        let make = |probability: Option<f64>| {
            let probability = probability.unwrap_or(self.dropout);
            let drops = probability > 0.0;
            SequenceDropout::new(name, probability)?
                .with_variational(name, self.variational && drops)
        };
        let both = [make(self.input_dropout)?, make(self.output_dropout)?];
        if self.variational && both.iter().all(|drops| drops.dropout.prob == 0.0) {
            let expected = "a dropout after the embedding or before the output";
            return Err(Error::new(name, "variational dropout", expected, "none"));
        }
        Ok(both)
    }
}

/// A model of the next symbol.
#[derive(Module, Debug)]
pub struct LanguageModel<L: Module + ModuleDisplay> {
    /// `E`.
    pub embedding: Embedding,
    /// The recurrent layers.
    pub recurrent: L,
    embedding_dropout: EmbeddingDropout,
    input_dropout: SequenceDropout,
    output_dropout: SequenceDropout,
    /// `U` and `c`, and what else makes probabilities.
    pub output: Softmax,
    #[module(skip)]
    penalties: Penalties,
}

/// How well each next symbol was foreseen.
#[derive(Debug, Clone)]
pub struct SymbolLoss<S> {
    /// `-ln p` of each target: `[batch * time]`, in nats.
    pub nats: Tensor<1>,
    /// What is learned beside their mean, in training: one number.
    pub penalty: Option<Tensor<1>>,
    /// The state after the last step.
    pub state: S,
}

/// What the layers below the output make of symbols.
struct ReadOutputs<S> {
    /// What the recurrent layers put out: `[batch, time, H]`.
    outputs: Tensor<3>,
    /// The same after dropout.
    features: Tensor<3>,
    state: S,
}

impl<L: Layer> LanguageModel<L> {
    /// The device that the model is on.
    pub fn device(&self) -> Device {
        self.output.bias.val().device()
    }

    /// The number of symbols.
    pub fn vocabulary_size(&self) -> usize {
        self.output.vocabulary_size()
    }

    /// The state of a text that has just begun.
    pub fn initial_state(&self, batch: usize) -> L::State {
        self.recurrent.initial_state(batch)
    }

    /// The scores (logits) of what comes after each symbol of `[batch, time]`:
    /// `[batch, time, vocabulary]`.
    ///
    /// # Errors
    ///
    /// When the state does not fit. Symbols must be below the vocabulary size.
    pub fn forward(
        &self,
        symbols: Tensor<2, Int>,
        state: Option<L::State>,
    ) -> Result<LayerOutput<L::State>, Error> {
        let read = self.read(symbols, state)?;
        Ok(LayerOutput {
            outputs: self.scores(read.features),
            state: read.state,
        })
    }

    /// Everything below the output layer.
    fn read(
        &self,
        symbols: Tensor<2, Int>,
        state: Option<L::State>,
    ) -> Result<ReadOutputs<L::State>, Error> {
        let embedded = self.embedding_dropout.forward(&self.embedding, symbols);
        let embedded = self.input_dropout.forward(embedded);
        let run = self
            .recurrent
            .forward(LayerInput::new(embedded).with_state(state))?;
        Ok(ReadOutputs {
            features: self.output_dropout.forward(run.outputs.clone()),
            outputs: run.outputs,
            state: run.state,
        })
    }

    /// The scores of what comes next, whose softmax its probabilities are, of `[batch, time, H]`
    /// after dropout: `[batch, time, vocabulary]`.
    pub fn scores(&self, features: Tensor<3>) -> Tensor<3> {
        let [batch, time, hidden] = features.dims();
        let features = features.reshape([batch * time, hidden]);
        let scores = self.output.scores(features, &self.embedding.weight);
        scores.reshape([batch, time, self.vocabulary_size()])
    }

    /// The cross-entropy of each position: how little `targets` (`[batch, time]`, each the symbol
    /// after the one in `symbols`) was foreseen.
    ///
    /// # Errors
    ///
    /// As [`forward`](Self::forward); and when the targets are not of the inputs' shape.
    pub fn loss(
        &self,
        symbols: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        state: Option<L::State>,
    ) -> Result<SymbolLoss<L::State>, Error> {
        let (expected, found) = (symbols.dims(), targets.dims());
        if expected != found {
            let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
            return Err(Error::new(
                "LanguageModel",
                "targets [batch, time]",
                expected,
                found,
            ));
        }
        let positions = expected[0] * expected[1];
        let read = self.read(symbols, state)?;
        let trains = read.outputs.device().is_autodiff();
        let penalty = match trains {
            true => self.penalties.activations(&read.outputs, &read.features)?,
            false => None,
        };
        let hidden = read.features.dims()[2];
        let features = read.features.reshape([positions, hidden]);
        let targets = targets.reshape([positions]);
        let embedding = &self.embedding.weight;
        let (nats, scores) = self.output.nats(features, targets.clone(), embedding);
        let smoothing = scores
            .filter(|_| trains)
            .and_then(|scores| self.penalties.smoothing(scores, targets));
        Ok(SymbolLoss {
            penalty: sum([penalty, smoothing]),
            nats,
            state: read.state,
        })
    }
}

//! A model of the next symbol.
//!
//! ```text
//! e_t = dropout(E[x_t])                       embedding, E: [V, D]
//! h_t = recurrent stack over e_1 .. e_t       backdraft_cells::Deep
//! p(x_{t+1} | x_1 .. x_t) = softmax(U dropout(h_t) + c)       U: [V, H]; U = E when tied
//! ```
//!
//! Mikolov et al. 2010, "Recurrent neural network based language model"; tied weights of Press and
//! Wolf 2017 (arXiv 1608.05859) and Inan, Khosravi and Socher 2017 (arXiv 1611.01462).

use backdraft_cells::{
    Cell, Deep, DeepConfig, Error, Layer, Recurrent, RecurrentConfig, Run, SequenceConfig,
};
use burn::module::{Module, ModuleDisplay, Param};
use burn::nn::{Dropout, DropoutConfig, Embedding, EmbeddingConfig, Initializer};
use burn::tensor::{Device, Int, Tensor, activation::log_softmax};
use serde::{Deserialize, Serialize};

use crate::{Generator, Sampling};

/// Configuration of a [`LanguageModel`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LanguageModelConfig<K> {
    /// The number of symbols, `V`.
    pub vocabulary_size: usize,
    /// The cell of the lowest layer; its input size is the embedding size, `D`.
    pub cell: K,
    /// The number of recurrent layers; 1 by default.
    pub layers: usize,
    /// The probability of dropping a connection that does not recur: after the embedding, between
    /// layers, and before the output; 0 by default.
    pub dropout: f64,
    /// Whether the output weights are those of the embedding, which must then have as many
    /// features as the recurrent stack puts out; off by default.
    pub tied: bool,
}

impl<K> LanguageModelConfig<K> {
    /// One layer, no dropout, untied.
    pub fn new(vocabulary_size: usize, cell: K) -> Self {
        Self {
            vocabulary_size,
            cell,
            layers: 1,
            dropout: 0.0,
            tied: false,
        }
    }

    /// Sets the number of recurrent layers.
    #[must_use]
    pub fn with_layers(mut self, layers: usize) -> Self {
        self.layers = layers;
        self
    }

    /// Sets the probability of dropping a connection that does not recur.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets whether the output weights are those of the embedding.
    #[must_use]
    pub fn with_tied(mut self, tied: bool) -> Self {
        self.tied = tied;
        self
    }
}

impl<K: SequenceConfig<Built: Cell>> LanguageModelConfig<K> {
    /// Builds the model with new weights.
    ///
    /// Embedding and output start as PyTorch's `Embedding` and `Linear` do: from N(0, 1), and
    /// uniform within 1/sqrt(H). Tied weights start uniform within 1/sqrt(H).
    ///
    /// # Errors
    ///
    /// When a size is zero, the probability is not in `0.0..1.0`, or tied sizes differ.
    pub fn init(&self, device: &Device) -> Result<LanguageModel<K::Built>, Error> {
        let name = "LanguageModel";
        Error::unless_positive(name, "vocabulary size", self.vocabulary_size)?;
        Error::unless_positive(name, "embedding size", self.cell.input_size())?;
        let stack = DeepConfig::new(RecurrentConfig::new(self.cell.clone()), self.layers)
            .with_dropout(self.dropout);

        let (vocabulary, features) = (self.vocabulary_size, self.cell.input_size());
        let embedding = EmbeddingConfig::new(vocabulary, features);
        // Weights are drawn here and now, in this order, so that a seed means the same model.
        let draw_embedding = |initializer| {
            let embedding = embedding.clone().with_initializer(initializer).init(device);
            embedding.weight.val();
            embedding
        };
        let untied = (!self.tied).then(|| draw_embedding(embedding.initializer.clone()));
        let recurrent = stack.init(device).map_err(|error| error.within(name))?;

        let hidden = recurrent.output_size();
        if self.tied && hidden != features {
            let expected = format!("an embedding of {hidden} features, as the layers put out");
            return Err(Error::new(name, "tied weights", expected, features));
        }
        let bound = (hidden as f64).sqrt().recip();
        let uniform = Initializer::Uniform {
            min: -bound,
            max: bound,
        };
        let embedding = untied.unwrap_or_else(|| draw_embedding(uniform.clone()));
        let output_weight = (!self.tied).then(|| {
            Param::from_tensor(
                uniform
                    .init([vocabulary, hidden], device)
                    .into_value()
                    .detach(),
            )
        });
        let output_bias =
            Param::from_tensor(uniform.init([vocabulary], device).into_value().detach());
        let dropout = DropoutConfig::new(self.dropout).init();
        Ok(LanguageModel {
            embedding,
            recurrent,
            dropout,
            output_weight,
            output_bias,
        })
    }
}

/// A model of the next symbol.
#[derive(Module, Debug)]
pub struct LanguageModel<C: Module + ModuleDisplay> {
    /// `E`.
    pub embedding: Embedding,
    /// The recurrent layers.
    pub recurrent: Deep<Recurrent<C>>,
    dropout: Dropout,
    /// `U`, unless it is `E`.
    pub output_weight: Option<Param<Tensor<2>>>,
    /// `c`.
    pub output_bias: Param<Tensor<1>>,
}

/// How well each next symbol was foreseen.
#[derive(Debug, Clone)]
pub struct SymbolLoss<S> {
    /// `-ln p` of each target: `[batch * time]`, in nats.
    pub nats: Tensor<1>,
    /// The state after the last step.
    pub state: S,
}

/// The state of a language model: one of its cell's for each layer.
type ModelState<C> = Vec<<C as Cell>::State>;

impl<C: Cell> LanguageModel<C> {
    /// The number of symbols.
    pub fn vocabulary_size(&self) -> usize {
        self.output_bias.dims()[0]
    }

    /// The state of a text that has just begun.
    pub fn initial_state(&self, batch: usize) -> ModelState<C> {
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
        state: Option<ModelState<C>>,
    ) -> Result<Run<ModelState<C>>, Error> {
        let embedded = self.dropout.forward(self.embedding.forward(symbols));
        let run = self.recurrent.forward(embedded, state, None)?;
        let [batch, time, hidden] = run.outputs.dims();
        let features = self
            .dropout
            .forward(run.outputs.reshape([batch * time, hidden]));
        let weight = self
            .output_weight
            .as_ref()
            .unwrap_or(&self.embedding.weight)
            .val();
        let scores = features.matmul(weight.transpose()) + self.output_bias.val().unsqueeze();
        let outputs = scores.reshape([batch, time, self.vocabulary_size()]);
        Ok(Run {
            outputs,
            state: run.state,
        })
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
        state: Option<ModelState<C>>,
    ) -> Result<SymbolLoss<ModelState<C>>, Error> {
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
        let run = self.forward(symbols, state)?;
        let scores = run.outputs.reshape([positions, self.vocabulary_size()]);
        let log_p = log_softmax(scores, 1).gather(1, targets.reshape([positions, 1]));
        Ok(SymbolLoss {
            nats: -log_p.reshape([positions]),
            state: run.state,
        })
    }

    /// Something that writes text, symbol by symbol, carrying its state.
    ///
    /// # Errors
    ///
    /// When a setting of `sampling` is impossible.
    pub fn generator(&self, sampling: Sampling, seed: u64) -> Result<Generator<C>, Error> {
        Generator::new(self.valid(), sampling, seed)
    }
}

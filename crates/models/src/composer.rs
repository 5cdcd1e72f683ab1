//! A model of a text given what it is to be about: a tune by its key and its rhythm, a name by a word,
//! a poem by a vector. One to many.
//!
//! ```text
//! v = (K[k_1] + .. + K[k_n]) / n               of a key of words k, in any order; or v = a, a vector
//! s_0 = bridge(v)                              where the layers begin, if by the state
//! x_t = [dropout(E y_{t-1}), v]                what they read, if at each step; without v, if not
//! h_1 .. h_T = layers(x_1 .. x_T)              from s_0; y_0 = <BOS>
//! p(y_t | key, y_1 .. y_{t-1}) = softmax(U dropout(h_t) + d)
//! ```
//!
//! The state as in Cho et al. 2014 (arXiv 1406.1078) and Vinyals et al. 2015 (arXiv 1411.4555), where
//! the vector is that of an image; each step as in Mikolov and Zweig 2012, "Context dependent recurrent
//! neural network language model".
//!
//! A text has symbols `0 .. V`. The model itself adds one, `V`, for its edge: `<BOS>` where it is read,
//! `<EOS>` where it is foreseen. Texts are given, and come, without it.

mod config;
mod writing;

use backdraft_cells::{Error, Layer, LayerInput, Lengths};
use burn::module::{Module, ModuleDisplay};
use burn::nn::{Dropout, Embedding, Linear};
use burn::tensor::{Device, Int, Tensor};

use crate::source::embedded;
use crate::teacher::Teacher;
use crate::{Bridge, Inputs, Pool};
pub use config::{ComposerConfig, Conditioning};

const NAME: &str = "Composer";

/// A model of a text given what it is to be about.
#[derive(Module, Debug)]
pub struct Composer<L: Module + ModuleDisplay> {
    /// `K`, if keys are words.
    pub key_embedding: Option<Embedding>,
    /// What makes one vector of a key's.
    pub pool: Pool,
    /// `E`, whose last row is that of `<BOS>`.
    pub embedding: Embedding,
    /// The recurrent layers.
    pub recurrent: L,
    /// From `v` to `s_0`, if texts begin with it.
    pub bridge: Option<Bridge>,
    /// `U` and `d`, whose last row is that of `<EOS>`.
    pub output: Linear,
    dropout: Dropout,
    #[module(skip)]
    conditioning: Conditioning,
}

/// Where texts begin.
struct Begun<S> {
    /// `v`: `[batch, features]`.
    key: Tensor<2>,
    state: S,
}

impl<L: Layer> Composer<L> {
    /// The number of symbols of a text, `V`, without its edge.
    pub fn vocabulary_size(&self) -> usize {
        self.embedding.weight.dims()[0] - 1
    }

    /// The symbol of the edge of a text: `<BOS>` and `<EOS>`, `V`.
    pub fn edge(&self) -> u32 {
        self.vocabulary_size() as u32
    }

    /// The device that the model is on.
    pub fn device(&self) -> Device {
        self.output.weight.val().device()
    }

    /// `v` and `s_0` of keys: words `[batch, n]`, or a vector each, `[batch, 1, features]`.
    fn begin(&self, key: Inputs, lengths: &Lengths) -> Result<Begun<L::State>, Error> {
        let embedded = embedded(NAME, self.key_embedding.as_ref(), key, lengths)?;
        let key = self.pool.forward(embedded, lengths);
        let key = key.map_err(|error| error.within(NAME))?;
        let [batch, _] = key.dims();
        let state = match &self.bridge {
            Some(bridge) => bridge.forward(key.clone(), &self.recurrent)?,
            None => self.recurrent.initial_state(batch),
        };
        Ok(Begun { key, state })
    }

    /// `x_t` of symbols `[batch, time]`.
    fn read(&self, symbols: Tensor<2, Int>, key: &Tensor<2>) -> Tensor<3> {
        let read = self.dropout.forward(self.embedding.forward(symbols));
        if !self.conditioning.is_at_each_step() {
            return read;
        }
        let ([batch, time, _], [_, features]) = (read.dims(), key.dims());
        let key = key.clone().unsqueeze_dim::<3>(1);
        Tensor::cat(vec![read, key.expand([batch, time, features])], 2)
    }

    /// The scores of each symbol and of the end, of `h_t`.
    fn scores(&self, hidden: Tensor<2>) -> Tensor<2> {
        self.output.forward(self.dropout.forward(hidden))
    }

    /// How little each symbol of the texts (`[batch, time]`) was foreseen, in nats: row by row, the end
    /// of each row included, `[text_lengths.total() + batch]`.
    ///
    /// `key` is words, `[batch, n]`, or vectors, `[batch, 1, features]`.
    ///
    /// # Errors
    ///
    /// When the key is of the other kind or of another size, or batch sizes or lengths do not fit.
    /// Symbols must be below the sizes of the vocabularies.
    pub fn loss(
        &self,
        key: impl Into<Inputs>,
        key_lengths: &Lengths,
        text: Tensor<2, Int>,
        text_lengths: &Lengths,
    ) -> Result<Tensor<1>, Error> {
        let key = key.into();
        let [rows, _] = key.dims();
        let teacher = Teacher::new(NAME, rows, text, text_lengths, self.edge())?;
        let begun = self.begin(key, key_lengths)?;
        let read = self.read(teacher.inputs.clone(), &begun.key);
        let lengths = Some(&teacher.lengths);
        let run = self.recurrent.forward(
            LayerInput::new(read)
                .with_state(begun.state)
                .with_lengths(lengths),
        );
        let run = run.map_err(|error| error.within(NAME))?;
        Ok(teacher.nats(run.outputs, |hidden| self.scores(hidden), 0.0))
    }
}

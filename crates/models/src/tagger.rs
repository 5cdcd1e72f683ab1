//! A model that gives every word of a sentence a tag.
//!
//! ```text
//! c_w = [h_n forward ; h_1 reverse] of the characters of word w      if it reads characters
//! x_t = dropout([E[w_t] ; c_{w_t}])                  word and spelling, side by side
//! h_t = recurrent stack over x_1 .. x_n, most often both ways
//! e_t = U dropout(h_t) + c                           emissions: one score a tag
//! p(y | x) = crf(e)_y   or   prod_t softmax(e_t)_{y_t}
//! ```
//!
//! Lample et al. 2016, "Neural architectures for named entity recognition" (arXiv 1603.01360); Ma
//! and Hovy 2016 (arXiv 1603.01354) read the characters by a convolution instead. With a softmax
//! at each position: Ling et al. 2015, "Finding function in form" (arXiv 1508.02096).

use backdraft_cells::{Error, Layer, LayerInput, Lengths};
use burn::module::{Module, ModuleDisplay};
use burn::nn::{Dropout, Embedding, Linear};
use burn::tensor::{Int, Tensor, activation::log_softmax};

use crate::host::numbers;
use crate::{Constraints, Crf};
pub use characters::{Characters, CharactersConfig};
pub use config::{Decoder, TaggerConfig};
pub use input::{Spellings, TaggerInput, padded};

mod characters;
mod config;
mod input;

/// A model that gives every word of a sentence a tag.
#[derive(Module, Debug)]
pub struct Tagger<L: Module + ModuleDisplay> {
    /// `E`.
    pub embedding: Embedding,
    /// What reads the characters of a word, if anything does.
    pub characters: Option<Characters<L>>,
    /// The recurrent layers.
    pub recurrent: L,
    dropout: Dropout,
    /// `U` and `c`.
    pub output: Linear,
    /// The field over whole tag sequences; without one, each position has its own softmax.
    pub crf: Option<Crf>,
    /// What sequences of tags are allowed when tags are told; all without it.
    #[module(skip)]
    constraints: Option<Constraints>,
}

impl<L: Layer> Tagger<L> {
    /// The number of words that have an embedding.
    pub fn words(&self) -> usize {
        self.embedding.weight.dims()[0]
    }

    /// The number of tags.
    pub fn tags(&self) -> usize {
        self.output.weight.dims()[1]
    }

    /// Sets which sequences of tags [`decode`](Self::decode) may give; it is not asked in training.
    ///
    /// # Errors
    ///
    /// When the constraints are of another number of tags.
    pub fn with_constraints(self, constraints: Option<Constraints>) -> Result<Self, Error> {
        if let Some(found) = constraints.as_ref().map(Constraints::tags)
            && found != self.tags()
        {
            let expected = self.tags();
            return Err(Error::new(
                "Tagger",
                "tags of the constraints",
                expected,
                found,
            ));
        }
        Ok(Self {
            constraints,
            ..self
        })
    }

    /// The scores of each tag at each position, as the decoder gets them: `[batch, time, tags]`.
    ///
    /// # Errors
    ///
    /// When a shape or a length does not fit, and when the model reads characters and there are
    /// none. What is in the input must be below the sizes that the model was built for.
    pub fn emissions(&self, input: &TaggerInput) -> Result<Tensor<3>, Error> {
        let name = "Tagger";
        input.check(name)?;
        let [_, time] = input.words.dims();
        let padding = input.lengths.mask(time, &input.words.device()).bool_not();
        let words = input.words.clone().mask_fill(padding.clone(), 0);
        let embedded = self.embedding.forward(words);
        let read = match (&self.characters, &input.spellings) {
            (None, _) => embedded,
            (Some(characters), Some(spellings)) => {
                let spelled = characters.forward(spellings, padding, &self.dropout)?;
                Tensor::cat(vec![embedded, spelled], 2)
            }
            (Some(_), None) => {
                let expected = "the characters of each word";
                return Err(Error::new(name, "spellings", expected, "none"));
            }
        };
        let read = self.dropout.forward(read);
        let run = self
            .recurrent
            .forward(LayerInput::new(read).with_lengths(&input.lengths))
            .map_err(|error| error.within(name))?;
        Ok(self.output.forward(self.dropout.forward(run.outputs)))
    }

    /// `-ln p(tags)` of each sentence, in nats: `[batch]`, of tags `[batch, time]`. Their sum over
    /// `input.lengths.total()` is the mean of a position.
    ///
    /// # Errors
    ///
    /// As [`emissions`](Self::emissions); and when the tags are not of the words' shape. They must
    /// be below the number of tags.
    pub fn loss(&self, input: &TaggerInput, tags: Tensor<2, Int>) -> Result<Tensor<1>, Error> {
        if tags.dims() != input.words.dims() {
            let (expected, found) = (input.words.dims(), tags.dims());
            return Err(Error::shape(
                "Tagger",
                "tags [batch, time]",
                expected,
                found,
            ));
        }
        let emissions = self.emissions(input)?;
        match &self.crf {
            Some(crf) => crf.nats(emissions, tags, &input.lengths),
            None => Ok(softmax_nats(emissions, tags, &input.lengths)),
        }
    }

    /// How likely each tag is at each word, whatever the others are: `[sentence][word][tag]`. By the forward and
    /// backward recursion under a field, else by the softmax at each position; constraints are not asked.
    ///
    /// # Errors
    ///
    /// As [`emissions`](Self::emissions).
    pub fn marginals(&self, input: &TaggerInput) -> Result<Vec<Vec<Vec<f64>>>, Error> {
        let emissions = self.emissions(input)?;
        if let Some(crf) = &self.crf {
            return crf.marginals(emissions, &input.lengths);
        }
        let [_, time, tags] = emissions.dims();
        let p = log_softmax(emissions, 2).exp().into_data();
        let p: Vec<f64> = p.iter().collect();
        let rows = p.chunks(time * tags).zip(input.lengths.as_slice());
        let row = |(row, &length): (&[f64], &usize)| {
            let words = row.chunks(tags).take(length);
            words.map(<[f64]>::to_vec).collect()
        };
        Ok(rows.map(row).collect())
    }

    /// The likeliest tags of each sentence: as many as it has words. By Viterbi's algorithm under a field or
    /// constraints, else position by position.
    ///
    /// # Errors
    ///
    /// As [`emissions`](Self::emissions).
    pub fn decode(&self, input: &TaggerInput) -> Result<Vec<Vec<usize>>, Error> {
        let emissions = self.emissions(input)?;
        let [_, time, tags] = emissions.dims();
        match (&self.crf, &self.constraints) {
            (Some(crf), Some(constraints)) => {
                return crf.decode_within(emissions, &input.lengths, constraints);
            }
            (Some(crf), None) => return crf.decode(emissions, &input.lengths),
            (None, Some(constraints)) => {
                let chain = constraints.alone();
                let scores: Vec<f64> = numbers(&emissions.into_data());
                let rows = scores.chunks(time * tags).zip(input.lengths.as_slice());
                let rows = rows.map(|(row, &length)| chain.viterbi(&row[..length * tags]));
                return Ok(rows.collect());
            }
            (None, None) => {}
        }
        let best = emissions.argmax(2).into_data();
        let best: Vec<usize> = best.iter::<i64>().map(|tag| tag as usize).collect();
        let rows = best.chunks(time).zip(input.lengths.as_slice());
        Ok(rows.map(|(row, &length)| row[..length].to_vec()).collect())
    }
}

/// `sum_t -ln softmax(e_t)_{y_t}` over each row's valid positions: `[batch]`.
fn softmax_nats(emissions: Tensor<3>, tags: Tensor<2, Int>, lengths: &Lengths) -> Tensor<1> {
    let [batch, time, _] = emissions.dims();
    let padding = lengths.mask(time, &emissions.device()).bool_not();
    let tags = tags.mask_fill(padding.clone(), 0);
    let log_p = log_softmax(emissions, 2).gather(2, tags.unsqueeze_dim(2));
    let nats = -log_p.reshape([batch, time]).mask_fill(padding, 0.0);
    nats.sum_dim(1).reshape([batch])
}

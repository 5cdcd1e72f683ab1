//! What a word's spelling tells of it.
//!
//! ```text
//! h_1 .. h_n = the word's characters, embedded, dropped out, read in both directions
//! c = [h_n forward ; h_1 reverse]            where each direction ends
//! ```
//!
//! Each distinct word of a batch is read once, and what was read is put where the word stands.

use backdraft_cells::{Error, Layer, LayerInput, SequenceConfig};
use burn::module::{Module, ModuleDisplay};
use burn::nn::{Dropout, Embedding, EmbeddingConfig};
use burn::tensor::{Bool, Device, Tensor};
use serde::{Deserialize, Serialize};

use super::Spellings;
use crate::{Pool, Pooling};

/// Configuration of [`Characters`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CharactersConfig<K> {
    /// The number of characters.
    pub alphabet_size: usize,
    /// What reads them, most often in both directions; its input size is that of their embedding.
    pub layer: K,
}

impl<K> CharactersConfig<K> {
    /// So many characters, read by this layer.
    pub fn new(alphabet_size: usize, layer: K) -> Self {
        Self {
            alphabet_size,
            layer,
        }
    }
}

impl<K: SequenceConfig<Built: Layer>> CharactersConfig<K> {
    /// Builds it with new weights: the embedding from N(0, 1), then the layer.
    ///
    /// # Errors
    ///
    /// When a size is zero or the layer is impossible.
    pub fn init(&self, device: &Device) -> Result<Characters<K::Built>, Error> {
        let (name, features) = ("Characters", self.layer.input_size());
        Error::unless_positive(name, "alphabet size", self.alphabet_size)?;
        Error::unless_positive(name, "embedding size", features)?;
        let embedding = EmbeddingConfig::new(self.alphabet_size, features).init(device);
        embedding.weight.val();
        let recurrent = self.layer.init(device);
        let recurrent = recurrent.map_err(|error| error.within(name))?;
        let pool = Pooling::Last.init(recurrent.output_size(), recurrent.direction(), device);
        Ok(Characters {
            embedding,
            recurrent,
            pool: pool.map_err(|error| error.within(name))?,
        })
    }
}

/// What reads the characters of words.
#[derive(Module, Debug)]
pub struct Characters<L: Module + ModuleDisplay> {
    /// The characters' embedding.
    pub embedding: Embedding,
    /// What reads them.
    pub recurrent: L,
    /// Where each direction ends.
    pub pool: Pool,
}

impl<L: Layer> Characters<L> {
    /// Features of a word: those of all directions.
    pub fn output_size(&self) -> usize {
        self.recurrent.output_size()
    }

    /// The number of characters.
    pub fn alphabet_size(&self) -> usize {
        self.embedding.weight.dims()[0]
    }

    /// `c` of the word at each position, those of `padding` aside: `[batch, time, output_size]`.
    pub(super) fn forward(
        &self,
        spellings: &Spellings,
        padding: Tensor<2, Bool>,
        dropout: &Dropout,
    ) -> Result<Tensor<3>, Error> {
        let [batch, time] = padding.dims();
        let [_, longest] = spellings.characters.dims();
        let there = spellings.lengths.mask(longest, &padding.device());
        let characters = spellings.characters.clone();
        let characters = characters.mask_fill(there.bool_not(), 0);
        let embedded = dropout.forward(self.embedding.forward(characters));
        let run = self
            .recurrent
            .forward(LayerInput::new(embedded).with_lengths(&spellings.lengths))
            .map_err(|error| error.within("Characters"))?;
        let words = self.pool.forward(run.outputs, &spellings.lengths)?;
        let word_of = spellings.word_of.clone().mask_fill(padding, 0);
        let placed = words.select(0, word_of.reshape([batch * time]));
        Ok(placed.reshape([batch, time, self.output_size()]))
    }
}

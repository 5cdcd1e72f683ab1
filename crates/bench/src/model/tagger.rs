//! A tagger: words and their characters, layers in both directions, a conditional random field.
//!
//! ```text
//! c_w = [LSTM(D[w's characters])_n, LSTM(.. reversed)_n]      25 units each; D: [V, 25]
//! x_t = [E[w_t], c_{w_t}]                                     E: [words, I]
//! h_t = [LSTM(x)_t, LSTM(x reversed)_t]                       H units each
//! e_t = U h_t + d                                             U: [20, 2 H]
//! L   = mean over the sentences of -ln p(y | e)               by a linear chain: A: [20, 20], a, b: [20]
//! ```
//!
//! The sizes of Lample et al. 2016 (arXiv 1603.01360); those of Ma and Hovy 2016 (arXiv 1603.01354) are
//! similar. A batch is `B` sentences of up to `T` words of up to 12 characters, most of which are shorter:
//! rows are padded.
//!
//! Ours reads words that are spelled alike once. In PyTorch it is measured as it is usually written, with
//! `pack_padded_sequence`, each word read where it stands; and as it could be written, with each distinct
//! word read once, and each direction of a layer one `nn.LSTM` over padded rows, which are turned round for
//! the reverse: PyTorch runs packed sequences without the kernels of oneDNN.

mod sentences;

use backdraft_cells::{DeepConfig, Layer, LstmConfig, Path};
use backdraft_models::{
    CharactersConfig, Encoder, EncoderConfig, Tagger, TaggerConfig, TaggerInput, padded,
};
use backdraft_train::TagBatch;
use burn::tensor::Device;
use serde_json::{Value, json};

use super::{ModelSetup, VOCABULARY, product_flops};
use crate::{BenchError, PyTorchProgram, Shape};
use sentences::Sentences;

/// Words that have an embedding.
const WORDS: usize = 10_000;

/// Characters of the longest words.
const LONGEST_WORD: usize = 12;

/// Features of a character, and units of each direction over them.
const SPELLING: usize = 25;

/// Tags, as many as the four kinds of names of CoNLL-2003 have by the scheme IOBES, and some.
const TAGS: usize = 20;

/// A tagger of LSTMs.
#[derive(Debug, Clone, Copy)]
pub struct TaggerSetup {
    shape: Shape,
}

impl TaggerSetup {
    /// The mean over the batches.
    fn mean(self, count: impl Fn(&Sentences) -> usize) -> f64 {
        let batches = Sentences::drawn(self.shape);
        let all: usize = batches.iter().map(count).sum();
        all as f64 / batches.len() as f64
    }
}

impl ModelSetup for TaggerSetup {
    type Model = Tagger<Encoder>;

    const SHAPE: Shape = Shape {
        batch: 32,
        time: 40,
        input: 100,
        hidden: 100,
    };

    const PYTORCH: &'static [PyTorchProgram] = &[
        PyTorchProgram {
            name: "pytorch-packed",
            way: Some("packed sequences, the characters of each word read where it stands"),
            script: include_str!("../../peers/tagger.py"),
            class: "PackedTagger",
        },
        PyTorchProgram {
            name: "pytorch-unpacked",
            way: Some(
                "an nn.LSTM for each direction, on padded rows; each distinct word read once",
            ),
            script: include_str!("../../peers/tagger.py"),
            class: "UnpackedTagger",
        },
    ];

    fn all(shape: Shape) -> Vec<Self> {
        vec![Self { shape }]
    }

    fn name(&self) -> &'static str {
        "tagger"
    }

    fn shape(&self) -> Shape {
        self.shape
    }

    fn layers(&self) -> usize {
        1
    }

    fn vocabulary(&self) -> usize {
        WORDS
    }

    fn describe(&self) -> String {
        format!(
            "{WORDS} words and {VOCABULARY} characters, LSTMs in both directions, conditional random \
             field over {TAGS} tags"
        )
    }

    fn init(&self, device: &Device) -> Result<Self::Model, BenchError> {
        let both = |input, hidden| {
            let cell = LstmConfig::new(input, hidden).into();
            EncoderConfig::new(DeepConfig::new(cell, self.layers())).with_both(true)
        };
        let words = both(self.shape.input, self.shape.hidden);
        let characters = CharactersConfig::new(VOCABULARY, both(SPELLING, SPELLING));
        let config = TaggerConfig::new(WORDS, TAGS, words).with_characters(characters);
        Ok(config.init(device)?)
    }

    fn paths(model: &Self::Model) -> Vec<(String, Path)> {
        let characters = model.characters.iter();
        let characters = characters.flat_map(|read| read.recurrent.paths());
        characters.chain(model.recurrent.paths()).collect()
    }

    fn batches(&self, device: &Device) -> Vec<TagBatch> {
        let batch = |sentences: Sentences| {
            let input = TaggerInput::new(&sentences.words, device);
            let input = input.and_then(|input| input.with_spellings(&sentences.spellings));
            TagBatch {
                input: input.expect("each sentence has a word, and each word a character"),
                tags: padded(&sentences.tags, device),
            }
        };
        Sentences::drawn(self.shape)
            .into_iter()
            .map(batch)
            .collect()
    }

    fn sizes(&self) -> Value {
        let Shape { input, hidden, .. } = self.shape;
        json!({
            "words": WORDS, "embedding": input, "hidden": hidden,
            "alphabet": VOCABULARY, "spelling": SPELLING, "tags": TAGS,
        })
    }

    fn symbols(&self) -> Value {
        json!(Sentences::drawn(self.shape))
    }

    fn symbols_read(&self) -> f64 {
        self.mean(Sentences::words)
    }

    /// Those of the layers and of the emissions, padding aside; the recursion of the field is none.
    fn training_flops(&self) -> f64 {
        let Shape { input, hidden, .. } = self.shape;
        let both = |steps, input, hidden| 2.0 * product_flops(steps, input + hidden, 4 * hidden);
        let spelled = both(
            self.mean(Sentences::distinct_characters),
            SPELLING,
            SPELLING,
        );
        let words = self.symbols_read();
        let read = both(words, input + 2 * SPELLING, hidden);
        spelled + read + product_flops(words, 2 * hidden, TAGS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeviceChoice, ModelStep};

    #[test]
    fn a_batch_is_padded_to_its_longest_sentence() {
        let shape = "3,9,4,5".parse().unwrap();
        let batches = TaggerSetup { shape }.batches(&Device::default());
        for (batch, sentences) in batches.into_iter().zip(Sentences::drawn(shape)) {
            let longest = sentences.words.iter().map(Vec::len).max().unwrap();
            assert_eq!(batch.tags.dims(), [3, longest]);
            assert_eq!(batch.input.words.dims(), [3, longest]);
            assert_eq!(batch.input.lengths.total(), sentences.words());
            let spelled = batch.input.spellings.unwrap().lengths.total();
            assert_eq!(spelled, sentences.distinct_characters());
        }
    }

    #[test]
    fn the_operations_are_those_of_three_products_of_each_matrix() {
        // One word each; only the characters differ from batch to batch.
        let shape = "2,1,3,5".parse().unwrap();
        let batches = Sentences::drawn(shape);
        let characters = batches.iter().map(Sentences::distinct_characters);
        let characters = characters.sum::<usize>() as f64 / batches.len() as f64;
        // In each direction 100 sums of 25 + 25 numbers a character; for each of 2 words in each direction
        // 20 sums of 3 + 50 + 5 numbers, and 20 tags of 10 numbers.
        let products = 2.0 * characters * 100.0 * 50.0 + 2.0 * (2.0 * 20.0 * 58.0 + 20.0 * 10.0);
        let setup = TaggerSetup { shape };
        assert_eq!(setup.symbols_read(), 2.0);
        assert_eq!(setup.training_flops(), 3.0 * 2.0 * products);
    }

    #[test]
    fn the_weights_go_by_pytorchs_names() {
        let place = DeviceChoice::default().find().unwrap();
        let shape = "3,4,5,6".parse().unwrap();
        let model = ModelStep::new(TaggerSetup { shape }, &place).unwrap();
        let weights = model.weights().unwrap();
        let of = |name| weights.shape(name).unwrap();
        assert_eq!(of("embedding.weight"), [10_000, 5]);
        assert_eq!(of("characters.embedding.weight"), [100, 25]);
        assert_eq!(of("characters.recurrent.weight_hh_l0_reverse"), [100, 25]);
        assert_eq!(of("recurrent.weight_ih_l0"), [24, 5 + 50]);
        assert_eq!(of("output.weight"), [20, 12]);
        assert_eq!(of("crf.transitions"), [20, 20]);
        // Two embeddings; two directions of characters and of words; the output; the field.
        assert_eq!(weights.names().count(), 2 + 4 * 4 + 2 + 3);
    }
}

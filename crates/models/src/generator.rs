//! Writing text: one symbol at a time, the state carried from each to the next; several texts side by
//! side, or the likeliest of all.

use backdraft_cells::{Error, Layer};
use burn::module::Module;
use burn::tensor::Tensor;
use rand::rngs::StdRng;

use crate::beam::select;
use crate::drawing::{self, randoms};
use crate::log_probability::log_probabilities;
use crate::{BeamRows, BeamSearch, Hypothesis, LanguageModel, Sampling};

/// Steps of a prompt that are read at once; bounds the memory that a long one takes.
const READ_AT_ONCE: usize = 256;

/// A model that writes, as an iterator over the symbols it draws.
///
/// Each symbol costs one step, however much was written before. The same model, settings, seed
/// and prompt write the same text. Before anything was [`read`](Self::read), the text begins
/// with symbol 0.
#[derive(Debug)]
pub struct Generator<L: Layer>(Generators<L>);

/// A model that writes several texts side by side: at each step it draws a symbol of each.
///
/// Each has random numbers of its own; the first is what a [`Generator`] of the same seed writes.
#[derive(Debug)]
pub struct Generators<L: Layer> {
    reader: Reader<L>,
    sampling: Sampling,
    random: Vec<StdRng>,
    /// What was drawn last, in each text; nothing before the first draw.
    drawn: Vec<u32>,
}

/// A model that reads, of one text or of several that began as one.
#[derive(Debug)]
struct Reader<L: Layer> {
    model: LanguageModel<L>,
    state: Option<L::State>,
    /// What all texts begin with and was not read yet.
    unread: Vec<u32>,
}

impl<L: Layer> Reader<L> {
    fn new(model: &LanguageModel<L>) -> Self {
        Self {
            model: model.valid(),
            state: None,
            unread: Vec::new(),
        }
    }

    fn read(&mut self, symbols: &[u32]) -> Result<(), Error> {
        let size = self.model.vocabulary_size();
        if let Some(symbol) = symbols.iter().find(|symbol| **symbol as usize >= size) {
            let expected = format!("below {size}, the vocabulary size");
            return Err(Error::new("Generator", "symbol", expected, symbol));
        }
        self.unread.extend_from_slice(symbols);
        Ok(())
    }

    /// Reads what is unread: the scores of what comes after it, `[1, symbols]`.
    fn begin(&mut self) -> Tensor<2> {
        if self.unread.is_empty() {
            self.unread.push(0);
        }
        let unread = std::mem::take(&mut self.unread);
        let parts = unread.chunks(READ_AT_ONCE);
        let parts = parts.map(|part| self.advance(part, 1));
        parts.last().expect("there is something to read")
    }

    /// Reads the next symbols of each of `rows` texts: the scores of what comes after the last,
    /// `[rows, symbols]`.
    fn advance(&mut self, symbols: &[u32], rows: usize) -> Tensor<2> {
        let (scores, state) = self.step(symbols, rows, self.state.clone());
        self.state = Some(state);
        scores
    }

    fn step(&self, symbols: &[u32], rows: usize, state: Option<L::State>) -> (Tensor<2>, L::State) {
        let time = symbols.len() / rows;
        let read = drawing::symbols(symbols, time, &self.model.device());
        let run = self.model.forward(read, state);
        let run = run.expect("our own state fits");
        let last = run.outputs.slice([0..rows, time - 1..time]);
        (last.squeeze_dim::<2>(1), run.state)
    }
}

impl<L: Layer> Generator<L> {
    /// Reads symbols as if they had been written: a prompt.
    ///
    /// # Errors
    ///
    /// When a symbol is not of the vocabulary.
    pub fn read(&mut self, symbols: &[u32]) -> Result<(), Error> {
        self.0.read(symbols)
    }
}

impl<L: Layer> Generators<L> {
    fn new(
        model: &LanguageModel<L>,
        texts: usize,
        sampling: Sampling,
        seed: u64,
    ) -> Result<Self, Error> {
        sampling.check()?;
        Error::unless_positive("Generators", "texts", texts)?;
        let mut symbols = 0..model.vocabulary_size() as u32;
        if symbols.all(|symbol| sampling.excluded.contains(&symbol)) {
            let (what, expected) = ("excluded symbols", "not all of them");
            return Err(Error::new("sampling", what, expected, "all"));
        }
        Ok(Self {
            reader: Reader::new(model),
            sampling,
            random: randoms(seed, texts),
            drawn: Vec::new(),
        })
    }

    /// Reads symbols as if they had been written in each text: a prompt.
    ///
    /// # Errors
    ///
    /// When a symbol is not of the vocabulary, or the texts have begun to differ.
    pub fn read(&mut self, symbols: &[u32]) -> Result<(), Error> {
        if self.random.len() > 1 && !self.drawn.is_empty() {
            let expected = "a prompt before the first symbol is drawn";
            return Err(Error::new("Generators", "symbols", expected, "them later"));
        }
        // A single text goes on from what it drew.
        let drawn = std::mem::take(&mut self.drawn);
        self.reader.read(&drawn)?;
        self.reader.read(symbols)
    }

    fn scores(&mut self) -> Tensor<2> {
        let texts = self.random.len();
        if !self.drawn.is_empty() {
            return self.reader.advance(&self.drawn, texts);
        }
        let scores = self.reader.begin();
        // All texts begin as one.
        let state = self.reader.state.take();
        self.reader.state = state.map(|state| select(state, &vec![0; texts]));
        let [_, symbols] = scores.dims();
        scores.expand([texts, symbols])
    }
}

/// Endless, unless the model's scores are no numbers.
impl<L: Layer> Iterator for Generators<L> {
    /// A symbol of each text.
    type Item = Vec<u32>;

    fn next(&mut self) -> Option<Vec<u32>> {
        let scores = drawing::rows(self.scores());
        let rows = scores.iter().zip(&mut self.random);
        let drawn = rows.map(|(scores, random)| self.sampling.draw(scores, random));
        self.drawn = drawn.collect::<Option<_>>()?;
        Some(self.drawn.clone())
    }
}

/// Endless, unless the model's scores are no numbers.
impl<L: Layer> Iterator for Generator<L> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.0.next().map(|drawn| drawn[0])
    }
}

impl<L: Layer> LanguageModel<L> {
    /// Something that writes text, symbol by symbol, carrying its state.
    ///
    /// # Errors
    ///
    /// When a setting of `sampling` is impossible.
    pub fn generator(&self, sampling: Sampling, seed: u64) -> Result<Generator<L>, Error> {
        self.generators(1, sampling, seed).map(Generator)
    }

    /// Something that writes several texts side by side.
    ///
    /// # Errors
    ///
    /// When there is no text, or a setting of `sampling` is impossible.
    pub fn generators(
        &self,
        texts: usize,
        sampling: Sampling,
        seed: u64,
    ) -> Result<Generators<L>, Error> {
        Generators::new(self, texts, sampling, seed)
    }

    /// The likeliest ways to go on after `prompt` (or after symbol 0, if that is empty), the best first:
    /// until `end`, or for all the symbols that the search allows.
    ///
    /// # Errors
    ///
    /// When a symbol is not of the vocabulary, or a setting of the search is impossible.
    pub fn beam(
        &self,
        prompt: &[u32],
        end: Option<u32>,
        search: &BeamSearch,
    ) -> Result<Vec<Hypothesis>, Error> {
        let mut reader = Reader::new(self);
        reader.read(prompt)?;
        let last = reader.unread.pop().unwrap_or(0);
        if !reader.unread.is_empty() {
            reader.begin();
        }
        let state = reader.state.take();
        let state = state.unwrap_or_else(|| reader.model.initial_state(1));
        let found = search.search(1, state, last, end, |rows: &BeamRows, state| {
            let (scores, state) = reader.step(&rows.symbols, rows.symbols.len(), Some(state));
            Ok((log_probabilities(scores), state))
        })?;
        Ok(found.into_iter().next().unwrap_or_default())
    }
}

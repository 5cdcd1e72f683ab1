//! Writing text: one symbol at a time, the state carried from each to the next.

use backdraft_cells::{Cell, Error};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::{SeedableRng, rngs::StdRng};

use crate::{LanguageModel, Sampling};

/// Steps of a prompt that are read at once; bounds the memory that a long one takes.
const READ_AT_ONCE: usize = 256;

/// A model that writes, as an iterator over the symbols it draws.
///
/// Each symbol costs one step, however much was written before. The same model, settings, seed
/// and prompt write the same text. Before anything was [`read`](Self::read), the text begins
/// with symbol 0.
#[derive(Debug)]
pub struct Generator<C: Cell> {
    model: LanguageModel<C>,
    sampling: Sampling,
    random: StdRng,
    device: Device,
    state: Option<Vec<C::State>>,
    /// What the model is to read before the next symbol is drawn.
    unread: Vec<u32>,
}

impl<C: Cell> Generator<C> {
    pub(crate) fn new(
        model: LanguageModel<C>,
        sampling: Sampling,
        seed: u64,
    ) -> Result<Self, Error> {
        sampling.check()?;
        let possible =
            (0..model.vocabulary_size() as u32).any(|symbol| !sampling.excluded.contains(&symbol));
        if !possible {
            return Err(Error::new(
                "sampling",
                "excluded symbols",
                "not all of them",
                "all",
            ));
        }
        let device = model.output_bias.val().device();
        let random = StdRng::seed_from_u64(seed);
        Ok(Self {
            model,
            sampling,
            random,
            device,
            state: None,
            unread: Vec::new(),
        })
    }

    /// Reads symbols as if they had been written: a prompt.
    ///
    /// # Errors
    ///
    /// When a symbol is not of the vocabulary.
    pub fn read(&mut self, symbols: &[u32]) -> Result<(), Error> {
        let size = self.model.vocabulary_size();
        if let Some(symbol) = symbols.iter().find(|symbol| **symbol as usize >= size) {
            let expected = format!("below {size}, the vocabulary size");
            return Err(Error::new("Generator", "symbol", expected, symbol));
        }
        self.unread.extend_from_slice(symbols);
        Ok(())
    }

    /// Reads what is unread: the scores of what comes after it.
    fn scores(&mut self) -> Vec<f32> {
        if self.unread.is_empty() {
            self.unread.push(0);
        }
        let unread = std::mem::take(&mut self.unread);
        let parts = unread.chunks(READ_AT_ONCE).map(|part| self.advance(part));
        parts.last().expect("there is something to read")
    }

    fn advance(&mut self, symbols: &[u32]) -> Vec<f32> {
        let time = symbols.len();
        let symbols: Vec<i32> = symbols.iter().map(|&symbol| symbol as i32).collect();
        let data = TensorData::new(symbols, [1, time]);
        let symbols = Tensor::<2, Int>::from_data(data, &self.device);
        let run = self
            .model
            .forward(symbols, self.state.take())
            .expect("our own state fits");
        self.state = Some(run.state);
        let last = run.outputs.slice([0..1, time - 1..time]);
        last.into_data().iter::<f32>().collect()
    }
}

/// Endless, unless the model's scores are no numbers.
impl<C: Cell> Iterator for Generator<C> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let scores = self.scores();
        let symbol = self.sampling.draw(&scores, &mut self.random)?;
        self.unread.push(symbol);
        Some(symbol)
    }
}

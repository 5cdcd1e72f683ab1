//! Writing by n-grams: each symbol drawn from the distribution that those before it give.

use backdraft_cells::Error;
use rand::{SeedableRng, rngs::StdRng};

use super::{NGram, NGramState, code};
use crate::Sampling;

/// A text as it is written: an iterator over the symbols that are drawn, by [`NGram::generator`].
#[derive(Debug)]
pub struct NGramGenerator<'a> {
    model: &'a NGram,
    state: NGramState,
    sampling: Sampling,
    random: StdRng,
}

impl NGram {
    /// Something that writes a sequence from its beginning. The same model, settings, seed and prompt
    /// write the same.
    ///
    /// # Errors
    ///
    /// When a setting of `sampling` is impossible.
    pub fn generator(&self, sampling: Sampling, seed: u64) -> Result<NGramGenerator<'_>, Error> {
        sampling.check()?;
        let mut symbols = 0..self.vocabulary_size() as u32;
        if symbols.all(|symbol| sampling.excluded.contains(&symbol)) {
            let (what, expected) = ("excluded symbols", "not all of them");
            return Err(Error::new("sampling", what, expected, "all"));
        }
        Ok(NGramGenerator {
            model: self,
            state: self.initial_state(),
            sampling,
            random: StdRng::seed_from_u64(seed),
        })
    }
}

impl NGramGenerator<'_> {
    /// Reads symbols as if they had been written: a prompt.
    ///
    /// # Errors
    ///
    /// When a symbol is not of the vocabulary.
    pub fn read(&mut self, symbols: &[u32]) -> Result<(), Error> {
        self.model.read(&mut self.state, symbols)
    }
}

/// Endless.
impl Iterator for NGramGenerator<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let p = self.model.distribution(&self.state);
        let scores: Vec<f32> = p.iter().map(|p| p.ln() as f32).collect();
        let symbol = self.sampling.draw(&scores, &mut self.random)?;
        self.model.push(&mut self.state, code(symbol));
        Some(symbol)
    }
}

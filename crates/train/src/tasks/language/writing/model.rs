//! What foresees the next symbol of a text: a recurrent network, or n-grams.

use backdraft_models::baselines::NGram;
use backdraft_models::{BeamSearch, Encoder, Hypothesis, LanguageModel, Sampling};

use crate::TrainError;

/// A model that writes.
pub(super) enum Model {
    Recurrent(Box<LanguageModel<Encoder>>),
    NGram(NGram),
}

impl Model {
    /// The symbols of one text, drawn one after the other.
    pub fn symbols<'a>(
        &'a self,
        prompt: &[u32],
        sampling: Sampling,
        seed: u64,
    ) -> Result<Box<dyn Iterator<Item = u32> + 'a>, TrainError> {
        Ok(match self {
            Self::Recurrent(model) => {
                let mut symbols = model.generator(sampling, seed)?;
                symbols.read(prompt)?;
                Box::new(symbols)
            }
            Self::NGram(model) => {
                let mut symbols = model.generator(sampling, seed)?;
                symbols.read(prompt)?;
                Box::new(symbols)
            }
        })
    }

    /// The next symbol of each of several texts, again and again. The first text is that of [`symbols`](Self::symbols).
    pub fn side_by_side<'a>(
        &'a self,
        texts: usize,
        prompt: &[u32],
        sampling: Sampling,
        seed: u64,
    ) -> Result<Box<dyn Iterator<Item = Vec<u32>> + 'a>, TrainError> {
        Ok(match self {
            Self::Recurrent(model) => {
                let mut symbols = model.generators(texts, sampling, seed)?;
                symbols.read(prompt)?;
                Box::new(symbols)
            }
            Self::NGram(_) => {
                let seeds = (0..texts as u64).map(|text| seed.wrapping_add(text));
                let writers = seeds.map(|seed| self.symbols(prompt, sampling.clone(), seed));
                let mut writers = writers.collect::<Result<Vec<_>, _>>()?;
                let next = move || writers.iter_mut().map(Iterator::next).collect();
                Box::new(std::iter::from_fn(next))
            }
        })
    }

    /// The likeliest ways to go on, the best first.
    pub fn beam(
        &self,
        prompt: &[u32],
        end: Option<u32>,
        search: &BeamSearch,
    ) -> Result<Vec<Hypothesis>, TrainError> {
        Ok(match self {
            Self::Recurrent(model) => model.beam(prompt, end, search)?,
            Self::NGram(model) => {
                let mut state = model.initial_state();
                model.read(&mut state, prompt)?;
                model.beam(&state, end, search)?
            }
        })
    }
}

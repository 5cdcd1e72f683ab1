//! Writing texts: draws, or a beam of the best.

use backdraft_cells::{Error, Layer, LayerInput, Lengths, State};
use burn::module::Module;
use burn::tensor::{Int, Tensor, TensorData};

use super::{Begun, Composer, NAME};
use crate::drawing::{Drawing, rows, symbols};
use crate::log_probability::log_probabilities;
use crate::{BeamRows, BeamSearch, Hypothesis, Inputs, Sampling};

impl<L: Layer> Composer<L> {
    /// Draws a text of each key, that begins with `prompt` and goes on with at most `limit` symbols,
    /// which are what is given. The same seed draws the same for the same row.
    ///
    /// As in a [`BeamSearch`], what has `limit` symbols ends there, and what the end costs is
    /// counted. `log_p` and the score of what is drawn are the model's, whatever the temperature.
    ///
    /// # Errors
    ///
    /// When the key is of the other kind or of another size, its lengths do not fit, a symbol of the
    /// prompt is not of the vocabulary, the limit is 0, or a setting is impossible.
    pub fn compose(
        &self,
        key: impl Into<Inputs>,
        lengths: &Lengths,
        prompt: &[u32],
        limit: usize,
        sampling: &Sampling,
        seed: u64,
    ) -> Result<Vec<Hypothesis>, Error> {
        let mut writer = Writer::new(self, key.into(), lengths)?;
        let start = writer.prompted(prompt)?;
        let drawing = Drawing {
            limit,
            sampling,
            seed,
            end: self.edge(),
        };
        let rows = lengths.as_slice().len();
        drawing.draw(NAME, rows, start, |symbols| writer.step(symbols))
    }

    /// The best texts of each key that begin with `prompt`, the best first; what comes after the prompt
    /// is given, and counted.
    ///
    /// # Errors
    ///
    /// As [`compose`](Self::compose).
    pub fn beam(
        &self,
        key: impl Into<Inputs>,
        lengths: &Lengths,
        prompt: &[u32],
        search: &BeamSearch,
    ) -> Result<Vec<Vec<Hypothesis>>, Error> {
        let mut writer = Writer::new(self, key.into(), lengths)?;
        let start = writer.prompted(prompt)?;
        let (rows, state) = (lengths.as_slice().len(), writer.begun.state.clone());
        search.search(
            rows,
            state,
            start,
            Some(self.edge()),
            |rows: &BeamRows, state| {
                let sources = rows.sources.iter();
                let sources = sources.flat_map(|&source| vec![source as i32; rows.width]);
                let sources = TensorData::new(sources.collect(), [rows.symbols.len()]);
                let sources = Tensor::<1, Int>::from_data(sources, &writer.begun.key.device());
                let key = writer.begun.key.clone().select(0, sources);
                writer.log_p(&rows.symbols, &key, state)
            },
        )
    }
}

/// A model that writes, one step after the other, without a gradient.
struct Writer<L: Layer> {
    model: Composer<L>,
    begun: Begun<L::State>,
}

impl<L: Layer> Writer<L> {
    fn new(model: &Composer<L>, key: Inputs, lengths: &Lengths) -> Result<Self, Error> {
        let model = model.valid();
        let key = match key {
            Inputs::Symbols(symbols) => Inputs::Symbols(symbols.without_autodiff()),
            Inputs::Features(features) => Inputs::Features(features.without_autodiff()),
        };
        let begun = model.begin(key, lengths)?;
        let begun = Begun {
            key: begun.key.without_autodiff(),
            state: begun.state.without_autodiff(),
        };
        Ok(Self { model, begun })
    }

    /// Reads all of a prompt but its last symbol: that is what is to be read next.
    fn prompted(&mut self, prompt: &[u32]) -> Result<u32, Error> {
        let edge = self.model.edge();
        if let Some(symbol) = prompt.iter().find(|symbol| **symbol >= edge) {
            let expected = format!("below {edge}, the vocabulary size");
            return Err(Error::new(NAME, "symbol of the prompt", expected, symbol));
        }
        let Some((next, before)) = prompt.split_last() else {
            return Ok(edge);
        };
        let [rows, _] = self.begun.key.dims();
        let read = [&[edge], before].concat();
        let read = symbols(&read.repeat(rows), read.len(), &self.model.device());
        let read = self.model.read(read, &self.begun.key);
        let state = self.begun.state.clone();
        let run = self
            .model
            .recurrent
            .forward(LayerInput::new(read).with_state(state))?;
        self.begun.state = run.state;
        Ok(*next)
    }

    /// `ln p` of what comes next in each row, after these symbols.
    fn step(&mut self, last: &[u32]) -> Result<Vec<Vec<f32>>, Error> {
        let (log_p, state) = self.log_p(last, &self.begun.key, self.begun.state.clone())?;
        self.begun.state = state;
        Ok(rows(log_p))
    }

    /// `ln p` of what comes next, `[rows, V + 1]`, and the state after.
    fn log_p(
        &self,
        last: &[u32],
        key: &Tensor<2>,
        state: L::State,
    ) -> Result<(Tensor<2>, L::State), Error> {
        let last = symbols(last, 1, &self.model.device());
        let read = self.model.read(last, key);
        let run = self
            .model
            .recurrent
            .forward(LayerInput::new(read).with_state(state))?;
        let scores = self.model.scores(run.outputs.squeeze_dim::<2>(1));
        Ok((log_probabilities(scores), run.state))
    }
}

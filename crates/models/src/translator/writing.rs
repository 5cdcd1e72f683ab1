//! Writing translations: the likeliest symbol, a draw, or a beam of the best.

use backdraft_cells::{Error, Layer, Lengths, State};
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};

use super::steps::DecoderState;
use super::{Encoded, Translator};
use crate::drawing::{Drawing, rows, symbols};
use crate::log_probability::log_probabilities;
use crate::{BeamRows, BeamSearch, Hypothesis, Sampling};

impl<E: Layer, D: Layer> Translator<E, D> {
    /// Translates sources (`[batch, steps]`), taking the likeliest symbol at each step until it is
    /// the end, or there are `limit`.
    ///
    /// # Errors
    ///
    /// When the lengths do not fit the sources, or the limit is 0.
    pub fn translate(
        &self,
        source: Tensor<2, Int>,
        lengths: &Lengths,
        limit: usize,
    ) -> Result<Vec<Hypothesis>, Error> {
        let likeliest = Sampling::new().with_temperature(0.0);
        self.sample(source, lengths, limit, &likeliest, 0)
    }

    /// Translates sources (`[batch, steps]`), drawing each symbol and the end: of each source, one
    /// translation of at most `limit` symbols. The same seed draws the same for the same row.
    ///
    /// As in a [`BeamSearch`], what has `limit` symbols ends there, and what the end costs is
    /// counted. `log_p` and the score of what is drawn are the model's, whatever the temperature.
    ///
    /// # Errors
    ///
    /// When the lengths do not fit the sources, the limit is 0, or a setting is impossible.
    pub fn sample(
        &self,
        source: Tensor<2, Int>,
        lengths: &Lengths,
        limit: usize,
        sampling: &Sampling,
        seed: u64,
    ) -> Result<Vec<Hypothesis>, Error> {
        let mut writer = Writer::new(self, source, lengths)?;
        let end = self.edge();
        let drawing = Drawing {
            limit,
            sampling,
            seed,
            end,
        };
        let rows = lengths.as_slice().len();
        drawing.draw(super::NAME, rows, end, |symbols| writer.step(symbols))
    }

    /// The best translations of each source (`[batch, steps]`), the best first.
    ///
    /// # Errors
    ///
    /// When the lengths do not fit the sources, or a setting is impossible.
    pub fn beam(
        &self,
        source: Tensor<2, Int>,
        lengths: &Lengths,
        search: &BeamSearch,
    ) -> Result<Vec<Vec<Hypothesis>>, Error> {
        let mut writer = Writer::new(self, source, lengths)?;
        let state = writer.encoded.start.clone();
        let (rows, edge) = (lengths.as_slice().len(), self.edge());
        let mut sources: Vec<usize> = (0..rows).collect();
        search.search(rows, state, edge, Some(edge), |rows: &BeamRows, state| {
            if rows.sources != sources {
                let kept: Vec<usize> = (0..sources.len())
                    .filter(|&place| rows.sources.binary_search(&sources[place]).is_ok())
                    .collect();
                let annotations = writer.encoded.annotations.as_mut();
                if let Some(annotations) = annotations {
                    *annotations = annotations.select(&kept);
                }
                sources.clone_from(&rows.sources);
            }
            writer.log_p(&rows.symbols, rows.width, state)
        })
    }
}

/// A model that writes, one step after the other, without a gradient.
pub(super) struct Writer<E: Layer, D: Layer> {
    model: Translator<E, D>,
    encoded: Encoded<D::State>,
    device: Device,
}

impl<E: Layer, D: Layer> Writer<E, D> {
    pub fn new(
        model: &Translator<E, D>,
        source: Tensor<2, Int>,
        lengths: &Lengths,
    ) -> Result<Self, Error> {
        let model = model.valid();
        let encoded = model.encode(source.without_autodiff(), lengths)?;
        let encoded = Encoded {
            start: encoded.start.without_autodiff(),
            ..encoded
        };
        let device = model.device();
        Ok(Self {
            model,
            encoded,
            device,
        })
    }

    /// `ln p` of what comes next in each row, after these symbols.
    pub fn step(&mut self, last: &[u32]) -> Result<Vec<Vec<f32>>, Error> {
        let from = self.encoded.start.clone();
        let (log_p, next) = self.log_p(last, 1, from)?;
        self.encoded.start = next;
        Ok(rows(log_p))
    }

    /// `ln p` of what comes next, `[rows, V + 1]`, and where the decoder is after; `width` rows follow each
    /// other for each source, as the queries of one row of the attention.
    fn log_p(
        &self,
        last: &[u32],
        width: usize,
        from: DecoderState<D::State>,
    ) -> Result<(Tensor<2>, DecoderState<D::State>), Error> {
        let model = &self.model;
        let embedded = model
            .target_embedding
            .forward(symbols(last, 1, &self.device));
        let [rows, _, features] = embedded.dims();
        let embedded = embedded.reshape([rows, features]);
        let step = model.step(embedded, from, self.encoded.annotations.as_ref(), width)?;
        Ok((log_probabilities(model.scores(step.z)), step.next))
    }
}

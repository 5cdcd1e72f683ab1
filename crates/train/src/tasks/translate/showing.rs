//! What a page shows of a translator: what each symbol that it writes looks at in the source.

use backdraft_cells::Lengths;
use backdraft_data::Padded;
use burn::tensor::Device;

use super::{Model, PairExample, Translate, Translation};
use crate::drawing::heat_map::HeatMap;
use crate::{Picture, Section, TrainError};

/// Translations that are drawn, and the symbols that there is room for.
const SHOWN: usize = 6;
const LONGEST: usize = 30;

impl Translate {
    pub(super) fn sections(
        &self,
        model: &Model,
        examples: &[PairExample],
    ) -> Result<Vec<Section>, TrainError> {
        if model.attention.is_none() {
            return Ok(Vec::new());
        }
        let fits = examples.iter().filter(|pair| pair.source.len() <= LONGEST);
        let drawn: Vec<&PairExample> = fits.take(SHOWN).collect();
        if drawn.is_empty() {
            return Ok(Vec::new());
        }
        let written = self.translations(model, &drawn)?;
        let mut pictures = Vec::new();
        for (pair, found) in drawn.into_iter().zip(written) {
            let Some(best) = found.into_iter().next() else {
                continue;
            };
            if (1..=LONGEST).contains(&best.symbols.len()) {
                let name = format!("attention-{}", pictures.len() + 1);
                pictures.push(Picture::svg(name, self.looks(model, pair, best)?));
            }
        }
        Ok(vec![Section {
            title: "What each symbol looks at".to_string(),
            about: "A row for each symbol that the model writes, the end last: the darker a square, the more \
                    attention it pays to that symbol of the source. Of held-out examples."
                .to_string(),
            pictures,
        }])
    }

    /// How much the model attends to each unit of the source as it writes these symbols, and the end: row by row.
    pub(super) fn attention(
        &self,
        model: &Model,
        pair: &PairExample,
        symbols: &[u32],
        device: &Device,
    ) -> Result<Vec<f64>, TrainError> {
        let sources = std::iter::once(pair.source.as_slice());
        let (source, source_lengths) = self.sources.batch(sources, device);
        let target = Padded::of(&[symbols.to_vec()]);
        let lengths = Lengths::new(target.lengths.clone());
        let foreseen =
            model.forward(source, &source_lengths, target.to_tensor(device), &lengths)?;
        let weights = foreseen.weights.map(|weights| weights.into_data());
        Ok(weights
            .iter()
            .flat_map(|weights| weights.iter::<f64>())
            .collect())
    }

    /// The attention of a translation, as a picture.
    fn looks(
        &self,
        model: &Model,
        pair: &PairExample,
        written: Translation,
    ) -> Result<String, TrainError> {
        let device = model.output.weight.val().device();
        let weights = self.attention(model, pair, &written.symbols, &device)?;
        let mut rows = written.units;
        rows.push("<EOS>".to_string());
        let map = HeatMap {
            title: &pair.text,
            axes: ["written", "source"],
            rows: &rows,
            columns: &pair.source,
            values: &weights,
            labels: &[],
        };
        Ok(map.svg())
    }
}

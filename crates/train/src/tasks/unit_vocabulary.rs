//! Texts that are written, not only read: how they become symbols, and symbols become them.

use backdraft_cells::Lengths;
use backdraft_data::{Padded, WordVocabulary};
use burn::tensor::{Device, Int, Tensor};
use serde::{Deserialize, Serialize};

use super::TextReader;

/// How texts become symbols.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct UnitVocabulary {
    pub(super) reader: TextReader,
    pub(super) vocabulary: WordVocabulary,
}

impl UnitVocabulary {
    /// Those of the units of texts that occur `at_least` so many times; see [`TextReader::vocabulary`].
    pub(super) fn of<'a>(
        reader: TextReader,
        all: impl Iterator<Item = &'a [String]>,
        at_least: usize,
    ) -> Self {
        let units = all.flatten().map(String::as_str);
        Self {
            vocabulary: reader.vocabulary(units, at_least, None),
            reader,
        }
    }

    pub(super) fn symbols(&self, units: &[String]) -> Vec<u32> {
        let symbols = units.iter().map(|unit| self.vocabulary.symbol(unit));
        symbols.collect()
    }

    /// Texts, padded to the longest: `[texts, units]`.
    pub(super) fn batch<'a>(
        &self,
        texts: impl Iterator<Item = &'a [String]>,
        device: &Device,
    ) -> (Tensor<2, Int>, Lengths) {
        let rows: Vec<Vec<u32>> = texts.map(|units| self.symbols(units)).collect();
        let padded = Padded::of(&rows);
        (padded.to_tensor(device), Lengths::new(padded.lengths))
    }
}

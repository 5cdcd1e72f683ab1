//! Sequences of a file, and how they become numbers: words, characters or pieces of texts by a vocabulary,
//! vectors by the mean and spread of each feature.
//!
//! ```text
//! x'_t = (x_t - mean) / spread            over all steps that are learned from
//! ```

use std::path::Path;

use backdraft_cells::Lengths;
use backdraft_data::{DataError, FeatureSequences, Padded, WordVocabulary, moments};
use backdraft_models::{Inputs, Source};
use burn::tensor::{Device, Tensor, TensorData};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{Rows, TextReader};
use crate::TrainError;

/// Which ways layers read a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Ways {
    /// From the first step to the last
    Forward,
    /// In both directions, in each layer
    #[default]
    Both,
}

impl Ways {
    pub(super) fn are_both(self) -> bool {
        self == Self::Both
    }
}

/// One sequence, as it was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Sequence {
    /// A text, and its words, characters or pieces: one at least.
    Text {
        /// As it was.
        text: String,
        /// What it is made of.
        units: Vec<String>,
    },
    /// Vectors, one after the other: one at least.
    Vectors {
        /// Their numbers.
        values: Vec<f32>,
        /// Numbers of a vector.
        features: usize,
    },
}

impl Sequence {
    /// A text, taken apart.
    ///
    /// # Errors
    ///
    /// When the tokenizer has no piece for something in it.
    pub fn of_text(text: &str, reader: &TextReader) -> Result<Self, DataError> {
        Ok(Self::Text {
            text: text.to_string(),
            units: reader.units(text)?,
        })
    }

    /// Steps.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text { units, .. } => units.len(),
            Self::Vectors { values, features } => values.len() / features,
        }
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            Self::Vectors { .. } => None,
        }
    }
}

/// How sequences become numbers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// Texts.
    Text {
        /// How they are taken apart.
        reader: TextReader,
        /// The units that are known.
        vocabulary: WordVocabulary,
    },
    /// Vectors.
    Vectors {
        /// The mean of each feature.
        mean: Vec<f32>,
        /// Its standard deviation; 1 where it never changes.
        spread: Vec<f32>,
    },
}

impl Reading {
    /// What is known of sequences that are learned from: texts that `reader` took apart, of whose units those are
    /// known that occur `at_least` so many times, and of these `at_most` so many; or vectors.
    pub(super) fn of<'a>(
        sequences: impl Iterator<Item = &'a Sequence> + Clone,
        reader: TextReader,
        at_least: usize,
        at_most: Option<usize>,
    ) -> Result<Self, TrainError> {
        let width = |sequence: &Sequence| match sequence {
            Sequence::Text { .. } => None,
            Sequence::Vectors { features, .. } => Some(*features),
        };
        let Some(features) = sequences.clone().next().and_then(width) else {
            let units = sequences.flat_map(|sequence| match sequence {
                Sequence::Text { units, .. } => units.as_slice(),
                Sequence::Vectors { .. } => &[],
            });
            let units = units.map(String::as_str);
            let vocabulary = reader.vocabulary(units, at_least, at_most);
            return Ok(Self::Text { reader, vocabulary });
        };
        let mut vectors = Vec::new();
        for sequence in sequences {
            match sequence {
                Sequence::Vectors {
                    values,
                    features: f,
                } if *f == features => {
                    vectors.push(values.as_slice());
                }
                other => {
                    return Err(TrainError::Unfit {
                        what: "the features of a vector",
                        expected: format!("{features}, as the first has"),
                        found: width(other).map_or("a text".to_string(), |f| f.to_string()),
                    });
                }
            }
        }
        let (mean, spread) = moments(vectors.iter().copied(), features);
        Ok(Self::Vectors { mean, spread })
    }

    /// How texts are taken apart, if they are.
    pub(super) fn reader(&self) -> Option<&TextReader> {
        match self {
            Self::Text { reader, .. } => Some(reader),
            Self::Vectors { .. } => None,
        }
    }

    /// What the steps are.
    pub(super) fn source(&self) -> Source {
        match self {
            Self::Text { vocabulary, .. } => Source::Symbols {
                vocabulary_size: vocabulary.len(),
            },
            Self::Vectors { .. } => Source::Features,
        }
    }

    /// Features of a vector, if the steps are vectors.
    pub(super) fn features(&self) -> Option<usize> {
        match self {
            Self::Text { .. } => None,
            Self::Vectors { mean, .. } => Some(mean.len()),
        }
    }

    /// The units of a text that are not known.
    pub(super) fn unknown(&self, sequence: &Sequence) -> usize {
        match (self, sequence) {
            (Self::Text { vocabulary, .. }, Sequence::Text { units, .. }) => {
                let symbols = units.iter().map(|unit| vocabulary.symbol(unit));
                let unknown = symbols.filter(|symbol| *symbol == WordVocabulary::UNKNOWN);
                unknown.count()
            }
            _ => 0,
        }
    }

    /// A line of text as a sequence; the error is a sentence.
    pub(super) fn line(&self, line: &str) -> Result<Sequence, String> {
        match self {
            Self::Text { reader, .. } => {
                Sequence::of_text(line, reader).map_err(|error| error.to_string())
            }
            Self::Vectors { .. } => {
                Err("expected a file of arrays, as this run was trained on; found a text".into())
            }
        }
    }

    /// Whether this is a sequence of the kind that was learned from; the error says why not.
    pub(super) fn check(&self, sequence: &Sequence) -> Result<(), String> {
        let kind = |features: Option<usize>| match features {
            None => "a text".to_string(),
            Some(features) => format!("vectors of {features} features"),
        };
        let found = match sequence {
            Sequence::Text { .. } => None,
            Sequence::Vectors { features, .. } => Some(*features),
        };
        match found == self.features() {
            true => Ok(()),
            false => Err(format!(
                "expected {}, as was learned from; found {}",
                kind(self.features()),
                kind(found)
            )),
        }
    }

    /// Sequences as a model reads them, padded to the longest.
    pub(super) fn batch(&self, sequences: &[&Sequence], device: &Device) -> (Inputs, Lengths) {
        match self {
            Self::Text { vocabulary, .. } => {
                let symbols = |sequence: &&Sequence| match sequence {
                    Sequence::Text { units, .. } => {
                        let symbols = units.iter().map(|unit| vocabulary.symbol(unit));
                        symbols.collect::<Vec<u32>>()
                    }
                    Sequence::Vectors { .. } => unreachable!("the kind of examples is checked"),
                };
                let padded = Padded::of(&sequences.iter().map(symbols).collect::<Vec<_>>());
                let inputs = Inputs::from(padded.to_tensor(device));
                (inputs, Lengths::new(padded.lengths))
            }
            Self::Vectors { mean, spread } => {
                let lengths = sequences.iter().map(|sequence| sequence.len());
                let lengths = Lengths::new(lengths.collect::<Vec<_>>());
                let (steps, features) = (lengths.max(), mean.len());
                let mut scaled = Vec::with_capacity(sequences.len() * steps * features);
                for (row, sequence) in sequences.iter().enumerate() {
                    let Sequence::Vectors { values, .. } = sequence else {
                        unreachable!("the kind of examples is checked");
                    };
                    let scales = mean.iter().zip(spread).cycle();
                    let values = values.iter().zip(scales);
                    scaled.extend(values.map(|(value, (mean, spread))| (value - mean) / spread));
                    scaled.resize((row + 1) * steps * features, 0.0);
                }
                let data = TensorData::new(scaled, [sequences.len(), steps, features]);
                let inputs = Inputs::from(Tensor::<3>::from_data(data, device));
                (inputs, lengths)
            }
        }
    }
}

/// Whether a file is one of NumPy's arrays, by its name.
pub(super) fn is_arrays(path: &Path) -> bool {
    let extension = path.extension();
    extension.is_some_and(|extension| extension == "npz" || extension == "npy")
}

/// An example of each row of arrays that has a step, with its label.
pub(super) fn vectors<L, E>(
    sequences: &FeatureSequences,
    label: impl Fn(usize) -> L,
    example: impl Fn(usize, Sequence, L) -> E,
) -> Rows<E> {
    let rows = 0..sequences.len();
    let examples: Vec<E> = rows
        .filter(|&row| sequences.length(row) > 0)
        .map(|row| {
            let sequence = Sequence::Vectors {
                values: sequences.row(row).to_vec(),
                features: sequences.features(),
            };
            example(row, sequence, label(row))
        })
        .collect();
    let skipped = sequences.len() - examples.len();
    Rows::new(examples, skipped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TextUnit;

    fn words() -> TextReader {
        TextReader::new(&TextUnit::Word, 3).unwrap()
    }

    #[test]
    fn texts_are_taken_apart_and_padded() {
        let texts = ["A b", "b c d e", ""].map(|text| Sequence::of_text(text, &words()).unwrap());
        assert_eq!(texts.each_ref().map(Sequence::len), [2, 3, 1]);
        let reading = Reading::of(texts.iter(), words(), 2, None).unwrap();
        let (inputs, lengths) = reading.batch(&texts.each_ref(), &Device::flex());
        assert_eq!(lengths.as_slice(), [2, 3, 1]);
        let Inputs::Symbols(symbols) = inputs else {
            panic!("{inputs:?}");
        };
        // Only b is there twice.
        let symbols: Vec<i64> = symbols.into_data().iter::<i64>().collect();
        assert_eq!(symbols, [0, 1, 0, 1, 0, 0, 0, 0, 0]);
        let few = Reading::of(texts.iter(), words(), 1, Some(1)).unwrap();
        assert_eq!(few.unknown(&texts[1]), 2);
    }

    #[test]
    fn vectors_are_scaled_by_mean_and_spread() {
        let vectors = |values: &[f32]| Sequence::Vectors {
            values: values.to_vec(),
            features: 2,
        };
        let all = [vectors(&[1.0, 5.0, 3.0, 5.0]), vectors(&[2.0, 5.0])];
        let reading = Reading::of(all.iter(), words(), 1, None).unwrap();
        let (inputs, lengths) = reading.batch(&all.each_ref(), &Device::flex());
        assert_eq!(lengths.as_slice(), [2, 1]);
        let Inputs::Features(features) = inputs else {
            panic!("{inputs:?}");
        };
        let found: Vec<f32> = features.into_data().iter::<f32>().collect();
        let far = 1.5_f32.sqrt();
        let expected = [-far, 0.0, far, 0.0, 0.0, 0.0, 0.0, 0.0];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
        }
        assert!(reading.check(&all[0]).is_ok());
        let text = Sequence::of_text("a", &words()).unwrap();
        let error = reading.check(&text).unwrap_err();
        assert!(error.contains("vectors of 2 features"), "{error}");
        assert!(reading.line("a").is_err());
    }
}

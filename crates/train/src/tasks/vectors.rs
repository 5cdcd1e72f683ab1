//! Vectors of words that were learned elsewhere, as embeddings begin with them.

use std::path::{Path, PathBuf};

use backdraft_data::{WordVectors, WordVocabulary};
use burn::module::Param;
use burn::nn::Embedding;
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::Idle;
use super::normalisation::Normalisation;
use crate::TrainError;
use crate::bounds::{counts, require};
use crate::settings::absolute;

/// Vectors of a file, most of which begin with the words that are frequent, that are used by default.
const MOST: usize = 100_000;

/// Which vectors embeddings begin with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Model")]
pub struct VectorOptions {
    /// File of word vectors to start the embedding from: word2vec, GloVe or fastText, as text. Their words are
    /// known, whether they occur in the data or not
    #[arg(long, value_name = "FILE")]
    pub vectors: Option<PathBuf>,
    /// Use only the first N word vectors of the file
    #[arg(long, value_name = "N", default_value_t = MOST)]
    pub most_vectors: usize,
}

impl Default for VectorOptions {
    fn default() -> Self {
        Self {
            vectors: None,
            most_vectors: MOST,
        }
    }
}

impl VectorOptions {
    /// With a value for each key that there is.
    pub(super) fn full() -> Self {
        Self {
            vectors: Some(PathBuf::new()),
            ..Self::default()
        }
    }

    pub(super) fn check(&self) -> Result<(), TrainError> {
        counts([("most_vectors", self.most_vectors)])
    }

    /// The file, with its option.
    pub(super) fn path(&self) -> Option<(&'static str, &Path)> {
        self.vectors.as_deref().map(|path| ("vectors", path))
    }

    /// The same, whatever folder it is used from.
    pub(super) fn absolute(self) -> Self {
        Self {
            vectors: self.vectors.map(absolute),
            ..self
        }
    }

    /// What does nothing as things are.
    pub(super) fn idle(&self) -> Option<Idle> {
        self.vectors
            .is_none()
            .then_some(("most_vectors", "--vectors"))
    }

    /// The vectors, of which each has as many numbers as the embedding features.
    pub(super) fn read(&self, embedding: usize) -> Result<Option<WordVectors>, TrainError> {
        let Some(path) = &self.vectors else {
            return Ok(None);
        };
        let vectors = WordVectors::read(path, self.most_vectors)?;
        check_size(path, vectors.size(), embedding)?;
        Ok(Some(vectors))
    }
}

fn check_size(path: &Path, size: usize, embedding: usize) -> Result<(), TrainError> {
    let expected = format!("{size}, the numbers of a vector in {}", path.display());
    require("embedding", &expected, embedding, size == embedding)
}

/// A vocabulary that knows the words of vectors, too, each as it is looked up.
pub(super) fn known(
    vocabulary: WordVocabulary,
    vectors: Option<&WordVectors>,
    normalisation: Normalisation,
) -> WordVocabulary {
    let words = vectors.into_iter().flat_map(WordVectors::iter);
    vocabulary.with_more(words.map(|(word, _)| normalisation.of(word)))
}

/// An embedding in which each word begins with its vector, the first that there is of it.
pub(super) fn initialised(
    embedding: Embedding,
    vocabulary: &WordVocabulary,
    vectors: &WordVectors,
    normalisation: Normalisation,
) -> Embedding {
    let weight = embedding.weight;
    let value = weight.val();
    let ([rows, size], device) = (value.dims(), value.device());
    let mut values: Vec<f32> = value.into_data().iter::<f32>().collect();
    let mut is_set = vec![false; rows];
    for (word, vector) in vectors.iter() {
        let symbol = vocabulary.symbol(&normalisation.of(word)) as usize;
        if symbol != WordVocabulary::UNKNOWN as usize
            && !std::mem::replace(&mut is_set[symbol], true)
        {
            values[symbol * size..][..size].copy_from_slice(vector);
        }
    }
    let data = TensorData::new(values, [rows, size]);
    let weight = Param::initialized(weight.id, Tensor::from_data(data, &device));
    Embedding { weight }
}

#[cfg(test)]
mod tests {
    use burn::nn::EmbeddingConfig;
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn words_begin_with_their_first_vector_and_others_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.txt");
        std::fs::write(&path, "The 1 2\nthe 3 4\nnew 5 6\n").unwrap();
        let options = VectorOptions {
            vectors: Some(path),
            ..VectorOptions::default()
        };
        let error = options.read(3).unwrap_err().to_string();
        let expected = "--embedding: expected 2, the numbers of a vector in ";
        assert!(error.starts_with(expected), "{error}");
        let vectors = options.read(2).unwrap().unwrap();
        let normalisation = Normalisation {
            case: false,
            ..Normalisation::AS_WRITTEN
        };
        let vocabulary = WordVocabulary::of(["cat", "the"], 1, None);
        let vocabulary = known(vocabulary, Some(&vectors), normalisation);
        assert_eq!(vocabulary.len(), 4);
        let embedding = EmbeddingConfig::new(4, 2).init(&Device::flex());
        let values = |embedding: &Embedding| -> Vec<f32> {
            embedding.weight.val().into_data().iter::<f32>().collect()
        };
        let before = values(&embedding);
        let after = values(&initialised(
            embedding,
            &vocabulary,
            &vectors,
            normalisation,
        ));
        assert_eq!(after[..4], before[..4]);
        assert_eq!(after[4..], [1.0, 2.0, 5.0, 6.0]);
    }
}

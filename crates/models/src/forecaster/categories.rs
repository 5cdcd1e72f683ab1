//! Of which kind a series is: its categories, each a learned vector.
//!
//! ```text
//! e = [E_1[k_1], .., E_K[k_K]]        E_j: [N_j, D_j]        D_j = min(50, ceil(N_j / 2))
//! ```
//!
//! The sizes are those of GluonTS's DeepAR. A category that is not known gives zeros: series of that kind are forecast
//! from their values alone.

use backdraft_cells::Error;
use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::{NAME, Series};

/// The most features that a category has.
const MOST_FEATURES: usize = 50;

/// Configuration of [`Categories`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CategoriesConfig {
    /// `N_j`, the number of different categories of each kind.
    pub counts: Vec<usize>,
}

impl CategoriesConfig {
    /// So many different categories of each kind.
    pub fn new(counts: impl Into<Vec<usize>>) -> Self {
        Self {
            counts: counts.into(),
        }
    }

    /// The features of all of them together: so many more does the layer read.
    pub fn features(&self) -> usize {
        self.counts.iter().copied().map(features_of).sum()
    }

    /// New vectors, from N(0, 1) as PyTorch's `Embedding` has them; nothing where there are no kinds.
    ///
    /// # Errors
    ///
    /// When there is no category of a kind.
    pub fn init(&self, device: &Device) -> Result<Option<Categories>, Error> {
        let embedding = |(kind, count): (usize, &usize)| {
            let what = format!("number of categories of kind {kind}");
            Error::unless_positive(NAME, &what, *count)?;
            Ok(EmbeddingConfig::new(*count, features_of(*count)).init(device))
        };
        let embeddings = self.counts.iter().enumerate().map(embedding);
        let embeddings = embeddings.collect::<Result<Vec<Embedding>, Error>>()?;
        Ok((!embeddings.is_empty()).then_some(Categories { embeddings }))
    }
}

/// `D_j` of `N_j`.
fn features_of(count: usize) -> usize {
    count.div_ceil(2).min(MOST_FEATURES)
}

/// A vector for each category of each kind.
#[derive(Module, Debug)]
pub struct Categories {
    /// `E_1 .. E_K`.
    pub embeddings: Vec<Embedding>,
}

impl Categories {
    /// The features of all kinds together.
    pub fn features(&self) -> usize {
        let sizes = self.embeddings.iter().map(|kind| kind.weight.dims()[1]);
        sizes.sum()
    }

    /// `e` of each series: `[batch, features]`.
    pub(super) fn of(&self, batch: &[Series]) -> Result<Tensor<2>, Error> {
        check(batch, self.embeddings.len())?;
        let kinds = self.embeddings.iter().enumerate();
        let kinds = kinds.map(|(kind, embedding)| {
            let [count, _] = embedding.weight.dims();
            let own = |series: &Series| series.categories[kind];
            for (row, series) in batch.iter().enumerate() {
                if let Some(category) = own(series).filter(|category| *category >= count) {
                    let what = format!("category of kind {kind} of series {row}");
                    return Err(Error::new(NAME, what, format!("below {count}"), category));
                }
            }
            let device = embedding.weight.val().device();
            let places = batch.iter().map(|series| own(series).unwrap_or(0) as i32);
            let known = batch.iter().map(|series| f32::from(own(series).is_some()));
            let places = TensorData::new(places.collect::<Vec<_>>(), [batch.len()]);
            let known = TensorData::new(known.collect::<Vec<_>>(), [batch.len(), 1]);
            let places = Tensor::<1, Int>::from_data(places, &device);
            let known = Tensor::<2>::from_data(known, &device);
            Ok(embedding.weight.val().select(0, places) * known)
        });
        Ok(Tensor::cat(kinds.collect::<Result<Vec<_>, Error>>()?, 1))
    }
}

/// Refuses series that have other kinds of categories than these.
fn check(batch: &[Series], kinds: usize) -> Result<(), Error> {
    let other = |series: &&Series| series.categories.len() != kinds;
    match batch.iter().enumerate().find(|(_, series)| other(series)) {
        None => Ok(()),
        Some((row, series)) => {
            let what = format!("categories of series {row}");
            Err(Error::new(NAME, what, kinds, series.categories.len()))
        }
    }
}

/// Refuses series that have categories, where the model reads none.
pub(super) fn none(batch: &[Series]) -> Result<(), Error> {
    check(batch, 0)
}

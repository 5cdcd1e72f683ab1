//! A model's training step, whole: what is measured of any model, on either side alike.
//!
//! ```text
//! L     = the mean of -ln p of each symbol of a batch, as the model has it
//! g     = dL/dtheta min(1, n / |dL/dtheta|)          the norm of the whole gradient
//! theta <- Adam(theta, g)
//! ```
//!
//! Forward is `L` alone, from an empty state, with no gradient recorded.

mod agreement;
mod language_model;
mod row;
mod translator;

use backdraft_cells::Path;
use backdraft_exchange::pytorch::Twin;
use backdraft_train::Objective;
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde_json::Value;

pub use agreement::Agreement;
#[cfg(test)]
pub(crate) use agreement::{STEPS, TOLERANCE};
pub use language_model::LanguageModelSetup;
pub use row::{ModelRow, Parts};
pub use translator::TranslatorSetup;

use crate::{BenchError, PyTorchProgram, Shape};

/// `V`: the symbols, about as many as a text in English has characters.
pub(crate) const VOCABULARY: usize = 100;

/// The learning rate.
pub(crate) const RATE: f64 = 1e-3;

/// `n`: so small that every step is clipped, on symbols that come at random. Adam undoes a factor that
/// stays; this one changes with the norm from step to step.
pub(crate) const NORM: f64 = 0.01;

/// Batches that are read one after the other, over and over.
const BATCHES: usize = 4;

/// A model of a certain shape, and the batches that it learns from.
pub trait ModelSetup: Clone {
    /// The model.
    type Model: Objective + Twin;

    /// What is measured unless another shape is asked for.
    const SHAPE: Shape;

    /// How it is written in PyTorch.
    const PYTORCH: &'static [PyTorchProgram];

    /// What is measured at a shape: one model or several.
    fn all(shape: Shape) -> Vec<Self>;

    /// As the table names it.
    fn name(&self) -> &'static str;

    /// The sizes; the input is the embedding.
    fn shape(&self) -> Shape;

    /// Recurrent layers on top of each other.
    fn layers(&self) -> usize;

    /// What it is made of, from the embedding to the softmax.
    fn describe(&self) -> String;

    /// The model, with new weights.
    ///
    /// # Errors
    ///
    /// When it cannot be built.
    fn init(&self, device: &Device) -> Result<Self::Model, BenchError>;

    /// The paths that its recurrent layers take, as [`Layer::paths`](backdraft_cells::Layer::paths)
    /// gives them.
    fn paths(model: &Self::Model) -> Vec<(String, Path)>;

    /// What it reads, the same at each call.
    fn batches(&self, device: &Device) -> Vec<<Self::Model as Objective>::Batch>;

    /// What the class in PyTorch is built of, by name: an object.
    fn sizes(&self) -> Value;

    /// The symbols of the [`batches`](Self::batches), as the class in PyTorch takes them: an array.
    fn symbols(&self) -> Value;

    /// Floating-point operations of the matrix products of a training step.
    fn training_flops(&self) -> f64;
}

/// Rows of symbols, all of one length.
type Rows = Vec<Vec<u32>>;

/// Rows as a model reads them: `[rows, steps]`.
fn tensor(rows: &Rows, device: &Device) -> Tensor<2, Int> {
    let shape = [rows.len(), rows[0].len()];
    let symbols: Vec<i32> = rows.iter().flatten().map(|&symbol| symbol as i32).collect();
    Tensor::from_data(TensorData::new(symbols, shape), device)
}

/// Symbols at random, the same at each call: batches of `rows` rows of `steps`.
fn random_rows(seed: u64, rows: usize, steps: usize) -> Vec<Rows> {
    let mut random = seed;
    // Knuth's MMIX generator, of which the high bits are good.
    let mut symbol = || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((random >> 33) % VOCABULARY as u64) as u32
    };
    let mut row = |_| (0..steps).map(|_| symbol()).collect();
    let mut batch = |_| (0..rows).map(&mut row).collect();
    (0..BATCHES).map(&mut batch).collect()
}

/// Operations of a product of matrices, `[rows, read]` by `[read, written]`, forward, and of the two
/// products backward, by which its gradients come.
fn product_flops(rows: usize, read: usize, written: usize) -> f64 {
    3.0 * 2.0 * rows as f64 * read as f64 * written as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_symbols_are_of_the_vocabulary_and_differ() {
        let batches = random_rows(0, 3, 51);
        assert_eq!(batches.len(), BATCHES);
        assert!(batches.iter().all(|batch| batch.len() == 3));
        let rows: Vec<_> = batches.iter().flatten().collect();
        assert!(rows.iter().all(|row| row.len() == 51));
        let mut symbols: Vec<u32> = rows.into_iter().flatten().copied().collect();
        symbols.sort_unstable();
        symbols.dedup();
        assert!(symbols.len() > 95, "{symbols:?}");
        assert!(symbols.iter().all(|&symbol| symbol < VOCABULARY as u32));
        assert_ne!(random_rows(1, 3, 51), batches);
    }
}

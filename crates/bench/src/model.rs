//! A model's training step, whole: what is measured of any model, on either side alike.
//!
//! ```text
//! L     = the mean of -ln p of each symbol of a batch, or of each sentence's tags, as the model has it
//! g     = dL/dtheta min(1, n / |dL/dtheta|)          the norm of the whole gradient
//! theta <- Adam(theta, g)
//! ```
//!
//! Forward is `L` alone, from an empty state, with no gradient recorded.

mod agreement;
mod drawn;
mod language_model;
mod row;
mod tagger;
mod translator;

use backdraft_cells::Path;
use backdraft_exchange::pytorch::Twin;
use backdraft_train::Objective;
use burn::tensor::Device;
use serde_json::Value;

pub use agreement::Agreement;
#[cfg(test)]
pub(crate) use agreement::{STEPS, TOLERANCE};
pub use language_model::LanguageModelSetup;
pub use row::{ModelRow, Parts};
pub use tagger::TaggerSetup;
pub use translator::TranslatorSetup;

use crate::{BenchError, PyTorchProgram, Shape};

/// `V`: the symbols, about as many as a text in English has characters.
pub(crate) const VOCABULARY: usize = 100;

/// The learning rate.
pub(crate) const RATE: f64 = 1e-3;

/// `n`: so small that every step is clipped, on symbols that come at random. Adam undoes a factor that
/// stays; this one changes with the norm from step to step.
pub(crate) const NORM: f64 = 0.01;

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

    /// How many symbols have an embedding: of a tagger, words.
    fn vocabulary(&self) -> usize {
        VOCABULARY
    }

    /// What it is made of, from the embedding to the loss.
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

    /// How many symbols a batch has, padding aside; the mean of the batches.
    fn symbols_read(&self) -> f64 {
        self.shape().symbols() as f64
    }

    /// Floating-point operations of the matrix products of a training step.
    fn training_flops(&self) -> f64;
}

/// Operations of a product of matrices, `[rows, read]` by `[read, written]`, forward, and of the two
/// products backward, by which its gradients come.
fn product_flops(rows: f64, read: usize, written: usize) -> f64 {
    3.0 * 2.0 * rows * read as f64 * written as f64
}

//! A model that tells the class of a whole sequence.
//!
//! ```text
//! e_t = dropout(E[x_t])        or dropout(x_t), of vectors
//! h_t = recurrent layers over e_1 .. e_T
//! s = pooling of h_1 .. h_T                               [H], see Pooling
//! p(class | x_1 .. x_T) = softmax(U dropout(s) + c)       U: [H, classes]
//! ```
//!
//! In training, with label smoothing `e` (Szegedy et al. 2016, arXiv 1512.00567) and a weight `w` for each of
//! the `K` classes, as in PyTorch's `CrossEntropyLoss`:
//!
//! ```text
//! loss = -(1 - e) w_y ln p_y - e / K sum_k w_k ln p_k           y: the right class
//! ```

use backdraft_cells::{Error, Layer, LayerInput, Lengths};
use burn::module::{Module, ModuleDisplay};
use burn::nn::{Dropout, Embedding, Linear};
use burn::tensor::{Int, Tensor, TensorData, activation::log_softmax};

use crate::{Inputs, Pool, source::embedded};

mod config;

pub use config::ClassifierConfig;

/// A model that tells the class of a whole sequence.
#[derive(Module, Debug)]
pub struct Classifier<L: Module + ModuleDisplay> {
    /// `E`, if symbols are read.
    pub embedding: Option<Embedding>,
    /// The recurrent layers.
    pub recurrent: L,
    /// What makes one vector of their outputs.
    pub pool: Pool,
    /// `U` and `c`.
    pub output: Linear,
    input_dropout: Dropout,
    output_dropout: Dropout,
    #[module(skip)]
    label_smoothing: f64,
    /// `w`; 1 for each if empty.
    #[module(skip)]
    class_weights: Vec<f64>,
}

impl<L: Layer> Classifier<L> {
    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.output.weight.dims()[1]
    }

    /// The scores of the classes of each row, `U s + c`: `[batch, classes]`.
    ///
    /// `inputs` are symbols `[batch, time]`, each below the vocabulary size, or vectors
    /// `[batch, time, features]`.
    ///
    /// # Errors
    ///
    /// When the inputs are of the other kind or of another size, the lengths do not fit, or a row
    /// is empty: it has no class.
    pub fn logits(&self, inputs: impl Into<Inputs>, lengths: &Lengths) -> Result<Tensor<2>, Error> {
        let pooled = self
            .pool
            .forward(self.outputs(inputs.into(), lengths)?, lengths)?;
        Ok(self.output.forward(self.output_dropout.forward(pooled)))
    }

    /// How much attention looks at each step, 0 in padding: `[batch, time]`, whose rows sum to 1. `None` where
    /// the pooling is another.
    ///
    /// # Errors
    ///
    /// As [`logits`](Self::logits).
    pub fn attention(
        &self,
        inputs: impl Into<Inputs>,
        lengths: &Lengths,
    ) -> Result<Option<Tensor<2>>, Error> {
        let Some(query) = &self.pool.query else {
            return Ok(None);
        };
        let outputs = lengths.clear_padding(self.outputs(inputs.into(), lengths)?);
        Ok(Some(query.weights(outputs, lengths).squeeze_dim(2)))
    }

    /// `h_1 .. h_T`.
    fn outputs(&self, inputs: Inputs, lengths: &Lengths) -> Result<Tensor<3>, Error> {
        let name = "Classifier";
        let embedded = embedded(name, self.embedding.as_ref(), inputs, lengths)?;
        let embedded = self.input_dropout.forward(embedded);
        let run = self
            .recurrent
            .forward(LayerInput::new(embedded).with_lengths(lengths));
        Ok(run.map_err(|error| error.within(name))?.outputs)
    }

    /// The cross-entropy of each row's class, in nats: `[batch]`; in training alone with label smoothing and the
    /// weights of the classes.
    ///
    /// # Errors
    ///
    /// As [`logits`](Self::logits); and when there is not one class for each row. Classes must be
    /// below their number.
    pub fn loss(
        &self,
        inputs: impl Into<Inputs>,
        lengths: &Lengths,
        classes: Tensor<1, Int>,
    ) -> Result<Tensor<1>, Error> {
        let inputs = inputs.into();
        let ([batch, _], [found]) = (inputs.dims(), classes.dims());
        if found != batch {
            let expected = format!("{batch}, one for each row of the batch");
            return Err(Error::new(
                "Classifier",
                "number of classes",
                expected,
                found,
            ));
        }
        let log_p = log_softmax(self.logits(inputs, lengths)?, 1);
        let device = log_p.device();
        let is_learned = device.is_autodiff();
        // `w_k ln p_k`
        let log_p = match is_learned && !self.class_weights.is_empty() {
            true => {
                let weights = self.class_weights.clone();
                let weights = TensorData::new(weights, [1, self.classes()]);
                log_p * Tensor::<2>::from_data(weights, &device)
            }
            false => log_p,
        };
        let right = log_p.clone().gather(1, classes.unsqueeze_dim(1));
        let nats = -right.squeeze_dim::<1>(1);
        let smoothing = self.label_smoothing;
        if smoothing == 0.0 || !is_learned {
            return Ok(nats);
        }
        let all = -log_p.mean_dim(1).squeeze_dim::<1>(1);
        Ok(nats * (1.0 - smoothing) + all * smoothing)
    }
}

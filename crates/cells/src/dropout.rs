//! Dropout on a sequence that goes from layer to layer.
//!
//! ```text
//! y_t = m_t . x_t        each step its own mask
//! y_t = m . x_t          variational: one mask for all steps of a row
//!
//! each number of a mask: 0 with probability p, else 1 / (1 - p)
//! ```
//!
//! Variational: Gal and Ghahramani 2016, "A theoretically grounded application of dropout in
//! recurrent neural networks", arXiv 1512.05287.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::{DType, Device, Tensor};

use crate::Error;

/// Dropout on a sequence: with Burn's [`Dropout`] in it, and so under the same conditions. It does
/// nothing in evaluation.
#[doc(alias = "LockedDropout")]
#[doc(alias = "SpatialDropout1D")]
#[derive(Module, Debug)]
pub struct SequenceDropout {
    /// What draws.
    pub dropout: Dropout,
    variational: bool,
}

impl SequenceDropout {
    /// Drops with `probability`, at each step anew.
    ///
    /// # Errors
    ///
    /// When the probability is not in `0.0..1.0`; the error is about `layer`.
    pub fn new(layer: &str, probability: f64) -> Result<Self, Error> {
        if !(0.0..1.0).contains(&probability) {
            let expected = "at least 0 and below 1";
            return Err(Error::new(layer, "dropout", expected, probability));
        }
        Ok(Self {
            dropout: DropoutConfig::new(probability).init(),
            variational: false,
        })
    }

    /// Sets whether all steps of a row have the same mask.
    ///
    /// # Errors
    ///
    /// When they would have none, the probability being 0; the error is about `layer`.
    pub fn with_variational(mut self, layer: &str, variational: bool) -> Result<Self, Error> {
        if variational && self.dropout.prob == 0.0 {
            let expected = "a dropout above 0 to draw its masks with";
            return Err(Error::new(layer, "variational dropout", expected, 0));
        }
        self.variational = variational;
        Ok(self)
    }

    /// From `[batch, time, features]` to the same.
    pub fn forward(&self, sequence: Tensor<3>) -> Tensor<3> {
        let device = sequence.device();
        let [batch, _, features] = sequence.dims();
        match self.mask_of_rows([batch, features], (device, sequence.dtype())) {
            Some(mask) => sequence * mask,
            None => self.dropout.forward(sequence),
        }
    }

    /// The mask of all steps of each row, `[batch, 1, features]`; nothing if each step has its own, or none.
    pub(crate) fn mask_of_rows(
        &self,
        [batch, features]: [usize; 2],
        (device, dtype): (Device, DType),
    ) -> Option<Tensor<3>> {
        let drawn = self.variational && is_active(&self.dropout, &device);
        drawn.then(|| {
            let ones = Tensor::<3>::ones([batch, 1, features], (&device, dtype));
            self.dropout.forward(ones)
        })
    }
}

/// Whether [`Dropout::forward`] changes what is on `device`.
pub(crate) fn is_active(dropout: &Dropout, device: &Device) -> bool {
    dropout.training.is_enabled() && device.is_autodiff() && dropout.prob > 0.0
}

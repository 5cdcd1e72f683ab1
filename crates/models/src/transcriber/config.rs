//! What a transcriber is built from.

use backdraft_cells::{Error, Layer, SequenceConfig};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::Transcriber;
use crate::linear::linear;
use crate::probability::dropout;

/// Configuration of a [`Transcriber`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TranscriberConfig<K> {
    /// The number of labels; they are 1 and up, and the blank beside them is 0.
    pub labels: usize,
    /// The recurrent layers; their input size is that of one frame.
    pub layer: K,
    /// The frames that become one step; 1 by default.
    pub stacking: usize,
    /// The probability of dropping a feature of an input; 0 by default.
    #[serde(default)]
    pub input_dropout: f64,
    /// The probability of dropping a feature of an output; 0 by default.
    #[serde(default)]
    pub output_dropout: f64,
}

impl<K> TranscriberConfig<K> {
    /// A step for each frame, without dropout.
    pub fn new(labels: usize, layer: K) -> Self {
        Self {
            labels,
            layer,
            stacking: 1,
            input_dropout: 0.0,
            output_dropout: 0.0,
        }
    }

    /// Sets the frames that become one step.
    #[must_use]
    pub fn with_stacking(mut self, stacking: usize) -> Self {
        self.stacking = stacking;
        self
    }

    /// Sets the probability of dropping a feature of an input.
    #[must_use]
    pub fn with_input_dropout(mut self, input_dropout: f64) -> Self {
        self.input_dropout = input_dropout;
        self
    }

    /// Sets the probability of dropping a feature of an output.
    #[must_use]
    pub fn with_output_dropout(mut self, output_dropout: f64) -> Self {
        self.output_dropout = output_dropout;
        self
    }
}

impl<K: SequenceConfig<Built: Layer>> TranscriberConfig<K> {
    /// Builds the model with new weights, drawn in this order: the recurrent layers, the output
    /// layer uniformly within 1/sqrt(H).
    ///
    /// # Errors
    ///
    /// When a size is zero or a probability is not in `0.0..1.0`.
    pub fn init(&self, device: &Device) -> Result<Transcriber<K::Built>, Error> {
        let name = "Transcriber";
        Error::unless_positive(name, "labels", self.labels)?;
        Error::unless_positive(name, "frames of a step", self.stacking)?;
        let features = self.layer.input_size();
        Error::unless_positive(name, "features of a frame", features)?;
        let input_dropout = dropout(name, "input dropout", self.input_dropout)?;
        let output_dropout = dropout(name, "output dropout", self.output_dropout)?;

        let layer = self.layer.clone().with_input_size(features * self.stacking);
        let recurrent = layer.init(device).map_err(|error| error.within(name))?;
        let output = linear(recurrent.output_size(), self.labels + 1, true, device);
        Ok(Transcriber {
            recurrent,
            output,
            input_dropout,
            output_dropout,
            stacking: self.stacking,
        })
    }
}

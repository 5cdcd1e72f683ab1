//! What a classifier is built from.

use backdraft_cells::{Error, Layer, SequenceConfig};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::Classifier;
use crate::linear::linear;
use crate::probability::dropout;
use crate::{Pooling, Source};

/// Configuration of a [`Classifier`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClassifierConfig<K> {
    /// The number of classes.
    pub classes: usize,
    /// What the steps of a sequence are.
    pub source: Source,
    /// The recurrent layers; their input size is that of the embedding, or of the vectors.
    pub layer: K,
    /// How the outputs of all steps become one vector; [`Pooling::Last`] by default.
    #[serde(default)]
    pub pooling: Pooling,
    /// The probability of dropping a feature of an input; 0 by default.
    #[serde(default)]
    pub input_dropout: f64,
    /// The probability of dropping a feature of the pooled outputs; 0 by default.
    #[serde(default)]
    pub output_dropout: f64,
    /// The part of the target that all classes share in training; 0 by default.
    #[serde(default)]
    pub label_smoothing: f64,
    /// How much an example of each class counts in training; 1 for each if empty, the default.
    #[serde(default)]
    pub class_weights: Vec<f64>,
}

impl<K> ClassifierConfig<K> {
    /// A classifier with [`Pooling::Last`] and without dropout.
    pub fn new(classes: usize, source: Source, layer: K) -> Self {
        Self {
            classes,
            source,
            layer,
            pooling: Pooling::default(),
            input_dropout: 0.0,
            output_dropout: 0.0,
            label_smoothing: 0.0,
            class_weights: Vec::new(),
        }
    }

    /// Sets how the outputs at all steps become one vector.
    #[must_use]
    pub fn with_pooling(mut self, pooling: Pooling) -> Self {
        self.pooling = pooling;
        self
    }

    /// Sets the probability of dropping a feature of an input.
    #[must_use]
    pub fn with_input_dropout(mut self, input_dropout: f64) -> Self {
        self.input_dropout = input_dropout;
        self
    }

    /// Sets the probability of dropping a feature of the pooled outputs.
    #[must_use]
    pub fn with_output_dropout(mut self, output_dropout: f64) -> Self {
        self.output_dropout = output_dropout;
        self
    }

    /// Sets the part of the target that all classes share in training.
    #[must_use]
    pub fn with_label_smoothing(mut self, label_smoothing: f64) -> Self {
        self.label_smoothing = label_smoothing;
        self
    }

    /// Sets how much an example of each class counts in training: `weight` of PyTorch's `CrossEntropyLoss`.
    #[must_use]
    pub fn with_class_weights(mut self, class_weights: Vec<f64>) -> Self {
        self.class_weights = class_weights;
        self
    }
}

impl<K: SequenceConfig<Built: Layer>> ClassifierConfig<K> {
    /// Builds the model with new weights, drawn in this order: the embedding from N(0, 1), the
    /// recurrent layers, the query of attention, the output layer uniformly within 1/sqrt(H).
    ///
    /// # Errors
    ///
    /// When a size is zero, there are fewer than 2 classes, a probability is not in `0.0..1.0`, there is not one
    /// weight for each class, or one is not a number above 0, or the layers cannot be pooled so.
    pub fn init(&self, device: &Device) -> Result<Classifier<K::Built>, Error> {
        let name = "Classifier";
        if self.classes < 2 {
            return Err(Error::new(name, "classes", "at least 2", self.classes));
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            let (what, found) = ("label smoothing", self.label_smoothing);
            return Err(Error::new(name, what, "at least 0 and below 1", found));
        }
        let weights = &self.class_weights;
        if !weights.is_empty() && weights.len() != self.classes {
            let expected = format!("{}, one for each class, or none", self.classes);
            return Err(Error::new(name, "class weights", expected, weights.len()));
        }
        let is_weight = |weight: &f64| *weight > 0.0 && weight.is_finite();
        if let Some(weight) = weights.iter().find(|weight| !is_weight(weight)) {
            let expected = "a finite number above 0";
            return Err(Error::new(name, "class weight", expected, weight));
        }
        let input_dropout = dropout(name, "input dropout", self.input_dropout)?;
        let output_dropout = dropout(name, "output dropout", self.output_dropout)?;

        let size = self.layer.input_size();
        let embedding = self.source.embedding(name, size, device)?;
        let recurrent = self.layer.init(device);
        let recurrent = recurrent.map_err(|error| error.within(name))?;
        let features = recurrent.output_size();
        let pool = self.pooling.init(features, recurrent.direction(), device);
        let pool = pool.map_err(|error| error.within(name))?;
        let output = linear(features, self.classes, true, device);
        Ok(Classifier {
            embedding,
            recurrent,
            pool,
            output,
            input_dropout,
            output_dropout,
            label_smoothing: self.label_smoothing,
            class_weights: self.class_weights.clone(),
        })
    }
}

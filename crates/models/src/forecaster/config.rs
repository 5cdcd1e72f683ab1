//! What a forecaster is built of.

use backdraft_cells::{Error, Layer, SequenceConfig};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{CategoriesConfig, Forecaster, NAME, Scaling};
use crate::Output;
use crate::causal::runs_forward;
use crate::linear::uniform;

/// Configuration of a [`Forecaster`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ForecasterConfig<K> {
    /// The recurrent layer, forward in time; its input size is 2 more than there are covariates, `C`, and features of
    /// categories.
    pub layer: K,
    /// The kind of distribution; Gaussian by default.
    pub output: Output,
    /// The units that a series is read in; those of its mean size by default.
    pub scaling: Scaling,
    /// The categories of a series; none by default.
    #[serde(default)]
    pub categories: CategoriesConfig,
}

impl<K> ForecasterConfig<K> {
    /// A Gaussian, in units of the mean size.
    pub fn new(layer: K) -> Self {
        Self {
            layer,
            output: Output::Gaussian,
            scaling: Scaling::default(),
            categories: CategoriesConfig::default(),
        }
    }

    /// Sets the kind of distribution.
    #[must_use]
    pub fn with_output(mut self, output: Output) -> Self {
        self.output = output;
        self
    }

    /// Sets the units that a series is read in.
    #[must_use]
    pub fn with_scaling(mut self, scaling: Scaling) -> Self {
        self.scaling = scaling;
        self
    }

    /// Sets how many different categories of each kind there are.
    #[must_use]
    pub fn with_categories(mut self, counts: impl Into<Vec<usize>>) -> Self {
        self.categories = CategoriesConfig::new(counts);
        self
    }
}

impl<K: SequenceConfig<Built: Layer>> ForecasterConfig<K> {
    /// Builds the model with new weights: of the layer, then of the categories, then `W`, then `b`, the last two uniform
    /// within 1/sqrt(H).
    ///
    /// # Errors
    ///
    /// When the layer is impossible, reads less than 2 features and those of the categories, or goes back in time; when
    /// there is no category of a kind; when the levels of quantiles are none; and when counts are to be moved by their
    /// mean.
    pub fn init(&self, device: &Device) -> Result<Forecaster<K::Built>, Error> {
        self.output.check(NAME)?;
        let (found, least) = (self.layer.input_size(), 2 + self.categories.features());
        if found < least {
            let expected = format!(
                "at least {least}: the value before, whether it was observed, covariates, and features of categories"
            );
            return Err(Error::new(NAME, "input size", expected, found));
        }
        if self.output == Output::NegativeBinomial && self.scaling == Scaling::Standard {
            let expected = "none or mean absolute, as the distribution is one of counts";
            return Err(Error::new(NAME, "scaling", expected, "standard"));
        }
        let layer = self
            .layer
            .init(device)
            .map_err(|error| error.within(NAME))?;
        runs_forward(NAME, "layer", &layer)?;
        let (hidden, features) = (layer.output_size(), self.output.features());
        let categories = self.categories.init(device)?;
        Ok(Forecaster {
            layer,
            categories,
            output_weight: uniform([features, hidden], hidden, device),
            output_bias: uniform([features], hidden, device),
            output: self.output.clone(),
            scaling: self.scaling,
        })
    }
}

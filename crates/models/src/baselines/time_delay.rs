//! The time-delay neural network: each layer sees what the one below put out at its last steps, with the
//! same weights at all of them.
//!
//! ```text
//! h^l_t = f(sum_{k=0}^{N_l-1} W^l_k h^{l-1}_{t - k d_l} + b^l)        h^0 = x
//! ```
//!
//! The output at `t` has seen `1 + sum_l (N_l - 1) d_l` inputs. It is a [`Deep`] stack of [`WindowNet`]s.
//!
//! Waibel, Hanazawa, Hinton, Shikano and Lang 1989, "Phoneme recognition using time-delay neural
//! networks": windows of 3 and 5 inputs, `d` = 1. With `d` = 1, 2, 4 .. the reach grows with the power of
//! the layers, as in van den Oord et al. 2016 (WaveNet), arXiv 1609.03499.

use backdraft_cells::{Activation, Connection, Deep, Error, SequenceConfig};
use burn::config::Config;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{WindowConfig, WindowNet};

/// Configuration of a time-delay neural network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimeDelayConfig {
    /// Features of the input.
    pub input_size: usize,
    /// Units of each layer.
    pub hidden_size: usize,
    /// `N_l` of each layer, the lowest first.
    pub windows: Vec<usize>,
    /// `d_l` of each layer; 1 everywhere by default, when there are none.
    #[serde(default)]
    pub dilations: Vec<usize>,
    /// `f`; tanh by default.
    pub activation: Activation,
    /// The probability of dropping a connection between two layers; 0 by default.
    #[serde(default)]
    pub dropout: f64,
}

impl TimeDelayConfig {
    /// A layer for each of `windows`.
    pub fn new(input_size: usize, hidden_size: usize, windows: impl Into<Vec<usize>>) -> Self {
        Self {
            input_size,
            hidden_size,
            windows: windows.into(),
            dilations: Vec::new(),
            activation: Activation::Tanh,
            dropout: 0.0,
        }
    }

    /// Sets the steps from one input in a window to the next, of each layer.
    #[must_use]
    pub fn with_dilations(mut self, dilations: impl Into<Vec<usize>>) -> Self {
        self.dilations = dilations.into();
        self
    }

    /// Sets the activation.
    #[must_use]
    pub fn with_activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// Sets the probability of dropping a connection between two layers.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Inputs that an output has seen.
    pub fn reach(&self) -> usize {
        let dilation = |layer| self.dilations.get(layer).copied().unwrap_or(1);
        let windows = self.windows.iter().enumerate();
        1 + windows
            .map(|(layer, window)| window.saturating_sub(1) * dilation(layer))
            .sum::<usize>()
    }
}

impl Config for TimeDelayConfig {}

impl SequenceConfig for TimeDelayConfig {
    type Built = Deep<WindowNet>;

    fn input_size(&self) -> usize {
        self.input_size
    }

    fn with_input_size(self, input_size: usize) -> Self {
        Self { input_size, ..self }
    }

    fn with_hidden_size(self, hidden_size: usize) -> Self {
        Self {
            hidden_size,
            ..self
        }
    }

    fn init(&self, device: &Device) -> Result<Deep<WindowNet>, Error> {
        let (layers, dilations) = (self.windows.len(), self.dilations.len());
        if dilations != 0 && dilations != layers {
            let expected = format!("{layers}, one for each layer, or none");
            return Err(Error::new(
                "TimeDelay",
                "number of dilations",
                expected,
                dilations,
            ));
        }
        let mut input_size = self.input_size;
        let mut stack = Vec::with_capacity(layers);
        for (layer, window) in self.windows.iter().enumerate() {
            let config = WindowConfig::new(input_size, *window)
                .with_hidden([self.hidden_size])
                .with_dilation(self.dilations.get(layer).copied().unwrap_or(1))
                .with_activation(self.activation);
            let built = config.init(device);
            stack.push(built.map_err(|error| error.within(format!("layer {layer} of TimeDelay")))?);
            input_size = self.hidden_size;
        }
        Deep::new(stack, self.dropout, Connection::Plain)
    }
}

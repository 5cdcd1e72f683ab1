//! What a net over a window is built of.

use backdraft_cells::{Activation, Error, SequenceConfig};
use burn::config::Config;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{NAME, WindowNet};
use crate::linear::linear;

/// What is made of the inputs in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrangement {
    /// One after the other: where each stands is known.
    #[default]
    Concatenated,
    /// The mean of those that are there.
    Averaged,
    /// Their sum.
    Bag,
}

/// Configuration of a [`WindowNet`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowConfig {
    /// Features of the input, `I`.
    pub input_size: usize,
    /// Inputs that are seen, `N`.
    pub window: usize,
    /// Units of each hidden layer; none by default.
    #[serde(default)]
    pub hidden: Vec<usize>,
    /// What is made of the inputs; they are concatenated by default.
    #[serde(default)]
    pub arrangement: Arrangement,
    /// Steps from one input in the window to the next, `d`; 1 by default.
    #[serde(default = "one")]
    pub dilation: usize,
    /// `f`; tanh by default.
    #[serde(default = "tanh")]
    pub activation: Activation,
}

fn one() -> usize {
    1
}

fn tanh() -> Activation {
    Activation::Tanh
}

impl WindowConfig {
    /// The last `window` inputs as they are, concatenated.
    pub fn new(input_size: usize, window: usize) -> Self {
        Self {
            input_size,
            window,
            hidden: Vec::new(),
            arrangement: Arrangement::default(),
            dilation: one(),
            activation: tanh(),
        }
    }

    /// Sets the units of each hidden layer.
    #[must_use]
    pub fn with_hidden(mut self, hidden: impl Into<Vec<usize>>) -> Self {
        self.hidden = hidden.into();
        self
    }

    /// Sets what is made of the inputs.
    #[must_use]
    pub fn with_arrangement(mut self, arrangement: Arrangement) -> Self {
        self.arrangement = arrangement;
        self
    }

    /// Sets the steps from one input in the window to the next.
    #[must_use]
    pub fn with_dilation(mut self, dilation: usize) -> Self {
        self.dilation = dilation;
        self
    }

    /// Sets the activation of the hidden layers.
    #[must_use]
    pub fn with_activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }
}

impl Config for WindowConfig {}

impl SequenceConfig for WindowConfig {
    type Built = WindowNet;

    fn input_size(&self) -> usize {
        self.input_size
    }

    fn with_input_size(self, input_size: usize) -> Self {
        Self { input_size, ..self }
    }

    /// Gives all hidden layers this size.
    fn with_hidden_size(mut self, hidden_size: usize) -> Self {
        self.hidden.fill(hidden_size);
        self
    }

    fn init(&self, device: &Device) -> Result<WindowNet, Error> {
        Error::unless_positive(NAME, "input size", self.input_size)?;
        Error::unless_positive(NAME, "window", self.window)?;
        Error::unless_positive(NAME, "dilation", self.dilation)?;
        let mut features = match self.arrangement {
            Arrangement::Concatenated => self.window * self.input_size,
            Arrangement::Averaged | Arrangement::Bag => self.input_size,
        };
        let mut dense = Vec::new();
        for &units in &self.hidden {
            Error::unless_positive(NAME, "units of a hidden layer", units)?;
            dense.push(linear(features, units, true, device));
            features = units;
        }
        Ok(WindowNet {
            dense,
            place: Tensor::zeros([1], device),
            config: self.clone(),
            output_size: features,
        })
    }
}

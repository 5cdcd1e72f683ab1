//! What holds the recurrent weights back, as it is asked for.

use backdraft_cells::WeightNorm;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::names;

/// The regularisers of the recurrent layers in training. Not every cell supports all of them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regularize {
    /// The probability of dropping a recurrent weight, for a window (Merity 2017).
    pub drop_connect: f64,
    /// The probability of dropping a unit of the last output, for a window (Gal 2016).
    pub recurrent_dropout: f64,
    /// The probability of dropping a unit of the candidate, in a step (Semeniuta 2016).
    pub candidate_dropout: f64,
    /// The probability with which a unit of the output keeps its last value, in a step (Krueger 2016).
    #[serde(default)]
    pub zoneout: f64,
    /// The same of what a cell remembers beside its output, such as the memory of an LSTM.
    #[serde(default)]
    pub zoneout_memory: f64,
    /// Which weights are learned as a direction and a length (Salimans 2016).
    pub weight_norm: NormedWeights,
}

/// Which weights are learned as a direction and a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum NormedWeights {
    /// None
    #[default]
    Off,
    /// The recurrent weights
    Recurrent,
    /// The recurrent weights and the input weights
    Both,
}

impl NormedWeights {
    /// As it is typed.
    pub(crate) fn name(self) -> String {
        names::typed(&self)
    }
}

impl From<NormedWeights> for WeightNorm {
    fn from(weights: NormedWeights) -> Self {
        match weights {
            NormedWeights::Off => Self::Off,
            NormedWeights::Recurrent => Self::Recurrent,
            NormedWeights::Both => Self::Both,
        }
    }
}

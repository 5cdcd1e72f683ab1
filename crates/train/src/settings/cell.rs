//! The cells that can be asked for by name.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The cell of a recurrent layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum CellKind {
    /// The simple recurrent network, with tanh
    Elman,
    /// Long short-term memory
    Lstm,
    /// The gated recurrent unit
    #[default]
    Gru,
    /// An LSTM with normalised gates and memory
    LayerNormLstm,
    /// A GRU with normalised gates
    LayerNormGru,
    /// An LSTM that keeps nothing but the forget gate
    Janet,
    /// A GRU of one gate
    Mgu,
    /// An LSTM with exponential gates
    SLstm,
    /// A GRU whose gates see the input alone, scanned over time
    MinGru,
    /// An LSTM whose gates see the input alone, scanned over time
    MinLstm,
}

impl CellKind {
    /// As it is asked for.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value().expect("none is hidden");
        value.get_name().to_string()
    }

    /// Whether it has a gate that keeps, of which it can be said what it starts at.
    pub(crate) fn has_memory(self) -> bool {
        matches!(self, Self::Lstm | Self::Gru | Self::Janet)
    }

    /// Numbers of a unit that are kept of a step for its backward pass: what the kernel says of its
    /// equations, and the state; of cells that are equations alone, about as many as of an LSTM.
    pub(super) fn kept(self) -> usize {
        match self {
            Self::Elman => 2,
            Self::Gru => 5,
            _ => 6,
        }
    }

    /// Whether its gates look at the last output, so that something can be dropped on that way.
    pub(super) fn looks_back(self) -> bool {
        !matches!(self, Self::MinGru | Self::MinLstm)
    }
}

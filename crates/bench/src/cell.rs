//! The cells that are measured.

use clap::ValueEnum;
use serde::Serialize;

/// A cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum CellKind {
    /// The simple recurrent network, tanh
    Elman,
    /// Long short-term memory
    Lstm,
    /// The gated recurrent unit, reset after the product
    Gru,
}

impl CellKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Elman, Self::Lstm, Self::Gru];

    /// `G`: the gates, each of which has weights from all inputs and all units to all units.
    pub const fn gates(self) -> usize {
        match self {
            Self::Elman => 1,
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }

    /// As the arguments and the JSON name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Elman => "elman",
            Self::Lstm => "lstm",
            Self::Gru => "gru",
        }
    }
}

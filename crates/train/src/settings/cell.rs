//! The cells that can be asked for by name.

use backdraft_cells::Regularizer;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::names;

/// The cell of a recurrent layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum CellKind {
    /// The simple recurrent network, with tanh
    Elman,
    /// An Elman network that looks back several steps
    HighOrderElman,
    /// Jordan's network, which feeds back its output
    Jordan,
    /// A network that feeds back its hidden units and its output
    ElmanJordan,
    /// A network in which each unit sees only its own past
    IndRnn,
    /// Long short-term memory
    Lstm,
    /// An LSTM whose use gate reads the new memory
    FourGateLstm,
    /// The gated recurrent unit
    #[default]
    Gru,
    /// An LSTM with normalised gates and memory
    LayerNormLstm,
    /// A GRU with normalised gates
    LayerNormGru,
    /// An LSTM with only the forget gate
    Janet,
    /// A GRU with only one gate
    Mgu,
    /// An LSTM with exponential gates
    SLstm,
    /// A GRU whose gates see only the input: a parallel scan over time
    MinGru,
    /// An LSTM whose gates see only the input: a parallel scan over time
    MinLstm,
    /// A linear recurrence of complex units: a parallel scan over time
    Lru,
}

impl CellKind {
    /// As it is asked for.
    pub(crate) fn name(self) -> String {
        names::typed(&self)
    }

    /// Whether it has a gate that keeps, of which it can be said what it starts at.
    pub(crate) fn has_memory(self) -> bool {
        matches!(self, Self::Lstm | Self::Gru | Self::Janet)
    }

    /// Numbers of a unit that are kept of a step for its backward pass: what the kernel says of its
    /// equations, and the state; of cells that are equations alone, about as many as of an LSTM.
    pub(crate) fn kept(self) -> usize {
        match self {
            Self::Elman | Self::IndRnn => 2,
            Self::Gru => 5,
            _ => 6,
        }
    }

    /// What can be dropped inside its recurrence.
    pub(super) fn regularizers(self) -> &'static [Regularizer] {
        match self {
            Self::Elman | Self::HighOrderElman | Self::Jordan | Self::ElmanJordan => {
                &[Regularizer::DropConnect, Regularizer::RecurrentDropout]
            }
            Self::SLstm | Self::IndRnn | Self::MinGru | Self::MinLstm | Self::Lru => &[],
            Self::Lstm
            | Self::FourGateLstm
            | Self::Gru
            | Self::LayerNormLstm
            | Self::LayerNormGru
            | Self::Janet
            | Self::Mgu => &Regularizer::ALL,
        }
    }

    /// Whether its weights can be learned as a direction and a length: where they are those of gates, of which
    /// something can be dropped as well.
    pub(super) fn has_weight_norm(self) -> bool {
        !self.regularizers().is_empty()
    }

    /// Whether its units can keep their last values by chance: those of cells that are written as equations.
    pub(super) fn has_zoneout(self) -> bool {
        !matches!(self, Self::MinGru | Self::MinLstm | Self::Lru)
    }

    /// Whether it remembers something beside what it puts out.
    pub(super) fn remembers_more(self) -> bool {
        matches!(
            self,
            Self::HighOrderElman
                | Self::ElmanJordan
                | Self::Lstm
                | Self::FourGateLstm
                | Self::LayerNormLstm
                | Self::SLstm
        )
    }
}

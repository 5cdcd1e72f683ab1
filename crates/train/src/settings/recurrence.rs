//! The recurrent layers of a model, as they are asked for.

use backdraft_cells::{GatesConfig, Memory};
use serde::{Deserialize, Serialize};

use super::{CellKind, Regularize};

/// The recurrent layers of a model, and what they read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recurrence {
    /// The cell.
    pub cell: CellKind,
    /// Recurrent layers.
    pub layers: usize,
    /// Units of each layer.
    pub hidden: usize,
    /// Features of a symbol.
    pub embedding: usize,
    /// The probability of dropping a connection that does not recur.
    pub dropout: f64,
    /// What the gate that keeps starts at, in the cells that have one.
    #[serde(default)]
    pub memory: Memory,
    /// What holds the recurrent weights back.
    pub regularize: Regularize,
}

impl Default for Recurrence {
    fn default() -> Self {
        Self {
            cell: CellKind::Gru,
            layers: 1,
            hidden: 192,
            embedding: 64,
            dropout: 0.0,
            memory: Memory::default(),
            regularize: Regularize::default(),
        }
    }
}

impl Recurrence {
    /// How the weights of a gated cell start, and what holds them back.
    pub(crate) fn gates(&self) -> GatesConfig {
        let asked = self.regularize;
        GatesConfig::new()
            .with_drop_connect(asked.drop_connect)
            .with_recurrent_dropout(asked.recurrent_dropout)
            .with_candidate_dropout(asked.candidate_dropout)
            .with_weight_norm(asked.weight_norm.into())
    }
}

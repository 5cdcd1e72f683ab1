//! What is asked of a cell beside its name and size.

use backdraft_cells::Reset;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{CellKind, Recurrence};
use crate::TrainError;
use crate::bounds::{counts, require};

/// Steps that a cell may look back, each with weights of its own.
const MOST_STEPS_BACK: usize = 256;

/// What is asked of a cell beside its name and size. Each belongs to the cell, or cells, named with it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Of an LSTM: whether the gates see the memory (Gers and Schmidhuber 2000).
    pub peepholes: bool,
    /// Of an LSTM: whether what is forgotten makes room for what is let in (Greff 2017).
    pub coupled: bool,
    /// Of an LSTM: features that its output is projected to (Sak 2014).
    pub projection: Option<usize>,
    /// Of a GRU: where the reset gate stands.
    pub reset: ResetKind,
    /// Of a high-order Elman network: steps that it looks back.
    pub order: usize,
    /// Of an sLSTM: heads, each with as many units.
    pub heads: usize,
    /// Whether what a layer reads is added to what it puts out, where these have the same size.
    pub residual: bool,
}

impl Default for Variant {
    fn default() -> Self {
        Self {
            peepholes: false,
            coupled: false,
            projection: None,
            reset: ResetKind::default(),
            order: 3,
            heads: 1,
            residual: false,
        }
    }
}

/// Where the reset gate of a GRU stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ResetKind {
    /// After the product with the recurrent weights, as in PyTorch and cuDNN
    #[default]
    After,
    /// Before the product, as in the paper
    Before,
    /// Nowhere: a light GRU of two gates
    None,
}

impl From<ResetKind> for Reset {
    fn from(kind: ResetKind) -> Self {
        match kind {
            ResetKind::After => Self::AfterProduct,
            ResetKind::Before => Self::BeforeProduct,
            ResetKind::None => Self::None,
        }
    }
}

impl Variant {
    /// Refuses what is impossible, and what is asked of another cell.
    pub(super) fn check(&self, recurrence: &Recurrence) -> Result<(), TrainError> {
        let Recurrence {
            cell,
            layers,
            hidden,
            ..
        } = *recurrence;
        counts([
            ("variant.projection", self.projection.unwrap_or(1)),
            ("variant.order", self.order),
            ("variant.heads", self.heads),
        ])?;
        let expected = format!("at most {MOST_STEPS_BACK}");
        let fits = self.order <= MOST_STEPS_BACK;
        require("variant.order", &expected, self.order, fits)?;
        let usual = Self::default();
        let (lstm, gru) = ("--cell lstm", "--cell gru");
        let (is_lstm, is_gru) = (cell == CellKind::Lstm, cell == CellKind::Gru);
        let idle = [
            ("variant.peepholes", lstm, self.peepholes && !is_lstm),
            ("variant.coupled", lstm, self.coupled && !is_lstm),
            (
                "variant.projection",
                lstm,
                self.projection.is_some() && !is_lstm,
            ),
            ("variant.reset", gru, self.reset != usual.reset && !is_gru),
            (
                "variant.order",
                "--cell high-order-elman",
                self.order != usual.order && cell != CellKind::HighOrderElman,
            ),
            (
                "variant.heads",
                "--cell s-lstm",
                self.heads != usual.heads && cell != CellKind::SLstm,
            ),
            // The first layer may read as much as it puts out, but that is not what is asked for.
            (
                "variant.residual",
                "--layers 2 or more",
                self.residual && layers == 1,
            ),
        ];
        if let Some((setting, with, _)) = idle.into_iter().find(|(_, _, is_idle)| *is_idle) {
            return Err(TrainError::Idle { setting, with });
        }
        // Each head has as many units.
        let expected = format!("a divisor of {hidden}, the units of a layer");
        let fits = hidden.is_multiple_of(self.heads);
        require("variant.heads", &expected, self.heads, fits)
    }
}

//! The recurrent layers, and what holds their weights back.

use backdraft_cells::Memory;

use super::arguments::take;
use crate::{CellKind, NormedWeights, Recurrence};

#[derive(Debug, clap::Args)]
pub(super) struct Layering {
    #[command(flatten)]
    layers: Layers,
    #[command(flatten)]
    regularising: Regularising,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Model")]
struct Layers {
    /// The recurrent cell
    #[arg(long, value_enum, default_value_t = Recurrence::default().cell)]
    cell: CellKind,
    /// Recurrent layers
    #[arg(long, value_name = "N", default_value_t = Recurrence::default().layers)]
    layers: usize,
    /// Units of each layer
    #[arg(long, value_name = "N", default_value_t = Recurrence::default().hidden)]
    hidden: usize,
    /// Features of a symbol
    #[arg(long, value_name = "N", default_value_t = Recurrence::default().embedding)]
    embedding: usize,
    /// The longest dependency that is expected, in steps: the gate that keeps starts at memories of
    /// up to as many (chrono), with lstm, gru and janet
    #[arg(long, value_name = "STEPS", conflicts_with = "forget_bias")]
    chrono: Option<usize>,
    /// What the bias of the gate that keeps starts at, with lstm, gru and janet
    #[arg(long, value_name = "F")]
    forget_bias: Option<f64>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Regularising")]
struct Regularising {
    /// The probability of dropping a connection that does not recur
    #[arg(long, value_name = "F", default_value_t = Recurrence::default().dropout)]
    dropout: f64,
    /// The probability of dropping a recurrent weight, for a window
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    drop_connect: f64,
    /// The probability of dropping a unit of the last output, for a window
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    recurrent_dropout: f64,
    /// The probability of dropping a unit of the candidate, in a step
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    candidate_dropout: f64,
    /// Which weights are learned as a direction and a length
    #[arg(long, value_enum, default_value_t)]
    weight_norm: NormedWeights,
}

impl Layering {
    pub(super) fn put(&self, typed: &dyn Fn(&str) -> bool, recurrence: &mut Recurrence) {
        take!(self.layers, typed, recurrence, cell layers hidden embedding);
        if let Some(longest) = self.layers.chrono {
            recurrence.memory = Memory::Chrono { longest };
        }
        if let Some(bias) = self.layers.forget_bias {
            recurrence.memory = Memory::ForgetBias(bias);
        }
        let asked = &self.regularising;
        take!(asked, typed, recurrence, dropout);
        take!(asked, typed, recurrence.regularize,
            drop_connect recurrent_dropout candidate_dropout weight_norm);
    }
}

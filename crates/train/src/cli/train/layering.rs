//! The recurrent layers, and what holds their weights back.

use backdraft_cells::Memory;

use super::arguments::take;
use crate::{CellKind, NormedWeights, Recurrence, ResetKind, Variant};

#[derive(Debug, clap::Args)]
pub(super) struct Layering {
    #[command(flatten)]
    layers: Layers,
    #[command(flatten)]
    varying: Varying,
    #[command(flatten)]
    regularising: Regularising,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Model")]
struct Layers {
    /// Recurrent cell
    #[arg(long, value_enum, ignore_case = true, default_value_t = Recurrence::default().cell)]
    cell: CellKind,
    /// Number of recurrent layers
    #[arg(long, value_name = "N", default_value_t = Recurrence::default().layers)]
    layers: usize,
    /// Units in each layer
    #[arg(long, value_name = "N", default_value_t = Recurrence::default().hidden)]
    hidden: usize,
    /// Size of the embedding of a symbol
    #[arg(long, value_name = "N", default_value_t = Recurrence::default().embedding)]
    embedding: usize,
    /// Initialise the gate that keeps memory so that it remembers up to STEPS steps (chrono; lstm, gru, janet)
    #[arg(long, value_name = "STEPS", conflicts_with = "forget_bias")]
    chrono: Option<usize>,
    /// Initial bias of the gate that keeps memory (lstm, gru, janet)
    #[arg(long, value_name = "F")]
    forget_bias: Option<f64>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Cell")]
struct Varying {
    /// lstm: let the gates see the memory
    #[arg(long)]
    peepholes: bool,
    /// lstm: couple the input gate and the forget gate
    #[arg(long)]
    coupled: bool,
    /// lstm: project the output of each layer to N features
    #[arg(long, value_name = "N")]
    projection: Option<usize>,
    /// gru: where to apply the reset gate
    #[arg(long, value_enum, default_value_t)]
    reset: ResetKind,
    /// high-order-elman: number of past steps that it sees
    #[arg(long, value_name = "N", default_value_t = Variant::default().order)]
    order: usize,
    /// s-lstm: number of heads
    #[arg(long, value_name = "N", default_value_t = Variant::default().heads)]
    heads: usize,
    /// Add the input of each layer to its output, where they have the same size
    #[arg(long, help_heading = "Model")]
    residual: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Regularisation")]
struct Regularising {
    /// Dropout between layers
    #[arg(long, value_name = "F", default_value_t = Recurrence::default().dropout)]
    dropout: f64,
    /// Dropout of recurrent weights, the same for a window (DropConnect)
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    drop_connect: f64,
    /// Dropout of the recurrent input, the same for a window (variational)
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    recurrent_dropout: f64,
    /// Dropout of the candidate, new in each step
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    candidate_dropout: f64,
    /// Probability that a unit of the output keeps its last value (zoneout)
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    zoneout: f64,
    /// Probability that a unit of the memory keeps its last value (zoneout)
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    zoneout_memory: f64,
    /// Weights to learn as a direction and a length (weight normalisation)
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
            drop_connect recurrent_dropout candidate_dropout zoneout zoneout_memory weight_norm);
        take!(self.varying, typed, recurrence.variant,
            peepholes coupled projection reset order heads residual);
    }
}

//! Recurrent cells on [Burn](https://burn.dev), and what runs them.
//!
//! Every cell here is the same computation with a different inner part:
//!
//! ```text
//! a_t = W x_t + b            projection: no recurrence, so ONE matrix product for all t
//! g_t = a_t + R h_{t-1}      recurrence: G gates of H units each, from the last output
//! s_t = P(s_{t-1}, g_t)      pointwise: the next state
//! ```
//!
//! A [`Cell`] says what happens in one step. A [`Layer`] runs cells over whole sequences:
//! [`Recurrent`] in one direction, [`Bidirectional`] in both, [`Deep`] in layers on top of each
//! other. Public sequences are batch-first, `[batch, time, features]`; `time` counts steps.
//!
//! | cell | state | gates, in their packed order | paper |
//! |---|---|---|---|
//! | [`Elman`] | hidden | one | Elman 1990 |
//! | [`Lstm`] | hidden, cell | i, f, g, o | Hochreiter and Schmidhuber 1997 |
//! | [`Gru`] | hidden | r, z, n | Cho et al. 2014 |
//! | [`Janet`] | hidden | s, g | van der Westhuizen and Lasenby 2018 |
//!
//! Gate order, weight layout and initial values are PyTorch's, so weights go over and back.
//!
//! # Example
//!
//! Two bidirectional LSTM layers over a padded batch:
//!
//! ```
//! use backdraft_cells::prelude::*;
//! use burn::tensor::{Device, Distribution, Tensor};
//!
//! # fn main() -> Result<(), Error> {
//! let device = Device::default();
//! let layer = DeepConfig::new(BidirectionalConfig::new(LstmConfig::new(8, 16)), 2)
//!     .with_dropout(0.1)
//!     .init(&device)?;
//!
//! let batch = Tensor::<3>::random([3, 20, 8], Distribution::Default, &device);
//! let lengths = Lengths::new([20, 7, 12]);
//! let run = layer.forward(batch, None, Some(&lengths))?;
//!
//! assert_eq!(run.outputs.dims(), [3, 20, 32]); // forward and reverse, side by side
//! assert_eq!(run.state[1].reverse.cell.dims(), [3, 16]); // the final state of any of them
//! # Ok(())
//! # }
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod activation_penalty;
mod bidirectional;
mod cell;
mod deep;
mod dropout;
mod elman;
pub mod equations;
mod error;
mod gate_dropout;
mod gates;
mod gru;
mod initial;
mod initialization;
mod janet;
mod layer;
mod lengths;
mod lstm;
mod memory;
mod recurrent;
mod state;
mod unrolled;
mod weight_norm;

pub use activation_penalty::{activation_penalty, temporal_activation_penalty};
pub use backdraft_kernels::{Direction, Kernel, Nonlinearity, Path};
pub use bidirectional::{Bidirectional, BidirectionalConfig, BothDirections, Merge};
pub use cell::Cell;
pub use deep::{Deep, DeepConfig};
pub use dropout::SequenceDropout;
pub use elman::{Elman, ElmanConfig};
pub use error::Error;
pub use gate_dropout::{GateDropout, MaskSpan, Regularizer};
pub use gates::{Gates, GatesConfig};
pub use gru::{Gru, GruConfig};
pub use initial::Initial;
pub use initialization::Initialization;
pub use janet::{Janet, JanetConfig};
pub use layer::{Layer, Run, SequenceConfig, Trace};
pub use lengths::Lengths;
pub use lstm::{Lstm, LstmConfig, LstmState};
pub use memory::Memory;
pub use recurrent::{Recurrent, RecurrentConfig};
pub use state::State;
#[doc(hidden)]
pub use state::join as __join;
pub use unrolled::{Sequence, unrolled};
pub use weight_norm::{WeightGain, WeightNorm};

/// What most programs need: the cells, the layers, their configurations and the traits.
pub mod prelude {
    pub use crate::{
        Bidirectional, BidirectionalConfig, BothDirections, Cell, Deep, DeepConfig, Direction,
        Elman, ElmanConfig, Error, GatesConfig, Gru, GruConfig, Initial, Initialization, Janet,
        JanetConfig, Layer, Lengths, Lstm, LstmConfig, LstmState, Memory, Merge, Nonlinearity,
        Path, Recurrent, RecurrentConfig, Run, SequenceConfig, State, Trace,
    };
}

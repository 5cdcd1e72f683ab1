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
//! other, [`Dilated`] skipping steps, [`Hierarchical`] at two paces. Public sequences are batch-first, `[batch, time, features]`; `time` counts steps.
//!
//! | cell | state | gates, in their packed order | paper |
//! |---|---|---|---|
//! | [`Elman`] | hidden | one | Elman 1990 |
//! | [`Lstm`] | hidden, cell | i, f, g, o | Hochreiter and Schmidhuber 1997 |
//! | [`Gru`] | hidden | r, z, n | Cho et al. 2014 |
//! | [`Janet`] | hidden | s, g | van der Westhuizen and Lasenby 2018 |
//! | [`MinGru`] | hidden | z, c | Feng et al. 2024 |
//! | [`MinLstm`] | hidden | f, i, c | Feng et al. 2024 |
//! | [`ConvLstm`] | hidden, cell | i, f, g, o | Shi et al. 2015 |
//! | [`Lru`] | output, real, imaginary | no gates | Orvieto et al. 2023 |
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

mod bidirectional;
mod candidate;
mod cell;
mod connection;
mod conv_lstm;
mod deep;
mod dilated;
mod elman;
pub mod equations;
mod error;
mod gates;
mod gru;
mod hierarchical;
mod initial;
mod initialization;
mod input_gates;
mod janet;
mod layer;
mod lengths;
mod lru;
mod lstm;
mod memory;
mod min_gru;
mod min_lstm;
mod recurrent;
pub mod scan;
mod state;
mod stepwise;
mod unrolled;

pub use backdraft_kernels::{Direction, Kernel, Nonlinearity, Path};
pub use bidirectional::{Bidirectional, BidirectionalConfig, BothDirections, Merge};
pub use candidate::Candidate;
pub use cell::Cell;
pub use connection::Connection;
pub use conv_lstm::{ConvLstm, ConvLstmConfig, Peepholes};
pub use deep::{Deep, DeepConfig};
pub use dilated::{Dilated, DilatedConfig, DilatedStackConfig};
pub use elman::{Elman, ElmanConfig};
pub use error::Error;
pub use gates::{Gates, GatesConfig};
pub use gru::{Gru, GruConfig};
pub use hierarchical::{Hierarchical, HierarchicalConfig, HierarchicalState};
pub use initial::Initial;
pub use initialization::Initialization;
pub use input_gates::{InputGates, InputGatesConfig};
pub use janet::{Janet, JanetConfig};
pub use layer::{Layer, Run, SequenceConfig, Trace};
pub use lengths::Lengths;
pub use lru::{Lru, LruConfig, LruState};
pub use lstm::{Lstm, LstmConfig, LstmState};
pub use memory::Memory;
pub use min_gru::{MinGru, MinGruConfig};
pub use min_lstm::{MinLstm, MinLstmConfig};
pub use recurrent::{Recurrent, RecurrentConfig};
pub use state::State;
#[doc(hidden)]
pub use state::join as __join;
pub use unrolled::{Sequence, unrolled};

/// What most programs need: the cells, the layers, their configurations and the traits.
pub mod prelude {
    pub use crate::{
        Bidirectional, BidirectionalConfig, BothDirections, Candidate, Cell, Connection, ConvLstm,
        ConvLstmConfig, Deep, DeepConfig, Dilated, DilatedConfig, DilatedStackConfig, Direction,
        Elman, ElmanConfig, Error, Gru, GruConfig, Hierarchical, HierarchicalConfig,
        HierarchicalState, Initial, Initialization, Janet, JanetConfig, Layer, Lengths, Lru,
        LruConfig, LruState, Lstm, LstmConfig, LstmState, Memory, Merge, MinGru, MinGruConfig,
        MinLstm, MinLstmConfig, Nonlinearity, Path, Recurrent, RecurrentConfig, Run,
        SequenceConfig, State, Trace,
    };
}

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
//! A [`Cell`] says what happens in one step; most are written as [`equations`], and so is a cell of
//! your own. A [`Layer`] runs cells over whole sequences: [`Recurrent`] in one direction,
//! [`Bidirectional`] in both, [`Deep`] in layers on top of each other, [`Dilated`] skipping steps,
//! [`Hierarchical`] at two paces. Public sequences are batch-first, `[batch, time, features]`;
//! `time` counts steps.
//!
//! If you know PyTorch, Keras or burn-nn, [`coming_from`] says what each thing is called here.
//!
//! | cell | state | gates, in their packed order | paper |
//! |---|---|---|---|
//! | [`Elman`] | hidden | one | Elman 1990 |
//! | [`Lstm`] | hidden, cell | i, f, g, o | Hochreiter and Schmidhuber 1997 |
//! | [`Gru`] | hidden | r, z, n | Cho et al. 2014 |
//! | [`HighOrderElman`] | hidden, of the last p steps | one | Soltani and Jiang 2016 |
//! | [`Jordan`] | output | one | Jordan 1986 |
//! | [`ElmanJordan`] | output, hidden | one | Elman 1990, Jordan 1986 |
//! | [`IndRnn`] | hidden | one | Li et al. 2018 |
//! | [`Janet`] | hidden | s, g | van der Westhuizen and Lasenby 2018 |
//! | [`Mgu`] | hidden | f, n | Zhou et al. 2016 |
//! | [`FourGateLstm`] | short-term, long-term memory | i, f, n, v | the teaching literature |
//! | [`LayerNormLstm`] | hidden, cell | i, f, g, o | Ba, Kiros and Hinton 2016 |
//! | [`LayerNormGru`] | hidden | r, z, n | Ba, Kiros and Hinton 2016 |
//! | [`SLstm`] | hidden, cell, normaliser, stabiliser | i, f, z, o | Beck et al. 2024 |
//! | [`MinGru`] | hidden | z, c | Feng et al. 2024 |
//! | [`MinLstm`] | hidden | f, i, c | Feng et al. 2024 |
//! | [`ConvLstm`] | hidden, cell | i, f, g, o | Shi et al. 2015 |
//! | [`Lru`] | output, real, imaginary | no gates | Orvieto et al. 2023 |
//!
//! [`Lstm`] also has peepholes, coupled gates, a projection and clips; [`Gru`] has its reset gate
//! before the product, after it or not at all. [`Zoneout`] regularises any cell that is written as
//! [`equations`] (Krueger et al. 2016). [`AnyCell`] is any of them, chosen when the program runs.
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
//! # fn main() -> Result<(), backdraft_cells::Error> {
//! let device = Device::default();
//! let layer = DeepConfig::new(BidirectionalConfig::new(LstmConfig::new(8, 16)), 2)
//!     .with_dropout(0.1)
//!     .init(&device)?;
//!
//! let batch = Tensor::<3>::random([3, 20, 8], Distribution::Default, &device);
//! let lengths = Lengths::new([20, 7, 12]);
//! let run = layer.forward(LayerInput::new(batch).with_lengths(&lengths))?;
//!
//! assert_eq!(run.outputs.dims(), [3, 20, 32]); // forward and reverse, side by side
//! assert_eq!(run.state[1].reverse.cell.dims(), [3, 16]); // the final state of any of them
//! # Ok(())
//! # }
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod activation;
mod activation_penalty;
mod aligned;
mod any;
mod bidirectional;
mod candidate;
mod cell;
pub mod coming_from;
mod config;
mod connection;
mod conv_lstm;
mod deep;
mod dilated;
mod dropout;
mod elman;
mod elman_jordan;
pub mod equations;
mod error;
mod four_gate_lstm;
mod gate_dropout;
mod gates;
mod gru;
mod hierarchical;
mod high_order_elman;
mod ind_rnn;
mod initial;
mod initialization;
mod input_gates;
mod janet;
mod jordan;
mod layer;
mod layer_input;
mod layer_norm_gru;
mod layer_norm_lstm;
mod lengths;
mod lru;
mod lstm;
mod memory;
mod mgu;
mod min_gru;
mod min_lstm;
mod one_of;
mod projected;
mod readout;
mod recurrent;
mod s_lstm;
pub mod scan;
mod stacked_state;
mod state;
pub mod stepwise;
mod unrolled;
mod watcher;
mod weight_norm;
mod zoneout;

pub use activation::Activation;
pub use activation_penalty::{activation_penalty, temporal_activation_penalty};
pub use aligned::Aligned;
pub use any::{AnyCell, AnyCellConfig, AnyEquations, AnyEquationsConfig, AnyState};
pub use backdraft_kernels::{Direction, Kernel, Path};
pub use bidirectional::{Bidirectional, BidirectionalConfig, BothDirections, Merge};
pub use candidate::Candidate;
pub use cell::{Cell, CellBase};
pub use connection::Connection;
pub use conv_lstm::{ConvLstm, ConvLstmConfig, Peepholes};
pub use deep::{Deep, DeepConfig};
pub use dilated::{Dilated, DilatedConfig, DilatedStackConfig};
pub use dropout::SequenceDropout;
pub use elman::{Elman, ElmanConfig};
pub use elman_jordan::{ElmanJordan, ElmanJordanConfig, ElmanJordanState};
pub use error::{Error, ErrorKind, Found, Size};
pub use four_gate_lstm::{FourGateLstm, FourGateLstmConfig, FourGateState};
pub use gate_dropout::{GateDropout, MaskSpan, Regularizer};
pub use gates::{Gates, GatesConfig};
pub use gru::{Gru, GruActivations, GruConfig, Reset};
pub use hierarchical::{Hierarchical, HierarchicalConfig, HierarchicalState};
pub use high_order_elman::{HighOrderElman, HighOrderElmanConfig};
pub use ind_rnn::{IndRnn, IndRnnConfig};
pub use initial::Initial;
pub use initialization::Initialization;
pub use input_gates::{InputGates, InputGatesConfig};
pub use janet::{Janet, JanetConfig};
pub use jordan::{Jordan, JordanConfig};
pub use layer::{Layer, LayerOutput, SequenceConfig, Trace};
pub use layer_input::LayerInput;
pub use layer_norm_gru::{LayerNormGru, LayerNormGruConfig};
pub use layer_norm_lstm::{LayerNormLstm, LayerNormLstmConfig};
pub use lengths::Lengths;
pub use lru::{Lru, LruConfig, LruState};
pub use lstm::{Lstm, LstmActivations, LstmConfig, LstmState};
pub use memory::Memory;
pub use mgu::{Mgu, MguConfig};
pub use min_gru::{MinGru, MinGruConfig};
pub use min_lstm::{MinLstm, MinLstmConfig};
pub use projected::Projected;
pub use readout::Readout;
pub use recurrent::{Recurrent, RecurrentConfig};
pub use s_lstm::{ForgetGate, SLstm, SLstmConfig, SLstmState};
pub use stacked_state::StackedState;
pub use state::State;
#[doc(hidden)]
pub use state::join as __join;
pub use unrolled::{Sequence, unrolled};
pub use watcher::{WatchedStep, Watcher};
pub use weight_norm::{WeightGain, WeightNorm};
pub use zoneout::{Kept, Zoneout, ZoneoutConfig};

/// What most programs need: the layers and cells with their configurations, and what those are written with.
///
/// What has a name that other crates use too is not here: `Cell`, `Error`, `Memory`, `Path`, `State`. Of the traits
/// among them the methods are, such as `detach` of a state.
pub mod prelude {
    pub use crate::{
        Activation, Aligned, AnyCell, AnyCellConfig, Bidirectional, BidirectionalConfig,
        BothDirections, Candidate, Connection, ConvLstm, ConvLstmConfig, Deep, DeepConfig, Dilated,
        DilatedConfig, DilatedStackConfig, Direction, Elman, ElmanConfig, ElmanJordan,
        ElmanJordanConfig, ForgetGate, FourGateLstm, FourGateLstmConfig, GatesConfig, Gru,
        GruActivations, GruConfig, Hierarchical, HierarchicalConfig, HighOrderElman,
        HighOrderElmanConfig, IndRnn, IndRnnConfig, Initial, Initialization, InputGatesConfig,
        Janet, JanetConfig, Jordan, JordanConfig, Layer, LayerInput, LayerNormGru,
        LayerNormGruConfig, LayerNormLstm, LayerNormLstmConfig, LayerOutput, Lengths, Lru,
        LruConfig, Lstm, LstmActivations, LstmConfig, MaskSpan, Merge, Mgu, MguConfig, MinGru,
        MinGruConfig, MinLstm, MinLstmConfig, Recurrent, RecurrentConfig, Reset, SLstm,
        SLstmConfig, SequenceConfig, StackedState, WeightNorm, Zoneout, ZoneoutConfig,
    };
    pub use crate::{Cell as _, CellBase as _, State as _};
}

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
//! [`Hierarchical`] at two paces; [`Recomputed`] runs any of these for less memory. Public sequences are batch-first, `[batch, time, features]`;
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
//!
//! # Training
//!
//! `train()` of Burn's `Module` makes a layer record gradients, `valid()` makes it stop. The input may
//! record gradients or not. From window to window of a long sequence, the state is handed on cut off
//! from the graph that made it (truncated backpropagation through time):
//!
//! ```
//! use backdraft_cells::prelude::*;
//! use burn::module::Module;
//! use burn::tensor::{Device, Distribution, Tensor};
//!
//! # fn main() -> Result<(), backdraft_cells::Error> {
//! let device = Device::default();
//! let layer = RecurrentConfig::new(GruConfig::new(8, 16)).init(&device)?.train();
//! let sequence = Tensor::<3>::random([3, 20, 8], Distribution::Default, &device);
//!
//! let mut state = None;
//! for window in sequence.chunk(2, 1) {
//!     let run = layer.forward(LayerInput::new(window).with_state(state.take()))?;
//!     let gradients = run.outputs.powi_scalar(2).mean().backward();
//!     let weight = layer.cell.gates.recurrent_weight.val();
//!     assert_eq!(weight.grad(&gradients).expect("it was used").dims(), [48, 16]);
//!     // An optimiser's step, by `GradientsParams::from_grads(gradients, &layer)`, goes here.
//!     state = Some(run.state.detach());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Equations
//!
//! The equations of each cell, with the paper they are from, are at the head of its module, which has its name:
//! [`lstm`], [`gru`], [`s_lstm`]; so are those of what is around cells, such as [`zoneout`] and [`connection`].
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod activation;
mod activation_penalty;
mod aligned;
mod any;
pub mod bidirectional;
mod candidate;
mod cell;
pub mod coming_from;
mod config;
pub mod connection;
pub mod conv_lstm;
pub mod deep;
pub mod dilated;
mod dropout;
pub mod elman;
pub mod elman_jordan;
pub mod equations;
mod error;
pub mod four_gate_lstm;
pub mod gate_dropout;
pub mod gates;
pub mod gru;
pub mod hierarchical;
pub mod high_order_elman;
pub mod ind_rnn;
pub mod initial;
mod initialization;
mod input_gates;
pub mod janet;
pub mod jordan;
mod layer;
mod layer_input;
pub mod layer_norm_gru;
pub mod layer_norm_lstm;
mod lengths;
pub mod lru;
pub mod lstm;
pub mod memory;
pub mod mgu;
pub mod min_gru;
pub mod min_lstm;
mod one_of;
mod pick;
mod projected;
mod readout;
pub mod recomputed;
mod recurrent;
pub mod s_lstm;
pub mod scan;
mod seed;
mod stacked_state;
mod state;
pub mod stepwise;
mod unrolled;
mod watcher;
pub mod weight_norm;
pub mod zoneout;

#[doc(inline)]
pub use activation::Activation;
pub use activation_penalty::{activation_penalty, temporal_activation_penalty};
pub use aligned::Aligned;
pub use any::{AnyCell, AnyCellConfig, AnyEquations, AnyEquationsConfig, AnyState};
pub use backdraft_kernels::{Direction, Kernel, Path};
#[doc(inline)]
pub use bidirectional::{Bidirectional, BidirectionalConfig, BothDirections, Merge};
pub use candidate::Candidate;
pub use cell::{Cell, CellBase};
#[doc(inline)]
pub use connection::Connection;
#[doc(inline)]
pub use conv_lstm::{ConvLstm, ConvLstmConfig, Peepholes};
#[doc(inline)]
pub use deep::{Deep, DeepConfig};
#[doc(inline)]
pub use dilated::{Dilated, DilatedConfig, DilatedStackConfig};
pub use dropout::SequenceDropout;
#[doc(inline)]
pub use elman::{Elman, ElmanConfig};
#[doc(inline)]
pub use elman_jordan::{ElmanJordan, ElmanJordanConfig, ElmanJordanState};
pub use error::{Error, ErrorKind, Found, Size};
#[doc(inline)]
pub use four_gate_lstm::{FourGateLstm, FourGateLstmConfig, FourGateState};
#[doc(inline)]
pub use gate_dropout::{GateDropout, MaskSpan, Regularizer};
#[doc(inline)]
pub use gates::{Gates, GatesConfig};
#[doc(inline)]
pub use gru::{Gru, GruActivations, GruConfig, Reset};
#[doc(inline)]
pub use hierarchical::{Hierarchical, HierarchicalConfig, HierarchicalState};
#[doc(inline)]
pub use high_order_elman::{HighOrderElman, HighOrderElmanConfig};
#[doc(inline)]
pub use ind_rnn::{IndRnn, IndRnnConfig};
#[doc(inline)]
pub use initial::Initial;
pub use initialization::Initialization;
pub use input_gates::{InputGates, InputGatesConfig};
#[doc(inline)]
pub use janet::{Janet, JanetConfig};
#[doc(inline)]
pub use jordan::{Jordan, JordanConfig};
pub use layer::{Layer, LayerOutput, SequenceConfig, Trace};
pub use layer_input::LayerInput;
#[doc(inline)]
pub use layer_norm_gru::{LayerNormGru, LayerNormGruConfig};
#[doc(inline)]
pub use layer_norm_lstm::{LayerNormLstm, LayerNormLstmConfig};
pub use lengths::Lengths;
#[doc(inline)]
pub use lru::{Lru, LruConfig, LruState};
#[doc(inline)]
pub use lstm::{Lstm, LstmActivations, LstmConfig, LstmState};
#[doc(inline)]
pub use memory::Memory;
#[doc(inline)]
pub use mgu::{Mgu, MguConfig};
#[doc(inline)]
pub use min_gru::{MinGru, MinGruConfig};
#[doc(inline)]
pub use min_lstm::{MinLstm, MinLstmConfig};
pub use projected::Projected;
pub use readout::Readout;
#[doc(inline)]
pub use recomputed::{Recomputed, RecomputedConfig};
pub use recurrent::{Recurrent, RecurrentConfig};
#[doc(inline)]
pub use s_lstm::{ForgetGate, SLstm, SLstmConfig, SLstmState};
pub use stacked_state::StackedState;
pub use state::State;
#[doc(hidden)]
pub use state::join as __join;
pub use unrolled::{Sequence, unrolled};
pub use watcher::{WatchedStep, Watcher};
#[doc(inline)]
pub use weight_norm::{WeightGain, WeightNorm};
#[doc(inline)]
pub use zoneout::{Kept, Zoneout, ZoneoutConfig};

/// What most programs need: the layers and cells with their configurations, and what those are written with.
///
/// What has a name that other crates use too is not here: `Cell`, `Error`, `Memory`, `Path`, `State`. Of the traits
/// among them the methods are, such as `detach` of a state. Nor is what few programs need: the kinds of errors, and what
/// a cell of one's own is made of.
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
        MinGruConfig, MinLstm, MinLstmConfig, Recomputed, RecomputedConfig, Recurrent,
        RecurrentConfig, Reset, SLstm, SLstmConfig, SequenceConfig, StackedState, WeightNorm,
        Zoneout, ZoneoutConfig,
    };
    pub use crate::{Cell as _, CellBase as _, State as _};
}

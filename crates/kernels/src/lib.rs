//! Recurrences over whole sequences, each as ONE differentiable operation on Burn tensors.
//!
//! ```text
//! a_t     = W x_t + b_W                    or, in the place of W x_t, what the caller gives
//! g_t     = R h_{t-1} + b_R                G gates of H units each
//! state_t = P(a_t, g_t, state_{t-1})       the cell: element by element
//! ```
//!
//! [`run`] goes through all time steps, in either direction, with a length for each row; backward
//! goes through them the other way and gives the gradients of everything that was read. To
//! autodiff it is one node. What a cell is, is one file: its equations and their derivatives.
//!
//! Three bodies do the same: one for the CPU (Flex, NdArray; f32), one for the GPU (CubeCL; f32,
//! f16), and one of backend primitives for every other type. [`Path::of`] tells what a device takes.
//! The crate `backdraft-cells` uses them by itself; use this one to build a layer of your own.
//!
//! Two operations of what stands around a recurrence are here for the same reason, that tensors of all
//! intermediate results cost more than the computation: [`additive_scores`] of an attention, and the
//! [`cross_entropy`] of a large vocabulary. They are for the CPU, in f32.
//!
//! [`one_node`] makes a node of whatever function computes its own gradient.
//!
//! # Small numbers
//!
//! A processor computes many times more slowly with numbers below the normal ones (1.2e-38), and gradients that
//! vanish through time come to them. On the CPU, a gradient of a state below 1e-30 is therefore 0: beside any
//! other gradient, and beside any optimiser's epsilon, it is nothing.
//!
//! # Example
//!
//! A GRU of 5 units over 7 steps of 3 sequences of 2 features, the second of which ends after 4:
//!
//! ```
//! use backdraft_kernels::{Direction, Inputs, Projection, Recurrence, Walk, run};
//! use burn::tensor::{Device, Distribution, Tensor};
//!
//! let device = Device::flex().autodiff();
//! let random = Distribution::Normal(0.0, 0.3);
//! let (time, batch, hidden, packed) = (7, 3, 5, 3 * 5);
//! let weight = Tensor::random([packed, hidden], random, &device).require_grad();
//! let walk = Walk {
//!     direction: Direction::Forward,
//!     lengths: Some([7, 4, 7].into()),
//! };
//! let inputs = Inputs {
//!     projection: Projection::Product {
//!         input: Tensor::random([time, batch, 2], random, &device),
//!         weight: Tensor::random([packed, 2], random, &device),
//!     },
//!     weight: weight.clone(),
//!     input_bias: Tensor::zeros([packed], &device),
//!     recurrent_bias: Tensor::zeros([packed], &device),
//!     initial: Tensor::zeros([1, batch, hidden], &device),
//! };
//! let run = run(Recurrence::Gru, walk, inputs);
//!
//! assert_eq!(run.outputs.dims(), [time, batch, hidden]);
//! assert_eq!(run.state.dims(), [1, batch, hidden]); // after steps 7, 4 and 7
//! let gradients = run.outputs.powi_scalar(2).mean().backward();
//! assert_eq!(weight.grad(&gradients).unwrap().dims(), [packed, hidden]);
//! ```
#![deny(missing_docs)]

mod additive;
mod cpu;
mod cross_entropy;
#[cfg(feature = "wgpu")]
mod cube;
mod gradient;
mod one_node;
mod operation;
#[cfg(feature = "mimalloc")]
mod pages;
mod path;
mod pointwise;
mod portable;
mod program;
mod projection;
mod recurrence;

pub use additive::{additive_path, additive_scores};
pub use cross_entropy::{cross_entropy, cross_entropy_path};
pub use one_node::{InputSlopes, NodeInputs, NodeOutputs, OutputSlopes, one_node};
#[cfg(feature = "mimalloc")]
pub use pages::keep_pages;
pub use path::{Kernel, Path};
pub use pointwise::Nonlinearity;
pub use program::{
    Expression, Given, Matrix, Program, ProgramInputs, ProgramOutputs, Shapes, Symbol, run_program,
};
pub use recurrence::{Direction, Inputs, Outputs, Projection, Recurrence, Walk, run};

/// The GPU: which ones answer, and how a recurrence is laid out on one.
#[cfg(feature = "wgpu")]
pub mod gpu {
    pub use crate::cube::adapters::{Adapter, NO_ADAPTER, adapters};
    pub use crate::cube::schedule::{LaunchSchedule, set_schedule};
}

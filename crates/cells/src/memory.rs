//! How long a new gated cell remembers: what the biases of its keeping gate start at.
//!
//! ```text
//! c_t = k c_{t-1} + ..       k = sigmoid(.. + b_k): forgets by 1/e in 1 / (1 - k) steps
//!
//! forget bias:   b_k = beta
//! chrono:        b_k ~ log(U([1, T - 1])),   b_i = -b_k        T: the longest memory, in steps
//! ```
//!
//! At an input of zero, chrono gives memories of 2 to T steps, evenly spread. `k` is the forget
//! gate of an LSTM (f; `i` is its input gate), the gate s of Janet and, since here
//! `h_t = (1 - z) n + z h_{t-1}`, the update gate z of a GRU, with the sign of a forget gate. The
//! last two admit by `1 - k` and have no `i`.
//!
//! Gers, Schmidhuber and Cummins 2000, "Learning to forget"; Jozefowicz, Zaremba and Sutskever
//! 2015, "An empirical exploration of recurrent network architectures"; Tallec and Ollivier 2018,
//! "Can recurrent neural networks warp time?", arXiv 1804.11188.

use burn::module::Param;
use burn::tensor::{Distribution, Tensor};
use serde::{Deserialize, Serialize};

use crate::{Error, Found, Gates};

/// How the bias of the gate that keeps a cell's memory (such as the forget gate of an LSTM) is initialised. A gate
/// has two biases, which are added; the values here are for their sum.
#[doc(alias = "unit_forget_bias")]
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Memory {
    /// As the other biases, which is what PyTorch does.
    #[default]
    AsDrawn,
    /// This number; 1 keeps the memory open at the start.
    ForgetBias(f64),
    /// Memories of 2 to `longest` steps.
    Chrono {
        /// The longest dependency that is expected, in steps; at least 3.
        longest: usize,
    },
}

/// Which of a cell's gates are which.
pub(crate) struct MemoryGates {
    /// The units of each gate.
    pub units: usize,
    /// The gate `k` that says how much is kept.
    pub keep: usize,
    /// The gate `i` that says how much is let in, where that is not `1 - k`.
    pub admit: Option<usize>,
}

impl Memory {
    /// Sets the biases of new weights.
    pub(crate) fn set(
        &self,
        cell: &str,
        gates: &mut Gates,
        which: MemoryGates,
    ) -> Result<(), Error> {
        let refuse = |what, expected, found: Found| Err(Error::new(cell, what, expected, found));
        match *self {
            Self::AsDrawn => return Ok(()),
            Self::ForgetBias(value) if !value.is_finite() => {
                return refuse("forget bias", "a finite number", value.into());
            }
            Self::Chrono { longest } if longest < 3 => {
                let what = "longest memory of the chrono initialization";
                return refuse(what, "at least 3 steps", longest.into());
            }
            Self::ForgetBias(_) | Self::Chrono { .. } => {}
        }
        let (Some(input), Some(recurrent)) = (&gates.input_bias, &gates.recurrent_bias) else {
            return refuse(
                "memory",
                "biases to set it in",
                format!("{self:?} and no biases").into(),
            );
        };
        let (mut input, mut recurrent) = (input.val().detach(), recurrent.val().detach());
        let hidden = which.units;
        let like = Tensor::<1>::zeros([hidden], (&input.device(), input.dtype()));
        let mut write = |gate: usize, values: Tensor<1>| {
            let rows = gate * hidden..(gate + 1) * hidden;
            recurrent = recurrent.clone().slice_fill([rows.clone()], 0.0);
            input = input.clone().slice_assign([rows], values);
        };
        match *self {
            Self::AsDrawn => {}
            Self::ForgetBias(value) => write(which.keep, like + value),
            Self::Chrono { longest } => {
                let bounds = Distribution::Uniform(1.0, (longest - 1) as f64);
                let keep = like.random_like(bounds).log();
                if let Some(admit) = which.admit {
                    write(admit, -keep.clone());
                }
                write(which.keep, keep);
            }
        }
        gates.input_bias = Some(Param::from_tensor(input.detach()));
        gates.recurrent_bias = Some(Param::from_tensor(recurrent.detach()));
        Ok(())
    }
}

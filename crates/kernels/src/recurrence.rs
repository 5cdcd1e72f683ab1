//! What the caller asks for, and what comes back.

use std::ops::Range;
use std::sync::Arc;

use burn::backend::{Dispatch, TensorMetadata};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::operation::{Parameters, ReadInput, ReadProjected, RecurrentBackend};
use crate::pointwise::Nonlinearity;

/// Which recurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recurrence {
    /// The simple recurrent network: one gate, one state.
    Elman(Nonlinearity),
    /// Long short-term memory: gates i, f, g, o; states hidden, cell.
    Lstm,
    /// The gated recurrent unit, reset after the product: gates r, z, n; one state.
    Gru,
}

impl Recurrence {
    /// `G`: how many gates are packed side by side.
    pub const fn gates(self) -> usize {
        match self {
            Self::Elman(_) => 1,
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }

    /// `S`: how many states are carried, the hidden state included.
    pub const fn states(self) -> usize {
        match self {
            Self::Elman(_) | Self::Gru => 1,
            Self::Lstm => 2,
        }
    }

    /// `A`: the number of (last) gates whose two parts do not simply add.
    pub const fn apart(self) -> usize {
        match self {
            Self::Elman(_) | Self::Lstm => 0,
            Self::Gru => 1,
        }
    }

    /// Numbers a row, step and unit that are kept for backward beside the gates and the output:
    /// the parts apart and the states that are not the output.
    pub(crate) const fn extra(self) -> usize {
        self.apart() + self.states() - 1
    }
}

/// The order in which time steps are visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the first step to the last.
    #[default]
    Forward,
    /// From each row's last valid step to the first.
    Reverse,
}

impl Direction {
    /// The time steps in the order of this direction.
    pub fn order(self, time: usize) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator {
        self.through(0..time)
    }

    /// Some of the steps, in the order of this direction.
    pub(crate) fn through(
        self,
        times: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator {
        (0..times.len()).map(move |index| times.start + self.step(index, times.len()))
    }

    /// The `index`-th of `time` steps in this direction.
    pub(crate) const fn step(self, index: usize, time: usize) -> usize {
        match self {
            Self::Forward => index,
            Self::Reverse => time - 1 - index,
        }
    }
}

/// How a batch of rows is walked through time.
#[derive(Debug, Clone, Default)]
pub struct Walk {
    /// The direction.
    pub direction: Direction,
    /// The valid steps of each row, counted from the row's start; `None` when all are.
    pub lengths: Option<Arc<[usize]>>,
}

impl Walk {
    /// Panics where the lengths are not those of such a batch.
    pub(crate) fn check(&self, time: usize, batch: usize) {
        if let Some(lengths) = &self.lengths {
            assert_eq!(lengths.len(), batch, "one length for each row");
            assert!(
                lengths.iter().all(|&length| length <= time),
                "a length beyond the last step"
            );
        }
    }
}

/// The input's part of the gates, without bias.
///
/// A sequence `[batch, time, ..]` whose first two dimensions were swapped is read where it lies, and
/// so is what a kernel on the CPU gives.
#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one a run; a box would only be in the caller's way"
)]
pub enum Projection {
    /// Of something that is no plain product: `[T, B, G H]`.
    Values(Tensor<3>),
    /// `W x_t`. A CPU computes it a few steps at a time, shortly before they are run, so that it
    /// never goes through the main memory; a GPU computes all of it at once.
    Product {
        /// `x`: `[T, B, I]`.
        input: Tensor<3>,
        /// `W`: `[G H, I]`.
        weight: Tensor<2>,
    },
}

impl Projection {
    /// Time, batch and width of what it gives.
    fn dims(&self) -> [usize; 3] {
        match self {
            Self::Values(values) => values.dims(),
            Self::Product { input, weight } => {
                let [time, batch, features] = input.dims();
                let [packed, expected] = weight.dims();
                assert_eq!(features, expected, "features of the input");
                [time, batch, packed]
            }
        }
    }
}

/// What a recurrence reads. `T` steps, `B` rows, `H` units, `G` gates, `S` states.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// `W x_t` of the whole sequence, without bias.
    pub projection: Projection,
    /// `R`: `[G H, H]`.
    pub weight: Tensor<2>,
    /// `b_W`: `[G H]`.
    pub input_bias: Tensor<1>,
    /// `b_R`: `[G H]`.
    pub recurrent_bias: Tensor<1>,
    /// The states before the first step: `[S, B, H]`.
    pub initial: Tensor<3>,
}

/// What a recurrence gives.
#[derive(Debug, Clone)]
pub struct Outputs {
    /// The hidden state after each step: `[T, B, H]`; zero at steps that are not valid.
    pub outputs: Tensor<3>,
    /// The states after each row's last step: `[S, B, H]`.
    pub state: Tensor<3>,
}

/// Runs a recurrence over a whole sequence, as one operation and one node of the graph.
///
/// # Panics
///
/// When shapes do not fit each other, or the device is of a backend that [`Path::of`] refuses.
///
/// [`Path::of`]: crate::Path::of
pub fn run(recurrence: Recurrence, walk: Walk, inputs: Inputs) -> Outputs {
    check(recurrence, &walk, &inputs);
    let Inputs {
        projection,
        weight,
        input_bias,
        recurrent_bias,
        initial,
    } = inputs;
    let parameters = Parameters {
        weight: weight.into_dispatch(),
        input_bias: input_bias.into_dispatch(),
        recurrent_bias: recurrent_bias.into_dispatch(),
        initial: initial.into_dispatch(),
    };
    let run = match projection {
        Projection::Values(projected) => {
            let read = ReadProjected {
                projected: projected.into_dispatch(),
                parameters,
            };
            <Dispatch as RecurrentBackend>::recurrence(recurrence, walk, read)
        }
        Projection::Product {
            input,
            weight: input_weight,
        } => {
            let read = ReadInput {
                input: input.into_dispatch(),
                input_weight: input_weight.into_dispatch(),
                parameters,
            };
            <Dispatch as RecurrentBackend>::recurrence_of_input(recurrence, walk, read)
        }
    };
    Outputs {
        outputs: Tensor::from_dispatch(run.outputs),
        state: Tensor::from_dispatch(run.state),
    }
}

fn check(recurrence: Recurrence, walk: &Walk, inputs: &Inputs) {
    let [time, batch, width] = inputs.projection.dims();
    let hidden = inputs.weight.dims()[1];
    let packed = recurrence.gates() * hidden;
    assert!(
        time > 0 && batch > 0 && hidden > 0,
        "an empty sequence: [{time}, {batch}, {width}]"
    );
    assert_eq!(
        width,
        packed,
        "projection [time, batch, {} gates x {hidden}]",
        recurrence.gates()
    );
    assert_eq!(inputs.weight.dims(), [packed, hidden], "recurrent weights");
    assert_eq!(inputs.input_bias.dims(), [packed], "input bias");
    assert_eq!(inputs.recurrent_bias.dims(), [packed], "recurrent bias");
    let states = [recurrence.states(), batch, hidden];
    assert_eq!(
        inputs.initial.dims(),
        states,
        "initial [states, batch, hidden]"
    );
    walk.check(time, batch);
}

/// The sizes of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub time: usize,
    pub batch: usize,
    pub hidden: usize,
}

impl Sizes {
    /// Of `outputs`, or of anything else whose first two dimensions are time and batch.
    pub fn of(sequence: &impl TensorMetadata, weight: &impl TensorMetadata) -> Self {
        let (sequence, weight) = (sequence.shape(), weight.shape());
        Self {
            time: sequence[0],
            batch: sequence[1],
            hidden: weight[1],
        }
    }
    /// `[T, B, N H]`.
    pub const fn sequence(self, parts: usize) -> [usize; 3] {
        [self.time, self.batch, parts * self.hidden]
    }

    /// `[S, B, H]`.
    pub const fn states(self, recurrence: Recurrence) -> [usize; 3] {
        [recurrence.states(), self.batch, self.hidden]
    }

    /// The shape of what is kept beside the gates and the output. Where nothing is, one number
    /// stands for it: not every backend has empty tensors.
    pub const fn extra(self, recurrence: Recurrence) -> [usize; 3] {
        match recurrence.extra() {
            0 => [1, 1, 1],
            extra => self.sequence(extra),
        }
    }
}

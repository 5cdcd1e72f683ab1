//! What the caller asks for, and what comes back.

use std::sync::Arc;

use burn::backend::{Dispatch, TensorMetadata};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::operation::{Read, RecurrentBackend};
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
        (0..time).map(move |index| self.step(index, time))
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

/// What a recurrence reads. `T` steps, `B` rows, `H` units, `G` gates, `S` states.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// `W x_t` of the whole sequence, without bias: `[T, B, G H]`.
    pub projected: Tensor<3>,
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

/// `W x` for many `x`: the matrix product that gives what a recurrence reads. `[N, I]` and
/// `[G H, I]` to `[N, G H]`.
///
/// As `input.matmul(weight.transpose())`, but for what a CPU spends on clearing memory first.
///
/// # Panics
///
/// When the sizes differ, or as [`run`].
pub fn project(input: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let (features, expected) = (input.dims()[1], weight.dims()[1]);
    assert_eq!(features, expected, "features of the input");
    let projected =
        <Dispatch as RecurrentBackend>::projection(input.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(projected)
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
        projected,
        weight,
        input_bias,
        recurrent_bias,
        initial,
    } = inputs;
    let read = Read {
        projected: projected.into_dispatch(),
        weight: weight.into_dispatch(),
        input_bias: input_bias.into_dispatch(),
        recurrent_bias: recurrent_bias.into_dispatch(),
        initial: initial.into_dispatch(),
    };
    let run = <Dispatch as RecurrentBackend>::recurrence(recurrence, walk, read);
    Outputs {
        outputs: Tensor::from_dispatch(run.outputs),
        state: Tensor::from_dispatch(run.state),
    }
}

fn check(recurrence: Recurrence, walk: &Walk, inputs: &Inputs) {
    let [time, batch, width] = inputs.projected.dims();
    let hidden = inputs.weight.dims()[1];
    let packed = recurrence.gates() * hidden;
    assert!(
        time > 0 && batch > 0 && hidden > 0,
        "an empty sequence: [{time}, {batch}, {width}]"
    );
    assert_eq!(
        width,
        packed,
        "projected [time, batch, {} gates x {hidden}]",
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
    if let Some(lengths) = &walk.lengths {
        assert_eq!(lengths.len(), batch, "one length for each row");
        assert!(
            lengths.iter().all(|&length| length <= time),
            "a length beyond the last step"
        );
    }
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

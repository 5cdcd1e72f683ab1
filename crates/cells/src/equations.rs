//! Cells whose step is written as equations, once: they run in tensors, one step after the other,
//! and as one operation over the whole sequence.
//!
//! ```text
//! a_t     = W x_t + b                          project, in tensors: no recurrence in it
//! state_t = equations(a_t, state_{t-1})        generic over what they compute with
//! ```
//!
//! A cell of your own, whose units each learn their own pace `p`:
//!
//! ```
//! use backdraft_cells::equations::{At, Equations, Expression};
//! use backdraft_cells::prelude::*;
//! use backdraft_cells::{CellBase, Gates, Projected};
//! use burn::module::{Module, Param};
//! use burn::tensor::{Device, Tensor};
//!
//! /// h_t = p h_{t-1} + (1 - p) tanh(W x_t + b_W + R h_{t-1} + b_R)          p = sigmoid(pace)
//! #[derive(Module, Debug)]
//! struct Leaky {
//!     gates: Gates,
//!     pace: Param<Tensor<1>>,
//! }
//!
//! impl CellBase for Leaky {
//!     type State = Tensor<2>;
//!
//!     fn input_size(&self) -> usize {
//!         self.gates.input_size()
//!     }
//!
//!     fn output_size(&self) -> usize {
//!         self.gates.hidden_size()
//!     }
//!
//!     fn project(&self, input: Tensor<3>) -> Projected<3> {
//!         self.gates.project(input)
//!     }
//!
//!     fn initial_state(&self, batch: usize) -> Tensor<2> {
//!         self.gates.zeros(batch)
//!     }
//! }
//!
//! impl Equations for Leaky {
//!     fn matrices(&self) -> Vec<Tensor<2>> {
//!         self.gates.matrices()
//!     }
//!
//!     fn vectors(&self) -> Vec<Tensor<1>> {
//!         [self.gates.vectors(), vec![self.pace.val()]].concat()
//!     }
//!
//!     fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
//!         let hidden = at.state[0].clone();
//!         let new = (at.projected.clone() + self.gates.recurrent(&at, &hidden)).tanh();
//!         let pace = at.vectors.last().expect("the last of them").clone().sigmoid();
//!         vec![new.clone() + pace * (hidden - new)]
//!     }
//! }
//!
//! # fn main() -> Result<(), backdraft_cells::Error> {
//! let device = Device::flex();
//! let leaky = |input| -> Result<Leaky, backdraft_cells::Error> {
//!     let gates = GatesConfig::new().init("Leaky", [1, input, 16], &device)?;
//!     let pace = Param::from_tensor(Tensor::ones([16], &device));
//!     Ok(Leaky { gates, pace })
//! };
//! // In both directions, with padding, and on the CPU as one operation.
//! let layer = Bidirectional::new(leaky(8)?, leaky(8)?, Merge::Concat);
//! let lengths = Lengths::new([20, 7, 12]);
//! let input = LayerInput::new(Tensor::ones([3, 20, 8], &device)).with_lengths(&lengths);
//! assert_eq!(layer.forward(input)?.outputs.dims(), [3, 20, 32]);
//! for (name, path) in layer.paths() {
//!     println!("{name}: {path}"); // forward of Bidirectional: Leaky(8 -> 16): kernel (AVX-512, flex)
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A state of several tensors is a struct with [`state!`](crate::state). With a configuration that is a
//! [`SequenceConfig`](crate::SequenceConfig), the cell goes into those of [`Deep`](crate::Deep),
//! [`Bidirectional`](crate::Bidirectional) and [`Zoneout`](crate::Zoneout).
//!
//! You never write a derivative: on tensors Burn's autodiff computes it, and the kernel derives it from the recorded
//! equations. A cell of your own gets a kernel in the same way as those of this crate: implement [`CellBase`] and
//! [`Equations`], and it is a [`Cell`]. The values that it names with [`At::gate`] can be inspected.

use std::cell::RefCell;

use burn::tensor::Tensor;

pub use backdraft_kernels::Expression;
use backdraft_kernels::{Program, ProgramInputs, Recurrence, Shapes, Walk, run_program};

use crate::zoneout::Kept;
use crate::{Cell, CellBase, Direction, Gates, Path, Projected, Sequence, State};

/// The inputs of the equations of one step.
#[derive(Debug)]
pub struct At<'a, V: Expression> {
    /// `a_t`, what [`CellBase::project`] gave for this step.
    pub projected: V,
    /// The masks that it gave with it.
    pub masks: Vec<V>,
    /// The state before the step: its tensors, in the order of [`State::visit`].
    pub state: Vec<V>,
    /// What [`Equations::matrices`] gave.
    pub matrices: &'a [V::Matrix],
    /// What [`Equations::vectors`] gave, each as one row that stands for all.
    pub vectors: &'a [V],
    /// Where gates are shown, if somebody looks.
    pub(crate) shown: Option<&'a RefCell<Vec<(&'static str, V)>>>,
}

impl<V: Expression> At<'_, V> {
    /// `value` itself, which [`Cell::gate_activations`] shows under this name.
    pub fn gate(&self, name: &'static str, value: V) -> V {
        if let Some(shown) = self.shown {
            shown.borrow_mut().push((name, value.clone()));
        }
        value
    }
}

/// A cell whose step is written as equations.
pub trait Equations: CellBase {
    /// The matrices that the step multiplies with, each `[out, in]`.
    fn matrices(&self) -> Vec<Tensor<2>> {
        Vec::new()
    }

    /// The vectors that are the same for each row: biases, gains, peepholes.
    fn vectors(&self) -> Vec<Tensor<1>> {
        Vec::new()
    }

    /// One step: the next state, its tensors in the order of [`State::visit`], each as wide as in
    /// [`CellBase::initial_state`]. The first of them is the cell's output, [`CellBase::output_size`]
    /// wide. A run of other equations panics.
    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V>;

    /// What [`Zoneout`](crate::Zoneout) may do to the tensor `index` of the state: keep its units, by default.
    fn kept(&self, index: usize) -> Kept {
        let _ = index;
        Kept::Units
    }

    /// The weights of a cell for which somebody wrote a kernel, and which one.
    #[doc(hidden)]
    fn written_kernel(&self) -> Option<(Recurrence, &Gates)> {
        None
    }
}

/// By the equations: in tensors a step, and over a sequence by the kernel that is made of them, or by the one that
/// somebody wrote.
impl<C: Equations> Cell for C {
    fn step(&self, projected: Projected<2>, state: Self::State) -> Self::State {
        let mut next = tensors_after(self, projected, &state, None).into_iter();
        state.map(&mut |_| {
            next.next()
                .expect("equations give each tensor of the state")
        })
    }

    fn output(&self, state: &Self::State) -> Tensor<2> {
        let first = state.tensors().into_iter().next();
        first.expect("a state has a tensor")
    }

    fn gate_activations(
        &self,
        projected: Projected<2>,
        state: &Self::State,
    ) -> Vec<(&'static str, Tensor<2>)> {
        let shown = RefCell::new(Vec::new());
        tensors_after(self, projected, state, Some(&shown));
        shown.into_inner()
    }

    fn path(&self) -> Path {
        match self.written_kernel() {
            Some((_, gates)) => gates.path(|| of_program(self)),
            None => of_program(self),
        }
    }

    fn scan(
        &self,
        input: Sequence,
        state: Self::State,
        direction: Direction,
    ) -> (Tensor<3>, Self::State) {
        let (outputs, last) = match self
            .written_kernel()
            .filter(|(_, gates)| !gates.is_masked())
        {
            Some((recurrence, gates)) => gates.scan(recurrence, input, state.tensors(), direction),
            None => by_program(self, input, &state, direction),
        };
        let mut last = last.into_iter();
        let state = state.map(&mut |_| last.next().expect("as many tensors as there were"));
        (outputs, state)
    }
}

/// The tensors of the next state; gates go to `shown`.
fn tensors_after<C: Equations>(
    cell: &C,
    projected: Projected<2>,
    state: &C::State,
    shown: Option<&RefCell<Vec<(&'static str, Tensor<2>)>>>,
) -> Vec<Tensor<2>> {
    let vectors: Vec<Tensor<2>> = cell.vectors().into_iter().map(Tensor::unsqueeze).collect();
    let before = state.tensors();
    let widths: Vec<usize> = before.iter().map(|tensor| tensor.dims()[1]).collect();
    let next = cell.equations(At {
        projected: projected.values,
        masks: projected.masks,
        state: before,
        matrices: &cell.matrices(),
        vectors: &vectors,
        shown,
    });
    assert_next_state(cell, &widths, &next);
    next
}

/// The contract of [`Equations::equations`], which whoever writes a cell may break.
fn assert_next_state<C: Equations, V: Expression>(cell: &C, widths: &[usize], next: &[V]) {
    let found: Vec<usize> = next.iter().map(V::width).collect();
    let name = || cell.describe();
    assert_eq!(
        found,
        widths,
        "units of each tensor of the next state of {}",
        name()
    );
    assert_eq!(
        found[0],
        cell.output_size(),
        "units of the first, the output of {}",
        name()
    );
}

/// Which way the program of a cell takes.
fn of_program<C: Equations>(cell: &C) -> Path {
    match cell.matrices().first() {
        Some(matrix) => Program::path(&matrix.device(), matrix.dtype()),
        None => match cell.vectors().first() {
            Some(vector) => Program::path(&vector.device(), vector.dtype()),
            None => Path::Unrolled("the cell has no weights that recur".into()),
        },
    }
}

/// The loop as one operation that is made of the equations.
fn by_program<C: Equations>(
    cell: &C,
    input: Sequence,
    state: &C::State,
    direction: Direction,
) -> (Tensor<3>, Vec<Tensor<2>>) {
    let projected = cell.project(input.values);
    let (matrices, vectors, initial) = (cell.matrices(), cell.vectors(), state.tensors());
    // To the program, the masks of a step are columns like any other.
    let widths = projected.widths();
    let state_widths: Vec<usize> = initial.iter().map(|tensor| tensor.dims()[1]).collect();
    let shapes = Shapes {
        projected: widths.iter().sum(),
        state: state_widths.clone(),
        matrices: matrices.iter().map(Tensor::dims).collect(),
        vectors: vectors.iter().map(|vector| vector.dims()[0]).collect(),
    };
    let program = Program::record(shapes, |given| {
        let mut start = 0;
        let mut parts = widths.iter().map(|&width| {
            start += width;
            given.projected.narrow(start - width, width)
        });
        let next = cell.equations(At {
            projected: parts.next().expect("values come first"),
            masks: parts.collect(),
            state: given.state,
            matrices: &given.matrices,
            vectors: &given.vectors,
            shown: None,
        });
        assert_next_state(cell, &state_widths, &next);
        next
    });
    let walk = Walk {
        direction,
        lengths: input.lengths.map(|lengths| lengths.as_slice().into()),
    };
    let inputs = ProgramInputs {
        projected: projected.joined(),
        matrices,
        vectors,
        initial,
    };
    let run = run_program(&program, walk, inputs);
    (run.outputs, run.state)
}

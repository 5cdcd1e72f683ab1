//! Cells whose step is written as equations, once: they run in tensors, one step after the other,
//! and as one operation over the whole sequence.
//!
//! ```text
//! a_t     = W x_t + b                          project, in tensors: no recurrence in it
//! state_t = equations(a_t, state_{t-1})        generic over what they compute with
//! ```
//!
//! You never write a derivative: on tensors Burn's autodiff computes it, and the kernel derives it from the recorded
//! equations. A cell of your own gets a kernel in the same way as those of this crate: implement [`Equations`] and
//! put `by_equations!();` into its `impl Cell`. The values that it names with [`At::gate`] can be inspected.

use std::cell::RefCell;

use burn::tensor::Tensor;

pub use backdraft_kernels::Expression;
use backdraft_kernels::{Program, ProgramInputs, Shapes, Walk, run_program};

use crate::{Cell, Direction, Path, Sequence, State};

/// The inputs of the equations of one step.
#[derive(Debug)]
pub struct At<'a, V: Expression> {
    /// `a_t`, what [`Cell::project`] gave for this step.
    pub projected: V,
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
pub trait Equations: Cell {
    /// The matrices that the step multiplies with, each `[out, in]`.
    fn matrices(&self) -> Vec<Tensor<2>>;

    /// The vectors that are the same for each row: biases, gains, peepholes.
    fn vectors(&self) -> Vec<Tensor<1>> {
        Vec::new()
    }

    /// One step: the next state, its tensors in the order of [`State::visit`]. The first of them is
    /// the cell's output.
    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V>;
}

/// Implements the methods of a [`Cell`] that follow from its [`Equations`]: `step`, `output`, `gate_activations`,
/// `path` and `scan`. Put it into the `impl Cell` in place of these methods.
#[macro_export]
macro_rules! by_equations {
    () => {
        $crate::step_by_equations!();

        fn path(&self) -> $crate::Path {
            $crate::equations::path(self)
        }

        fn scan(
            &self,
            input: $crate::Sequence,
            state: Self::State,
            direction: $crate::Direction,
        ) -> ($crate::__Tensor<3>, Self::State) {
            $crate::equations::scan(self, input, state, direction)
        }
    };
}

/// Implements the methods of a [`Cell`] that follow from its [`Equations`] and concern one step: `step`, `output` and
/// `gate_activations`. For a cell that runs over a whole sequence in its own way.
#[macro_export]
macro_rules! step_by_equations {
    () => {
        fn step(&self, projected: $crate::__Tensor<2>, state: Self::State) -> Self::State {
            $crate::equations::step(self, projected, state)
        }

        fn output(&self, state: &Self::State) -> $crate::__Tensor<2> {
            $crate::equations::output(state)
        }

        fn gate_activations(
            &self,
            projected: $crate::__Tensor<2>,
            state: &Self::State,
        ) -> Vec<(&'static str, $crate::__Tensor<2>)> {
            $crate::equations::gate_activations(self, projected, state)
        }
    };
}

pub use crate::{by_equations, step_by_equations};

/// [`Cell::output`] of a cell that is written as equations: the first tensor of its state.
pub fn output<S: State>(state: &S) -> Tensor<2> {
    let mut first = None;
    state.visit("", &mut |_, tensor| {
        first.get_or_insert_with(|| tensor.clone());
    });
    first.expect("a state has a tensor")
}

/// [`Cell::step`] of a cell that is written as equations.
pub fn step<C: Equations>(cell: &C, projected: Tensor<2>, state: C::State) -> C::State {
    let mut next = step_shown(cell, projected, &state, None).into_iter();
    state.map(&mut |_| {
        next.next()
            .expect("equations give each tensor of the state")
    })
}

/// [`Cell::gate_activations`] of a cell that is written as equations: what they call a gate.
pub fn gate_activations<C: Equations>(
    cell: &C,
    projected: Tensor<2>,
    state: &C::State,
) -> Vec<(&'static str, Tensor<2>)> {
    let shown = RefCell::new(Vec::new());
    step_shown(cell, projected, state, Some(&shown));
    shown.into_inner()
}

/// The tensors of the next state; gates go to `shown`.
fn step_shown<C: Equations>(
    cell: &C,
    projected: Tensor<2>,
    state: &C::State,
    shown: Option<&RefCell<Vec<(&'static str, Tensor<2>)>>>,
) -> Vec<Tensor<2>> {
    let mut before = Vec::new();
    state.visit("", &mut |_, tensor| before.push(tensor.clone()));
    let vectors: Vec<Tensor<2>> = cell.vectors().into_iter().map(Tensor::unsqueeze).collect();
    cell.equations(At {
        projected,
        state: before,
        matrices: &cell.matrices(),
        vectors: &vectors,
        shown,
    })
}

/// [`Cell::path`] of a cell that is written as equations.
pub fn path<C: Equations>(cell: &C) -> Path {
    match cell.matrices().first() {
        Some(matrix) => Program::path(&matrix.device(), matrix.dtype()),
        None => match cell.vectors().first() {
            Some(vector) => Program::path(&vector.device(), vector.dtype()),
            None => Path::Unrolled("the cell has no weights that recur".into()),
        },
    }
}

/// [`Cell::scan`] of a cell that is written as equations.
pub fn scan<C: Equations>(
    cell: &C,
    input: Sequence,
    state: C::State,
    direction: Direction,
) -> (Tensor<3>, C::State) {
    let projected = cell.project(input.values);
    let (matrices, vectors) = (cell.matrices(), cell.vectors());
    let mut initial = Vec::new();
    state.visit("", &mut |_, tensor| initial.push(tensor.clone()));
    let shapes = Shapes {
        projected: projected.dims()[2],
        state: initial.iter().map(|tensor| tensor.dims()[1]).collect(),
        matrices: matrices.iter().map(Tensor::dims).collect(),
        vectors: vectors.iter().map(|vector| vector.dims()[0]).collect(),
    };
    let program = Program::record(shapes, |given| {
        cell.equations(At {
            projected: given.projected,
            state: given.state,
            matrices: &given.matrices,
            vectors: &given.vectors,
            shown: None,
        })
    });
    let walk = Walk {
        direction,
        lengths: input.lengths.map(|lengths| lengths.as_slice().into()),
    };
    let inputs = ProgramInputs {
        projected,
        matrices,
        vectors,
        initial,
    };
    let run = run_program(&program, walk, inputs);
    let mut last = run.state.into_iter();
    let state = state.map(&mut |_| last.next().expect("as many tensors as there were"));
    (run.outputs, state)
}

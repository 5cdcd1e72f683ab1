//! One step of a recurrence.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;

use crate::{Direction, Path, Projected, Sequence, State, unrolled};

/// What every cell has, however its step is written: its sizes, what it makes of the input, and the state that it
/// starts from.
///
/// To write a new cell is to write this and its [`Equations`](crate::equations::Equations), from which follow the step
/// and a kernel; or, if its step cannot be written as equations, this and [`Cell`].
pub trait CellBase: Module + ModuleDisplay + 'static {
    /// What is carried from one step to the next.
    type State: State;

    /// Features of the input, `I`.
    fn input_size(&self) -> usize;

    /// Features of the output, `H` in most cells.
    fn output_size(&self) -> usize;

    /// `a_t = W x_t + b` for all time steps at once, `[time, batch, I]` to `[time, batch, G H]`, and the masks of a run.
    ///
    /// The part of the step that does not look at the state, so that it can be one matrix
    /// product over the whole sequence.
    fn project(&self, input: Tensor<3>) -> Projected<3>;

    /// The state before the first step when the caller gives none: zeros in
    /// every cell here, but for the stabiliser of [`SLstm`](crate::SLstm).
    fn initial_state(&self, batch: usize) -> Self::State;

    /// The matrices that multiply the units of the last step, by the name of the gate (or of the
    /// candidate, or of the hidden units themselves) that they are part of, each `[H, H]`.
    ///
    /// The default shows none, as is right for a cell whose units do not see each other.
    fn recurrent_matrices(&self) -> Vec<(&'static str, Tensor<2>)> {
        Vec::new()
    }

    /// The cell, prepared for one run over a sequence: random masks are drawn, and weights are computed
    /// from their parametrisation. A layer calls this once per run and then uses the result.
    ///
    /// The default is the cell itself.
    #[must_use]
    fn prepared(&self, batch: usize) -> Self {
        let _ = batch;
        self.clone()
    }

    /// The name and sizes that errors give: `Lstm(8 -> 16)`.
    fn describe(&self) -> String {
        let name = std::any::type_name::<Self>();
        let name = name.split('<').next().unwrap_or(name);
        let name = name.rsplit("::").next().unwrap_or(name);
        format!("{name}({} -> {})", self.input_size(), self.output_size())
    }
}

/// A recurrent cell: what happens in ONE time step.
///
/// A cell knows nothing of sequences, directions, depth, padding or truncation; a
/// [`Recurrent`](crate::Recurrent) layer gives it all of these.
///
/// A cell with [`Equations`](crate::equations::Equations) is a `Cell` by them.
pub trait Cell: CellBase {
    /// One time step: what was projected for it and the last state to the next state.
    fn step(&self, projected: Projected<2>, state: Self::State) -> Self::State;

    /// What the cell shows of a state: `[batch, output_size]`.
    fn output(&self, state: &Self::State) -> Tensor<2>;

    /// The gates of one step, by name and in the order of the equations, each `[batch, H]`: what
    /// [`step`](Self::step) lets through of the same projection and state. A gate is shut at 0 and
    /// open at 1.
    ///
    /// The default shows none, as is right for a cell without gates.
    fn gate_activations(
        &self,
        projected: Projected<2>,
        state: &Self::State,
    ) -> Vec<(&'static str, Tensor<2>)> {
        let _ = (projected, state);
        Vec::new()
    }

    /// Which way a run of this cell takes: [`Path::Unrolled`] unless the cell has its own
    /// [`scan`](Self::scan).
    fn path(&self) -> Path {
        Path::Unrolled("the cell has no kernel".into())
    }

    /// The loop over time, if [`path`](Self::path) is [`Path::Kernel`]: from the input, not yet
    /// projected, to the outputs (`[time, batch, output_size]`) and the final state.
    ///
    /// The default calls [`step`](Self::step) once a time step and lets autodiff unroll the loop.
    /// A cell that has a faster way to do the same overrides this.
    fn scan(
        &self,
        input: Sequence,
        state: Self::State,
        direction: Direction,
    ) -> (Tensor<3>, Self::State) {
        unrolled(self, input, state, direction)
    }
}

//! What makes one cell's kernel another than the next one's: a few element-wise equations.
//!
//! ```text
//! state_t, kept_t                  = forward(W x_t + b_W, R h_{t-1} + b_R, state_{t-1})
//! d gates_t, direct d state_{t-1}  = backward(d state_t, state_{t-1}, state_t, kept_t)
//! ```
//!
//! A cell is one file in this folder. It knows nothing of time, rows, directions, threads, lanes
//! or packing: the same equations run on whole tensors ([`crate::portable`]) and on the lanes of
//! a SIMD register ([`crate::cpu`]). What a GPU runs stands beside them in the same file.

pub(crate) mod elman;
pub(crate) mod gru;
pub(crate) mod lstm;

use std::ops::{Add, Mul, Sub};

pub use elman::{Elman, Nonlinearity};
pub use gru::Gru;
pub use lstm::Lstm;

/// What the equations of a cell compute with: a tensor, or the lanes of a register.
pub trait Value: Clone + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {
    /// `1 / (1 + exp(-x))`.
    #[must_use]
    fn sigmoid(self) -> Self;

    /// The hyperbolic tangent.
    #[must_use]
    fn tanh(self) -> Self;

    /// `max(0, x)`; NaN stays NaN.
    #[must_use]
    fn relu(self) -> Self;

    /// 1 where `x > 0`, else 0.
    #[must_use]
    fn step(self) -> Self;

    /// `1 - x`.
    #[must_use]
    fn complement(self) -> Self;
}

/// The element-wise part of a cell with `G` gates and `S` states, the first of which is the hidden
/// state, which is also the output.
///
/// Most cells add the input's and the recurrent part of a gate and never look at them apart. The
/// last `A` gates are those which do (the GRU's candidate): for them there is one more number to
/// keep, and a gradient of its own for each part.
pub trait Pointwise<const G: usize, const S: usize, const A: usize>:
    Copy + Send + Sync + 'static
{
    /// One step: the next state, and what [`backward`](Self::backward) will ask for.
    fn forward<V: Value>(
        self,
        input: [V; G],
        recurrent: [V; G],
        state: [V; S],
    ) -> Forward<V, G, S, A>;

    /// The step's gradients.
    ///
    /// * `gradient`: of the states after the step.
    /// * `before`, `after`: the states before and after the step.
    /// * `gates`, `apart`: what [`forward`](Self::forward) kept.
    fn backward<V: Value>(
        self,
        gradient: [V; S],
        before: [V; S],
        after: [V; S],
        gates: [V; G],
        apart: [V; A],
    ) -> Backward<V, G, S, A>;
}

/// What a step gives, and what is kept of it for its gradient.
pub struct Forward<V, const G: usize, const S: usize, const A: usize> {
    /// The states after the step.
    pub state: [V; S],
    /// Kept for backward: one number a gate.
    pub gates: [V; G],
    /// Kept for backward: one more for each of the last `A` gates.
    pub apart: [V; A],
}

/// The gradients of a step.
pub struct Backward<V, const G: usize, const S: usize, const A: usize> {
    /// Of the input's part of each gate; for all but the last `A` gates also of the recurrent part.
    pub gates: [V; G],
    /// Of the recurrent part of the last `A` gates.
    pub apart: [V; A],
    /// Of the states before the step, but for what comes back through the recurrent product;
    /// `None` where nothing does.
    pub state: [Option<V>; S],
}

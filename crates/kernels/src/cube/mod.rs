//! The recurrence on a GPU, in CubeCL: for WGPU, and from the same source for whatever else
//! CubeCL compiles for.
//!
//! What one unit of one row computes at one step ([`unit`]) is the same in both schedules: a
//! product and a kernel for each step ([`per_step`]), or a kernel that walks through time by itself
//! ([`whole`]). Which of them runs is decided in [`schedule`]. The gates are kept in the place of
//! the projection, and backward writes their gradients in the place of the gates; what is summed
//! over all steps is one large product at the end.

pub(crate) mod adapters;
pub(crate) mod functions;
mod memory;
mod per_step;
pub(crate) mod schedule;
mod unit;
mod whole;

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn::tensor::DType;
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;

use crate::operation::{
    Kept, OutputGradients, Parameters, ReadProjected, RecurrenceRun, RecurrentBackend,
};
use crate::portable;
use crate::recurrence::{Recurrence, Sizes, Walk};
use memory::{contiguous, empty, matmul, owned, reshape, sum_rows, transpose, zeros};

/// What a run reads and writes; shapes as in [`Inputs`](crate::Inputs).
struct Forward {
    /// Where the gates are kept, if anything is.
    projected: CubeTensor,
    weight: CubeTensor,
    input_bias: CubeTensor,
    recurrent_bias: CubeTensor,
    /// The initial states on entry, the final ones in the end.
    state: CubeTensor,
    outputs: CubeTensor,
    extra: CubeTensor,
    rows: Option<CubeTensor>,
    keep: bool,
}

/// What gradients are computed from, and where they are written.
struct Backward {
    weight: CubeTensor,
    initial: CubeTensor,
    outputs: CubeTensor,
    extra: CubeTensor,
    output_gradient: Option<CubeTensor>,
    rows: Option<CubeTensor>,
    /// The gates on entry, the gradients of the projection in the end.
    gates: CubeTensor,
    /// The gradients of the recurrent parts, `[T, B, G H]`, if they are others than the input's.
    recurrent: CubeTensor,
    /// Of the final states on entry, of the initial ones in the end.
    state_gradient: CubeTensor,
    /// `h_{t-1}` at each valid step, else zero: `[T, B, H]`.
    before: CubeTensor,
}

fn sizes(outputs: &CubeTensor) -> [usize; 3] {
    outputs.shape().dims()
}

impl Forward {
    fn sizes(&self) -> [usize; 3] {
        sizes(&self.outputs)
    }

    fn run(
        recurrence: Recurrence,
        walk: &Walk,
        inputs: ReadProjected<CubeBackend>,
        keep: bool,
    ) -> Self {
        let ReadProjected {
            projected,
            parameters,
        } = inputs;
        let Parameters {
            weight,
            input_bias,
            recurrent_bias,
            initial,
        } = parameters;
        let sizes = Sizes::of(&projected, &weight);
        // Kernels write there if anything is kept. Where nothing is, they take a number that is
        // never looked at.
        let (projected, extra) = match keep {
            true => (owned(projected), sizes.extra(recurrence)),
            false => (contiguous(projected), [1, 1, 1]),
        };
        let run = Self {
            weight: contiguous(weight),
            input_bias: contiguous(input_bias),
            recurrent_bias: contiguous(recurrent_bias),
            state: owned(initial),
            outputs: empty(&projected, sizes.sequence(1)),
            extra: empty(&projected, extra),
            rows: memory::rows(walk, &projected),
            keep,
            projected,
        };
        match schedule::plan(&run.projected.client, recurrence, sizes) {
            Some(plan) => whole::forward(recurrence, walk, plan, &run),
            None => per_step::forward(recurrence, walk, &run),
        }
        run
    }
}

impl Backward {
    fn sizes(&self) -> [usize; 3] {
        sizes(&self.outputs)
    }

    /// The gradients of the recurrent part of each gate.
    fn recurrent_gradients(&self, recurrence: Recurrence) -> &CubeTensor {
        match recurrence.apart() {
            0 => &self.gates,
            _ => &self.recurrent,
        }
    }

    /// What is summed over all steps.
    fn finish(self, recurrence: Recurrence) -> ReadProjected<CubeBackend> {
        let [time, batch, hidden] = self.sizes();
        let packed = recurrence.gates() * hidden;
        let flat = |tensor: &CubeTensor, width| reshape(tensor.clone(), [time * batch, width]);
        let input = flat(&self.gates, packed);
        let recurrent = flat(self.recurrent_gradients(recurrence), packed);
        let input_bias = sum_rows(input);
        let parameters = Parameters {
            weight: matmul(transpose(recurrent.clone()), flat(&self.before, hidden)),
            recurrent_bias: match recurrence.apart() {
                0 => input_bias.clone(),
                _ => sum_rows(recurrent),
            },
            input_bias,
            initial: self.state_gradient,
        };
        ReadProjected {
            projected: self.gates,
            parameters,
        }
    }
}

/// Whether the kernels compute in this type.
fn has_kernels(tensor: &CubeTensor) -> bool {
    matches!(tensor.dtype, DType::F32 | DType::F16)
}

impl RecurrentBackend for CubeBackend {
    fn recurrence(
        recurrence: Recurrence,
        walk: Walk,
        inputs: ReadProjected<Self>,
    ) -> RecurrenceRun<Self> {
        if !has_kernels(&inputs.projected) {
            return portable::forward(recurrence, &walk, inputs).into();
        }
        let run = Forward::run(recurrence, &walk, inputs, false);
        RecurrenceRun {
            outputs: run.outputs,
            state: run.state,
        }
    }

    fn recurrence_kept(
        recurrence: Recurrence,
        walk: Walk,
        inputs: ReadProjected<Self>,
    ) -> Kept<Self> {
        if !has_kernels(&inputs.projected) {
            return portable::forward(recurrence, &walk, inputs);
        }
        let run = Forward::run(recurrence, &walk, inputs, true);
        Kept {
            outputs: run.outputs,
            state: run.state,
            gates: run.projected,
            extra: run.extra,
        }
    }

    fn recurrence_backward(
        recurrence: Recurrence,
        walk: Walk,
        weight: FloatTensor<Self>,
        initial: FloatTensor<Self>,
        kept: Kept<Self>,
        gradients: OutputGradients<Self>,
    ) -> ReadProjected<Self> {
        if !has_kernels(&weight) {
            return portable::backward(recurrence, &walk, weight, initial, kept, gradients);
        }
        let sizes = Sizes::of(&kept.outputs, &weight);
        let recurrent = match recurrence.apart() {
            0 => [1, 1, 1],
            _ => sizes.sequence(recurrence.gates()),
        };
        let run = Backward {
            output_gradient: gradients.outputs.into_option().map(contiguous),
            rows: memory::rows(&walk, &weight),
            recurrent: empty(&weight, recurrent),
            state_gradient: match gradients.state.into_option() {
                Some(gradient) => owned(gradient),
                None => zeros(&weight, sizes.states(recurrence)),
            },
            before: empty(&weight, sizes.sequence(1)),
            initial: contiguous(initial),
            outputs: contiguous(kept.outputs),
            extra: contiguous(kept.extra),
            gates: owned(kept.gates),
            weight: contiguous(weight),
        };
        match schedule::plan(&run.gates.client, recurrence, sizes) {
            Some(plan) => whole::backward(recurrence, &walk, plan, &run),
            None => per_step::backward(recurrence, &walk, &run),
        }
        run.finish(recurrence)
    }
}

//! Backends whose tensors lie in the memory of this process, and the recurrence on any of them.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::DType;

use super::{
    Gradients, Input, KeptGates, Left, Machine, Order, Output, ParameterGradients, Projected,
    backward, forward,
};
use crate::operation::{
    Kept, LeftOfInput, OutputGradients, Parameters, ReadInput, ReadProjected, RecurrenceRun, Wanted,
};
use crate::portable;
use crate::projection::{self, project};
use crate::recurrence::{Recurrence, Sizes, Walk};

/// A backend whose f32 tensors can be looked at as slices.
pub(super) trait Host: Backend {
    /// Numbers that nobody else looks at.
    type Owned: AsMut<[f32]>;

    /// Whether the numbers lie one after the other, in the order of the dimensions.
    fn is_contiguous(tensor: &FloatTensor<Self>) -> bool;

    /// The same with its numbers one after the other.
    fn contiguous(tensor: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The numbers of a contiguous tensor.
    fn values(tensor: &FloatTensor<Self>) -> &[f32];

    /// The numbers one after the other, to be written to: the tensor's own memory where that can
    /// be.
    fn own(tensor: FloatTensor<Self>) -> Self::Owned;

    /// A tensor of what [`own`](Self::own) gave, of the shape that it had.
    fn give_back<const D: usize>(owned: Self::Owned, shape: [usize; D]) -> FloatTensor<Self>;

    /// A new tensor.
    fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FloatTensor<Self>;
}

/// The order in memory of a sequence `[T, B, width]`; any, if it has none.
pub(super) fn order_of<B: Host>(sequence: &FloatTensor<B>) -> Order {
    let swapped = || B::float_swap_dims(sequence.clone(), 0, 1);
    match !B::is_contiguous(sequence) && B::is_contiguous(&swapped()) {
        true => Order::BatchMajor,
        false => Order::TimeMajor,
    }
}

/// `[T, B, width]` with its dimensions in this order; and back.
pub(super) fn arranged<B: Host>(sequence: FloatTensor<B>, order: Order) -> FloatTensor<B> {
    match order {
        Order::TimeMajor => sequence,
        Order::BatchMajor => B::float_swap_dims(sequence, 0, 1),
    }
}

/// The dimensions of `[T, B, width]` in this order.
fn shape(order: Order, [time, batch, width]: [usize; 3]) -> [usize; 3] {
    match order {
        Order::TimeMajor => [time, batch, width],
        Order::BatchMajor => [batch, time, width],
    }
}

pub(super) fn new_sequence<B: Host>(
    values: Vec<f32>,
    order: Order,
    sizes: [usize; 3],
) -> FloatTensor<B> {
    arranged::<B>(B::tensor(values, shape(order, sizes)), order)
}

fn in_memory<B: Host>(parameters: Parameters<B>) -> Parameters<B> {
    Parameters {
        weight: B::contiguous(parameters.weight),
        input_bias: B::contiguous(parameters.input_bias),
        recurrent_bias: B::contiguous(parameters.recurrent_bias),
        initial: B::contiguous(parameters.initial),
    }
}

/// A run over a sequence in this order.
fn run<B: Host>(
    recurrence: Recurrence,
    walk: &Walk,
    sizes: Sizes,
    order: Order,
    projected: Projected,
    parameters: Parameters<B>,
) -> Output {
    let parameters = in_memory::<B>(parameters);
    let input = Input {
        weight: B::values(&parameters.weight),
        input_bias: B::values(&parameters.input_bias),
        recurrent_bias: B::values(&parameters.recurrent_bias),
        initial: B::values(&parameters.initial),
    };
    let machine = Machine::this();
    forward(machine, recurrence, walk, sizes, order, projected, &input)
}

/// What a run gave, as tensors; the gates are there already.
fn kept<B: Host>(
    recurrence: Recurrence,
    sizes: Sizes,
    order: Order,
    run: Output,
    gates: FloatTensor<B>,
) -> Kept<B> {
    Kept {
        outputs: new_sequence::<B>(run.outputs, order, sizes.sequence(1)),
        state: B::tensor(run.state, sizes.states(recurrence)),
        gates,
        extra: match recurrence.extra() {
            0 => B::tensor(vec![0.0], sizes.extra(recurrence)),
            _ => new_sequence::<B>(run.extra, order, sizes.extra(recurrence)),
        },
    }
}

pub(super) fn recurrence<B: Host>(
    recurrence: Recurrence,
    walk: &Walk,
    inputs: ReadProjected<B>,
) -> RecurrenceRun<B> {
    if inputs.projected.dtype() != DType::F32 {
        return portable::forward(recurrence, walk, inputs).into();
    }
    let sizes = Sizes::of(&inputs.projected, &inputs.parameters.weight);
    let order = order_of::<B>(&inputs.projected);
    let projected = B::contiguous(arranged::<B>(inputs.projected, order));
    let projected = Projected::Read(B::values(&projected));
    let run = run::<B>(recurrence, walk, sizes, order, projected, inputs.parameters);
    RecurrenceRun {
        outputs: new_sequence::<B>(run.outputs, order, sizes.sequence(1)),
        state: B::tensor(run.state, sizes.states(recurrence)),
    }
}

pub(super) fn recurrence_kept<B: Host>(
    recurrence: Recurrence,
    walk: &Walk,
    inputs: ReadProjected<B>,
) -> Kept<B> {
    if inputs.projected.dtype() != DType::F32 {
        return portable::forward(recurrence, walk, inputs);
    }
    let sizes = Sizes::of(&inputs.projected, &inputs.parameters.weight);
    let order = order_of::<B>(&inputs.projected);
    let mut gates = B::own(arranged::<B>(inputs.projected, order));
    let projected = Projected::Keep(gates.as_mut());
    let run = run::<B>(recurrence, walk, sizes, order, projected, inputs.parameters);
    let packed = shape(order, sizes.sequence(recurrence.gates()));
    let gates = arranged::<B>(B::give_back(gates, packed), order);
    kept(recurrence, sizes, order, run, gates)
}

/// A run from the input, in f32.
fn run_of_input<B: Host>(
    recurrence: Recurrence,
    walk: &Walk,
    inputs: ReadInput<B>,
    keep: bool,
) -> (Sizes, Order, Output) {
    let sizes = Sizes::of(&inputs.input, &inputs.parameters.weight);
    let order = order_of::<B>(&inputs.input);
    let input = B::contiguous(arranged::<B>(inputs.input, order));
    let weight = B::contiguous(inputs.input_weight);
    let projected = Projected::Product {
        input: B::values(&input),
        weight: B::values(&weight),
        keep,
    };
    let run = run::<B>(recurrence, walk, sizes, order, projected, inputs.parameters);
    (sizes, order, run)
}

pub(super) fn recurrence_of_input<B: Host>(
    recurrence: Recurrence,
    walk: &Walk,
    inputs: ReadInput<B>,
) -> RecurrenceRun<B> {
    if inputs.input.dtype() != DType::F32 {
        return portable::forward(recurrence, walk, project(inputs)).into();
    }
    let (sizes, order, run) = run_of_input(recurrence, walk, inputs, false);
    RecurrenceRun {
        outputs: new_sequence::<B>(run.outputs, order, sizes.sequence(1)),
        state: B::tensor(run.state, sizes.states(recurrence)),
    }
}

pub(super) fn recurrence_of_input_kept<B: Host>(
    recurrence: Recurrence,
    walk: &Walk,
    inputs: ReadInput<B>,
) -> Kept<B> {
    if inputs.input.dtype() != DType::F32 {
        return portable::forward(recurrence, walk, project(inputs));
    }
    let (sizes, order, mut run) = run_of_input(recurrence, walk, inputs, true);
    let gates = std::mem::take(&mut run.gates);
    let gates = new_sequence::<B>(gates, order, sizes.sequence(recurrence.gates()));
    kept(recurrence, sizes, order, run, gates)
}

impl ParameterGradients {
    fn tensors<B: Host>(self, recurrence: Recurrence, sizes: Sizes) -> Parameters<B> {
        let packed = recurrence.gates() * sizes.hidden;
        Parameters {
            weight: B::tensor(self.weight, [packed, sizes.hidden]),
            input_bias: B::tensor(self.input_bias, [packed]),
            recurrent_bias: B::tensor(self.recurrent_bias, [packed]),
            initial: B::tensor(self.initial, sizes.states(recurrence)),
        }
    }
}

/// What backward reads beside the gates, in memory.
struct Remains<B: Host> {
    order: Order,
    weight: FloatTensor<B>,
    initial: FloatTensor<B>,
    outputs: FloatTensor<B>,
    extra: Option<FloatTensor<B>>,
    output_gradient: Option<FloatTensor<B>>,
    state_gradient: Option<FloatTensor<B>>,
}

impl<B: Host> Remains<B> {
    /// Those of a run, and its gates.
    fn new(
        recurrence: Recurrence,
        weight: FloatTensor<B>,
        initial: FloatTensor<B>,
        kept: Kept<B>,
        gradients: OutputGradients<B>,
    ) -> (Self, FloatTensor<B>) {
        let order = order_of::<B>(&kept.outputs);
        let sequence = |tensor| B::contiguous(arranged::<B>(tensor, order));
        let remains = Self {
            order,
            weight: B::contiguous(weight),
            initial: B::contiguous(initial),
            outputs: sequence(kept.outputs),
            extra: (recurrence.extra() > 0).then(|| sequence(kept.extra)),
            output_gradient: gradients.outputs.into_option().map(sequence),
            state_gradient: gradients.state.into_option().map(B::contiguous),
        };
        (remains, kept.gates)
    }

    fn differentiate(
        &self,
        recurrence: Recurrence,
        walk: &Walk,
        sizes: Sizes,
        kept: KeptGates,
    ) -> Gradients {
        let left = Left {
            kept,
            extra: self.extra.as_ref().map_or(&[], B::values),
            weight: B::values(&self.weight),
            initial: B::values(&self.initial),
            outputs: B::values(&self.outputs),
            output_gradient: self.output_gradient.as_ref().map(B::values),
            state_gradient: self.state_gradient.as_ref().map(B::values),
        };
        backward(Machine::this(), recurrence, walk, sizes, self.order, left)
    }
}

pub(super) fn recurrence_backward<B: Host>(
    recurrence: Recurrence,
    walk: &Walk,
    weight: FloatTensor<B>,
    initial: FloatTensor<B>,
    kept: Kept<B>,
    gradients: OutputGradients<B>,
) -> ReadProjected<B> {
    if weight.dtype() != DType::F32 {
        return portable::backward(recurrence, walk, weight, initial, kept, gradients);
    }
    let sizes = Sizes::of(&kept.outputs, &weight);
    let (remains, gates) = Remains::<B>::new(recurrence, weight, initial, kept, gradients);
    let order = remains.order;
    let mut gates = B::own(arranged::<B>(gates, order));
    let found = remains.differentiate(recurrence, walk, sizes, KeptGates::Values(gates.as_mut()));
    let projected = shape(order, sizes.sequence(recurrence.gates()));
    ReadProjected {
        projected: arranged::<B>(B::give_back(gates, projected), order),
        parameters: found.parameters.tensors(recurrence, sizes),
    }
}

pub(super) fn recurrence_of_input_backward<B: Host>(
    recurrence: Recurrence,
    walk: &Walk,
    wanted: Wanted,
    left: LeftOfInput<B>,
    kept: Kept<B>,
    gradients: OutputGradients<B>,
) -> ReadInput<B> {
    let LeftOfInput {
        input,
        input_weight,
        weight,
        initial,
    } = left;
    if weight.dtype() != DType::F32 {
        let found = portable::backward(recurrence, walk, weight, initial, kept, gradients);
        return projection::gradients(wanted, input, input_weight, found);
    }
    let sizes = Sizes::of(&kept.outputs, &weight);
    let features = input_weight.shape()[1];
    let (remains, gates) = Remains::<B>::new(recurrence, weight, initial, kept, gradients);
    let order = remains.order;
    let gates = B::contiguous(arranged::<B>(gates, order));
    let input = B::contiguous(arranged::<B>(input, order));
    let input_weight = B::contiguous(input_weight);
    let kept = KeptGates::Product {
        gates: B::values(&gates),
        input: B::values(&input),
        weight: B::values(&input_weight),
        wanted,
    };
    let found = remains.differentiate(recurrence, walk, sizes, kept);
    let packed = recurrence.gates() * sizes.hidden;
    ReadInput {
        input: match wanted.input {
            true => new_sequence::<B>(found.input, order, [sizes.time, sizes.batch, features]),
            false => B::tensor(vec![0.0], [1, 1, 1]),
        },
        input_weight: match wanted.weight {
            true => B::tensor(found.input_weight, [packed, features]),
            false => B::tensor(vec![0.0], [1, 1]),
        },
        parameters: found.parameters.tensors(recurrence, sizes),
    }
}

/// The operations of a [`Host`], which are the same for each.
macro_rules! recurrent_backend {
    ($backend:ty) => {
        impl $crate::operation::RecurrentBackend for $backend {
            fn recurrence(
                recurrence: Recurrence,
                walk: Walk,
                inputs: ReadProjected<Self>,
            ) -> RecurrenceRun<Self> {
                $crate::cpu::host::recurrence::<Self>(recurrence, &walk, inputs)
            }

            fn recurrence_kept(
                recurrence: Recurrence,
                walk: Walk,
                inputs: ReadProjected<Self>,
            ) -> Kept<Self> {
                $crate::cpu::host::recurrence_kept::<Self>(recurrence, &walk, inputs)
            }

            fn recurrence_of_input(
                recurrence: Recurrence,
                walk: Walk,
                inputs: ReadInput<Self>,
            ) -> RecurrenceRun<Self> {
                $crate::cpu::host::recurrence_of_input::<Self>(recurrence, &walk, inputs)
            }

            fn recurrence_of_input_kept(
                recurrence: Recurrence,
                walk: Walk,
                inputs: ReadInput<Self>,
            ) -> Kept<Self> {
                $crate::cpu::host::recurrence_of_input_kept::<Self>(recurrence, &walk, inputs)
            }

            fn recurrence_backward(
                recurrence: Recurrence,
                walk: Walk,
                weight: FloatTensor<Self>,
                initial: FloatTensor<Self>,
                kept: Kept<Self>,
                gradients: OutputGradients<Self>,
            ) -> ReadProjected<Self> {
                $crate::cpu::host::recurrence_backward::<Self>(
                    recurrence, &walk, weight, initial, kept, gradients,
                )
            }

            fn recurrence_of_input_backward(
                recurrence: Recurrence,
                walk: Walk,
                wanted: Wanted,
                left: LeftOfInput<Self>,
                kept: Kept<Self>,
                gradients: OutputGradients<Self>,
            ) -> ReadInput<Self> {
                $crate::cpu::host::recurrence_of_input_backward::<Self>(
                    recurrence, &walk, wanted, left, kept, gradients,
                )
            }
        }
    };
}
pub(super) use recurrent_backend;

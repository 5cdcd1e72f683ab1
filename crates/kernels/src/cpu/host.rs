//! Backends whose tensors lie in the memory of this process, and the recurrence on any of them.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::DType;

use super::{Input, Left, Machine, Order, Projected, backward, forward, project};
use crate::operation::{InputGradients, Kept, OutputGradients, Read, Run};
use crate::portable;
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
fn order_of<B: Host>(sequence: &FloatTensor<B>) -> Order {
    let swapped = || B::float_swap_dims(sequence.clone(), 0, 1);
    match !B::is_contiguous(sequence) && B::is_contiguous(&swapped()) {
        true => Order::BatchMajor,
        false => Order::TimeMajor,
    }
}

/// `[T, B, width]` with its dimensions in this order; and back.
fn arranged<B: Host>(sequence: FloatTensor<B>, order: Order) -> FloatTensor<B> {
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

fn new_sequence<B: Host>(values: Vec<f32>, order: Order, sizes: [usize; 3]) -> FloatTensor<B> {
    arranged::<B>(B::tensor(values, shape(order, sizes)), order)
}

/// What a run reads, in memory.
struct InMemory<B: Host> {
    projected: FloatTensor<B>,
    order: Order,
    weight: FloatTensor<B>,
    input_bias: FloatTensor<B>,
    recurrent_bias: FloatTensor<B>,
    initial: FloatTensor<B>,
}

impl<B: Host> InMemory<B> {
    fn new(inputs: Read<B>) -> Self {
        let order = order_of::<B>(&inputs.projected);
        Self {
            projected: B::contiguous(arranged::<B>(inputs.projected, order)),
            order,
            weight: B::contiguous(inputs.weight),
            input_bias: B::contiguous(inputs.input_bias),
            recurrent_bias: B::contiguous(inputs.recurrent_bias),
            initial: B::contiguous(inputs.initial),
        }
    }
}

pub(super) fn projection<B: Host>(input: FloatTensor<B>, weight: FloatTensor<B>) -> FloatTensor<B> {
    if input.dtype() != DType::F32 {
        return B::float_matmul(input, B::float_swap_dims(weight, 0, 1));
    }
    let (rows, features, packed) = (input.shape()[0], input.shape()[1], weight.shape()[0]);
    let (input, weight) = (B::contiguous(input), B::contiguous(weight));
    let (input, weight) = (B::values(&input), B::values(&weight));
    let projected = project(Machine::this(), [rows, features, packed], input, weight);
    B::tensor(projected, [rows, packed])
}

pub(super) fn recurrence<B: Host>(recurrence: Recurrence, walk: &Walk, inputs: Read<B>) -> Run<B> {
    if inputs.projected.dtype() != DType::F32 {
        return portable::forward(recurrence, walk, inputs).into();
    }
    let sizes = Sizes::of(&inputs.projected, &inputs.weight);
    let inputs = InMemory::new(inputs);
    let input = Input {
        weight: B::values(&inputs.weight),
        input_bias: B::values(&inputs.input_bias),
        recurrent_bias: B::values(&inputs.recurrent_bias),
        initial: B::values(&inputs.initial),
    };
    let projected = Projected::Read(B::values(&inputs.projected));
    let (machine, order) = (Machine::this(), inputs.order);
    let run = forward(machine, recurrence, walk, sizes, order, projected, &input);
    Run {
        outputs: new_sequence::<B>(run.outputs, order, sizes.sequence(1)),
        state: B::tensor(run.state, sizes.states(recurrence)),
    }
}

pub(super) fn recurrence_kept<B: Host>(
    recurrence: Recurrence,
    walk: &Walk,
    inputs: Read<B>,
) -> Kept<B> {
    if inputs.projected.dtype() != DType::F32 {
        return portable::forward(recurrence, walk, inputs);
    }
    let sizes = Sizes::of(&inputs.projected, &inputs.weight);
    let inputs = InMemory::new(inputs);
    let mut gates = B::own(inputs.projected);
    let input = Input {
        weight: B::values(&inputs.weight),
        input_bias: B::values(&inputs.input_bias),
        recurrent_bias: B::values(&inputs.recurrent_bias),
        initial: B::values(&inputs.initial),
    };
    let projected = Projected::Keep(gates.as_mut());
    let (machine, order) = (Machine::this(), inputs.order);
    let run = forward(machine, recurrence, walk, sizes, order, projected, &input);
    let packed = sizes.sequence(recurrence.gates());
    Kept {
        outputs: new_sequence::<B>(run.outputs, order, sizes.sequence(1)),
        state: B::tensor(run.state, sizes.states(recurrence)),
        gates: arranged::<B>(B::give_back(gates, shape(order, packed)), order),
        extra: match recurrence.extra() {
            0 => B::tensor(vec![0.0], sizes.extra(recurrence)),
            _ => new_sequence::<B>(run.extra, order, sizes.extra(recurrence)),
        },
    }
}

pub(super) fn recurrence_backward<B: Host>(
    recurrence: Recurrence,
    walk: &Walk,
    weight: FloatTensor<B>,
    initial: FloatTensor<B>,
    kept: Kept<B>,
    gradients: OutputGradients<B>,
) -> InputGradients<B> {
    if weight.dtype() != DType::F32 {
        return portable::backward(recurrence, walk, weight, initial, kept, gradients);
    }
    let sizes = Sizes::of(&kept.outputs, &weight);
    let order = order_of::<B>(&kept.outputs);
    let sequence = |tensor| B::contiguous(arranged::<B>(tensor, order));
    let (weight, initial) = (B::contiguous(weight), B::contiguous(initial));
    let outputs = sequence(kept.outputs);
    let output_gradient = gradients.outputs.into_option().map(sequence);
    let state_gradient = gradients.state.into_option().map(B::contiguous);
    let mut gates = B::own(arranged::<B>(kept.gates, order));
    let mut extra = match recurrence.extra() {
        0 => None,
        _ => Some(B::own(arranged::<B>(kept.extra, order))),
    };
    let left = Left {
        gates: gates.as_mut(),
        extra: extra.as_mut().map_or(&mut [], |extra| extra.as_mut()),
        weight: B::values(&weight),
        initial: B::values(&initial),
        outputs: B::values(&outputs),
        output_gradient: output_gradient.as_ref().map(B::values),
        state_gradient: state_gradient.as_ref().map(B::values),
    };
    let found = backward(Machine::this(), recurrence, walk, sizes, order, left);
    let packed = recurrence.gates() * sizes.hidden;
    let projected = shape(order, sizes.sequence(recurrence.gates()));
    InputGradients {
        projected: arranged::<B>(B::give_back(gates, projected), order),
        weight: B::tensor(found.weight, [packed, sizes.hidden]),
        input_bias: B::tensor(found.input_bias, [packed]),
        recurrent_bias: B::tensor(found.recurrent_bias, [packed]),
        initial: B::tensor(found.initial, sizes.states(recurrence)),
    }
}

/// The operations of a [`Host`], which are the same for each.
macro_rules! recurrent_backend {
    ($backend:ty) => {
        impl $crate::operation::RecurrentBackend for $backend {
            fn projection(
                input: FloatTensor<Self>,
                weight: FloatTensor<Self>,
            ) -> FloatTensor<Self> {
                $crate::cpu::host::projection::<Self>(input, weight)
            }

            fn recurrence(recurrence: Recurrence, walk: Walk, inputs: Read<Self>) -> Run<Self> {
                $crate::cpu::host::recurrence::<Self>(recurrence, &walk, inputs)
            }

            fn recurrence_kept(
                recurrence: Recurrence,
                walk: Walk,
                inputs: Read<Self>,
            ) -> Kept<Self> {
                $crate::cpu::host::recurrence_kept::<Self>(recurrence, &walk, inputs)
            }

            fn recurrence_backward(
                recurrence: Recurrence,
                walk: Walk,
                weight: FloatTensor<Self>,
                initial: FloatTensor<Self>,
                kept: Kept<Self>,
                gradients: OutputGradients<Self>,
            ) -> InputGradients<Self> {
                $crate::cpu::host::recurrence_backward::<Self>(
                    recurrence, &walk, weight, initial, kept, gradients,
                )
            }
        }
    };
}
pub(super) use recurrent_backend;

//! The recurrence in backend primitives: runs on any backend, in any float type.
//!
//! ```text
//! forward:   for t: state_t, kept_t = P(W x_t + b_W, R h_{t-1} + b_R, state_{t-1})
//! backward:  for t, last first: d gates_t, d state_{t-1} = P'(d state_t + d output_t, ..)
//!                               d h_{t-1} += R^T d gates_t
//! then       d R = sum_t d gates_t h_{t-1}^T,   d b = sum_t d gates_t
//! ```

use std::array;
use std::ops::{Add, Mul, Sub};

use burn::backend::tensor::{BoolTensor, FloatTensor};
use burn::backend::{Backend, TensorMetadata, get_or_init_device_settings};
use burn::tensor::{Shape, Slice, TensorData};

use crate::operation::{Gradient, Kept, OutputGradients, Parameters, ReadProjected};
use crate::pointwise::{Elman, Gru, Lstm, Pointwise, Value};
use crate::recurrence::{Direction, Recurrence, Sizes, Walk};

/// A run; everything is kept.
pub(crate) fn forward<B: Backend>(
    recurrence: Recurrence,
    walk: &Walk,
    inputs: ReadProjected<B>,
) -> Kept<B> {
    match recurrence {
        Recurrence::Elman(phi) => forward_of(Elman(phi), walk, inputs),
        Recurrence::Lstm => forward_of(Lstm, walk, inputs),
        Recurrence::Gru => forward_of(Gru, walk, inputs),
    }
}

/// The gradients of a run.
pub(crate) fn backward<B: Backend>(
    recurrence: Recurrence,
    walk: &Walk,
    weight: FloatTensor<B>,
    initial: FloatTensor<B>,
    kept: Kept<B>,
    gradients: OutputGradients<B>,
) -> ReadProjected<B> {
    let (weight, initial) = (Primitive(weight), Primitive(initial));
    match recurrence {
        Recurrence::Elman(phi) => backward_of(
            Elman(phi),
            recurrence,
            walk,
            weight,
            initial,
            kept,
            gradients,
        ),
        Recurrence::Lstm => backward_of(Lstm, recurrence, walk, weight, initial, kept, gradients),
        Recurrence::Gru => backward_of(Gru, recurrence, walk, weight, initial, kept, gradients),
    }
}

fn forward_of<B: Backend, P, const G: usize, const S: usize, const A: usize>(
    cell: P,
    walk: &Walk,
    inputs: ReadProjected<B>,
) -> Kept<B>
where
    P: Pointwise<G, S, A>,
{
    let [projected, weight, input_bias, recurrent_bias, initial] = [
        inputs.projected,
        inputs.parameters.weight,
        inputs.parameters.input_bias,
        inputs.parameters.recurrent_bias,
        inputs.parameters.initial,
    ]
    .map(Primitive::<B>);
    let sizes = Sizes::of(&projected.0, &weight.0);
    let Sizes {
        time,
        batch,
        hidden,
    } = sizes;
    let valid = Validity::<B>::new(walk, sizes, &projected);
    let weight = weight.transpose();
    let input_bias = input_bias.reshape([1, G * hidden]);
    let recurrent_bias = recurrent_bias.reshape([1, G * hidden]);

    let mut state: [Primitive<B>; S] =
        array::from_fn(|s| initial.clone().at(s).reshape([batch, hidden]));
    let mut outputs = vec![None; time];
    let mut gates = vec![None; time];
    let mut extra = vec![None; time];
    for t in walk.direction.order(time) {
        let input = projected.clone().at(t) + input_bias.clone();
        let recurrent = state[0].clone().matmul(weight.clone()) + recurrent_bias.clone();
        let next = cell.forward(input.split::<G>(), recurrent.split::<G>(), state.clone());
        let after = array::from_fn(|s| valid.select(t, next.state[s].clone(), state[s].clone()));
        outputs[t] = Some(valid.clear(t, next.state[0].clone()));
        gates[t] = Some(Primitive::cat(next.gates.to_vec(), 1));
        let beside = next
            .apart
            .iter()
            .chain(&after[1..])
            .cloned()
            .collect::<Vec<_>>();
        extra[t] = (!beside.is_empty()).then(|| Primitive::cat(beside, 1));
        state = after;
    }

    let stack = |steps: Vec<Option<Primitive<B>>>| {
        let steps: Vec<_> = steps
            .into_iter()
            .flatten()
            .map(Primitive::unsqueeze)
            .collect();
        match steps.is_empty() {
            true => projected.zeros([1, 1, 1]),
            false => Primitive::cat(steps, 0),
        }
    };
    Kept {
        outputs: stack(outputs).0,
        state: Primitive::cat(state.map(Primitive::unsqueeze).to_vec(), 0).0,
        gates: stack(gates).0,
        extra: stack(extra).0,
    }
}

fn backward_of<B: Backend, P, const G: usize, const S: usize, const A: usize>(
    cell: P,
    recurrence: Recurrence,
    walk: &Walk,
    weight: Primitive<B>,
    initial: Primitive<B>,
    kept: Kept<B>,
    gradients: OutputGradients<B>,
) -> ReadProjected<B>
where
    P: Pointwise<G, S, A>,
{
    let [outputs, gates, extra] = [kept.outputs, kept.gates, kept.extra].map(Primitive::<B>);
    let sizes = Sizes::of(&outputs.0, &weight.0);
    let Sizes {
        time,
        batch,
        hidden,
    } = sizes;
    let valid = Validity::<B>::new(walk, sizes, &outputs);

    let initial: [Primitive<B>; S] =
        array::from_fn(|s| initial.clone().at(s).reshape([batch, hidden]));
    // The states before step t; in the padding it does not matter which.
    let beside = |t: usize| -> Vec<Primitive<B>> {
        match recurrence.extra() {
            0 => Vec::new(),
            count => extra.clone().at(t).chunks(count),
        }
    };
    let states = |t: usize| -> [Primitive<B>; S] {
        let beside = beside(t);
        array::from_fn(|s| match s {
            0 => outputs.clone().at(t),
            s => beside[A + s - 1].clone(),
        })
    };
    let before = |t: usize| -> [Primitive<B>; S] {
        match previous(walk.direction, t, time) {
            None => initial.clone(),
            // The hidden state of a row that has not begun is its initial one, and no output.
            Some(previous) => {
                let states = states(previous);
                array::from_fn(|s| valid.select(previous, states[s].clone(), initial[s].clone()))
            }
        }
    };

    let mut carried: [Primitive<B>; S] = match gradients.state {
        Gradient::Some(gradient) => {
            let gradient = Primitive::<B>(gradient);
            array::from_fn(|s| gradient.clone().at(s).reshape([batch, hidden]))
        }
        Gradient::Zero => array::from_fn(|_| outputs.zeros([batch, hidden])),
    };
    let output_gradient = gradients.outputs.into_option().map(Primitive::<B>);

    let mut input_parts = vec![None; time];
    let mut recurrent_parts = vec![None; time];
    let mut hidden_before = vec![None; time];
    for t in walk.direction.order(time).rev() {
        let mut gradient = carried.clone();
        if let Some(outputs) = &output_gradient {
            gradient[0] = gradient[0].clone() + outputs.clone().at(t);
        }
        let before = before(t);
        let apart: [Primitive<B>; A] = {
            let beside = beside(t);
            array::from_fn(|a| beside[a].clone())
        };
        let gates = gates.clone().at(t).split::<G>();
        let step = cell.backward(gradient, before.clone(), states(t), gates, apart);

        let recurrent: [Primitive<B>; G] = array::from_fn(|g| match g < G - A {
            true => step.gates[g].clone(),
            false => step.apart[g - (G - A)].clone(),
        });
        let input = valid.clear(t, Primitive::cat(step.gates.to_vec(), 1));
        let recurrent = valid.clear(t, Primitive::cat(recurrent.to_vec(), 1));

        let through = recurrent.clone().matmul(weight.clone());
        carried = array::from_fn(|s| {
            let next = match (s, step.state[s].clone()) {
                (0, None) => through.clone(),
                (0, Some(direct)) => direct + through.clone(),
                (_, Some(direct)) => direct,
                (_, None) => outputs.zeros([batch, hidden]),
            };
            valid.select(t, next, carried[s].clone())
        });
        input_parts[t] = Some(input.unsqueeze());
        recurrent_parts[t] = Some(recurrent);
        hidden_before[t] = Some(before[0].clone());
    }

    let stack =
        |steps: Vec<Option<Primitive<B>>>| Primitive::cat(steps.into_iter().flatten().collect(), 0);
    let (projected, recurrent) = (stack(input_parts), stack(recurrent_parts));
    let weight = recurrent.clone().transpose().matmul(stack(hidden_before));
    let sum = |parts: Primitive<B>| {
        let parts = parts.reshape([time * batch, G * hidden]);
        Primitive::<B>(B::float_sum_dim(parts.0, 0)).reshape([G * hidden])
    };
    ReadProjected {
        parameters: Parameters {
            weight: weight.0,
            input_bias: sum(projected.clone()).0,
            recurrent_bias: sum(recurrent).0,
            initial: Primitive::cat(carried.map(Primitive::unsqueeze).to_vec(), 0).0,
        },
        projected: projected.0,
    }
}

/// The step that comes before step `t` in this direction.
fn previous(direction: Direction, t: usize, time: usize) -> Option<usize> {
    match direction {
        Direction::Forward => t.checked_sub(1),
        Direction::Reverse => (t + 1 < time).then_some(t + 1),
    }
}

/// Which rows are there, at each step.
struct Validity<B: Backend> {
    /// True where a row has ended: `[T, B, 1]`; nothing when none does.
    ended: Option<BoolTensor<B>>,
    sizes: Sizes,
}

impl<B: Backend> Validity<B> {
    fn new(walk: &Walk, sizes: Sizes, like: &Primitive<B>) -> Self {
        let Sizes { time, batch, .. } = sizes;
        let ended = walk.lengths.as_ref().map(|lengths| {
            let ended: Vec<bool> = (0..time)
                .flat_map(|t| lengths.iter().map(move |&length| t >= length))
                .collect();
            B::bool_from_data(TensorData::new(ended, [time, batch, 1]), &like.0.device())
        });
        Self { ended, sizes }
    }

    fn at(&self, t: usize, width: usize) -> Option<BoolTensor<B>> {
        let batch = self.sizes.batch;
        self.ended.as_ref().map(|ended| {
            let slices = [t..t + 1, 0..batch, 0..1].map(Slice::from);
            let step = B::bool_slice(ended.clone(), &slices);
            B::bool_expand(
                B::bool_reshape(step, Shape::from([batch, 1])),
                Shape::from([batch, width]),
            )
        })
    }

    /// `next` in the rows that are there, `last` in those that have ended.
    fn select(&self, t: usize, next: Primitive<B>, last: Primitive<B>) -> Primitive<B> {
        match self.at(t, next.width()) {
            Some(ended) => Primitive(B::float_mask_where(next.0, ended, last.0)),
            None => next,
        }
    }

    /// `value`, with zeros in the rows that have ended.
    fn clear(&self, t: usize, value: Primitive<B>) -> Primitive<B> {
        match self.at(t, value.width()) {
            Some(ended) => Primitive(B::float_mask_fill(value.0, ended, 0.0.into())),
            None => value,
        }
    }
}

/// A tensor of a backend, with the operations by their names.
struct Primitive<B: Backend>(FloatTensor<B>);

impl<B: Backend> Clone for Primitive<B> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B: Backend> Primitive<B> {
    fn width(&self) -> usize {
        let shape = self.0.shape();
        shape[shape.num_dims() - 1]
    }

    fn zeros<const D: usize>(&self, shape: [usize; D]) -> Self {
        let dtype = self.0.dtype().into();
        Self(B::float_zeros(Shape::from(shape), &self.0.device(), dtype))
    }

    fn reshape<const D: usize>(self, shape: [usize; D]) -> Self {
        Self(B::float_reshape(self.0, Shape::from(shape)))
    }

    /// `[rows, columns]` to `[1, rows, columns]`.
    fn unsqueeze(self) -> Self {
        let shape = self.0.shape();
        self.reshape([1, shape[0], shape[1]])
    }

    /// The matrix at `index` of `[.., rows, columns]`.
    fn at(self, index: usize) -> Self {
        let shape = self.0.shape();
        let slices = [index..index + 1, 0..shape[1], 0..shape[2]].map(Slice::from);
        Self(B::float_slice(self.0, &slices)).reshape([shape[1], shape[2]])
    }

    /// `count` equal parts, side by side.
    fn chunks(self, count: usize) -> Vec<Self> {
        let shape = self.0.shape();
        let width = shape[1] / count;
        let part = |index| {
            let slices = [0..shape[0], index * width..(index + 1) * width].map(Slice::from);
            Self(B::float_slice(self.0.clone(), &slices))
        };
        (0..count).map(part).collect()
    }

    fn split<const N: usize>(self) -> [Self; N] {
        let parts = self.chunks(N);
        array::from_fn(|index| parts[index].clone())
    }

    fn cat(parts: Vec<Self>, dim: usize) -> Self {
        Self(B::float_cat(
            parts.into_iter().map(|part| part.0).collect(),
            dim,
        ))
    }

    fn matmul(self, other: Self) -> Self {
        Self(B::float_matmul(self.0, other.0))
    }

    fn transpose(self) -> Self {
        Self(B::float_swap_dims(self.0, 0, 1))
    }
}

impl<B: Backend> Add for Primitive<B> {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(B::float_add(self.0, other.0))
    }
}

impl<B: Backend> Sub for Primitive<B> {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(B::float_sub(self.0, other.0))
    }
}

impl<B: Backend> Mul for Primitive<B> {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self(B::float_mul(self.0, other.0))
    }
}

impl<B: Backend> Value for Primitive<B> {
    fn sigmoid(self) -> Self {
        Self(B::sigmoid(self.0))
    }

    fn tanh(self) -> Self {
        Self(B::float_tanh(self.0))
    }

    fn relu(self) -> Self {
        Self(B::relu(self.0))
    }

    fn step(self) -> Self {
        let (device, dtype) = (self.0.device(), self.0.dtype());
        let positive = B::float_greater_elem(
            self.0,
            0.0.into(),
            get_or_init_device_settings::<B>(&device).bool_dtype,
        );
        Self(B::bool_into_float(positive, dtype.into()))
    }

    fn complement(self) -> Self {
        Self(B::float_add_scalar(B::float_neg(self.0), 1.0.into()))
    }
}

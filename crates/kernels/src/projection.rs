//! `a_t = W x_t` of all steps at once and its gradients, in backend primitives.
//!
//! ```text
//! d x_t = W^T d a_t          d W = sum_t d a_t x_t^T
//! ```

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::Shape;

use crate::operation::{Read, ReadInput};

/// What a run reads, after the product.
pub(crate) fn project<B: Backend>(inputs: ReadInput<B>) -> Read<B> {
    let [time, batch, _] = inputs.input.shape().dims();
    let packed = inputs.input_weight.shape()[0];
    let weight = B::float_swap_dims(inputs.input_weight, 0, 1);
    let projected = B::float_matmul(rows::<B>(inputs.input), weight);
    Read {
        projected: B::float_reshape(projected, Shape::from([time, batch, packed])),
        weight: inputs.weight,
        input_bias: inputs.input_bias,
        recurrent_bias: inputs.recurrent_bias,
        initial: inputs.initial,
    }
}

/// `d x`: `[T, B, G H]` and `[G H, I]` to `[T, B, I]`.
pub(crate) fn input_gradient<B: Backend>(
    gradient: FloatTensor<B>,
    weight: FloatTensor<B>,
) -> FloatTensor<B> {
    let [time, batch, _] = gradient.shape().dims();
    let features = weight.shape()[1];
    let product = B::float_matmul(rows::<B>(gradient), weight);
    B::float_reshape(product, Shape::from([time, batch, features]))
}

/// `d W`: `[T, B, G H]` and `[T, B, I]` to `[G H, I]`.
pub(crate) fn weight_gradient<B: Backend>(
    gradient: FloatTensor<B>,
    input: FloatTensor<B>,
) -> FloatTensor<B> {
    let gradient = B::float_swap_dims(rows::<B>(gradient), 0, 1);
    B::float_matmul(gradient, rows::<B>(input))
}

/// `[T, B, width]` as `[T B, width]`.
fn rows<B: Backend>(sequence: FloatTensor<B>) -> FloatTensor<B> {
    let [time, batch, width] = sequence.shape().dims();
    B::float_reshape(sequence, Shape::from([time * batch, width]))
}

//! `a_t = W x_t` of all steps at once and its gradients, in backend primitives.
//!
//! ```text
//! d x_t = W^T d a_t          d W = sum_t d a_t x_t^T
//! ```

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::Shape;

use crate::operation::{ReadInput, ReadProjected, Wanted};

/// What a run reads, after the product.
pub(crate) fn project<B: Backend>(inputs: ReadInput<B>) -> ReadProjected<B> {
    let [time, batch, _] = inputs.input.shape().dims();
    let packed = inputs.input_weight.shape()[0];
    let weight = B::float_swap_dims(inputs.input_weight, 0, 1);
    let projected = B::float_matmul(rows::<B>(inputs.input), weight);
    ReadProjected {
        projected: B::float_reshape(projected, Shape::from([time, batch, packed])),
        parameters: inputs.parameters,
    }
}

/// The gradients of a run from the input, from those of a run from the projection.
pub(crate) fn gradients<B: Backend>(
    wanted: Wanted,
    input: FloatTensor<B>,
    input_weight: FloatTensor<B>,
    found: ReadProjected<B>,
) -> ReadInput<B> {
    let [time, batch, features] = input.shape().dims();
    let gradient = rows::<B>(found.projected);
    let nothing = |like: &FloatTensor<B>, shape: &[usize]| {
        B::float_zeros(
            Shape::from(shape.to_vec()),
            &like.device(),
            like.dtype().into(),
        )
    };
    let input_gradient = match wanted.input {
        true => {
            let product = B::float_matmul(gradient.clone(), input_weight.clone());
            B::float_reshape(product, Shape::from([time, batch, features]))
        }
        false => nothing(&input, &[1, 1, 1]),
    };
    ReadInput {
        input: input_gradient,
        input_weight: match wanted.weight {
            true => B::float_matmul(B::float_swap_dims(gradient, 0, 1), rows::<B>(input)),
            false => nothing(&input_weight, &[1, 1]),
        },
        parameters: found.parameters,
    }
}

/// `[T, B, width]` as `[T B, width]`.
fn rows<B: Backend>(sequence: FloatTensor<B>) -> FloatTensor<B> {
    let [time, batch, width] = sequence.shape().dims();
    B::float_reshape(sequence, Shape::from([time * batch, width]))
}

//! The order in which `go_backwards` gives its outputs.
//!
//! ```text
//! here     y_t is the output at step t of the input       y_0, y_1, .., y_{T-1}
//! Keras    outputs in the order they were computed in     y_{T-1}, .., y_1, y_0
//! ```

use burn::tensor::Tensor;

/// The outputs of a layer that runs in reverse, `[batch, time, features]`, in the order in which Keras's `go_backwards`
/// gives them: the last step first.
///
/// Here outputs stand at the steps of their inputs, whatever the direction, so they can be added to those of a
/// forward layer as they are, and are the wrong ones for that afterwards: step t would be added to step T - 1 - t. Only
/// what was trained on Keras's order needs it, such as a `Dense` that flattens the steps. Where a model in Keras has
/// another recurrent layer behind one with `go_backwards`, make that one run in reverse as well: it reads the last step
/// first, as it does there. Where it turns the outputs round again (`keras.ops.flip(y, axis=1)`), leave out both.
pub fn as_go_backwards(outputs: Tensor<3>) -> Tensor<3> {
    outputs.flip([1])
}

//! The gradients of `a_t = W x_t`, all steps and rows at once.
//!
//! ```text
//! d x_t = W^T d a_t          d W = sum_t d a_t x_t^T
//! ```

use super::Machine;
use super::room::Room;
use super::sums::{self, Columns};

/// `[rows, packed]` times `[packed, features]`: `[rows, features]`.
pub(crate) fn input_gradient(
    machine: Machine,
    [rows, features, packed]: [usize; 3],
    gradient: &[f32],
    weight: &[f32],
) -> Vec<f32> {
    assert_eq!(gradient.len(), rows * packed);
    assert_eq!(weight.len(), packed * features);
    let mut output = Room::new(rows * features);
    // SAFETY: the strides describe the three slices, whose lengths were checked above. The product
    // writes all of the output and, as it is told, reads none of it.
    unsafe {
        gemm::gemm(
            rows,
            features,
            packed,
            output.as_mut().as_mut_ptr().cast::<f32>(),
            1,
            features as isize,
            false,
            gradient.as_ptr(),
            1,
            packed as isize,
            weight.as_ptr(),
            1,
            features as isize,
            0.0f32,
            1.0f32,
            false,
            false,
            false,
            machine.parallelism(rows * packed * features),
        );
        output.written()
    }
}

/// The transpose of `[rows, packed]` times `[rows, features]`: `[packed, features]`.
pub(crate) fn input_weight_gradient(
    machine: Machine,
    [rows, features, packed]: [usize; 3],
    gradient: &[f32],
    input: &[f32],
) -> Vec<f32> {
    assert_eq!(gradient.len(), rows * packed);
    assert_eq!(input.len(), rows * features);
    let mut output = Room::new(packed * features);
    let gradients = Columns {
        values: gradient,
        width: packed,
        first: 0,
        count: packed,
    };
    sums::weight(machine, gradients, input, output.as_mut());
    // SAFETY: the product has written all rows.
    unsafe { output.written() }
}

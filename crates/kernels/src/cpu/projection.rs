//! `W x` of all steps and rows: one large product.

use gemm::Parallelism;

use super::Machine;
use super::room::Room;

/// Multiplications from which on threads are worth waking.
const WORTH_SPLITTING: usize = 1 << 20;

impl Machine {
    /// How a product of this many multiplications is shared.
    pub(super) fn parallelism(self, multiplications: usize) -> Parallelism {
        match self.threads {
            threads if threads > 1 && multiplications > WORTH_SPLITTING => {
                Parallelism::Rayon(threads)
            }
            _ => Parallelism::None,
        }
    }
}

/// `[rows, features]` times the transpose of `[packed, features]`: `[rows, packed]`.
pub(crate) fn project(
    machine: Machine,
    [rows, features, packed]: [usize; 3],
    input: &[f32],
    weight: &[f32],
) -> Vec<f32> {
    assert_eq!(input.len(), rows * features);
    assert_eq!(weight.len(), packed * features);
    let mut output = Room::new(rows * packed);
    // SAFETY: the strides describe the three slices, whose lengths were checked above. The product
    // writes all of the output and, as it is told, reads none of it.
    unsafe {
        gemm::gemm(
            rows,
            packed,
            features,
            output.as_mut().as_mut_ptr().cast::<f32>(),
            1,
            packed as isize,
            false,
            input.as_ptr(),
            1,
            features as isize,
            weight.as_ptr(),
            features as isize,
            1,
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

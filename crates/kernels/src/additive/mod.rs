//! The scores of additive attention, as ONE differentiable operation.
//!
//! ```text
//! u_ts = sum_a v_a tanh(q_ta + k_sa)
//!
//! dq_ta = v_a sum_s g_ts (1 - y_tsa^2)       y_tsa = tanh(q_ta + k_sa),  g = du
//! dk_sa = v_a sum_t g_ts (1 - y_tsa^2)
//! dv_a  = sum_ts g_ts y_tsa
//! ```
//!
//! Made of tensor operations, `y` is a tensor of `[batch, queries, steps, units]` that is written
//! and read several times, and kept for the gradients. Here it lives in registers, and backward
//! computes it again.
//!
//! Bahdanau, Cho and Bengio 2014, arXiv 1409.0473.

mod gradient;
mod operation;

use burn::backend::Dispatch;
use burn::tensor::{DType, Device, Tensor};

use crate::Path;
pub(crate) use operation::{AdditiveBackend, AdditiveRead};

/// The scores of additive attention: `u`, `[batch, queries, steps]`, of projected queries `q`
/// (`[batch, queries, units]`), projected keys `k` (`[batch, steps, units]`) and the weight of each
/// unit, `v` (`[units]`).
///
/// ```
/// use backdraft_kernels::additive_scores;
/// use burn::tensor::{Device, Tensor};
///
/// let device = Device::flex();
/// let queries = Tensor::<3>::zeros([2, 4, 8], &device);
/// let keys = Tensor::<3>::full([2, 5, 8], 0.5, &device);
/// let scores = additive_scores(queries, keys, Tensor::ones([8], &device));
/// assert_eq!(scores.dims(), [2, 4, 5]);
/// let each = scores.max().into_scalar::<f32>();
/// assert!((each - 8.0 * 0.5f32.tanh()).abs() < 1e-5);
/// ```
///
/// # Panics
///
/// When shapes do not fit each other or a size is 0, or [`additive_path`] has no kernel for the
/// device and type.
pub fn additive_scores(queries: Tensor<3>, keys: Tensor<3>, fit: Tensor<1>) -> Tensor<3> {
    let ([batch, count, units], [rows, steps, width]) = (queries.dims(), keys.dims());
    assert!(
        batch > 0 && count > 0 && steps > 0 && units > 0,
        "nothing to score: {batch} rows, {count} queries, {steps} steps, {units} units"
    );
    assert_eq!(rows, batch, "rows of the keys");
    assert_eq!(width, units, "units of the keys");
    assert_eq!(fit.dims(), [units], "weights of the units");
    let path = additive_path(&queries.device(), queries.dtype());
    assert!(matches!(path, Path::Kernel(_)), "additive scores: {path}");
    let read = AdditiveRead {
        queries: queries.into_dispatch(),
        keys: keys.into_dispatch(),
        fit: fit.into_dispatch(),
    };
    Tensor::from_dispatch(<Dispatch as AdditiveBackend>::additive_scores(read))
}

/// The way of additive scores whose tensors are of this device and type: there is a kernel for the
/// CPU, in f32.
pub fn additive_path(device: &Device, dtype: DType) -> Path {
    Path::of_cpu_alone(device, dtype, "additive scores")
}

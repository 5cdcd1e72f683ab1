//! The cross-entropy of a softmax with its target, as ONE differentiable operation.
//!
//! ```text
//! m_n = max_v s_nv      z_n = sum_v exp(s_nv - m_n)
//! nats_n = m_n + ln z_n - sum_v t_nv s_nv                -sum_v t_nv ln softmax(s_n)_v
//! t_nv   = (1 - e) [v = y_n] + e / V                     e: label smoothing
//!
//! ds_nv = g_n (exp(s_nv - m_n) / z_n - t_nv)             g = d nats
//! ```
//!
//! Made of tensor operations, a softmax over a large vocabulary writes a tensor of `[positions,
//! vocabulary]` a dozen times, forward and backward. Here the scores are read, and their gradient is
//! written, once.
//!
//! Label smoothing: Szegedy et al. 2016, arXiv 1512.00567.

mod gradient;
mod operation;

use burn::backend::Dispatch;
use burn::tensor::{DType, Device, Int, Tensor};

use crate::Path;
pub(crate) use operation::{CrossEntropyBackend, CrossEntropyRun, Targets};

/// How unlikely the target of each position is, in nats (`[positions]`): `-ln softmax(s)_y` of
/// scores `s` (`[positions, vocabulary]`) and targets `y` (`[positions]`). With label smoothing `e`, at
/// least 0 and below 1, the target counts `1 - e`, and all symbols share the rest. PyTorch's
/// `cross_entropy` with `reduction="none"`.
///
/// ```
/// use backdraft_kernels::cross_entropy;
/// use burn::tensor::{Device, Int, Tensor};
///
/// let device = Device::flex();
/// let scores = Tensor::<2>::from_floats([[0.0, 0.0, 0.0, 0.0], [9.0, 9.0, -9e9, -9e9]], &device);
/// let targets = Tensor::<1, Int>::from_ints([3, 0], &device);
/// let nats: Vec<f32> = cross_entropy(scores, targets, 0.0).into_data().iter().collect();
/// assert!((nats[0] - 4f32.ln()).abs() < 1e-6 && (nats[1] - 2f32.ln()).abs() < 1e-6);
/// ```
///
/// A score of minus infinity is a symbol that cannot come; with one of infinity, or with none above
/// minus infinity, the nats are no number.
///
/// # Panics
///
/// When there is not one target for each position, a target is not below the size of the vocabulary,
/// a size is 0, the label smoothing is impossible, or [`cross_entropy_path`] has no kernel for the device and type.
#[doc(alias = "nll_loss")]
pub fn cross_entropy(
    scores: Tensor<2>,
    targets: Tensor<1, Int>,
    label_smoothing: f64,
) -> Tensor<1> {
    let [positions, vocabulary] = scores.dims();
    assert!(
        positions > 0 && vocabulary > 0,
        "no scores: {positions} positions, {vocabulary} symbols"
    );
    assert_eq!(targets.dims(), [positions], "a target for each position");
    assert!(
        (0.0..1.0).contains(&label_smoothing),
        "a label smoothing of {label_smoothing}"
    );
    let path = cross_entropy_path(&scores.device(), scores.dtype());
    assert!(matches!(path, Path::Kernel(_)), "cross-entropy: {path}");
    let symbols: Vec<usize> = targets
        .into_data()
        .iter::<i64>()
        .map(|target| match usize::try_from(target) {
            Ok(target) if target < vocabulary => target,
            _ => panic!("target {target} of a vocabulary of {vocabulary}"),
        })
        .collect();
    let targets = Targets {
        symbols: symbols.into(),
        smoothing: label_smoothing as f32,
    };
    let run = <Dispatch as CrossEntropyBackend>::cross_entropy(targets, scores.into_dispatch());
    Tensor::from_dispatch(run.nats)
}

/// The way of a cross-entropy whose scores are of this device and type: there is a kernel for the
/// CPU, in f32.
pub fn cross_entropy_path(device: &Device, dtype: DType) -> Path {
    Path::of_cpu_alone(device, dtype, "cross-entropies")
}

//! The logarithms of the probabilities of what comes next.
//!
//! ```text
//! ln p_i = s_i - ln sum_j exp(s_j)
//! ```

use backdraft_kernels::{Path, cross_entropy, cross_entropy_path};
use burn::tensor::{Int, Tensor, activation::log_softmax};

/// `-ln p` of the target of each row (`[rows]`), where a model learns: of scores `[rows, symbols]`.
pub(crate) fn nats(scores: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    smoothed_nats(scores, targets, 0.0)
}

/// The same with label smoothing: the target counts `1 - e`, and all symbols share the rest. On the
/// CPU, in f32, this is one operation, which keeps no tensor of probabilities.
pub(crate) fn smoothed_nats(
    scores: Tensor<2>,
    targets: Tensor<1, Int>,
    label_smoothing: f64,
) -> Tensor<1> {
    if let Path::Kernel(_) = cross_entropy_path(&scores.device(), scores.dtype()) {
        return cross_entropy(scores, targets, label_smoothing);
    }
    let log_p = log_softmax(scores, 1);
    let nats = -at(log_p.clone(), targets);
    if label_smoothing == 0.0 {
        return nats;
    }
    let all = -log_p.mean_dim(1).squeeze_dim::<1>(1);
    nats * (1.0 - label_smoothing) + all * label_smoothing
}

/// The number of each row that its index names.
pub(crate) fn at(rows: Tensor<2>, indices: Tensor<1, Int>) -> Tensor<1> {
    rows.gather(1, indices.unsqueeze_dim(1)).squeeze_dim(1)
}

/// Of every symbol, where a model writes: of scores `[rows, symbols]`, row by row. A score of infinity is
/// certain, as in [`Sampling`](crate::Sampling).
pub(crate) fn log_probabilities(scores: Tensor<2>) -> Tensor<2> {
    // Infinity less infinity is no number; the largest number is as good.
    let certain = scores.clone().equal_elem(f32::INFINITY);
    log_softmax(scores.mask_fill(certain, f32::MAX), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn infinite_scores_share_all_probability() {
        let inf = f32::INFINITY;
        let scores = [[1.0, inf, 2.0], [inf, f32::MIN, inf], [0.0, 0.0, -inf]];
        let scores = Tensor::<2>::from_floats(scores, &Device::default());
        let found: Vec<f32> = log_probabilities(scores).into_data().iter().collect();
        let half = 0.5f32.ln();
        let expected = [-inf, 0.0, -inf, half, -inf, half, half, half, -inf];
        for (found, expected) in found.into_iter().zip(expected) {
            let p = (found.exp(), expected.exp());
            assert!((p.0 - p.1).abs() < 1e-6, "{found} against {expected}");
        }
        let nan = Tensor::<2>::from_floats([[f32::NAN, 1.0]], &Device::default());
        let found: Vec<f32> = log_probabilities(nan).into_data().iter().collect();
        assert!(found.iter().all(|log_p| log_p.is_nan()), "{found:?}");
    }
}

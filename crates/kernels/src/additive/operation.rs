//! The backend extension: additive scores, on backends whose memory is this process's.
#![allow(
    deprecated,
    reason = "Burn has deprecated NdArray, and people still run it"
)]

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, ExtensionType, backend_extension};

/// What scores are computed from, or the gradient of each of these.
#[derive(ExtensionType, Debug, Clone)]
pub struct AdditiveRead<B: Backend> {
    /// `[batch, queries, units]`.
    pub queries: FloatTensor<B>,
    /// `[batch, steps, units]`.
    pub keys: FloatTensor<B>,
    /// `[units]`.
    pub fit: FloatTensor<B>,
}

/// A backend that can compute additive scores. [`additive_path`](super::additive_path) tells which
/// can.
#[backend_extension(Autodiff, Flex: cfg(feature = "flex"), NdArray: cfg(feature = "ndarray"))]
pub trait AdditiveBackend: Backend {
    /// `[batch, queries, steps]`.
    fn additive_scores(#[extension_type] read: AdditiveRead<Self>) -> FloatTensor<Self>;

    /// The gradients of what was read, from that of the scores.
    fn additive_scores_backward(
        #[extension_type] read: AdditiveRead<Self>,
        gradient: FloatTensor<Self>,
    ) -> AdditiveRead<Self>;
}

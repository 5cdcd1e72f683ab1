//! The backend extension: a cross-entropy, on backends whose memory is this process's.
#![allow(
    deprecated,
    reason = "Burn has deprecated NdArray, and people still run it"
)]

use std::sync::Arc;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, ExtensionType, backend_extension};

/// What is right.
#[derive(Debug, Clone)]
pub struct Targets {
    /// `y`: `[positions]`.
    pub symbols: Arc<[usize]>,
    /// `e`.
    pub smoothing: f32,
}

/// What a cross-entropy gives.
#[derive(ExtensionType, Debug, Clone)]
pub struct CrossEntropyRun<B: Backend> {
    /// `[positions]`.
    pub nats: FloatTensor<B>,
    /// `m` and `1 / z` of each position, for backward: `[positions, 2]`.
    pub kept: FloatTensor<B>,
}

/// A backend that can compute cross-entropies. [`cross_entropy_path`](super::cross_entropy_path) tells
/// which can.
#[backend_extension(Autodiff, Flex: cfg(feature = "flex"), NdArray: cfg(feature = "ndarray"))]
pub trait CrossEntropyBackend: Backend {
    /// Of scores `[positions, vocabulary]`.
    fn cross_entropy(targets: Targets, scores: FloatTensor<Self>) -> CrossEntropyRun<Self>;

    /// The gradient of the scores, from that of the nats.
    fn cross_entropy_backward(
        targets: Targets,
        scores: FloatTensor<Self>,
        kept: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

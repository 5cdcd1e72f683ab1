//! Cross-entropies on any backend whose tensors lie in the memory of this process.

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;

use super::super::Machine;
use super::super::host::Host;
use super::{Read, backward, forward};
use crate::cross_entropy::{CrossEntropyRun, Targets};

pub(in super::super) fn cross_entropy<B: Host>(
    targets: Targets,
    scores: FloatTensor<B>,
) -> CrossEntropyRun<B> {
    let [positions, vocabulary] = scores.shape().dims();
    let scores = B::contiguous(scores);
    let read = Read::new(B::values(&scores), &targets, vocabulary);
    let [nats, kept] = forward(Machine::this(), read);
    CrossEntropyRun {
        nats: B::tensor(nats, [positions]),
        kept: B::tensor(kept, [positions, 2]),
    }
}

pub(in super::super) fn cross_entropy_backward<B: Host>(
    targets: Targets,
    scores: FloatTensor<B>,
    kept: FloatTensor<B>,
    gradient: FloatTensor<B>,
) -> FloatTensor<B> {
    let [positions, vocabulary] = scores.shape().dims();
    let [scores, kept, gradient] = [scores, kept, gradient].map(B::contiguous);
    let read = Read::new(B::values(&scores), &targets, vocabulary);
    let found = backward(
        Machine::this(),
        read,
        B::values(&kept),
        B::values(&gradient),
    );
    B::tensor(found, [positions, vocabulary])
}

/// Implements the extension for a backend that is a [`Host`].
macro_rules! cross_entropy_backend {
    ($backend:ty) => {
        impl $crate::cross_entropy::CrossEntropyBackend for $backend {
            fn cross_entropy(
                targets: $crate::cross_entropy::Targets,
                scores: burn::backend::tensor::FloatTensor<Self>,
            ) -> $crate::cross_entropy::CrossEntropyRun<Self> {
                $crate::cpu::cross_entropy::host::cross_entropy(targets, scores)
            }

            fn cross_entropy_backward(
                targets: $crate::cross_entropy::Targets,
                scores: burn::backend::tensor::FloatTensor<Self>,
                kept: burn::backend::tensor::FloatTensor<Self>,
                gradient: burn::backend::tensor::FloatTensor<Self>,
            ) -> burn::backend::tensor::FloatTensor<Self> {
                $crate::cpu::cross_entropy::host::cross_entropy_backward::<Self>(
                    targets, scores, kept, gradient,
                )
            }
        }
    };
}
pub(in super::super) use cross_entropy_backend;

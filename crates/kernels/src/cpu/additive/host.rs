//! Additive scores on any backend whose tensors lie in the memory of this process.

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;

use super::super::Machine;
use super::super::host::Host;
use super::{Read, Sizes, backward, forward};
use crate::additive::AdditiveRead;

/// What is read, in memory.
struct Remains<B: Host> {
    read: AdditiveRead<B>,
    sizes: Sizes,
}

impl<B: Host> Remains<B> {
    fn new(read: AdditiveRead<B>) -> Self {
        let [batch, queries, units] = read.queries.shape().dims();
        let sizes = Sizes {
            batch,
            queries,
            steps: read.keys.shape()[1],
            units,
        };
        let read = AdditiveRead {
            queries: B::contiguous(read.queries),
            keys: B::contiguous(read.keys),
            fit: B::contiguous(read.fit),
        };
        Self { read, sizes }
    }

    fn read(&self) -> Read<'_> {
        let AdditiveRead { queries, keys, fit } = &self.read;
        Read::new(
            B::values(queries),
            B::values(keys),
            B::values(fit),
            self.sizes,
        )
    }
}

pub(in super::super) fn scores<B: Host>(read: AdditiveRead<B>) -> FloatTensor<B> {
    let remains = Remains::new(read);
    let Sizes {
        batch,
        queries,
        steps,
        ..
    } = remains.sizes;
    let scores = forward(Machine::this(), remains.read());
    B::tensor(scores, [batch, queries, steps])
}

pub(in super::super) fn scores_backward<B: Host>(
    read: AdditiveRead<B>,
    gradient: FloatTensor<B>,
) -> AdditiveRead<B> {
    let remains = Remains::new(read);
    let Sizes {
        batch,
        queries,
        steps,
        units,
    } = remains.sizes;
    let gradient = B::contiguous(gradient);
    let found = backward(Machine::this(), remains.read(), B::values(&gradient));
    AdditiveRead {
        queries: B::tensor(found.queries, [batch, queries, units]),
        keys: B::tensor(found.keys, [batch, steps, units]),
        fit: B::tensor(found.fit, [units]),
    }
}

/// Implements the extension for a backend that is a [`Host`].
macro_rules! additive_backend {
    ($backend:ty) => {
        impl $crate::additive::AdditiveBackend for $backend {
            fn additive_scores(
                read: $crate::additive::AdditiveRead<Self>,
            ) -> burn::backend::tensor::FloatTensor<Self> {
                $crate::cpu::additive::host::scores(read)
            }

            fn additive_scores_backward(
                read: $crate::additive::AdditiveRead<Self>,
                gradient: burn::backend::tensor::FloatTensor<Self>,
            ) -> $crate::additive::AdditiveRead<Self> {
                $crate::cpu::additive::host::scores_backward(read, gradient)
            }
        }
    };
}
pub(in super::super) use additive_backend;

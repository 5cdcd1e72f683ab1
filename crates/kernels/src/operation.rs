//! The backend extension: the recurrence as an operation that each backend may specialise.
#![allow(
    deprecated,
    reason = "Burn has deprecated NdArray, and people still run it"
)]

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, ExtensionType, backend_extension};

use crate::portable;
use crate::projection::{self, project};
use crate::recurrence::{Recurrence, Walk};

/// What a run reads, or the gradient of each of these; see [`Inputs`](crate::Inputs).
#[derive(ExtensionType, Debug, Clone)]
#[extension_type(fusion: cfg(feature = "fusion"))]
pub struct ReadProjected<B: Backend> {
    /// `[T, B, G H]`.
    pub projected: FloatTensor<B>,
    /// The rest.
    #[extension_type]
    pub parameters: Parameters<B>,
}

/// What a run reads that computes the projection by itself, or the gradient of each of these. A
/// gradient that is not [`Wanted`] is a single number.
#[derive(ExtensionType, Debug, Clone)]
#[extension_type(fusion: cfg(feature = "fusion"))]
pub struct ReadInput<B: Backend> {
    /// `[T, B, I]`.
    pub input: FloatTensor<B>,
    /// `[G H, I]`.
    pub input_weight: FloatTensor<B>,
    /// The rest.
    #[extension_type]
    pub parameters: Parameters<B>,
}

/// What a run reads beside the sequence.
#[derive(ExtensionType, Debug, Clone)]
#[extension_type(fusion: cfg(feature = "fusion"))]
pub struct Parameters<B: Backend> {
    /// `[G H, H]`.
    pub weight: FloatTensor<B>,
    /// `[G H]`.
    pub input_bias: FloatTensor<B>,
    /// `[G H]`.
    pub recurrent_bias: FloatTensor<B>,
    /// `[S, B, H]`.
    pub initial: FloatTensor<B>,
}

/// What a run gives when nothing has to be kept.
#[derive(ExtensionType, Debug, Clone)]
#[extension_type(fusion: cfg(feature = "fusion"))]
pub struct RecurrenceRun<B: Backend> {
    /// `[T, B, H]`.
    pub outputs: FloatTensor<B>,
    /// `[S, B, H]`.
    pub state: FloatTensor<B>,
}

/// What a run gives when its gradients will be asked for.
#[derive(ExtensionType, Debug, Clone)]
#[extension_type(fusion: cfg(feature = "fusion"))]
pub struct Kept<B: Backend> {
    /// `[T, B, H]`.
    pub outputs: FloatTensor<B>,
    /// `[S, B, H]`.
    pub state: FloatTensor<B>,
    /// One number a gate: `[T, B, G H]`.
    pub gates: FloatTensor<B>,
    /// The parts apart, then the states that are not the output: `[T, B, (A + S - 1) H]`, or
    /// `[1, 1, 1]` when there are none.
    pub extra: FloatTensor<B>,
}

impl<B: Backend> From<Kept<B>> for RecurrenceRun<B> {
    fn from(kept: Kept<B>) -> Self {
        Self {
            outputs: kept.outputs,
            state: kept.state,
        }
    }
}

/// A gradient, if anybody asked for one.
#[derive(ExtensionType, Debug, Clone)]
#[extension_type(fusion: cfg(feature = "fusion"))]
pub enum Gradient<B: Backend> {
    /// The output was not used.
    Zero,
    /// Of the shape of the output.
    Some(FloatTensor<B>),
}

impl<B: Backend> Gradient<B> {
    /// Burn's extensions take an enum of tensors, and no `Option`.
    pub fn into_option(self) -> Option<FloatTensor<B>> {
        match self {
            Self::Zero => None,
            Self::Some(gradient) => Some(gradient),
        }
    }
}

/// The gradients of what a run gave.
#[derive(ExtensionType, Debug, Clone)]
#[extension_type(fusion: cfg(feature = "fusion"))]
pub struct OutputGradients<B: Backend> {
    /// `[T, B, H]`.
    #[extension_type]
    pub outputs: Gradient<B>,
    /// `[S, B, H]`.
    #[extension_type]
    pub state: Gradient<B>,
}

/// What a run from the input leaves for its gradients, beside what is [`Kept`].
#[derive(ExtensionType, Debug, Clone)]
#[extension_type(fusion: cfg(feature = "fusion"))]
pub struct LeftOfInput<B: Backend> {
    /// `[T, B, I]`.
    pub input: FloatTensor<B>,
    /// `[G H, I]`.
    pub input_weight: FloatTensor<B>,
    /// `[G H, H]`.
    pub weight: FloatTensor<B>,
    /// `[S, B, H]`.
    pub initial: FloatTensor<B>,
}

/// Which gradients of a product somebody will look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The input's.
    pub input: bool,
    /// The input weights'.
    pub weight: bool,
}

impl Wanted {
    /// Where there is no product.
    pub const NOTHING: Self = Self {
        input: false,
        weight: false,
    };
}

/// A backend that can run recurrences. Each default body is made of the backend's primitives.
#[backend_extension(
    Autodiff,
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "wgpu"),
    Fusion: cfg(feature = "fusion")
)]
pub trait RecurrentBackend: Backend {
    /// A run of which nothing is kept.
    #[fusion(meta = metadata::run)]
    fn recurrence(
        recurrence: Recurrence,
        walk: Walk,
        #[extension_type] inputs: ReadProjected<Self>,
    ) -> RecurrenceRun<Self> {
        portable::forward(recurrence, &walk, inputs).into()
    }

    /// A run whose gradients will be asked for.
    #[fusion(meta = metadata::kept)]
    fn recurrence_kept(
        recurrence: Recurrence,
        walk: Walk,
        #[extension_type] inputs: ReadProjected<Self>,
    ) -> Kept<Self> {
        portable::forward(recurrence, &walk, inputs)
    }

    /// A run from the input, of which nothing is kept.
    #[fusion(meta = metadata::run_of_input)]
    fn recurrence_of_input(
        recurrence: Recurrence,
        walk: Walk,
        #[extension_type] inputs: ReadInput<Self>,
    ) -> RecurrenceRun<Self> {
        Self::recurrence(recurrence, walk, project(inputs))
    }

    /// A run from the input, whose gradients will be asked for.
    #[fusion(meta = metadata::kept_of_input)]
    fn recurrence_of_input_kept(
        recurrence: Recurrence,
        walk: Walk,
        #[extension_type] inputs: ReadInput<Self>,
    ) -> Kept<Self> {
        Self::recurrence_kept(recurrence, walk, project(inputs))
    }

    /// The gradients of a run.
    #[fusion(meta = metadata::gradients)]
    fn recurrence_backward(
        recurrence: Recurrence,
        walk: Walk,
        weight: FloatTensor<Self>,
        initial: FloatTensor<Self>,
        #[extension_type] kept: Kept<Self>,
        #[extension_type] gradients: OutputGradients<Self>,
    ) -> ReadProjected<Self> {
        portable::backward(recurrence, &walk, weight, initial, kept, gradients)
    }

    /// The gradients of a run from the input.
    #[fusion(meta = metadata::gradients_of_input)]
    fn recurrence_of_input_backward(
        recurrence: Recurrence,
        walk: Walk,
        wanted: Wanted,
        #[extension_type] left: LeftOfInput<Self>,
        #[extension_type] kept: Kept<Self>,
        #[extension_type] gradients: OutputGradients<Self>,
    ) -> ReadInput<Self> {
        let LeftOfInput {
            input,
            input_weight,
            weight,
            initial,
        } = left;
        let found = Self::recurrence_backward(recurrence, walk, weight, initial, kept, gradients);
        projection::gradients(wanted, input, input_weight, found)
    }
}

/// The shapes of what comes out, for Burn's fusion, which runs an operation later than it is called.
#[cfg(feature = "fusion")]
mod metadata {
    use burn::backend::fusion::custom::TensorSpec;
    use burn::tensor::Shape;

    use super::{
        KeptMetadata, LeftOfInputMetadata, OutputGradientsMetadata, ParametersMetadata,
        ReadInputMetadata, ReadProjectedMetadata, RecurrenceRunMetadata, Wanted,
    };
    use crate::recurrence::{Recurrence, Sizes, Walk};

    fn spec<const D: usize>(shape: [usize; D], like: &TensorSpec) -> TensorSpec {
        TensorSpec::new(Shape::from(shape), like.dtype)
    }

    fn sizes(read: &ReadProjectedMetadata) -> Sizes {
        Sizes {
            time: read.projected.shape[0],
            batch: read.projected.shape[1],
            hidden: read.parameters.weight.shape[1],
        }
    }

    pub fn run(_: &Recurrence, _: &Walk, read: &ReadProjectedMetadata) -> RecurrenceRunMetadata {
        RecurrenceRunMetadata {
            outputs: spec(sizes(read).sequence(1), &read.projected),
            state: read.parameters.initial.clone(),
        }
    }

    pub fn kept(
        recurrence: &Recurrence,
        walk: &Walk,
        read: &ReadProjectedMetadata,
    ) -> KeptMetadata {
        let run = run(recurrence, walk, read);
        KeptMetadata {
            outputs: run.outputs,
            state: run.state,
            gates: read.projected.clone(),
            extra: spec(sizes(read).extra(*recurrence), &read.projected),
        }
    }

    /// What [`project`](super::project) gives.
    fn projected(read: &ReadInputMetadata) -> ReadProjectedMetadata {
        let packed = read.input_weight.shape[0];
        ReadProjectedMetadata {
            projected: spec(
                [read.input.shape[0], read.input.shape[1], packed],
                &read.input,
            ),
            parameters: read.parameters.clone(),
        }
    }

    pub fn run_of_input(
        recurrence: &Recurrence,
        walk: &Walk,
        read: &ReadInputMetadata,
    ) -> RecurrenceRunMetadata {
        run(recurrence, walk, &projected(read))
    }

    pub fn kept_of_input(
        recurrence: &Recurrence,
        walk: &Walk,
        read: &ReadInputMetadata,
    ) -> KeptMetadata {
        kept(recurrence, walk, &projected(read))
    }

    pub fn gradients(
        _: &Recurrence,
        _: &Walk,
        weight: &TensorSpec,
        initial: &TensorSpec,
        kept: &KeptMetadata,
        _: &OutputGradientsMetadata,
    ) -> ReadProjectedMetadata {
        let bias = spec([weight.shape[0]], weight);
        ReadProjectedMetadata {
            projected: kept.gates.clone(),
            parameters: ParametersMetadata {
                weight: weight.clone(),
                input_bias: bias.clone(),
                recurrent_bias: bias,
                initial: initial.clone(),
            },
        }
    }

    pub fn gradients_of_input(
        recurrence: &Recurrence,
        walk: &Walk,
        wanted: &Wanted,
        left: &LeftOfInputMetadata,
        kept: &KeptMetadata,
        outputs: &OutputGradientsMetadata,
    ) -> ReadInputMetadata {
        let found = gradients(recurrence, walk, &left.weight, &left.initial, kept, outputs);
        ReadInputMetadata {
            input: match wanted.input {
                true => left.input.clone(),
                false => spec([1, 1, 1], &left.input),
            },
            input_weight: match wanted.weight {
                true => left.input_weight.clone(),
                false => spec([1, 1], &left.input_weight),
            },
            parameters: found.parameters,
        }
    }
}

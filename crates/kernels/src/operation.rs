//! The backend extension: the recurrence as an operation that each backend may specialise.
#![allow(
    deprecated,
    reason = "Burn has deprecated NdArray, and people still run it"
)]

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, ExtensionType, backend_extension};
#[cfg(feature = "fusion")]
use burn::tensor::Shape;

use crate::portable;
use crate::projection::{self, project};
use crate::recurrence::{Recurrence, Walk};

/// What a run reads; see [`Inputs`](crate::Inputs).
#[derive(ExtensionType, Debug, Clone)]
#[extension_type(fusion: cfg(feature = "fusion"))]
pub struct Read<B: Backend> {
    /// `[T, B, G H]`.
    pub projected: FloatTensor<B>,
    /// `[G H, H]`.
    pub weight: FloatTensor<B>,
    /// `[G H]`.
    pub input_bias: FloatTensor<B>,
    /// `[G H]`.
    pub recurrent_bias: FloatTensor<B>,
    /// `[S, B, H]`.
    pub initial: FloatTensor<B>,
}

/// What a run reads that computes the projection by itself.
#[derive(ExtensionType, Debug, Clone)]
#[extension_type(fusion: cfg(feature = "fusion"))]
pub struct ReadInput<B: Backend> {
    /// `[T, B, I]`.
    pub input: FloatTensor<B>,
    /// `[G H, I]`.
    pub input_weight: FloatTensor<B>,
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
pub struct Run<B: Backend> {
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

impl<B: Backend> From<Kept<B>> for Run<B> {
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

/// The gradients of what a run read.
#[derive(ExtensionType, Debug, Clone)]
#[extension_type(fusion: cfg(feature = "fusion"))]
pub struct InputGradients<B: Backend> {
    /// `[T, B, G H]`.
    pub projected: FloatTensor<B>,
    /// `[G H, H]`.
    pub weight: FloatTensor<B>,
    /// `[G H]`.
    pub input_bias: FloatTensor<B>,
    /// `[G H]`.
    pub recurrent_bias: FloatTensor<B>,
    /// `[S, B, H]`.
    pub initial: FloatTensor<B>,
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
        #[extension_type] inputs: Read<Self>,
    ) -> Run<Self> {
        portable::forward(recurrence, &walk, inputs).into()
    }

    /// A run whose gradients will be asked for.
    #[fusion(meta = metadata::kept)]
    fn recurrence_kept(
        recurrence: Recurrence,
        walk: Walk,
        #[extension_type] inputs: Read<Self>,
    ) -> Kept<Self> {
        portable::forward(recurrence, &walk, inputs)
    }

    /// A run from the input, of which nothing is kept.
    #[fusion(meta = metadata::run_of_input)]
    fn recurrence_of_input(
        recurrence: Recurrence,
        walk: Walk,
        #[extension_type] inputs: ReadInput<Self>,
    ) -> Run<Self> {
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
    ) -> InputGradients<Self> {
        portable::backward(recurrence, &walk, weight, initial, kept, gradients)
    }

    /// `d x_t = W^T d a_t`: `[T, B, G H]` and `[G H, I]` to `[T, B, I]`.
    #[fusion(dtype = gradient, shape = Shape::from([gradient[0], gradient[1], weight[1]]))]
    fn projection_input_gradient(
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        projection::input_gradient::<Self>(gradient, weight)
    }

    /// `d W = sum_t d a_t x_t^T`: `[T, B, G H]` and `[T, B, I]` to `[G H, I]`.
    #[fusion(dtype = gradient, shape = Shape::from([gradient[2], input[2]]))]
    fn projection_weight_gradient(
        gradient: FloatTensor<Self>,
        input: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        projection::weight_gradient::<Self>(gradient, input)
    }
}

/// The shapes of what comes out, for Burn's fusion, which runs an operation later than it is called.
#[cfg(feature = "fusion")]
mod metadata {
    use burn::backend::fusion::custom::TensorSpec;
    use burn::tensor::Shape;

    use super::{
        InputGradientsMetadata, KeptMetadata, OutputGradientsMetadata, ReadInputMetadata,
        ReadMetadata, RunMetadata,
    };
    use crate::recurrence::{Recurrence, Sizes, Walk};

    fn spec<const D: usize>(shape: [usize; D], like: &TensorSpec) -> TensorSpec {
        TensorSpec::new(Shape::from(shape), like.dtype)
    }

    fn sizes(read: &ReadMetadata) -> Sizes {
        Sizes {
            time: read.projected.shape[0],
            batch: read.projected.shape[1],
            hidden: read.weight.shape[1],
        }
    }

    pub fn run(_: &Recurrence, _: &Walk, read: &ReadMetadata) -> RunMetadata {
        RunMetadata {
            outputs: spec(sizes(read).sequence(1), &read.projected),
            state: read.initial.clone(),
        }
    }

    pub fn kept(recurrence: &Recurrence, walk: &Walk, read: &ReadMetadata) -> KeptMetadata {
        let run = run(recurrence, walk, read);
        KeptMetadata {
            outputs: run.outputs,
            state: run.state,
            gates: read.projected.clone(),
            extra: spec(sizes(read).extra(*recurrence), &read.projected),
        }
    }

    /// What [`project`](super::project) gives.
    fn projected(read: &ReadInputMetadata) -> ReadMetadata {
        let packed = read.input_weight.shape[0];
        ReadMetadata {
            projected: spec(
                [read.input.shape[0], read.input.shape[1], packed],
                &read.input,
            ),
            weight: read.weight.clone(),
            input_bias: read.input_bias.clone(),
            recurrent_bias: read.recurrent_bias.clone(),
            initial: read.initial.clone(),
        }
    }

    pub fn run_of_input(
        recurrence: &Recurrence,
        walk: &Walk,
        read: &ReadInputMetadata,
    ) -> RunMetadata {
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
    ) -> InputGradientsMetadata {
        let bias = spec([weight.shape[0]], weight);
        InputGradientsMetadata {
            projected: kept.gates.clone(),
            weight: weight.clone(),
            input_bias: bias.clone(),
            recurrent_bias: bias,
            initial: initial.clone(),
        }
    }
}

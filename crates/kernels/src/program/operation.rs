//! The backend extension: a run of a program, on backends whose memory is this process's.
#![allow(
    deprecated,
    reason = "Burn has deprecated NdArray, and people still run it"
)]

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, ExtensionType, backend_extension};

use super::Program;
use crate::Walk;
use crate::operation::OutputGradients;

/// What a run reads, or the gradient of each of these.
#[derive(ExtensionType, Debug, Clone)]
pub struct ProgramRead<B: Backend> {
    /// `[T, B, projected]`.
    pub projected: FloatTensor<B>,
    /// All matrices, then all vectors.
    pub parameters: FloatTensor<B>,
    /// `[B, units]` of all tensors of the state.
    pub initial: FloatTensor<B>,
}

/// What a run gives.
#[derive(ExtensionType, Debug, Clone)]
pub struct ProgramRun<B: Backend> {
    /// `[T, B, units]`, of the first tensor of the state.
    pub outputs: FloatTensor<B>,
    /// `[B, units]`, of all of them.
    pub state: FloatTensor<B>,
    /// `[T, B, kept]` for backward, or a single number.
    pub kept: FloatTensor<B>,
}

/// What a run leaves for its gradients.
#[derive(ExtensionType, Debug, Clone)]
pub struct ProgramLeft<B: Backend> {
    /// What it read.
    #[extension_type]
    pub read: ProgramRead<B>,
    /// What it kept.
    pub kept: FloatTensor<B>,
}

/// A backend that can run programs. [`Program::path`] tells which can.
#[backend_extension(Autodiff, Flex: cfg(feature = "flex"), NdArray: cfg(feature = "ndarray"))]
pub trait ProgramBackend: Backend {
    /// A run of which nothing is kept.
    fn program(
        program: Program,
        walk: Walk,
        #[extension_type] read: ProgramRead<Self>,
    ) -> ProgramRun<Self>;

    /// A run whose gradients will be asked for.
    fn program_kept(
        program: Program,
        walk: Walk,
        #[extension_type] read: ProgramRead<Self>,
    ) -> ProgramRun<Self>;

    /// The gradients of a run.
    fn program_backward(
        program: Program,
        walk: Walk,
        #[extension_type] left: ProgramLeft<Self>,
        #[extension_type] gradients: OutputGradients<Self>,
    ) -> ProgramRead<Self>;
}

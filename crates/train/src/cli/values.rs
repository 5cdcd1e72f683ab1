//! What the arguments of several commands are made of.

use clap::ValueEnum;

use crate::{CellKind, Decay, DeviceChoice, OptimizerKind};

/// `--device`.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum Device {
    /// A real GPU when one answers, else the CPU
    #[default]
    Auto,
    /// The CPU, through Burn's Flex
    Flex,
    /// The CPU, through Burn's NdArray
    Ndarray,
    /// The GPU, through WGPU; a software one too
    Wgpu,
}

impl From<Device> for DeviceChoice {
    fn from(device: Device) -> Self {
        match device {
            Device::Auto => Self::Auto,
            Device::Flex => Self::Flex,
            Device::Ndarray => Self::NdArray,
            Device::Wgpu => Self::Wgpu,
        }
    }
}

/// `--cell`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Cell {
    /// The simple recurrent network, with tanh
    Elman,
    /// Long short-term memory
    Lstm,
    /// The gated recurrent unit
    Gru,
}

impl From<Cell> for CellKind {
    fn from(cell: Cell) -> Self {
        match cell {
            Cell::Elman => Self::Elman,
            Cell::Lstm => Self::Lstm,
            Cell::Gru => Self::Gru,
        }
    }
}

/// `--optimizer`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Optimizer {
    /// Adam
    Adam,
    /// Stochastic gradient descent with momentum
    Sgd,
}

impl From<Optimizer> for OptimizerKind {
    fn from(optimizer: Optimizer) -> Self {
        match optimizer {
            Optimizer::Adam => Self::Adam,
            Optimizer::Sgd => Self::Sgd,
        }
    }
}

/// `--decay`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Fall {
    /// The learning rate stays
    Constant,
    /// It falls along half a cosine
    Cosine,
    /// It falls along a line
    Linear,
}

impl From<Fall> for Decay {
    fn from(fall: Fall) -> Self {
        match fall {
            Fall::Constant => Self::Constant,
            Fall::Cosine => Self::Cosine,
            Fall::Linear => Self::Linear,
        }
    }
}

//! Which way a recurrence will take, and why.

use std::borrow::Cow;
use std::fmt;

use burn::backend::DispatchDevice;
use burn::tensor::{DType, Device};

/// Which way a recurrence takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Path {
    /// One operation over the whole sequence.
    Kernel(Kernel),
    /// One step after the other; for what reason.
    Unrolled(Cow<'static, str>),
}

/// What runs a whole sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kernel {
    /// Ours for the CPU, in f32.
    Cpu {
        /// Burn's backend.
        backend: &'static str,
        /// The SIMD instructions.
        instructions: &'static str,
    },
    /// Ours in CubeCL.
    CubeCl(DType),
    /// That of a cell which brought its own; its name.
    Own(Cow<'static, str>),
}

impl Path {
    /// The way of a recurrence whose tensors are of this device and type.
    ///
    /// ```
    /// use backdraft_kernels::Path;
    /// use burn::tensor::{DType, Device};
    ///
    /// let path = Path::of(&Device::flex(), DType::F32);
    /// assert!(matches!(path, Path::Kernel(_)), "{path}");
    /// let path = Path::of(&Device::flex(), DType::F64);
    /// assert!(matches!(path, Path::Unrolled(_)), "{path}");
    /// ```
    pub fn of(device: &Device, dtype: DType) -> Self {
        match backend(device) {
            #[cfg(feature = "flex")]
            DispatchDevice::Flex(_) => Self::of_cpu("flex", dtype),
            #[cfg(feature = "ndarray")]
            DispatchDevice::NdArray(_) => Self::of_cpu("ndarray", dtype),
            #[cfg(feature = "wgpu")]
            DispatchDevice::Cube(_) => match dtype {
                DType::F32 => Self::Kernel(Kernel::CubeCl(dtype)),
                DType::F16 if device.supports_dtype(dtype) => Self::Kernel(Kernel::CubeCl(dtype)),
                _ => Self::Unrolled(
                    format!("on this GPU, kernels do not compute in {dtype:?}").into(),
                ),
            },
            #[allow(
                unreachable_patterns,
                reason = "Burn may have backends that we do not build"
            )]
            _ => Self::Unrolled("this build has no kernels for the device's backend".into()),
        }
    }

    /// The same of `what` has kernels for the CPU alone.
    pub(crate) fn of_cpu_alone(device: &Device, dtype: DType, what: &str) -> Self {
        match Self::of(device, dtype) {
            Self::Kernel(Kernel::CubeCl(_)) => {
                Self::Unrolled(format!("{what} have no kernel on a GPU yet").into())
            }
            path => path,
        }
    }

    #[cfg(any(feature = "flex", feature = "ndarray"))]
    fn of_cpu(backend: &'static str, dtype: DType) -> Self {
        match dtype {
            DType::F32 => Self::Kernel(Kernel::Cpu {
                backend,
                instructions: crate::cpu::Machine::this().instructions(),
            }),
            _ => Self::Unrolled(
                format!("on the CPU, kernels compute in f32, not in {dtype:?}").into(),
            ),
        }
    }
}

/// What computes, whether or not it records gradients.
fn backend(device: &Device) -> &DispatchDevice {
    let mut backend = device.as_dispatch();
    while let DispatchDevice::Autodiff(inner) = backend {
        backend = inner;
    }
    backend
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Kernel(kernel) => write!(formatter, "kernel ({kernel})"),
            Self::Unrolled(reason) => write!(formatter, "unrolled ({reason})"),
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Cpu {
                backend,
                instructions,
            } => write!(formatter, "{instructions}, {backend}"),
            Self::CubeCl(dtype) => write!(formatter, "CubeCL, {}", dtype.name()),
            Self::Own(name) => formatter.write_str(name),
        }
    }
}

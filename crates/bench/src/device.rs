//! Where a layer runs.

use burn::tensor::{Device, Tensor};
use clap::ValueEnum;

use crate::BenchError;

/// A device that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeviceChoice {
    /// The CPU, through Burn's Flex
    Flex,
    /// The CPU, through Burn's NdArray
    #[value(name = "ndarray")]
    NdArray,
    /// The GPU, through WGPU; a software one too
    Wgpu,
}

impl Default for DeviceChoice {
    /// The first that this build has.
    fn default() -> Self {
        match Self::ALL.into_iter().find(|choice| choice.is_built()) {
            Some(choice) => choice,
            None => Self::Flex,
        }
    }
}

/// A device that was found.
#[derive(Debug, Clone)]
pub struct Place {
    /// The device; it records no gradients.
    pub device: Device,
    /// Its name: `flex`, `ndarray` or `wgpu`.
    pub name: &'static str,
    /// What it is.
    pub description: String,
    /// Whether it computes on the processor, in this process.
    pub on_cpu: bool,
}

impl Place {
    /// Waits until everything that `contender` computes is computed. A GPU is asked for a number of
    /// the result as well, and has to have computed that one, whatever waiting means to its driver;
    /// gives the first.
    pub(crate) fn finish<const D: usize>(
        &self,
        contender: &str,
        result: &Tensor<D>,
    ) -> Result<f64, BenchError> {
        self.wait(contender)?;
        let data = result.clone().try_into_data();
        let data = data.map_err(|error| self.failed(contender, error))?;
        Ok(data.iter::<f64>().next().unwrap_or(f64::NAN))
    }

    /// Waits until everything that `contender` computes is computed.
    pub(crate) fn wait(&self, contender: &str) -> Result<(), BenchError> {
        let waited = self.device.sync();
        waited.map_err(|error| self.failed(contender, error))
    }

    fn failed(&self, contender: &str, reason: impl ToString) -> BenchError {
        BenchError::Failed {
            contender: contender.to_string(),
            device: self.description.clone(),
            reason: reason.to_string(),
        }
    }
}

impl DeviceChoice {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Flex, Self::NdArray, Self::Wgpu];

    /// As the arguments and the JSON name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::NdArray => "ndarray",
            Self::Wgpu => "wgpu",
        }
    }

    /// Whether this build has it.
    pub const fn is_built(self) -> bool {
        match self {
            Self::Flex => cfg!(feature = "flex"),
            Self::NdArray => cfg!(feature = "ndarray"),
            Self::Wgpu => cfg!(feature = "wgpu"),
        }
    }

    /// Finds the device.
    ///
    /// # Errors
    ///
    /// When this build does not have it, or it is not on this machine.
    pub fn find(self) -> Result<Place, BenchError> {
        match self {
            #[cfg(feature = "flex")]
            Self::Flex => Ok(self.cpu(Device::flex(), "Burn's Flex on the CPU")),
            #[cfg(feature = "ndarray")]
            #[allow(deprecated, reason = "kept while Burn keeps it: people still run it")]
            Self::NdArray => Ok(self.cpu(Device::ndarray(), "Burn's NdArray on the CPU")),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => gpu(),
            #[allow(unreachable_patterns, reason = "not where a build has everything")]
            _ => Err(BenchError::NoDevice {
                device: self.name(),
                reason: format!(
                    "this build does not have it; build with `--features {}`",
                    self.name()
                ),
            }),
        }
    }

    #[cfg(any(feature = "flex", feature = "ndarray"))]
    fn cpu(self, device: Device, description: &str) -> Place {
        Place {
            device,
            name: self.name(),
            description: description.to_string(),
            on_cpu: true,
        }
    }
}

/// The GPU that Burn will take.
#[cfg(feature = "wgpu")]
fn gpu() -> Result<Place, BenchError> {
    use backdraft_kernels::gpu::{NO_ADAPTER, adapters};

    let name = DeviceChoice::Wgpu.name();
    match adapters().first() {
        Some(adapter) => Ok(Place {
            device: Device::wgpu(Default::default()),
            name,
            description: adapter.description.clone(),
            on_cpu: false,
        }),
        None => Err(BenchError::NoDevice {
            device: name,
            reason: NO_ADAPTER.to_string(),
        }),
    }
}

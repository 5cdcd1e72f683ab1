//! Where a layer runs.

use backdraft_train::TrainError;
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
pub struct FoundDevice {
    /// The device; it records no gradients.
    pub device: Device,
    /// Its name: `flex`, `ndarray` or `wgpu`.
    pub name: &'static str,
    /// What it is.
    pub description: String,
    /// Whether it computes on the processor, in this process.
    pub on_cpu: bool,
}

impl FoundDevice {
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
    pub fn find(self) -> Result<FoundDevice, BenchError> {
        let device = self.name();
        let picked = self.asked().pick().map_err(|error| BenchError::NoDevice {
            device,
            reason: match error {
                TrainError::NoDevice { reason, .. } => reason,
                error => error.to_string(),
            },
        })?;
        Ok(FoundDevice {
            on_cpu: picked.is_cpu(),
            device: picked.device,
            name: device,
            description: picked.description,
        })
    }

    /// As a training asks for it.
    const fn asked(self) -> backdraft_train::DeviceChoice {
        match self {
            Self::Flex => backdraft_train::DeviceChoice::Flex,
            Self::NdArray => backdraft_train::DeviceChoice::NdArray,
            Self::Wgpu => backdraft_train::DeviceChoice::Wgpu,
        }
    }
}

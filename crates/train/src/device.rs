//! What this build can compute on, and what it picks.

use backdraft_cells::{Kernel, Path};
use burn::tensor::{DType, Device};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::bounds::{require, rows};

/// A device that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// A GPU if there is one, else the CPU
    #[default]
    Auto,
    /// The CPU, with Burn's Flex
    Flex,
    /// The CPU, with Burn's NdArray
    #[value(name = "ndarray")]
    NdArray,
    /// The GPU, with WGPU; also a software GPU
    Wgpu,
}

/// A device that was picked.
#[derive(Debug, Clone)]
pub struct PickedDevice {
    /// The device.
    pub device: Device,
    /// Others of its kind, which have some rows of each batch in training.
    pub others: Vec<Device>,
    /// Its name: `flex`, `ndarray`, or `wgpu (..)`.
    pub name: String,
    /// What it is: of a GPU, what its driver says.
    pub description: String,
    /// Why it was picked.
    pub reason: String,
}

impl PickedDevice {
    /// Whether it computes on the processor, in this process. Nothing is asked of the device, which would start its
    /// threads.
    pub fn is_cpu(&self) -> bool {
        self.choice() != DeviceChoice::Wgpu
    }

    /// The first `count` devices of this kind, to train on: each has some rows of a batch.
    ///
    /// There is one CPU, which uses all of its cores. It is taken for as many devices as are asked for, for tests.
    ///
    /// # Errors
    ///
    /// When there are fewer, or none is asked for.
    pub fn with_devices(mut self, count: usize) -> Result<Self, TrainError> {
        rows([("devices", count)])?;
        if count == 1 {
            self.others.clear();
            return Ok(self);
        }
        let mut devices = match self.is_cpu() {
            true => vec![self.device.clone(); count],
            false => wgpu::devices(),
        };
        let found = devices.len();
        let expected = format!("at most {found}, as many as there are of {}", self.name);
        require("devices", &expected, count, count <= found)?;
        devices.truncate(count);
        self.others = devices.split_off(1);
        self.device = devices.remove(0);
        Ok(self)
    }

    /// All that are trained on, the first of which has the weights.
    pub(crate) fn devices(&self) -> Vec<Device> {
        let others = self.others.iter().cloned();
        std::iter::once(self.device.clone()).chain(others).collect()
    }

    /// As it would be asked for.
    pub(crate) fn choice(&self) -> DeviceChoice {
        match self.name.as_str() {
            "flex" => DeviceChoice::Flex,
            "ndarray" => DeviceChoice::NdArray,
            _ => DeviceChoice::Wgpu,
        }
    }
}

/// A device that this build knows of.
#[derive(Debug, Clone, Serialize)]
pub struct KnownDevice {
    /// The name, as `--device` takes it.
    pub name: &'static str,
    /// What it computes on, or why it cannot.
    pub description: String,
    /// Whether it can be used.
    pub available: bool,
    /// Whether `--device auto` takes it.
    pub automatic: bool,
}

impl DeviceChoice {
    /// Finds the device.
    ///
    /// # Errors
    ///
    /// When this build does not have it, or it is not on this machine.
    pub fn pick(self) -> Result<PickedDevice, TrainError> {
        match self {
            Self::Flex => Ok(flex("as asked for")),
            Self::NdArray => ndarray(),
            Self::Wgpu => wgpu::asked_for(),
            Self::Auto => Ok(wgpu::automatic()),
        }
    }
}

/// Refuses more devices than a batch has rows, of which some would have nothing to do.
pub(crate) fn check_count(devices: usize, batch: usize) -> Result<(), TrainError> {
    rows([("devices", devices)])?;
    let expected = format!("at most {batch}, the rows of a batch");
    require("devices", &expected, devices, devices <= batch)
}

/// Whether a device computes where this program runs, in the same memory.
pub(crate) fn is_cpu(device: &Device) -> bool {
    matches!(
        Path::of(device, DType::F32),
        Path::Kernel(Kernel::Cpu { .. })
    )
}

/// Every device there could be, in the order in which `auto` looks at them.
pub fn known_devices() -> Vec<KnownDevice> {
    let wgpu = wgpu::known();
    let cpu = !wgpu.automatic;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = format!("this machine's processor, {threads} threads");
    let ndarray = cfg!(feature = "ndarray");
    let missing = || not_compiled("ndarray");
    vec![
        wgpu,
        KnownDevice {
            name: "flex",
            description: format!("Burn's Flex on {processor}"),
            available: true,
            automatic: cpu,
        },
        KnownDevice {
            name: "ndarray",
            description: if ndarray {
                format!("Burn's NdArray on {processor}")
            } else {
                missing()
            },
            available: ndarray,
            automatic: false,
        },
    ]
}

fn not_compiled(feature: &str) -> String {
    format!("this build does not have it; build with `--features {feature}`")
}

/// burn-train itself computes its metrics on Flex, so it is in every build of this crate.
fn flex(reason: &str) -> PickedDevice {
    PickedDevice {
        device: Device::flex(),
        others: Vec::new(),
        name: "flex".to_string(),
        description: "Burn's Flex on the CPU".to_string(),
        reason: reason.to_string(),
    }
}

#[cfg(feature = "ndarray")]
#[allow(deprecated, reason = "kept while Burn keeps it: people still run it")]
fn ndarray() -> Result<PickedDevice, TrainError> {
    Ok(PickedDevice {
        device: Device::ndarray(),
        others: Vec::new(),
        name: "ndarray".to_string(),
        description: "Burn's NdArray on the CPU".to_string(),
        reason: "as asked for".to_string(),
    })
}

#[cfg(not(feature = "ndarray"))]
fn ndarray() -> Result<PickedDevice, TrainError> {
    let device = "ndarray".to_string();
    Err(TrainError::NoDevice {
        device,
        reason: not_compiled("ndarray"),
    })
}

#[cfg(not(feature = "wgpu"))]
mod wgpu {
    use burn::tensor::Device;

    use super::{KnownDevice, PickedDevice, TrainError, flex, not_compiled};

    pub(super) fn asked_for() -> Result<PickedDevice, TrainError> {
        let device = "wgpu".to_string();
        Err(TrainError::NoDevice {
            device,
            reason: not_compiled("wgpu"),
        })
    }

    pub(super) fn automatic() -> PickedDevice {
        flex("the CPU, as this build has no WGPU")
    }

    pub(super) fn devices() -> Vec<Device> {
        Vec::new()
    }

    pub(super) fn known() -> KnownDevice {
        let description = not_compiled("wgpu");
        KnownDevice {
            name: "wgpu",
            description,
            available: false,
            automatic: false,
        }
    }
}

#[cfg(feature = "wgpu")]
mod wgpu {
    use backdraft_kernels::gpu::{Adapter, NO_ADAPTER, adapters};
    use burn::tensor::{Device, DeviceKind, DeviceType};

    use super::{KnownDevice, PickedDevice, TrainError, flex};

    fn picked(adapter: &Adapter, reason: &str) -> PickedDevice {
        PickedDevice {
            device: Device::wgpu(Default::default()),
            others: Vec::new(),
            name: format!("wgpu ({})", adapter.description),
            description: adapter.description.clone(),
            reason: reason.to_string(),
        }
    }

    pub(super) fn asked_for() -> Result<PickedDevice, TrainError> {
        match adapters().first() {
            Some(adapter) => Ok(picked(adapter, "as asked for")),
            None => Err(TrainError::NoDevice {
                device: "wgpu".to_string(),
                reason: NO_ADAPTER.to_string(),
            }),
        }
    }

    pub(super) fn automatic() -> PickedDevice {
        match adapters().first() {
            Some(adapter) if adapter.is_real => picked(adapter, "a GPU answers"),
            Some(adapter) => flex(&format!(
                "the CPU, as the only GPU that answers is a software one ({}); \
                 --device wgpu takes it all the same",
                adapter.description
            )),
            None => flex(&format!("the CPU: {NO_ADAPTER}")),
        }
    }

    /// The GPUs, cards of their own first; a software one where there is nothing else.
    pub(super) fn devices() -> Vec<Device> {
        let there: Vec<Device> = Device::enumerate(DeviceType::Wgpu).into_iter().collect();
        let all = 0..there.len();
        let kinds = (all.clone().map(DeviceKind::DiscreteGpu))
            .chain(all.clone().map(DeviceKind::IntegratedGpu))
            .chain(all.map(DeviceKind::VirtualGpu));
        let real = kinds
            .map(Device::wgpu)
            .filter(|device| there.contains(device));
        match real.collect::<Vec<_>>() {
            none if none.is_empty() => there,
            real => real,
        }
    }

    pub(super) fn known() -> KnownDevice {
        let adapters = adapters();
        let descriptions: Vec<_> = adapters
            .iter()
            .map(|adapter| adapter.description.as_str())
            .collect();
        KnownDevice {
            name: "wgpu",
            description: match descriptions.as_slice() {
                [] => NO_ADAPTER.to_string(),
                some => some.join("; "),
            },
            available: !adapters.is_empty(),
            automatic: adapters.first().is_some_and(|adapter| adapter.is_real),
        }
    }
}

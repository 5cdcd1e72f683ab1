//! What models are tested on.

use std::ops::Index;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec;

use burn::tensor::Device;

/// Devices, which one test has at a time: random numbers are those of the process, so that a test that
/// draws beside one that has seeded a device would change what that one draws.
pub struct Devices {
    devices: Vec<Device>,
    alone: MutexGuard<'static, ()>,
}

impl Devices {
    fn new(devices: Vec<Device>) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        // A test that failed has left nothing behind that another would see.
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Self { devices, alone }
    }
}

impl Index<usize> for Devices {
    type Output = Device;

    fn index(&self, index: usize) -> &Device {
        &self.devices[index]
    }
}

impl IntoIterator for Devices {
    type Item = Device;
    type IntoIter = EachDevice;

    fn into_iter(self) -> EachDevice {
        EachDevice {
            devices: self.devices.into_iter(),
            _alone: self.alone,
        }
    }
}

pub struct EachDevice {
    devices: vec::IntoIter<Device>,
    _alone: MutexGuard<'static, ()>,
}

impl Iterator for EachDevice {
    type Item = Device;

    fn next(&mut self) -> Option<Device> {
        self.devices.next()
    }
}

/// A software GPU takes minutes for a model: there it is the program's tests that train it.
pub fn cpus() -> Devices {
    Devices::new(all_cpus())
}

/// Those and the GPU.
pub fn devices() -> Devices {
    let gpus = vec![
        #[cfg(feature = "wgpu")]
        Device::wgpu(Default::default()),
    ];
    Devices::new([all_cpus(), gpus].concat())
}

pub fn is_cpu(device: &Device) -> bool {
    all_cpus().contains(device)
}

#[allow(deprecated, reason = "NdArray is tested while Burn keeps it")]
fn all_cpus() -> Vec<Device> {
    vec![
        #[cfg(feature = "flex")]
        Device::flex(),
        #[cfg(feature = "ndarray")]
        Device::ndarray(),
    ]
}

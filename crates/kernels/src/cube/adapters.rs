//! The GPUs that answer.

use burn::tensor::wgpu::wgpu;

/// A GPU that answers, or a program that plays one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapter {
    /// Its name, and through what it answers.
    pub description: String,
    /// Whether it computes on something other than the processor.
    pub is_real: bool,
}

/// What can be done where none answers.
pub const NO_ADAPTER: &str = "no GPU answers to Vulkan, Metal or DirectX 12; install its driver \
                              (or, for a software one on Debian, mesa-vulkan-drivers)";

/// The available adapters, real GPUs first. Burn uses the first one.
pub fn adapters() -> Vec<Adapter> {
    // Not OpenGL, which Burn computes nothing on and whose search writes to standard error.
    let mut options = wgpu::InstanceDescriptor::new_without_display_handle();
    options.backends = wgpu::Backends::PRIMARY;
    let instance = wgpu::Instance::new(options);
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    let mut adapters: Vec<_> = found
        .iter()
        .map(|adapter| {
            use wgpu::DeviceType::{DiscreteGpu, IntegratedGpu, VirtualGpu};
            let info = adapter.get_info();
            Adapter {
                description: format!("{}, {}", info.name, info.backend),
                is_real: matches!(info.device_type, DiscreteGpu | IntegratedGpu | VirtualGpu),
            }
        })
        .collect();
    adapters.sort_by_key(|adapter| !adapter.is_real);
    adapters
}

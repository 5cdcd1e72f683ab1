//! How a recurrence is laid out on a GPU.

use std::sync::atomic::{AtomicU8, Ordering};

use cubecl::CubeCount;
use cubecl::client::Client;

use crate::recurrence::{Recurrence, Sizes};

/// Who walks through time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum LaunchSchedule {
    /// The better one of the others, for the device and the sizes.
    #[default]
    Automatic,
    /// The host: for each time step a matrix product and a gate kernel.
    PerStep,
    /// The device: one launch for the whole sequence. Each group of units owns some rows of the
    /// batch and goes through time by itself. What does not fit into its memory runs per step.
    WholeSequence,
}

static CHOSEN: AtomicU8 = AtomicU8::new(LaunchSchedule::Automatic as u8);

/// Lets every recurrence of this process, from now on, run by this schedule.
///
/// [`LaunchSchedule::Automatic`] is a rule of thumb; a measurement on the GPU at hand may know better.
/// Results are the same but for rounding.
pub fn set_schedule(schedule: LaunchSchedule) {
    CHOSEN.store(schedule as u8, Ordering::Relaxed);
}

/// What was set.
fn chosen() -> LaunchSchedule {
    match CHOSEN.load(Ordering::Relaxed) {
        chosen if chosen == LaunchSchedule::PerStep as u8 => LaunchSchedule::PerStep,
        chosen if chosen == LaunchSchedule::WholeSequence as u8 => LaunchSchedule::WholeSequence,
        _ => LaunchSchedule::Automatic,
    }
}

/// What a device has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Device {
    /// Whether it is a program on the CPU.
    software: bool,
    /// Units in a cube, at most.
    units: usize,
    /// Bytes that the units of a cube share, at most.
    shared: usize,
    /// Cubes in a launch, at most.
    cubes: usize,
}

impl Device {
    fn of(client: &Client) -> Self {
        let properties = client.properties();
        let hardware = &properties.hardware;
        Self {
            software: properties.identity.physical.is_none(),
            units: hardware.max_units_per_cube.min(hardware.max_cube_dim.0) as usize,
            shared: hardware.max_shared_memory_size,
            cubes: hardware.max_cube_count.0 as usize,
        }
    }
}

/// How cubes share a whole sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tiling {
    /// Rows of the batch a cube.
    pub rows: usize,
    /// Units a cube.
    pub units: usize,
    /// Numbers of a row in shared memory: the hidden size, rounded up, so that sizes that are
    /// nearly the same run the same compiled kernel.
    pub width: usize,
}

impl Tiling {
    pub fn cubes(self, batch: usize) -> CubeCount {
        CubeCount::Static(batch.div_ceil(self.rows) as u32, 1, 1)
    }

    /// The plan for these sizes, if this device can run it.
    ///
    /// A cube reads all weights at each step, however many rows it has. While there are few rows
    /// it has one, so that as many cubes as possible work; from 128 on, two or four.
    fn new(device: Device, recurrence: Recurrence, sizes: Sizes) -> Option<Self> {
        let Sizes { batch, hidden, .. } = sizes;
        let columns = hidden.div_ceil(device.units);
        let width = hidden.next_multiple_of(64);
        // Forward: the hidden state before and after a step. Backward: the gates' gradients.
        let row = width * recurrence.gates().max(2) * size_of::<f32>();
        let wanted = match batch {
            0..128 => 1,
            128..256 => 2,
            _ => 4,
        };
        let rows = [wanted, 2, 1]
            .into_iter()
            .find(|&rows| rows <= wanted && rows * row <= device.shared)?;
        (batch.div_ceil(rows) <= device.cubes).then(|| Self {
            rows,
            units: hidden.div_ceil(columns),
            width,
        })
    }
}

/// The largest hidden size that a whole sequence is the better schedule for.
const SMALL: usize = 128;

/// The plan for a whole sequence, or nothing if time is to be walked step by step.
///
/// A small state makes for steps that take a GPU less time than their launches, so the whole
/// sequence is launched at once. A large one keeps the GPU busy at each step, and then a matrix
/// product, which reads the weights once for many rows, is better than cubes which each read all
/// of them. A software adapter launches at the cost of a function call, and has no caches of its
/// own that would make up for the reading: measured on lavapipe, the whole sequence took three
/// times as long.
fn choose(
    schedule: LaunchSchedule,
    device: Device,
    recurrence: Recurrence,
    sizes: Sizes,
) -> Option<Tiling> {
    let whole = match schedule {
        LaunchSchedule::Automatic => !device.software && sizes.hidden <= SMALL,
        LaunchSchedule::PerStep => false,
        LaunchSchedule::WholeSequence => true,
    };
    match whole {
        true => Tiling::new(device, recurrence, sizes),
        false => None,
    }
}

/// The plan for a whole sequence on this device, if that is what was set or else what is best.
pub(super) fn plan(client: &Client, recurrence: Recurrence, sizes: Sizes) -> Option<Tiling> {
    choose(chosen(), Device::of(client), recurrence, sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPU: Device = Device {
        software: false,
        units: 256,
        shared: 16 << 10,
        cubes: 65_535,
    };

    fn sizes(batch: usize, hidden: usize) -> Sizes {
        Sizes {
            time: 64,
            batch,
            hidden,
        }
    }

    fn choice(
        schedule: LaunchSchedule,
        device: Device,
        batch: usize,
        hidden: usize,
    ) -> Option<Tiling> {
        choose(schedule, device, Recurrence::Lstm, sizes(batch, hidden))
    }

    #[test]
    fn small_states_run_whole_on_a_gpu_only() {
        let software = Device {
            software: true,
            ..GPU
        };
        let automatic = |device, hidden| choice(LaunchSchedule::Automatic, device, 32, hidden);
        assert!(automatic(GPU, 128).is_some());
        assert_eq!(automatic(GPU, 129), None);
        assert_eq!(automatic(software, 128), None);
        assert!(choice(LaunchSchedule::WholeSequence, software, 32, 512).is_some());
        assert_eq!(choice(LaunchSchedule::PerStep, GPU, 32, 16), None);
    }

    #[test]
    fn a_plan_fits_the_device() {
        let whole = |batch, hidden| choice(LaunchSchedule::WholeSequence, GPU, batch, hidden);
        // 300 columns: two for each of 150 units.
        let plan = |rows, units, width| Some(Tiling { rows, units, width });
        assert_eq!(whole(32, 300), plan(1, 150, 320));
        assert_eq!(whole(1000, 64), plan(4, 64, 64));
        // Four rows of 512 columns would take 32 KiB, and two take 16.
        assert_eq!(whole(1000, 512), plan(2, 256, 512));
        // One of 1088 takes 17.
        assert_eq!(whole(1000, 1025), None);
        assert_eq!(whole(65_536, 1024), None);
    }
}

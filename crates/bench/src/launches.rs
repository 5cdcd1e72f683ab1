//! Kernels that a training step launches on a GPU.

use serde::Serialize;

use crate::report::drawing::{Panel, lines};
use crate::report::table::table;
use crate::{BenchError, CellKind, Contender, Report, Shape};

/// Kernel launches of training steps.
#[derive(Debug, Clone, Serialize)]
pub struct Launches {
    /// The command that counted.
    pub command: &'static str,
    /// What the numbers are.
    pub meaning: &'static str,
    /// The GPU.
    pub gpu: String,
    /// Each contender at each number of steps.
    pub rows: Vec<LaunchRow>,
}

/// Who walks through time on a GPU, of our kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LaunchSchedule {
    /// The one of the others that this device gets.
    Automatic,
    /// The host: a product and a gate kernel a step.
    PerStep,
    /// The device: one launch for the whole sequence.
    WholeSequence,
}

impl LaunchSchedule {
    /// As tables name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::PerStep => "per step",
            Self::WholeSequence => "whole sequence",
        }
    }
}

/// The launches of one training step.
#[derive(Debug, Clone, Serialize)]
pub struct LaunchRow {
    /// The cell.
    pub cell: CellKind,
    /// The sizes.
    #[serde(flatten)]
    pub shape: Shape,
    /// Where it runs.
    pub device: &'static str,
    /// Whose launches: `backdraft`, `unrolled` or `burn-nn`.
    pub against: String,
    /// Who walks through time, of our kernels.
    pub schedule: Option<LaunchSchedule>,
    /// How many.
    pub launches: usize,
}

/// Counts the kernels that one training step launches, after two that warm up.
///
/// * `schedule`: of our kernels.
///
/// # Errors
///
/// When this build has no GPU to launch on, or the contender cannot run.
#[cfg(feature = "wgpu")]
pub fn count_launches(
    contender: &mut dyn Contender,
    schedule: Option<LaunchSchedule>,
) -> Result<usize, BenchError> {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use backdraft_kernels::gpu::{self, set_schedule};
    use cubecl::logging::{LaunchObservation, LaunchObserver};

    use crate::Work;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl LaunchObserver for Counter {
        fn launched(&self, _kernel: &'static str) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    set_schedule(match schedule {
        Some(LaunchSchedule::PerStep) => gpu::LaunchSchedule::PerStep,
        Some(LaunchSchedule::WholeSequence) => gpu::LaunchSchedule::WholeSequence,
        Some(LaunchSchedule::Automatic) | None => gpu::LaunchSchedule::Automatic,
    });
    // The first compiles and tunes kernels, which are launches too; the second finds them ready.
    contender.run(Work::Training, 2)?;
    let counter = Arc::new(Counter::default());
    let watch = LaunchObservation::new(counter.clone());
    contender.run(Work::Training, 1)?;
    drop(watch);
    set_schedule(gpu::LaunchSchedule::Automatic);
    Ok(counter.0.load(Ordering::Relaxed))
}

/// Counts the kernels that one training step launches.
///
/// # Errors
///
/// Always: this build has no GPU to launch on.
#[cfg(not(feature = "wgpu"))]
pub fn count_launches(
    _contender: &mut dyn Contender,
    _schedule: Option<LaunchSchedule>,
) -> Result<usize, BenchError> {
    crate::DeviceChoice::Wgpu.find().map(|_| 0)
}

impl Report for Launches {
    fn table(&self) -> String {
        let cells = |row: &LaunchRow| {
            vec![
                row.cell.name().to_string(),
                row.shape.batch.to_string(),
                row.shape.time.to_string(),
                row.shape.input.to_string(),
                row.shape.hidden.to_string(),
                row.against.clone(),
                row.schedule.map_or("-", LaunchSchedule::name).to_string(),
                row.launches.to_string(),
            ]
        };
        let rows: Vec<_> = self.rows.iter().map(cells).collect();
        let headings = ["cell", "B", "T", "I", "H", "of", "schedule", "launches"];
        let (meaning, gpu) = (self.meaning, &self.gpu);
        format!("{meaning}; {gpu}\n\n{}", table(&headings, &rows))
    }

    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("our own types are valid JSON")
    }

    fn svg(&self) -> Result<String, BenchError> {
        let mut panels = Vec::new();
        for cell in CellKind::ALL {
            let mut curves: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
            for row in self.rows.iter().filter(|row| row.cell == cell) {
                let point = (row.shape.time as f64, row.launches as f64);
                let (batch, units) = (row.shape.batch, row.shape.hidden);
                let schedule = row.schedule.map_or("", LaunchSchedule::name);
                let name = format!("{} {schedule}", row.against);
                let curve = format!("{}, {batch} rows, {units} units", name.trim_end());
                match curves.iter_mut().find(|(name, _)| *name == curve) {
                    Some((_, points)) => points.push(point),
                    None => curves.push((curve, vec![point])),
                }
            }
            if !curves.is_empty() {
                panels.push(Panel {
                    title: format!("{}: kernel launches of a training step", cell.name()),
                    below: "T, steps".to_string(),
                    curves,
                });
            }
        }
        lines(&panels)
    }
}

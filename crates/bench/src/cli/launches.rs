//! `backdraft-bench launches`.

use super::measuring::Measuring;
use super::print::report;
use crate::{
    BenchError, DeviceChoice, LaunchRow, LaunchSchedule, Launches, Shape, Way, burn_nn,
    count_launches, ours,
};

/// The steps that are counted at.
const TIMES: [usize; 4] = [16, 32, 64, 128];

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    measuring: Measuring,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), BenchError> {
    let place = DeviceChoice::Wgpu.find()?;
    let measuring = &arguments.measuring;
    measuring.how.start(&[DeviceChoice::Wgpu])?;

    let mut rows = Vec::new();
    for &base in measuring.how.bases() {
        for &cell in &measuring.cells {
            for time in TIMES {
                let shape = Shape { time, ..base };
                let mut contenders = vec![
                    ("unrolled", None, ours(cell, shape, &place, Way::Unrolled)?),
                    ("burn-nn", None, burn_nn(cell, shape, &place)),
                ];
                for schedule in [
                    LaunchSchedule::Automatic,
                    LaunchSchedule::PerStep,
                    LaunchSchedule::WholeSequence,
                ] {
                    let kernel = ours(cell, shape, &place, Way::Kernel)?;
                    contenders.push(("backdraft", Some(schedule), kernel));
                }
                for (name, schedule, mut contender) in contenders {
                    let launches = count_launches(contender.as_mut(), schedule)?;
                    eprintln!(
                        "{} {shape}: {name} {} launches {launches}",
                        cell.name(),
                        schedule.map_or("", LaunchSchedule::name)
                    );
                    rows.push(LaunchRow {
                        cell,
                        shape,
                        device: place.name,
                        against: name.to_string(),
                        schedule,
                        launches,
                    });
                }
            }
        }
    }
    let launches = Launches {
        command: "launches",
        meaning: "Kernels that one training step launches",
        gpu: place.description,
        rows,
    };
    report(&launches, &measuring.how)
}

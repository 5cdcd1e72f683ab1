//! `backdraft-bench scaling`.

use super::measuring::Measuring;
use super::print::report;
use crate::{BenchError, DeviceChoice, Scaling, sweeps};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    #[command(flatten)]
    measuring: Measuring,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), BenchError> {
    let place = arguments.device.find()?;
    let measuring = &arguments.measuring;
    let threads = measuring.how.start(&[arguments.device])?;

    let mut rows = Vec::new();
    for &base in measuring.how.bases() {
        for &cell in &measuring.cells {
            for points in sweeps(base) {
                eprintln!("{} around {base}: {:?}", cell.name(), points[0].sweep);
                rows.extend(Scaling::measure(
                    cell,
                    &points,
                    &place,
                    measuring.how.pairs,
                )?);
            }
        }
    }
    let scaling = Scaling {
        command: "scaling",
        meaning: "Time, and memory kept for backward, as steps, rows and units grow",
        threads,
        rows,
    };
    report(&scaling, &measuring.how)
}

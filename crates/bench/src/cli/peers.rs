//! `backdraft-bench peers`.

use std::path::PathBuf;

use super::measuring::Measuring;
use super::print::report;
use crate::{BenchError, Comparisons, DeviceChoice, Mean, PyTorch, Row, Way, ours};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A Python that has PyTorch
    #[arg(long, value_name = "PATH")]
    python: PathBuf,
    /// What ours computes on; PyTorch computes on the CPU
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    #[command(flatten)]
    measuring: Measuring,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), BenchError> {
    let place = arguments.device.find()?;
    let measuring = &arguments.measuring;
    let threads = measuring.how.start(&[arguments.device])?;
    let pytorch = PyTorch::start(&arguments.python, threads)?;

    let rows = measuring.rows(place.on_cpu, |cell, shape| {
        let mut kernel = ours(cell, shape, &place, Way::Kernel)?;
        let mut peer = pytorch.contender(cell, shape);
        let against = peer.name().to_string();
        let row = Row::measure(
            (cell, shape),
            place.name,
            kernel.as_mut(),
            peer.as_mut(),
            &against,
            measuring.how.pairs,
        )?;
        Ok(vec![row])
    })?;
    let comparisons = Comparisons {
        command: "peers",
        meaning: "How many times as fast ours is as PyTorch on the CPU",
        threads,
        contenders: vec![
            format!("{}: {}", place.name, place.description),
            format!("pytorch: PyTorch {}", pytorch.version()),
        ],
        means: Mean::of(&rows),
        rows,
    };
    report(&comparisons, &measuring.how)
}

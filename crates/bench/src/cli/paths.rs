//! `backdraft-bench paths`.

use super::measuring::Measuring;
use super::print::report;
use crate::{BenchError, Comparisons, DeviceChoice, Mean, Row, Way, burn_nn, ours};

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

    let rows = measuring.rows(place.on_cpu, |cell, shape| {
        let mut kernel = ours(cell, shape, &place, Way::Kernel)?;
        let others = [
            ours(cell, shape, &place, Way::Unrolled)?,
            burn_nn(cell, shape, &place),
        ];
        let rows = others.into_iter().map(|mut other| {
            let against = other.name().to_string();
            Row::measure(
                (cell, shape),
                place.name,
                kernel.as_mut(),
                other.as_mut(),
                &against,
                measuring.how.pairs,
            )
        });
        rows.collect()
    })?;
    let comparisons = Comparisons {
        command: "paths",
        meaning: "How many times as fast our kernels are as our unrolled cells and as burn-nn",
        threads,
        contenders: vec![format!("{}: {}", place.name, place.description)],
        means: Mean::of(&rows),
        rows,
        models: Vec::new(),
    };
    report(&comparisons, &measuring.how)
}

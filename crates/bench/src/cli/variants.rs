//! `backdraft-bench variants`.

use super::measuring::How;
use super::print::report;
use crate::{BenchError, DeviceChoice, Variant, VariantMean, VariantRow, Variants};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// The variants
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Variant::ALL.iter().copied())]
    cells: Vec<Variant>,
    #[command(flatten)]
    how: How,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), BenchError> {
    let place = arguments.device.find()?;
    let how = &arguments.how;
    let threads = how.start(&[arguments.device])?;

    let mut rows = Vec::new();
    for &shape in how.shapes() {
        for &cell in &arguments.cells {
            let row = VariantRow::measure((cell, shape), &place, how.pairs)?;
            eprintln!(
                "{} {shape} on {}: {:.2} times as long as {} forward, {:.2} in training",
                cell.name(),
                row.device,
                row.forward_cost,
                row.against.name(),
                row.training_cost
            );
            rows.push(row);
        }
    }
    let variants = Variants {
        command: "variants",
        meaning: "How many times as long each cell takes as the plain one of its kind and size",
        threads,
        means: VariantMean::of(&rows),
        rows,
    };
    report(&variants, how)
}

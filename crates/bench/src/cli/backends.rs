//! `backdraft-bench backends`.

use super::measuring::Measuring;
use super::print::report;
use crate::{BenchError, Comparisons, DeviceChoice, FoundDevice, Mean, Row, Way, ours};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The devices; the first is compared with each of the others, or, if it is the only one, with
    /// itself, which shows how sure the numbers are [default: all that this build has and that
    /// answer]
    #[arg(long, value_enum, value_delimiter = ',')]
    devices: Vec<DeviceChoice>,
    #[command(flatten)]
    measuring: Measuring,
}

impl Arguments {
    fn choices(&self) -> Vec<DeviceChoice> {
        match self.devices.as_slice() {
            [] => DeviceChoice::ALL.to_vec(),
            some => some.to_vec(),
        }
    }

    fn places(&self) -> Result<Vec<FoundDevice>, BenchError> {
        let places = self.choices().into_iter().map(DeviceChoice::find);
        if !self.devices.is_empty() {
            return places.collect();
        }
        let answering: Vec<_> = places.filter_map(Result::ok).collect();
        match answering.is_empty() {
            true => DeviceChoice::default().find().map(|place| vec![place]),
            false => Ok(answering),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), BenchError> {
    let places = arguments.places()?;
    let measuring = &arguments.measuring;
    let threads = measuring.how.start(&arguments.choices())?;
    let (first, others) = match places.as_slice() {
        [only] => (only, std::slice::from_ref(only)),
        [first, others @ ..] => (first, others),
        [] => unreachable!("a build has a device, or finding it is an error"),
    };

    let rows = measuring.rows(first.on_cpu, |cell, shape| {
        let mut here = ours(cell, shape, first, Way::Kernel)?;
        let rows = others.iter().map(|other| {
            let mut there = ours(cell, shape, other, Way::Kernel)?;
            Row::measure(
                (cell, shape),
                first.name,
                here.as_mut(),
                there.as_mut(),
                other.name,
                measuring.how.pairs,
            )
        });
        rows.collect()
    })?;
    let describe = |place: &FoundDevice| format!("{}: {}", place.name, place.description);
    let comparisons = Comparisons {
        command: "backends",
        meaning: "How many times as fast ours is on the first device as on each other one",
        threads,
        contenders: places.iter().map(describe).collect(),
        means: Mean::of(&rows),
        rows,
        models: Vec::new(),
    };
    report(&comparisons, &measuring.how)
}

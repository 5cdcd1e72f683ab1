//! Every contender at a few shapes, as criterion measures it.
//!
//! `cargo bench -p backdraft-benches`: a group for each cell and shape, in which our kernel, our
//! unrolled cell and burn-nn's module are side by side. For ratios of measurements taken in turns,
//! and against other peers, there is the program `backdraft-bench`.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

use std::time::Duration;

use backdraft_bench::{
    BenchError, CellKind, Contender, DeviceChoice, Shape, Way, Work, burn_nn, ours,
};
use criterion::{BenchmarkId, Criterion, Throughput};

/// Batch, time, input, hidden: the usual, one row, and long rows of few units.
const SHAPES: [&str; 3] = ["32,64,128,128", "1,64,128,128", "16,256,64,64"];

/// Benchmarks `work` of every cell at every shape.
///
/// # Panics
///
/// When a contender cannot be built or run.
pub fn benchmark(criterion: &mut Criterion, work: Work) {
    measure(criterion, work).unwrap_or_else(|error| panic!("{error}"));
}

fn measure(criterion: &mut Criterion, work: Work) -> Result<(), BenchError> {
    let place = DeviceChoice::default().find()?;
    for shape in SHAPES {
        let shape: Shape = shape.parse()?;
        for cell in CellKind::ALL {
            let mut group = criterion.benchmark_group(format!("{}/{}", work.name(), cell.name()));
            group.sample_size(10);
            group.warm_up_time(Duration::from_millis(300));
            group.measurement_time(Duration::from_millis(1500));
            group.throughput(Throughput::Elements(shape.symbols() as u64));
            let contenders: [Box<dyn Contender>; 3] = [
                ours(cell, shape, &place, Way::Kernel)?,
                ours(cell, shape, &place, Way::Unrolled)?,
                burn_nn(cell, shape, &place),
            ];
            for mut contender in contenders {
                let name = BenchmarkId::new(contender.name(), shape);
                group.bench_function(name, |bencher| {
                    bencher.iter_custom(|times| run(contender.as_mut(), work, times));
                });
            }
            group.finish();
        }
    }
    Ok(())
}

/// The time that `work` takes this many times.
fn run(contender: &mut dyn Contender, work: Work, times: u64) -> Duration {
    let times = usize::try_from(times).expect("criterion asks for what fits in a few seconds");
    let milliseconds = contender.run(work, times);
    let milliseconds = milliseconds.unwrap_or_else(|error| panic!("{error}"));
    Duration::from_secs_f64(milliseconds.iter().sum::<f64>() / 1e3)
}

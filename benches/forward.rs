//! Forward, with no gradient recorded.

use backdraft_bench::Work;
use criterion::{Criterion, criterion_group, criterion_main};

fn forward(criterion: &mut Criterion) {
    backdraft_benches::benchmark(criterion, Work::Forward);
}

criterion_group!(benches, forward);
criterion_main!(benches);

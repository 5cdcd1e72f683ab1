//! A training step: forward, loss, and the gradients by every parameter and by the input.

use backdraft_bench::Work;
use criterion::{Criterion, criterion_group, criterion_main};

fn training(criterion: &mut Criterion) {
    backdraft_benches::benchmark(criterion, Work::Training);
}

criterion_group!(benches, training);
criterion_main!(benches);

//! The backward pass of a long sequence, with a loss of every output and of the last one alone. From
//! the last, gradients vanish on the way to the first step; that must not make them slower.

use backdraft_cells::Memory;
use backdraft_cells::prelude::*;
use burn::tensor::{Device, Distribution, Tensor};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

const BATCH: usize = 16;
const TIME: usize = 1000;
const INPUT: usize = 16;
const HIDDEN: usize = 128;

fn vanishing(criterion: &mut Criterion) {
    let device = Device::flex().autodiff();
    device.seed(1);
    // Half of the memory is forgotten in about two steps.
    let cell = LstmConfig::new(INPUT, HIDDEN).with_memory(Memory::ForgetBias(1.0));
    let layer = RecurrentConfig::new(cell).init(&device).expect("a layer");
    let input = Distribution::Normal(0.0, 1.0);
    let input = Tensor::<3>::random([BATCH, TIME, INPUT], input, &device);

    let mut group = criterion.benchmark_group(format!("vanishing/{BATCH},{TIME},{INPUT},{HIDDEN}"));
    group.sample_size(10);
    for (name, first) in [("every output", 0), ("the last output", TIME - 1)] {
        let loss = || {
            let run = layer.forward(input.clone()).expect("it fits");
            run.outputs.slice_dim(1, first..TIME).sum()
        };
        group.bench_function(name, |bencher| {
            bencher.iter_batched(loss, |loss| loss.backward(), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, vanishing);
criterion_main!(benches);

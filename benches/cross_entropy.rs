//! The cross-entropy of a large softmax, forward and backward, beside the same made of tensor operations.

use backdraft_kernels::cross_entropy;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};
use criterion::{Criterion, criterion_group, criterion_main};

/// Positions, symbols.
const SHAPES: [[usize; 2]; 3] = [[2048, 100], [640, 10_000], [640, 50_000]];

fn benchmark(criterion: &mut Criterion) {
    let device = Device::flex().autodiff();
    for [positions, vocabulary] in SHAPES {
        let scores = Distribution::Normal(0.0, 2.0);
        let scores = Tensor::<2>::random([positions, vocabulary], scores, &device).require_grad();
        let targets: Vec<i64> = (0..positions)
            .map(|n| (n * 37 % vocabulary) as i64)
            .collect();
        let targets = TensorData::new(targets, [positions]);
        let targets = Tensor::<1, Int>::from_data(targets, &device);

        let learn = |nats: Tensor<1>| scores.grad(&nats.sum().backward());
        let shape = format!("cross-entropy/{positions},{vocabulary}");
        let mut group = criterion.benchmark_group(shape);
        group.sample_size(10);
        group.bench_function("kernel", |bencher| {
            bencher.iter(|| learn(cross_entropy(scores.clone(), targets.clone(), 0.0)));
        });
        group.bench_function("tensor operations", |bencher| {
            bencher.iter(|| {
                let log_p = log_softmax(scores.clone(), 1);
                let right = log_p.gather(1, targets.clone().unsqueeze_dim(1));
                learn(-right.squeeze_dim::<1>(1))
            });
        });
        group.finish();
    }
}

criterion_group!(benches, benchmark);
criterion_main!(benches);

//! The CTC loss, forward and backward, beside burn-nn's.

use backdraft_cells::Lengths;
use backdraft_models::ctc_loss;
use burn::nn::loss::CTCLossConfig;
use burn::tensor::{Device, Int, Tensor, TensorData, activation::log_softmax};
use criterion::{Criterion, criterion_group, criterion_main};

/// Rows, steps, symbols with the blank, labels of each row.
const SHAPES: [[usize; 4]; 2] = [[32, 100, 30, 12], [16, 400, 60, 40]];

fn integers<const N: usize>(
    values: Vec<i64>,
    shape: [usize; N],
    device: &Device,
) -> Tensor<N, Int> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn ctc(criterion: &mut Criterion) {
    let device = Device::flex().autodiff();
    for [batch, time, symbols, labels] in SHAPES {
        let count = batch * time * symbols;
        let scores: Vec<f32> = (0..count)
            .map(|at| (at as f32 * 0.37).sin() * 2.0)
            .collect();
        let scores = TensorData::new(scores, [batch, time, symbols]);
        let label = |at: usize| 1 + (at * 7 % (symbols - 1)) as u32;
        let row = |row: usize| (0..labels).map(|at| label(row * labels + at)).collect();
        let targets: Vec<Vec<u32>> = (0..batch).map(row).collect();
        let lengths = Lengths::new(vec![time; batch]);

        let flat = targets
            .iter()
            .flatten()
            .map(|&label| i64::from(label))
            .collect();
        let padded = integers(flat, [batch, labels], &device);
        let [steps, sizes] =
            [time, labels].map(|each| integers(vec![each as i64; batch], [batch], &device));
        let theirs = CTCLossConfig::new().init();

        let learn = |loss: &dyn Fn(Tensor<3>) -> Tensor<1>| {
            let scores = Tensor::<3>::from_data(scores.clone(), &device).require_grad();
            let loss = loss(log_softmax(scores.clone(), 2)).sum();
            scores.grad(&loss.backward())
        };
        let shape = format!("ctc/{batch},{time},{symbols},{labels}");
        let mut group = criterion.benchmark_group(shape);
        group.sample_size(10);
        group.bench_function("backdraft", |bencher| {
            let loss = |log_p| ctc_loss(log_p, &lengths, &targets).expect("the rows fit");
            bencher.iter(|| learn(&loss));
        });
        group.bench_function("burn-nn", |bencher| {
            let loss = |log_p: Tensor<3>| {
                let (padded, steps, sizes) = (padded.clone(), steps.clone(), sizes.clone());
                theirs.forward(log_p.swap_dims(0, 1), padded, steps, sizes)
            };
            bencher.iter(|| learn(&loss));
        });
        group.finish();
    }
}

criterion_group!(benches, ctc);
criterion_main!(benches);

//! The body made of backend primitives, which f64 takes, against the one for the CPU, and against
//! finite differences.

use std::sync::Arc;

use backdraft_kernels::{Direction, Inputs, Nonlinearity, Projection, Recurrence, Walk, run};
use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::numbers::devices;

const RECURRENCES: [Recurrence; 5] = [
    Recurrence::Elman(Nonlinearity::Tanh),
    Recurrence::Elman(Nonlinearity::Relu),
    Recurrence::Elman(Nonlinearity::Sigmoid),
    Recurrence::Lstm,
    Recurrence::Gru,
];

/// Numbers between -1 and 1, the same for the same seed.
fn random(seed: u64, count: usize) -> Vec<f64> {
    let mut generator = StdRng::seed_from_u64(seed);
    (0..count)
        .map(|_| generator.random_range(-1.0..1.0))
        .collect()
}

fn walks(time: usize, batch: usize) -> Vec<Walk> {
    let lengths: Arc<[usize]> = (0..batch).map(|row| (row * 5 + 2) % (time + 1)).collect();
    [Direction::Forward, Direction::Reverse]
        .into_iter()
        .flat_map(|direction| {
            [None, Some(lengths.clone())].map(|lengths| Walk { direction, lengths })
        })
        .collect()
}

/// Of the input.
const FEATURES: usize = 4;

/// The six inputs' values: input, its weight, recurrent weight, input bias, recurrent bias, initial.
fn inputs(recurrence: Recurrence, [time, batch, hidden]: [usize; 3]) -> [Vec<f64>; 6] {
    let packed = recurrence.gates() * hidden;
    [
        time * batch * FEATURES,
        packed * FEATURES,
        packed * hidden,
        packed,
        packed,
        recurrence.states() * batch * hidden,
    ]
    .map(|count| {
        random(count as u64, count)
            .iter()
            .map(|x| x * 0.7)
            .collect()
    })
}

/// Who multiplies the input with its weights.
#[derive(Clone, Copy)]
enum Multiplied {
    ByTheCaller,
    ByTheRun,
}

/// A loss that looks at each output with a weight of its own, and its gradients.
fn loss(
    multiplied: Multiplied,
    recurrence: Recurrence,
    walk: &Walk,
    [time, batch, hidden]: [usize; 3],
    values: &[Vec<f64>; 6],
    device: &Device,
    dtype: DType,
) -> (f64, [Vec<f64>; 6]) {
    let device = device.clone().autodiff();
    let packed = recurrence.gates() * hidden;
    let states = recurrence.states();
    let data = |values: &[f64], shape: &[usize]| TensorData::new(values.to_vec(), shape.to_vec());
    let input = data(&values[0], &[time, batch, FEATURES]);
    let input = Tensor::<3>::from_data(input, (&device, dtype)).require_grad();
    let weight = |values: &[f64], columns| {
        let weight = data(values, &[packed, columns]);
        Tensor::<2>::from_data(weight, (&device, dtype)).require_grad()
    };
    let (input_weight, weight) = (weight(&values[1], FEATURES), weight(&values[2], hidden));
    let bias = |values: &[f64]| {
        Tensor::<1>::from_data(data(values, &[packed]), (&device, dtype)).require_grad()
    };
    let (input_bias, recurrent_bias) = (bias(&values[3]), bias(&values[4]));
    let initial = data(&values[5], &[states, batch, hidden]);
    let initial = Tensor::<3>::from_data(initial, (&device, dtype)).require_grad();

    let run = run(
        recurrence,
        walk.clone(),
        Inputs {
            projection: match multiplied {
                Multiplied::ByTheCaller => {
                    let weight = input_weight.clone().transpose().unsqueeze();
                    Projection::Values(input.clone().matmul(weight))
                }
                Multiplied::ByTheRun => Projection::Product {
                    input: input.clone(),
                    weight: input_weight.clone(),
                },
            },
            weight: weight.clone(),
            input_bias: input_bias.clone(),
            recurrent_bias: recurrent_bias.clone(),
            initial: initial.clone(),
        },
    );
    let weigh = |tensor: Tensor<3>, seed| {
        let weights = random(seed, tensor.shape().num_elements());
        let weights = Tensor::<3>::from_data(data(&weights, &tensor.dims()), (&device, dtype));
        (tensor * weights).sum()
    };
    let loss = weigh(run.outputs, 1) + weigh(run.state, 2);
    let gradients = loss.backward();
    let values = |data: TensorData| data.iter::<f64>().collect::<Vec<_>>();
    let found = [
        values(input.grad(&gradients).unwrap().into_data()),
        values(input_weight.grad(&gradients).unwrap().into_data()),
        values(weight.grad(&gradients).unwrap().into_data()),
        values(input_bias.grad(&gradients).unwrap().into_data()),
        values(recurrent_bias.grad(&gradients).unwrap().into_data()),
        values(initial.grad(&gradients).unwrap().into_data()),
    ];
    (loss.into_data().iter::<f64>().next().unwrap(), found)
}

#[test]
fn the_portable_body_equals_the_cpus() {
    use Multiplied::{ByTheCaller, ByTheRun};
    let shape = [6, 5, 19];
    for device in devices() {
        for recurrence in RECURRENCES {
            for walk in walks(6, 5) {
                let values = inputs(recurrence, shape);
                let of = |multiplied, dtype| {
                    loss(
                        multiplied, recurrence, &walk, shape, &values, &device, dtype,
                    )
                };
                let expected = of(ByTheCaller, DType::F64);
                for found in [
                    of(ByTheRun, DType::F64),
                    of(ByTheCaller, DType::F32),
                    of(ByTheRun, DType::F32),
                ] {
                    assert_close(
                        &found,
                        &expected,
                        &format!("{device:?} {recurrence:?} {walk:?}"),
                    );
                }
            }
        }
    }
}

fn assert_close(
    (found, others): &(f64, [Vec<f64>; 6]),
    (expected, gradients): &(f64, [Vec<f64>; 6]),
    of: &str,
) {
    let scale = expected.abs().max(1.0);
    assert!(
        (found - expected).abs() < 1e-5 * scale,
        "{of}: {found}, not {expected}"
    );
    for (index, (expected, found)) in gradients.iter().zip(others).enumerate() {
        let scale = expected.iter().fold(1e-3f64, |max, x| max.max(x.abs()));
        for (expected, found) in expected.iter().zip(found) {
            assert!(
                (expected - found).abs() < 1e-5 * scale,
                "{of}: gradient {index}: {found}, not {expected}"
            );
        }
    }
}

#[cfg(feature = "flex")]
#[test]
fn gradients_are_those_of_finite_differences() {
    const STEP: f64 = 1e-6;
    let shape = [4, 3, 2];
    for recurrence in RECURRENCES {
        for walk in walks(4, 3) {
            let values = inputs(recurrence, shape);
            let of = |values: &[Vec<f64>; 6]| {
                loss(
                    Multiplied::ByTheRun,
                    recurrence,
                    &walk,
                    shape,
                    values,
                    &Device::flex(),
                    DType::F64,
                )
            };
            let (_, gradients) = of(&values);
            for input in 0..6 {
                for index in 0..values[input].len() {
                    let moved = |step: f64| {
                        let mut values = values.clone();
                        values[input][index] += step;
                        of(&values).0
                    };
                    let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                    let found = gradients[input][index];
                    assert!(
                        (found - expected).abs() < 1e-6 * expected.abs().max(1.0),
                        "{recurrence:?} {walk:?}: input {input}, {index}: {found}, not {expected}"
                    );
                }
            }
        }
    }
}

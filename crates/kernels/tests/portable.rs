//! The body made of backend primitives, which f64 takes, against the one for the CPU, and against
//! finite differences.

use std::sync::Arc;

use backdraft_kernels::{Direction, Inputs, Nonlinearity, Recurrence, Walk, run};
use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const RECURRENCES: [Recurrence; 5] = [
    Recurrence::Elman(Nonlinearity::Tanh),
    Recurrence::Elman(Nonlinearity::Relu),
    Recurrence::Elman(Nonlinearity::Sigmoid),
    Recurrence::Lstm,
    Recurrence::Gru,
];

#[allow(deprecated, reason = "NdArray is tested while Burn keeps it")]
fn devices() -> Vec<Device> {
    vec![
        #[cfg(feature = "flex")]
        Device::flex(),
        #[cfg(feature = "ndarray")]
        Device::ndarray(),
    ]
}

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

/// The five inputs' values: projected, weight, input bias, recurrent bias, initial.
fn inputs(recurrence: Recurrence, [time, batch, hidden]: [usize; 3]) -> [Vec<f64>; 5] {
    let packed = recurrence.gates() * hidden;
    [
        time * batch * packed,
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

/// A loss that looks at each output with a weight of its own, and its gradients.
fn loss(
    recurrence: Recurrence,
    walk: &Walk,
    [time, batch, hidden]: [usize; 3],
    values: &[Vec<f64>; 5],
    device: &Device,
    dtype: DType,
) -> (f64, [Vec<f64>; 5]) {
    let device = device.clone().autodiff();
    let packed = recurrence.gates() * hidden;
    let states = recurrence.states();
    let data = |values: &[f64], shape: &[usize]| TensorData::new(values.to_vec(), shape.to_vec());
    let projected = [time, batch, packed];
    let projected =
        Tensor::<3>::from_data(data(&values[0], &projected), (&device, dtype)).require_grad();
    let weight = data(&values[1], &[packed, hidden]);
    let weight = Tensor::<2>::from_data(weight, (&device, dtype)).require_grad();
    let bias = |values: &[f64]| {
        Tensor::<1>::from_data(data(values, &[packed]), (&device, dtype)).require_grad()
    };
    let (input_bias, recurrent_bias) = (bias(&values[2]), bias(&values[3]));
    let initial = data(&values[4], &[states, batch, hidden]);
    let initial = Tensor::<3>::from_data(initial, (&device, dtype)).require_grad();

    let run = run(
        recurrence,
        walk.clone(),
        Inputs {
            projected: projected.clone(),
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
        values(projected.grad(&gradients).unwrap().into_data()),
        values(weight.grad(&gradients).unwrap().into_data()),
        values(input_bias.grad(&gradients).unwrap().into_data()),
        values(recurrent_bias.grad(&gradients).unwrap().into_data()),
        values(initial.grad(&gradients).unwrap().into_data()),
    ];
    (loss.into_data().iter::<f64>().next().unwrap(), found)
}

#[test]
fn the_portable_body_equals_the_cpus() {
    let shape = [6, 5, 19];
    for device in devices() {
        for recurrence in RECURRENCES {
            for walk in walks(6, 5) {
                let values = inputs(recurrence, shape);
                let (expected, gradients) =
                    loss(recurrence, &walk, shape, &values, &device, DType::F64);
                let (found, others) = loss(recurrence, &walk, shape, &values, &device, DType::F32);
                let scale = expected.abs().max(1.0);
                assert!(
                    (found - expected).abs() < 1e-5 * scale,
                    "{found}, not {expected}"
                );
                for (index, (expected, found)) in gradients.iter().zip(&others).enumerate() {
                    let scale = expected.iter().fold(1e-3f64, |max, x| max.max(x.abs()));
                    for (expected, found) in expected.iter().zip(found) {
                        assert!(
                            (expected - found).abs() < 1e-5 * scale,
                            "{device:?} {recurrence:?} {walk:?}: gradient {index}: {found}, not {expected}"
                        );
                    }
                }
            }
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
            let of = |values: &[Vec<f64>; 5]| {
                loss(
                    recurrence,
                    &walk,
                    shape,
                    values,
                    &Device::flex(),
                    DType::F64,
                )
            };
            let (_, gradients) = of(&values);
            for input in 0..5 {
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

//! The filter in tensor operations: its likelihood, its gradient, and what learning by it does.

use backdraft_cells::Lengths;
use backdraft_models::baselines::linear_dynamical::{
    LinearDynamicalModule, LinearDynamicalSystem, LinearDynamics, Matrix, Observations, Structure,
};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Bool, Device, Tensor, TensorData};

use super::{close, observed, system};

use crate::support::{cpus, devices};

/// [`system`], of independent features.
fn independent() -> LinearDynamicalSystem {
    let dynamics = LinearDynamics {
        emission_noise: Matrix::diagonal(&[0.4, 0.6, 0.5]),
        ..system().into()
    };
    LinearDynamicalSystem::new(dynamics).unwrap()
}

/// Sequences of these lengths, as a batch: with NaN where nothing is, and where it is missing.
struct Batch {
    sequences: Vec<Observations>,
    lengths: Lengths,
}

impl Batch {
    fn new(lengths: &[usize]) -> Self {
        let rows = lengths.iter().enumerate();
        let sequence = |(row, steps): (usize, &usize)| {
            let drawn = observed(&independent(), *steps, row as u64);
            // What the device can hold.
            let near = |x: f64| f64::from(x as f32);
            let values = drawn.values.iter();
            let values = values.map(|x| x.iter().map(|x| x.map(near)).collect::<Vec<_>>());
            let controls = drawn.controls.iter().map(|u| vec![near(u[0])]);
            Observations::new(values.collect::<Vec<_>>())
                .with_controls(controls.collect::<Vec<_>>())
        };
        Self {
            sequences: rows.map(sequence).collect(),
            lengths: Lengths::new(lengths),
        }
    }

    fn likelihoods(&self, system: &LinearDynamicalSystem) -> Vec<f64> {
        let of = |sequence| system.log_likelihood(sequence).unwrap().log_likelihood;
        self.sequences.iter().map(of).collect()
    }

    fn on(&self, device: &Device) -> (Tensor<3>, Tensor<3>, Tensor<3, Bool>) {
        let (batch, time) = (self.sequences.len(), self.lengths.max());
        let (mut x, mut u, mut there) = (Vec::new(), Vec::new(), Vec::new());
        for sequence in &self.sequences {
            for t in 0..time {
                for i in 0..3 {
                    let value = sequence.values.get(t).and_then(|x| x[i]);
                    x.push(value.unwrap_or(f64::NAN) as f32);
                    // In the padding it says that all is there.
                    there.push(value.is_some() || t >= sequence.len());
                }
                u.push(sequence.controls.get(t).map_or(f64::NAN, |u| u[0]) as f32);
            }
        }
        (
            Tensor::from_data(TensorData::new(x, [batch, time, 3]), device),
            Tensor::from_data(TensorData::new(u, [batch, time, 1]), device),
            Tensor::from_data(TensorData::new(there, [batch, time, 3]), device),
        )
    }

    fn likelihood_on(&self, module: &LinearDynamicalModule, device: &Device) -> Tensor<1> {
        let (x, u, there) = self.on(device);
        let found = module.log_likelihood(x, Some(u), &self.lengths, Some(there));
        found.unwrap()
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter().collect()
}

#[test]
fn likelihoods_are_those_of_the_host() {
    for device in devices() {
        for lengths in [&[7, 1, 0, 4][..], &[1], &[30]] {
            let batch = Batch::new(lengths);
            let module = independent().module(&device).unwrap();
            let found = values(batch.likelihood_on(&module, &device));
            close(
                &found,
                &batch.likelihoods(&independent()),
                1e-5,
                "likelihood",
            );
        }
    }
}

#[test]
fn without_controls_or_missing_values_neither_need_be_told() {
    for device in devices() {
        let series: Vec<Option<f64>> = (0..40).map(|t| Some(f64::from(t % 5) * 0.5)).collect();
        let system = Structure::local_linear_trend().system(&series).unwrap();
        let sequence = Observations::univariate(series.clone());
        let expected = system.log_likelihood(&sequence).unwrap().log_likelihood;
        let x: Vec<f32> = series.iter().flatten().map(|x| *x as f32).collect();
        let x = Tensor::<3>::from_data(TensorData::new(x, [1, 40, 1]), &device);
        let module = system.module(&device).unwrap();
        let found = module.log_likelihood(x, None, &Lengths::new([40]), None);
        close(&values(found.unwrap()), &[expected], 1e-4, "likelihood");
    }
}

#[test]
fn a_row_may_end_long_before_a_state_that_grows() {
    for device in cpus() {
        let device = device.autodiff();
        let dynamics = LinearDynamics {
            transition: Matrix::diagonal(&[3.0, 2.0]),
            ..independent().into()
        };
        let module = LinearDynamicalSystem::new(dynamics)
            .unwrap()
            .module(&device)
            .unwrap();
        let batch = Batch::new(&[2, 3]);
        let (x, u, there) = batch.on(&device);
        let longer = |rows: Tensor<3>| {
            let [batch, time, features] = rows.dims();
            let nothing = Tensor::zeros([batch, 200 - time, features], &device);
            Tensor::cat(vec![rows, nothing], 1)
        };
        let all = Tensor::<3>::ones([2, 197, 3], &device).greater_elem(0.0);
        let there = Tensor::cat(vec![there, all], 1);
        let padded = (longer(x), longer(u));
        let found = module.log_likelihood(padded.0, Some(padded.1), &batch.lengths, Some(there));
        let found = found.unwrap();
        let expected = batch.likelihood_on(&module, &device);
        close(
            &values(found.clone()),
            &values(expected),
            1e-6,
            "likelihood",
        );
        let slopes = found.sum().backward();
        let slope = values(module.transition.grad(&slopes).unwrap());
        assert!(slope.iter().all(|value| value.is_finite()), "{slope:?}");
    }
}

/// A system of `A`, `B`, `C`, `D`, `L_Q`, `ln R`, `m_1`, `L_P` in a row.
fn told(numbers: &[f64]) -> LinearDynamicalSystem {
    let mut rest = numbers;
    let mut take = |rows: usize, columns: usize| {
        let (these, after) = rest.split_at(rows * columns);
        rest = after;
        Matrix::from_rows(
            these
                .chunks(columns)
                .map(<[f64]>::to_vec)
                .collect::<Vec<_>>(),
        )
        .unwrap()
    };
    let covariance = |l: Matrix| {
        let (a, b, c) = (l[(0, 0)].exp(), l[(1, 0)], l[(1, 1)].exp());
        super::matrix([[a * a, a * b], [a * b, b * b + c * c]])
    };
    LinearDynamicalSystem::new(LinearDynamics {
        transition: take(2, 2),
        control: take(2, 1),
        emission: take(3, 2),
        feedthrough: take(3, 1),
        transition_noise: covariance(take(2, 2)),
        emission_noise: Matrix::diagonal(
            &take(3, 1)
                .values()
                .iter()
                .map(|x| x.exp())
                .collect::<Vec<_>>(),
        ),
        initial_mean: take(2, 1).values().to_vec(),
        initial_covariance: covariance(take(2, 2)),
    })
    .unwrap()
}

#[test]
fn gradients_are_the_differences_of_the_host() {
    let batch = Batch::new(&[6, 1, 9, 0]);
    let weights = [1.0, -0.5, 0.7, 3.0];
    for device in cpus() {
        let device = device.autodiff();
        let module = independent().module(&device).unwrap();
        let numbers = [
            values(module.transition.val()),
            values(module.control.as_ref().unwrap().val()),
            values(module.emission.val()),
            values(module.feedthrough.as_ref().unwrap().val()),
            values(module.transition_noise.val()),
            values(module.emission_noise.val()),
            values(module.initial_mean.val()),
            values(module.initial_covariance.val()),
        ]
        .concat();
        let weighted = |numbers: &[f64]| -> f64 {
            let found = batch.likelihoods(&told(numbers));
            found.iter().zip(weights).map(|(x, w)| x * w).sum()
        };
        let slope = |at: usize| {
            let moved = |by: f64| {
                let mut numbers = numbers.clone();
                numbers[at] += by;
                weighted(&numbers)
            };
            (moved(1e-5) - moved(-1e-5)) / 2e-5
        };
        let expected: Vec<f64> = (0..numbers.len()).map(slope).collect();

        let weights = Tensor::<1>::from_floats(weights.map(|w| w as f32), &device);
        let slopes = (batch.likelihood_on(&module, &device) * weights)
            .sum()
            .backward();
        let found = [
            values(module.transition.grad(&slopes).unwrap()),
            values(module.control.as_ref().unwrap().grad(&slopes).unwrap()),
            values(module.emission.grad(&slopes).unwrap()),
            values(module.feedthrough.as_ref().unwrap().grad(&slopes).unwrap()),
            values(module.transition_noise.grad(&slopes).unwrap()),
            values(module.emission_noise.grad(&slopes).unwrap()),
            values(module.initial_mean.grad(&slopes).unwrap()),
            values(module.initial_covariance.grad(&slopes).unwrap()),
        ]
        .concat();
        close(&found, &expected, 2e-4, "gradient");
        // Above the diagonal nothing is read.
        assert_eq!(expected[16], 0.0);
    }
}

#[test]
fn learning_by_gradient_raises_the_likelihood() {
    for device in cpus() {
        let device = device.autodiff();
        let batch = Batch::new(&[30, 25, 40, 11]);
        let begin = LinearDynamics {
            transition: Matrix::diagonal(&[0.5, 0.4]),
            transition_noise: Matrix::identity(2),
            emission_noise: Matrix::identity(3),
            ..independent().into()
        };
        let begin = LinearDynamicalSystem::new(begin).unwrap();
        let total = |system: &LinearDynamicalSystem| batch.likelihoods(system).iter().sum::<f64>();
        let mut module = begin.module(&device).unwrap();
        let mut optimizer = AdamConfig::new().init();
        for _ in 0..30 {
            let loss = batch.likelihood_on(&module, &device).mean().neg();
            let gradients = GradientsParams::from_grads(loss.backward(), &module);
            module = optimizer.step(0.06, module, gradients);
        }
        // What is learned is a system on the host, too; better than the one that made the data.
        let found = module.system().unwrap();
        let (from, to, truth) = (total(&begin), total(&found), total(&independent()));
        assert!(from < truth - 20.0 && to > truth, "{from} {to} {truth}");
    }
}

#[test]
fn a_system_goes_to_the_device_and_back() {
    for device in devices() {
        let back = independent().module(&device).unwrap().system().unwrap();
        let (back, system) = (back.dynamics(), independent());
        let system = system.dynamics();
        for (found, expected) in [
            (&back.transition, &system.transition),
            (&back.control, &system.control),
            (&back.emission, &system.emission),
            (&back.feedthrough, &system.feedthrough),
            (&back.transition_noise, &system.transition_noise),
            (&back.emission_noise, &system.emission_noise),
            (&back.initial_covariance, &system.initial_covariance),
        ] {
            assert_eq!(found.shape(), expected.shape());
            close(found.values(), expected.values(), 1e-6, "there and back");
        }
        close(&back.initial_mean, &system.initial_mean, 1e-6, "m_1");
    }
}

#[test]
fn what_has_no_such_parameters_or_does_not_fit_is_refused() {
    let device = &cpus()[0];
    assert_eq!(
        system().module(device).unwrap_err().to_string(),
        "LinearDynamicalModule: R: expected diagonal, so that features are independent, \
         found another"
    );
    let seasonal = Structure::local_level().with_season(4);
    let seasonal = seasonal.system(&[Some(1.0), Some(2.0)]).unwrap();
    assert_eq!(
        seasonal.module(device).unwrap_err().to_string(),
        "LinearDynamicalModule: Q: expected positive definite: every state with noise of its own, \
         found one without"
    );
    let module = independent().module(device).unwrap();
    let error = |x: [usize; 3], u: Option<[usize; 3]>, there: [usize; 3], lengths: &[usize]| {
        let x = Tensor::<3>::zeros(x, device);
        let u = u.map(|u| Tensor::zeros(u, device));
        let there = Tensor::<3>::ones(there, device).greater_elem(0.0);
        let lengths = Lengths::new(lengths.to_vec());
        let found = module.log_likelihood(x, u, &lengths, Some(there));
        found.unwrap_err().to_string()
    };
    assert_eq!(
        error([2, 4, 2], Some([2, 4, 1]), [2, 4, 2], &[4, 4]),
        "LinearDynamicalModule: observations [batch, time, features]: \
         expected [at least 1, at least 1, 3], found [2, 4, 2]"
    );
    assert_eq!(
        error([2, 4, 3], None, [2, 4, 3], &[4, 4]),
        "LinearDynamicalModule: controls [batch, time, controls]: \
         expected Some([2, 4, 1]), found None"
    );
    assert_eq!(
        error([2, 4, 3], Some([2, 4, 1]), [2, 4, 1], &[4, 4]),
        "LinearDynamicalModule: observed [batch, time, features]: \
         expected [2, 4, 3], found [2, 4, 1]"
    );
    assert_eq!(
        error([2, 4, 3], Some([2, 4, 1]), [2, 4, 3], &[4]),
        "LinearDynamicalModule: lengths, one for each row of the batch: expected 2, found 1"
    );
}

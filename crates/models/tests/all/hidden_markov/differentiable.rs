//! The model in tensors, on every compiled backend, against the one on the host.

use backdraft_cells::Lengths;
use backdraft_models::baselines::hidden_markov::{
    Categorical, CategoricalLogits, Covariances, DifferentiableHmm, GaussianParameters, Hmm,
};
use burn::module::Param;
use burn::tensor::{Bool, Device, Gradients, Int, Tensor, TensorData};

use super::assert_close;
use super::models::{FEATURES, categorical, gaussian, sequences, thinned};

use crate::support::{cpus, devices};

const LENGTHS: [usize; 4] = [9, 1, 0, 5];
const TIME: usize = 9;

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter().collect()
}

/// Symbols, some of which are missing.
pub fn symbols() -> Vec<Vec<Option<u32>>> {
    let mut rows = sequences(&categorical(2), &LENGTHS);
    rows[0][3] = None;
    rows[3][0] = None;
    rows
}

/// With what is no symbol where there is none.
pub fn symbol_tensors(device: &Device) -> (Tensor<2, Int>, Option<Tensor<2, Bool>>, Lengths) {
    let at = |row: &[Option<u32>], t: usize| row.get(t).copied().flatten();
    let rows = symbols();
    let all: Vec<Option<u32>> = rows
        .iter()
        .flat_map(|row| (0..TIME).map(move |t| at(row, t)))
        .collect();
    let shape = [LENGTHS.len(), TIME];
    let symbols: Vec<i32> = all.iter().map(|x| x.map_or(-7, |x| x as i32)).collect();
    let observed: Vec<bool> = all.iter().map(Option::is_some).collect();
    (
        Tensor::from_data(TensorData::new(symbols, shape), device),
        Some(Tensor::from_data(TensorData::new(observed, shape), device)),
        Lengths::new(LENGTHS),
    )
}

pub fn numbers() -> Vec<Vec<Vec<Option<f64>>>> {
    let mut rows = sequences(&gaussian(2, false), &LENGTHS);
    rows.iter_mut().for_each(|row| thinned(row, 0.2, 3));
    rows
}

/// With what is no number where there is none.
pub fn number_tensors(device: &Device) -> (Tensor<3>, Option<Tensor<3, Bool>>, Lengths) {
    let mut all = Vec::new();
    for row in numbers() {
        let mut row = row.concat();
        row.resize(TIME * FEATURES, None);
        all.extend(row);
    }
    let shape = [LENGTHS.len(), TIME, FEATURES];
    let numbers: Vec<f32> = all
        .iter()
        .map(|x| x.map_or(f32::NAN, |x| x as f32))
        .collect();
    let observed: Vec<bool> = all.iter().map(Option::is_some).collect();
    (
        Tensor::from_data(TensorData::new(numbers, shape), device),
        Some(Tensor::from_data(TensorData::new(observed, shape), device)),
        Lengths::new(LENGTHS),
    )
}

#[test]
fn rows_are_as_likely_as_on_the_host() {
    for device in devices() {
        let model = categorical(1);
        let tensors = DifferentiableHmm::<CategoricalLogits>::from_host(&model, &device);
        let (symbols_, observed, lengths) = symbol_tensors(&device);
        let found = tensors
            .log_likelihood(symbols_, observed, &lengths)
            .unwrap();
        let expected = symbols();
        let expected = expected
            .iter()
            .map(|row| model.log_likelihood(row).unwrap());
        assert_close(
            &values(found),
            &expected.collect::<Vec<_>>(),
            1e-5,
            "symbols",
        );
        let back = tensors.to_host().unwrap();
        assert_close(back.start(), model.start(), 1e-6, "pi");
        let [a, b] = [&back, &model].map(|model| model.transitions().concat());
        assert_close(&a, &b, 1e-6, "A");
        let [a, b] = [&back, &model].map(|model| model.emission().probabilities().concat());
        assert_close(&a, &b, 1e-6, "B");

        let model = gaussian(1, false);
        let tensors = DifferentiableHmm::<GaussianParameters>::from_host(&model, &device).unwrap();
        let (numbers_, observed, lengths) = number_tensors(&device);
        let found = tensors
            .log_likelihood(numbers_, observed, &lengths)
            .unwrap();
        let expected = numbers();
        let expected = expected
            .iter()
            .map(|row| model.log_likelihood(row).unwrap());
        assert_close(
            &values(found),
            &expected.collect::<Vec<_>>(),
            1e-5,
            "numbers",
        );
        let back = tensors.to_host().unwrap();
        let [a, b] = [&back, &model].map(|model| {
            let Covariances::Diagonal(variances) = model.emission().covariances() else {
                panic!("diagonal covariances were asked for");
            };
            [model.emission().means().concat(), variances.concat()].concat()
        });
        assert_close(&a, &b, 1e-6, "mu and sigma^2");
    }
}

/// What no path can have emitted is finite in tensors, and its gradient is.
#[test]
fn zeros_stay_finite() {
    let emission = Categorical::new(vec![vec![1.0, 0.0], vec![0.0, 1.0]]).unwrap();
    let transitions = vec![vec![0.5, 0.5], vec![0.0, 1.0]];
    let model = Hmm::new(vec![1.0, 0.0], transitions, emission).unwrap();
    for device in cpus() {
        let device = device.autodiff();
        let tensors = DifferentiableHmm::<CategoricalLogits>::from_host(&model, &device);
        let symbols = Tensor::from_data([[0, 0, 1], [1, 0, 0]], &device);
        let found = tensors
            .log_likelihood(symbols, None, &Lengths::new([3, 3]))
            .unwrap();
        let gradients = found.clone().sum().backward();
        let found = values(found);
        assert_close(&found[..1], &[0.25f64.ln()], 1e-6, "possible");
        assert!(found[1] < -90.0 && found[1].is_finite());
        for gradient in [
            values(tensors.start.grad(&gradients).unwrap()),
            values(tensors.transitions.grad(&gradients).unwrap()),
            values(tensors.emission.logits.grad(&gradients).unwrap()),
        ] {
            assert!(gradient.iter().all(|x| x.is_finite()), "{gradient:?}");
        }
        let back = tensors.to_host().unwrap();
        assert!(back.transitions()[1][0] < 1e-40);
    }
}

/// Of these values, in f32.
pub fn parameter<const D: usize>(
    values: &[f64],
    shape: [usize; D],
    device: &Device,
) -> Param<Tensor<D>> {
    let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
}

/// A step up the gradient.
fn ascended<const D: usize>(
    parameter_: &Param<Tensor<D>>,
    gradients: &Gradients,
    device: &Device,
) -> Param<Tensor<D>> {
    let slopes = values(parameter_.grad(gradients).unwrap());
    let moved = values(parameter_.val()).into_iter().zip(slopes);
    let moved: Vec<f64> = moved.map(|(value, slope)| value + 0.1 * slope).collect();
    parameter(&moved, parameter_.dims(), device)
}

#[test]
fn training_by_gradient_makes_rows_likelier() {
    for device in cpus() {
        let device = device.autodiff();
        let begun = categorical(40);
        let mut tensors = DifferentiableHmm::<CategoricalLogits>::from_host(&begun, &device);
        let likelihood = |model: &Hmm<Categorical>| -> f64 {
            let of = |row: &Vec<Option<u32>>| model.log_likelihood(row).unwrap();
            symbols().iter().map(of).sum()
        };
        for _ in 0..60 {
            let (symbols, observed, lengths) = symbol_tensors(&device);
            let found = tensors.log_likelihood(symbols, observed, &lengths).unwrap();
            let gradients = found.sum().backward();
            let DifferentiableHmm {
                start,
                transitions,
                emission,
            } = &tensors;
            tensors = DifferentiableHmm {
                start: ascended(start, &gradients, &device),
                transitions: ascended(transitions, &gradients, &device),
                emission: CategoricalLogits {
                    logits: ascended(&emission.logits, &gradients, &device),
                },
            };
        }
        let ended = tensors.to_host().unwrap();
        let (before, after) = (likelihood(&begun), likelihood(&ended));
        assert!(after > before + 1.0, "{after} after {before}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let device = &cpus()[0];
    let tensors = DifferentiableHmm::<CategoricalLogits>::from_host(&categorical(1), device);
    let error = |shape: [usize; 2], observed: Option<[usize; 2]>, lengths: &[usize]| {
        let observed = observed.map(|shape| Tensor::<2, Int>::ones(shape, device).bool());
        let symbols = Tensor::zeros(shape, device);
        let found = tensors.log_likelihood(symbols, observed, &Lengths::new(lengths.to_vec()));
        found.unwrap_err().to_string()
    };
    assert_eq!(
        error([2, 3], Some([2, 4]), &[1, 2]),
        "Hmm: shape of what is observed: expected [2, 3], found [2, 4]"
    );
    assert!(error([2, 3], None, &[1]).starts_with("Hmm: lengths, one for each row"));
    assert!(error([0, 3], None, &[]).starts_with("Hmm: shape of the observations"));
    let full = DifferentiableHmm::<GaussianParameters>::from_host(&gaussian(1, true), device);
    assert_eq!(
        full.unwrap_err().to_string(),
        "Hmm: covariances: expected diagonal ones, found full ones"
    );
    let model = gaussian(1, false);
    let tensors = DifferentiableHmm::<GaussianParameters>::from_host(&model, device).unwrap();
    let found = tensors.log_likelihood(Tensor::zeros([1, 2, 5], device), None, &Lengths::new([2]));
    assert_eq!(
        found.unwrap_err().to_string(),
        "Hmm: features of a step: expected 3, found 5"
    );
}

//! Gradients of the model in tensors, against differences and expected counts on the host.

use backdraft_models::baselines::hidden_markov::{
    Categorical, CategoricalLogits, Covariances, DifferentiableHmm, Gaussian, GaussianParameters,
    Hmm,
};
use burn::tensor::Tensor;

use super::assert_close;
use super::differentiable::{number_tensors, numbers, parameter, symbol_tensors, symbols, values};
use super::models::{FEATURES, STATES, SYMBOLS};

use crate::support::cpus;

const WEIGHTS: [f64; 4] = [1.0, -0.5, 2.0, 3.0];

fn softmax(logits: &[f64], size: usize) -> Vec<Vec<f64>> {
    let row = |row: &[f64]| {
        let sum: f64 = row.iter().map(|x| x.exp()).sum();
        row.iter().map(|x| x.exp() / sum).collect()
    };
    logits.chunks(size).map(row).collect()
}

/// Central differences of `f` by each of its arguments.
fn differences(at: &[f64], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let moved = |index: usize, by: f64| {
        let mut at = at.to_vec();
        at[index] += by;
        f(&at)
    };
    let slope = |index| (moved(index, 1e-5) - moved(index, -1e-5)) / 2e-5;
    (0..at.len()).map(slope).collect()
}

/// Scores in f32, drawn, as f64.
fn drawn(count: usize, seed: usize) -> Vec<f64> {
    let one = |i: usize| f64::from((((i + seed) as f64 * 12.9898).sin() * 1.5) as f32);
    (0..count).map(one).collect()
}

/// Of the scores of pi and A, then two kinds of the emissions' parameters.
const SIZES: [usize; 2] = [STATES, STATES * STATES];

#[test]
fn gradients_are_finite_differences_and_expected_counts() {
    let all = drawn(STATES + STATES * STATES + STATES * SYMBOLS, 1);
    let host = |all: &[f64]| -> Hmm<Categorical> {
        let (start, rest) = all.split_at(SIZES[0]);
        let (transitions, logits) = rest.split_at(SIZES[1]);
        let emission = Categorical::new(softmax(logits, SYMBOLS)).unwrap();
        Hmm::new(
            softmax(start, STATES).concat(),
            softmax(transitions, STATES),
            emission,
        )
        .unwrap()
    };
    let rows = symbols();
    let weighted = |all: &[f64]| -> f64 {
        let model = host(all);
        let rows = rows.iter().zip(WEIGHTS);
        rows.map(|(row, weight)| weight * model.log_likelihood(row).unwrap())
            .sum()
    };
    let by_difference = differences(&all, weighted);

    // Fisher's identity.
    let model = host(&all);
    let mut start = vec![0.0; STATES];
    let mut transitions = vec![vec![0.0; STATES]; STATES];
    let mut emitted = vec![vec![0.0; SYMBOLS]; STATES];
    let add = |sums: &mut [f64], weight: f64, counts: &[f64]| {
        sums.iter_mut()
            .zip(counts)
            .for_each(|(sum, count)| *sum += weight * count);
    };
    for (row, weight) in rows.iter().zip(WEIGHTS) {
        let found = model.posteriors(row).unwrap();
        if let Some(first) = found.states.first() {
            add(&mut start, weight, first);
        }
        for (sums, pairs) in transitions.iter_mut().zip(&found.transitions) {
            add(sums, weight, pairs);
        }
        for (gamma, symbol) in found.states.iter().zip(row) {
            for (sums, gamma) in emitted.iter_mut().zip(gamma) {
                if let Some(symbol) = symbol {
                    sums[*symbol as usize] += weight * gamma;
                }
            }
        }
    }
    let less = |counts: Vec<f64>, row: &[f64]| -> Vec<f64> {
        let sum: f64 = counts.iter().sum();
        counts
            .iter()
            .zip(row)
            .map(|(count, p)| count - p * sum)
            .collect()
    };
    let mut by_counts = less(start, model.start());
    for (counts, row) in transitions.into_iter().zip(model.transitions()) {
        by_counts.extend(less(counts, row));
    }
    for (counts, row) in emitted.into_iter().zip(model.emission().probabilities()) {
        by_counts.extend(less(counts, row));
    }
    assert_close(
        &by_counts,
        &by_difference,
        1e-8,
        "counts against differences",
    );

    for device in cpus() {
        let device = device.autodiff();
        let (start, rest) = all.split_at(SIZES[0]);
        let (transitions, logits) = rest.split_at(SIZES[1]);
        let tensors = DifferentiableHmm {
            start: parameter(start, [STATES], &device),
            transitions: parameter(transitions, [STATES, STATES], &device),
            emission: CategoricalLogits {
                logits: parameter(logits, [STATES, SYMBOLS], &device),
            },
        };
        let (symbols, observed, lengths) = symbol_tensors(&device);
        let found = tensors.log_likelihood(symbols, observed, &lengths).unwrap();
        let weights = Tensor::<1>::from_data(WEIGHTS.map(|weight| weight as f32), &device);
        let gradients = (found * weights).sum().backward();
        let found = [
            values(tensors.start.grad(&gradients).unwrap()),
            values(tensors.transitions.grad(&gradients).unwrap()),
            values(tensors.emission.logits.grad(&gradients).unwrap()),
        ];
        assert_close(&found.concat(), &by_counts, 1e-5, "gradients");
    }
}

#[test]
fn gradients_of_numbers_are_finite_differences() {
    let size = STATES * FEATURES;
    let all = drawn(STATES + STATES * STATES + 2 * size, 5);
    let split = |all: &[f64]| -> [Vec<f64>; 4] {
        let (start, rest) = all.split_at(SIZES[0]);
        let (transitions, rest) = rest.split_at(SIZES[1]);
        let (means, deviations) = rest.split_at(size);
        [start, transitions, means, deviations].map(<[f64]>::to_vec)
    };
    let rows = numbers();
    // Through f32, as in tensors.
    let rounded = |x: &Option<f64>| x.map(|x| f64::from(x as f32));
    let rounded = |row: &Vec<Vec<Option<f64>>>| -> Vec<Vec<Option<f64>>> {
        row.iter()
            .map(|step| step.iter().map(rounded).collect())
            .collect()
    };
    let rows: Vec<_> = rows.iter().map(rounded).collect();
    let weighted = |all: &[f64]| -> f64 {
        let [start, transitions, means, deviations] = split(all);
        let rows_of = |x: &[f64]| x.chunks(FEATURES).map(<[f64]>::to_vec).collect();
        let variances: Vec<f64> = deviations.iter().map(|r| (2.0 * r).exp()).collect();
        let covariances = Covariances::Diagonal(rows_of(&variances));
        let emission = Gaussian::new(rows_of(&means), covariances).unwrap();
        let start = softmax(&start, STATES).concat();
        let model = Hmm::new(start, softmax(&transitions, STATES), emission).unwrap();
        let rows = rows.iter().zip(WEIGHTS);
        rows.map(|(row, weight)| weight * model.log_likelihood(row).unwrap())
            .sum()
    };
    let expected = differences(&all, weighted);
    for device in cpus() {
        let device = device.autodiff();
        let [start, transitions, means, deviations] = split(&all);
        let tensors = DifferentiableHmm {
            start: parameter(&start, [STATES], &device),
            transitions: parameter(&transitions, [STATES, STATES], &device),
            emission: GaussianParameters {
                means: parameter(&means, [STATES, FEATURES], &device),
                log_deviations: parameter(&deviations, [STATES, FEATURES], &device),
            },
        };
        let (numbers, observed, lengths) = number_tensors(&device);
        let found = tensors.log_likelihood(numbers, observed, &lengths).unwrap();
        let weights = Tensor::<1>::from_data(WEIGHTS.map(|weight| weight as f32), &device);
        let gradients = (found * weights).sum().backward();
        let found = [
            values(tensors.start.grad(&gradients).unwrap()),
            values(tensors.transitions.grad(&gradients).unwrap()),
            values(tensors.emission.means.grad(&gradients).unwrap()),
            values(tensors.emission.log_deviations.grad(&gradients).unwrap()),
        ];
        assert_close(&found.concat(), &expected, 5e-5, "gradients");
    }
}

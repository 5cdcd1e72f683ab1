//! Small models and data.

use backdraft_models::baselines::hidden_markov::{Categorical, Covariances, Gaussian, Hmm};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub const STATES: usize = 3;
pub const SYMBOLS: usize = 4;
pub const FEATURES: usize = 3;

pub fn row(size: usize, random: &mut StdRng) -> Vec<f64> {
    let weights: Vec<f64> = (0..size).map(|_| random.random_range(0.1..1.0)).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

fn rows([height, width]: [usize; 2], random: &mut StdRng) -> Vec<Vec<f64>> {
    (0..height).map(|_| row(width, random)).collect()
}

pub fn categorical(seed: u64) -> Hmm<Categorical> {
    let mut random = StdRng::seed_from_u64(seed);
    let emission = Categorical::new(rows([STATES, SYMBOLS], &mut random)).unwrap();
    let start = row(STATES, &mut random);
    Hmm::new(start, rows([STATES, STATES], &mut random), emission).unwrap()
}

pub fn gaussian(seed: u64, is_full: bool) -> Hmm<Gaussian> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut numbers = |from: f64, to: f64| -> Vec<f64> {
        (0..FEATURES)
            .map(|_| random.random_range(from..to))
            .collect()
    };
    let means = (0..STATES).map(|_| numbers(-3.0, 3.0)).collect();
    let covariances = match is_full {
        false => Covariances::Diagonal((0..STATES).map(|_| numbers(0.3, 2.0)).collect()),
        true => Covariances::Full(
            (0..STATES)
                .map(|_| {
                    let factor: Vec<Vec<f64>> = (0..FEATURES).map(|_| numbers(-1.0, 1.0)).collect();
                    let at = |i: usize, j: usize| {
                        let product = factor[i].iter().zip(&factor[j]).map(|(a, b)| a * b);
                        product.sum::<f64>() + if i == j { 0.4 } else { 0.0 }
                    };
                    let row = |i| (0..FEATURES).map(|j| at(i, j)).collect();
                    (0..FEATURES).map(row).collect()
                })
                .collect(),
        ),
    };
    let emission = Gaussian::new(means, covariances).unwrap();
    let start = row(STATES, &mut random);
    Hmm::new(start, rows([STATES, STATES], &mut random), emission).unwrap()
}

/// Sequences drawn of a model, each as long as said.
pub fn sequences<E: backdraft_models::baselines::hidden_markov::Emission>(
    model: &Hmm<E>,
    lengths: &[usize],
) -> Vec<Vec<E::Observation>> {
    let drawn = lengths.iter().zip(100..);
    drawn
        .map(|(length, seed)| model.sample(*length, seed).1)
        .collect()
}

/// Takes away each number with the probability `part`.
pub fn thinned(series: &mut [Vec<Option<f64>>], part: f64, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    for x in series.iter_mut().flatten() {
        if random.random_bool(part) {
            *x = None;
        }
    }
}

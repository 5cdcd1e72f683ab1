//! What is learned of data by Baum-Welch.

use backdraft_models::baselines::hidden_markov::{
    BaumWelch, CategoricalConfig, Covariance, Covariances, Emission, Gaussian, GaussianConfig, Hmm,
    HmmConfig,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::assert_close;
use super::enumeration::determinant;
use super::models::{FEATURES, STATES, SYMBOLS, categorical, gaussian, sequences, thinned};

const LENGTHS: [usize; 5] = [60, 1, 0, 25, 40];

#[track_caller]
pub fn assert_rises(history: &BaumWelch, steps: usize) {
    let values = &history.log_likelihoods;
    assert!(values.len() >= steps, "{} steps", values.len());
    for pair in values.windows(2) {
        let least = pair[0] - 1e-9 * pair[0].abs();
        assert!(pair[1] >= least, "{} after {}", pair[1], pair[0]);
    }
    assert!(values.last() > values.first());
}

fn likelihood<E: Emission>(model: &Hmm<E>, sequences: &[Vec<E::Observation>]) -> f64 {
    let of = |sequence: &Vec<E::Observation>| model.log_likelihood(sequence).unwrap();
    sequences.iter().map(of).sum()
}

#[test]
fn symbols_grow_likelier_with_each_step_and_the_history_is_of_them() {
    let mut data = sequences(&categorical(1), &LENGTHS);
    for step in data[0].iter_mut().step_by(3) {
        *step = None;
    }
    for floor in [0.0, 1e-6, 0.05] {
        let config = HmmConfig::categorical(STATES, SYMBOLS)
            .with_emission(CategoricalConfig::new(SYMBOLS).with_floor(floor))
            .with_transition_floor(floor)
            .with_seed(7);
        let (model, history) = config.fit(&data).unwrap();
        assert_rises(&history, 5);
        let begun = likelihood(&config.init(&data).unwrap(), &data);
        let ended = likelihood(&model, &data);
        let ends = [
            history.log_likelihoods[0],
            *history.log_likelihoods.last().unwrap(),
        ];
        assert_close(&ends, &[begun, ended], 1e-12, "history");
        let rows = [&[model.start().to_vec()][..], model.transitions()].concat();
        for row in [&rows[..], model.emission().probabilities()].concat() {
            assert_close(&[row.iter().sum()], &[1.0], 1e-12, "sum");
            assert!(row.iter().all(|p| *p >= floor), "{row:?}");
        }
        assert_eq!(model.parameters(), 2 + 6 + 9);
    }
}

#[test]
fn a_high_floor_leaves_the_likeliest_probabilities_above_it() {
    // One state: the likeliest are known. 80, 15, 4 and 1 of 100, none below 0.1.
    let counts = [80, 15, 4, 1];
    let symbols = counts
        .iter()
        .zip(0..)
        .flat_map(|(n, symbol)| vec![Some(symbol); *n]);
    let config = HmmConfig::categorical(1, 4);
    let config = config.with_emission(CategoricalConfig::new(4).with_floor(0.1));
    let (model, _) = config.fit(&[symbols.collect()]).unwrap();
    let left = 0.8 / 95.0;
    let expected = [80.0 * left, 15.0 * left, 0.1, 0.1];
    assert_close(&model.emission().probabilities()[0], &expected, 1e-12, "B");
}

#[test]
fn numbers_grow_likelier_with_each_step_whatever_is_missing() {
    for is_full in [false, true] {
        let covariance = if is_full {
            Covariance::Full
        } else {
            Covariance::Diagonal
        };
        let mut data = sequences(&gaussian(2, is_full), &LENGTHS);
        for part in [0.0, 0.3] {
            data.iter_mut().for_each(|series| thinned(series, part, 5));
            for floor in [0.0, 1e-3, 0.3] {
                let config = HmmConfig::gaussian(STATES, FEATURES).with_emission(
                    GaussianConfig::new(FEATURES)
                        .with_covariance(covariance)
                        .with_floor(floor),
                );
                let (model, history) = config.with_seed(3).fit(&data).unwrap();
                assert_rises(&history, 5);
                let ended = [*history.log_likelihoods.last().unwrap()];
                assert_close(&ended, &[likelihood(&model, &data)], 1e-12, "history");
                let covariances = if is_full { 6 } else { 3 };
                assert_eq!(model.parameters(), 2 + 6 + 3 * (3 + covariances));
            }
        }
    }
}

/// Where it ends nothing is gained by any change: by finite differences of the likelihood.
#[test]
fn the_end_is_a_maximum_though_features_are_missing() {
    for is_full in [false, true] {
        let covariance = if is_full {
            Covariance::Full
        } else {
            Covariance::Diagonal
        };
        let mut data = sequences(&gaussian(2, is_full), &[80, 60]);
        data.iter_mut().for_each(|series| thinned(series, 0.3, 5));
        let config = HmmConfig::gaussian(2, FEATURES)
            .with_emission(
                GaussianConfig::new(FEATURES)
                    .with_covariance(covariance)
                    .with_floor(0.0),
            )
            .with_tolerance(0.0)
            .with_iterations(3000);
        let (model, _) = config.fit(&data).unwrap();
        let moved = |change: &dyn Fn(&mut Vec<Vec<f64>>, &mut Covariances)| {
            let mut means = model.emission().means().to_vec();
            let mut covariances = model.emission().covariances().clone();
            change(&mut means, &mut covariances);
            let emission = Gaussian::new(means, covariances).unwrap();
            let (start, transitions) = (model.start().to_vec(), model.transitions().to_vec());
            likelihood(&Hmm::new(start, transitions, emission).unwrap(), &data)
        };
        let mut slopes = Vec::new();
        let step = 1e-4;
        for state in 0..2 {
            for i in 0..FEATURES {
                let mean = |by: f64| moved(&|means, _| means[state][i] += by);
                slopes.push((mean(step) - mean(-step)) / (2.0 * step));
                for j in 0..=i {
                    let entry = |by: f64| {
                        moved(&|_, covariances| match covariances {
                            Covariances::Diagonal(variances) => variances[state][i] += by,
                            Covariances::Full(matrices) => {
                                matrices[state][i][j] += by;
                                matrices[state][j][i] = matrices[state][i][j];
                            }
                        })
                    };
                    slopes.push((entry(step) - entry(-step)) / (2.0 * step));
                }
            }
        }
        let worst = slopes
            .iter()
            .fold(0.0, |worst: f64, slope| worst.max(slope.abs()));
        // Of 140 steps; away from the maximum they are in the tens.
        assert!(worst < 1e-2, "full: {is_full}, slope {worst}");
        let away = moved(&|means, _| means[0][0] += 0.5);
        assert!(away < likelihood(&model, &data) - 1.0);
    }
}

#[test]
fn states_that_lie_apart_are_found() {
    let means = vec![vec![-4.0, 100.0], vec![0.0, 106.0], vec![5.0, 95.0]];
    let variances = vec![vec![0.5, 1.0], vec![1.0, 0.5], vec![0.25, 2.0]];
    let emission = Gaussian::new(means.clone(), Covariances::Diagonal(variances.clone())).unwrap();
    let transitions = vec![
        vec![0.8, 0.1, 0.1],
        vec![0.3, 0.6, 0.1],
        vec![0.05, 0.05, 0.9],
    ];
    let truth = Hmm::new(vec![0.3, 0.3, 0.4], transitions.clone(), emission).unwrap();
    let data = sequences(&truth, &[4000, 3000]);
    let (model, history) = HmmConfig::gaussian(3, 2).with_seed(1).fit(&data).unwrap();
    assert!(history.has_converged);
    let mut order = [0, 1, 2];
    let means_of = |state: usize| &model.emission().means()[state];
    order.sort_by(|a, b| means_of(*a)[0].total_cmp(&means_of(*b)[0]));
    let Covariances::Diagonal(found) = model.emission().covariances() else {
        panic!("diagonal covariances were asked for");
    };
    for (state, at) in order.into_iter().enumerate() {
        for d in 0..2 {
            assert!((means_of(at)[d] - means[state][d]).abs() < 0.15);
            assert!((found[at][d] / variances[state][d] - 1.0).abs() < 0.15);
        }
        for (j, to) in order.into_iter().enumerate() {
            assert!((model.transitions()[at][to] - transitions[state][j]).abs() < 0.04);
        }
    }
}

/// Of one state the likeliest covariance is known without a floor; with one, all others that keep it
/// are less likely.
#[test]
fn a_floor_of_full_covariances_leaves_the_likeliest_above_it() {
    let series = sequences(&gaussian(12, true), &[200]);
    let config = GaussianConfig::new(FEATURES).with_covariance(Covariance::Full);
    let fit = |floor: f64| {
        let config = HmmConfig::new(1, config.clone().with_floor(floor));
        config.fit(&series).unwrap().0
    };
    let free = fit(0.0).emission().covariances().matrix(0);
    let model = fit(0.5);
    let found = model.emission().covariances().matrix(0);
    let floor: Vec<f64> = (0..FEATURES).map(|d| 0.5 * free[d][d]).collect();
    // In the direction in which it was raised, it is the floor itself.
    let mut rest = found.clone();
    (0..FEATURES).for_each(|d| rest[d][d] -= floor[d]);
    let size = rest[0][0] * rest[1][1] * rest[2][2];
    assert!(determinant(&rest).abs() < 1e-9 * size, "{rest:?}");
    assert_ne!(found, free);

    let best = likelihood(&model, &series);
    let mut random = StdRng::seed_from_u64(4);
    for part in [0.001, 0.01, 0.1, 1.0].repeat(50) {
        let factor: Vec<f64> = (0..9).map(|_| random.random_range(-1.5..1.5)).collect();
        let other = |i: usize, j: usize| {
            let product: f64 = (0..3).map(|k| factor[3 * i + k] * factor[3 * j + k]).sum();
            product + if i == j { floor[i] } else { 0.0 }
        };
        let at = |i: usize, j: usize| (1.0 - part) * found[i][j] + part * other(i, j);
        let row = |i: usize| (0..FEATURES).map(|j| at(i, j)).collect();
        let covariances = Covariances::Full(vec![(0..FEATURES).map(row).collect()]);
        let means = model.emission().means().to_vec();
        let emission = Gaussian::new(means, covariances).unwrap();
        let other = Hmm::new(vec![1.0], vec![vec![1.0]], emission).unwrap();
        assert!(likelihood(&other, &series) < best);
    }
}

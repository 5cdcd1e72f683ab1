//! What is drawn of a model.

use super::assert_close;
use super::models::{FEATURES, STATES, SYMBOLS, categorical, gaussian};

#[test]
fn what_is_drawn_is_as_often_as_it_is_likely() {
    let model = categorical(4);
    let (states, symbols) = model.sample(200_000, 9);
    assert_eq!(model.sample(50, 9).0, states[..50]);
    assert_ne!(model.sample(50, 10).0, states[..50]);
    let mut emitted = vec![vec![0.0; SYMBOLS]; STATES];
    let mut passed = vec![vec![0.0; STATES]; STATES];
    for (state, symbol) in states.iter().zip(&symbols) {
        emitted[*state][symbol.unwrap() as usize] += 1.0;
    }
    for pair in states.windows(2) {
        passed[pair[0]][pair[1]] += 1.0;
    }
    let rate = |rows: Vec<Vec<f64>>| -> Vec<f64> {
        let of = |row: Vec<f64>| {
            let sum: f64 = row.iter().sum();
            row.into_iter().map(move |count| count / sum)
        };
        rows.into_iter().flat_map(of).collect()
    };
    assert_close(
        &rate(emitted),
        &model.emission().probabilities().concat(),
        0.01,
        "B",
    );
    assert_close(&rate(passed), &model.transitions().concat(), 0.01, "A");
    let mut begun = vec![0.0; STATES];
    (0..20_000).for_each(|seed| begun[model.sample(1, seed).0[0]] += 1.0 / 20_000.0);
    assert_close(&begun, model.start(), 0.015, "pi");

    for is_full in [false, true] {
        let model = gaussian(6, is_full);
        let (states, series) = model.sample(100_000, 2);
        for state in 0..STATES {
            let here = states.iter().zip(&series).filter(|(s, _)| **s == state);
            let here: Vec<Vec<f64>> = here
                .map(|(_, x)| x.iter().flatten().copied().collect())
                .collect();
            let mean = |f: &dyn Fn(&[f64]) -> f64| {
                here.iter().map(|x| f(x)).sum::<f64>() / here.len() as f64
            };
            let mu = &model.emission().means()[state];
            let covariance = model.emission().covariances().matrix(state);
            for i in 0..FEATURES {
                assert_close(&[mean(&|x| x[i])], &[mu[i]], 0.03, "mean");
                for j in 0..FEATURES {
                    let found = mean(&|x| (x[i] - mu[i]) * (x[j] - mu[j]));
                    assert_close(&[found], &[covariance[i][j]], 0.05, "covariance");
                }
            }
        }
    }
}

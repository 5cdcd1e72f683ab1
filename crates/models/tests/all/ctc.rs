//! The sum over all paths, and what is decoded, against every path there is and against PyTorch.

mod against_pytorch;
mod decoding;
mod fusion;
mod impossible;
mod loss;

use std::collections::BTreeMap;

use backdraft_models::steps_needed;

/// Scores of `steps` steps, row by row different.
fn scores(row: usize, steps: usize, symbols: usize) -> Vec<f64> {
    let all = 0..steps * symbols;
    all.map(|at| 1.5 * ((row * 29 + at * 13) as f64).sin())
        .collect()
}

fn log_softmax_of(scores: &[f64], symbols: usize) -> Vec<f64> {
    let of = |step: &[f64]| {
        let total: f64 = step.iter().map(|score| score.exp()).sum();
        step.iter()
            .map(|score| score - total.ln())
            .collect::<Vec<_>>()
    };
    scores.chunks(symbols).flat_map(of).collect()
}

/// What each path reads as, and the sum of the probabilities of all that read the same.
fn every_reading(log_p: &[f64], symbols: usize) -> BTreeMap<Vec<u32>, f64> {
    let steps = log_p.len() / symbols;
    let mut readings = BTreeMap::new();
    for number in 0..symbols.pow(steps as u32) {
        let path: Vec<usize> = (0..steps as u32)
            .map(|t| number / symbols.pow(t) % symbols)
            .collect();
        let p: f64 = path
            .iter()
            .enumerate()
            .map(|(t, k)| log_p[t * symbols + k])
            .sum();
        let mut read: Vec<u32> = path.iter().map(|&k| k as u32).collect();
        read.dedup();
        read.retain(|&symbol| symbol != 0);
        *readings.entry(read).or_insert(0.0) += p.exp();
    }
    readings
}

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() < tolerance,
        "{found} against {expected}"
    );
}

#[test]
fn a_blank_must_stand_between_two_labels_that_are_the_same() {
    assert_eq!(steps_needed(&[1, 2, 1]), 3);
    assert_eq!(steps_needed(&[1, 1, 2, 2]), 6);
    assert_eq!(steps_needed(&[]), 0);
}

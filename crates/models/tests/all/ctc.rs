//! The sum over all paths, and what is decoded, against every path there is.

use std::collections::BTreeMap;

use backdraft_cells::Lengths;
use backdraft_models::{CtcDecoding, ctc_loss, steps_needed};
use burn::tensor::{Device, Tensor, TensorData, activation::log_softmax};

use crate::support::{cpus, devices};

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

fn nats(scores: &[f64], symbols: usize, target: &[u32]) -> f64 {
    let log_p = log_softmax_of(scores, symbols);
    -every_reading(&log_p, symbols)[target].ln()
}

fn targets() -> Vec<Vec<u32>> {
    vec![
        vec![1, 2],
        vec![2, 2],
        vec![1],
        vec![],
        vec![1, 2, 1],
        vec![2, 1, 1, 2],
    ]
}

const STEPS: [usize; 6] = [5, 3, 1, 4, 4, 5];

/// A batch of the rows, with NaN in the padding.
fn batch(symbols: usize, device: &Device) -> (Tensor<3>, Lengths) {
    let time = 6;
    let rows = STEPS.iter().enumerate().flat_map(|(row, &steps)| {
        let mut all: Vec<f32> = scores(row, steps, symbols)
            .iter()
            .map(|&s| s as f32)
            .collect();
        all.resize(time * symbols, f32::NAN);
        all
    });
    let data = TensorData::new(rows.collect::<Vec<_>>(), [STEPS.len(), time, symbols]);
    (Tensor::from_data(data, device), Lengths::new(STEPS))
}

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() < tolerance,
        "{found} against {expected}"
    );
}

#[test]
fn the_loss_and_its_gradient_are_those_of_all_paths() {
    let symbols = 3;
    for device in devices() {
        let device = device.autodiff();
        let (scores_of, lengths) = batch(symbols, &device);
        let scores_of = scores_of.require_grad();
        let log_p = log_softmax(lengths.clear_padding(scores_of.clone()), 2);
        let loss = ctc_loss(log_p, &lengths, &targets()).unwrap();
        let found: Vec<f64> = loss.to_data().iter().collect();
        // Each row with a factor of its own, so that none can stand in for another.
        let factors = Tensor::<1>::from_data([1.0, 2.0, 3.0, -1.0, 0.5, 4.0], &device);
        let gradients = (loss * factors).sum().backward();
        let gradient: Vec<f64> = scores_of
            .grad(&gradients)
            .unwrap()
            .to_data()
            .iter()
            .collect();

        for (row, (target, factor)) in targets()
            .iter()
            .zip([1.0, 2.0, 3.0, -1.0, 0.5, 4.0])
            .enumerate()
        {
            let scores = scores(row, STEPS[row], symbols);
            close(found[row], nats(&scores, symbols, target), 1e-5);
            for at in 0..6 * symbols {
                let found = gradient[row * 6 * symbols + at];
                if at >= scores.len() {
                    assert_eq!(found, 0.0, "padding has no gradient");
                    continue;
                }
                let moved = |by: f64| {
                    let mut scores = scores.clone();
                    scores[at] += by;
                    nats(&scores, symbols, target)
                };
                let expected = factor * (moved(1e-5) - moved(-1e-5)) / 2e-5;
                close(found, expected, 1e-5);
            }
        }
    }
}

#[test]
fn unlikely_labels_of_many_steps_stay_finite() {
    for device in cpus() {
        let device = device.autodiff();
        // 300 steps that are sure of the blank, and 40 labels.
        let steps = (0..300).flat_map(|_| [60.0_f32, 0.0, 0.0]);
        let data = TensorData::new(steps.collect::<Vec<_>>(), [1, 300, 3]);
        let scores = Tensor::<3>::from_data(data, &device).require_grad();
        let target: Vec<u32> = (0..40).map(|at| 1 + at % 2).collect();
        let log_p = log_softmax(scores.clone(), 2);
        let loss = ctc_loss(log_p, &Lengths::new([300]), &[target]).unwrap();
        let nats: f64 = loss.to_data().iter().next().unwrap();
        // At least the 40 labels at e^-60 each, less than all ways to place them: 300 over 40.
        assert!((2200.0..2400.0).contains(&nats), "{nats}");
        let gradient = scores.grad(&loss.sum().backward()).unwrap();
        let gradient: Vec<f64> = gradient.to_data().iter().collect();
        assert!(gradient.iter().all(|value| value.is_finite()));
        let total: f64 = gradient.iter().skip(1).step_by(3).sum();
        close(total, -20.0, 1e-3);
    }
}

#[test]
fn a_wide_beam_finds_the_likeliest_labels_and_greedy_the_likeliest_path() {
    let symbols = 3;
    let mut differ = 0;
    for row in 0..30 {
        let log_p = log_softmax_of(&scores(row, 5, symbols), symbols);
        let readings = every_reading(&log_p, symbols);
        let best = readings
            .iter()
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .unwrap()
            .0;
        let beam = CtcDecoding::Beam { width: 1000 }
            .labels(&log_p, symbols)
            .unwrap();
        assert_eq!(&beam, best);

        let mut path: Vec<usize> = log_p
            .chunks(symbols)
            .map(|p| (0..symbols).max_by(|a, b| p[*a].total_cmp(&p[*b])).unwrap())
            .collect();
        path.dedup();
        path.retain(|&symbol| symbol != 0);
        let greedy = CtcDecoding::Greedy.labels(&log_p, symbols).unwrap();
        assert_eq!(greedy, path.iter().map(|&k| k as u32).collect::<Vec<_>>());
        differ += usize::from(greedy != beam);

        let narrow = CtcDecoding::Beam { width: 1 }
            .labels(&log_p, symbols)
            .unwrap();
        assert!(readings.contains_key(&narrow));
    }
    assert!(differ > 0, "some row tells the two apart");

    // No path is likelier than the one without labels, but more paths read as 1.
    let log_p = [0.6_f64, 0.4, 0.6, 0.4].map(f64::ln);
    assert_eq!(CtcDecoding::Greedy.labels(&log_p, 2).unwrap(), [0; 0]);
    assert_eq!(
        CtcDecoding::Beam { width: 2 }.labels(&log_p, 2).unwrap(),
        [1]
    );
}

#[test]
fn a_blank_must_stand_between_two_labels_that_are_the_same() {
    assert_eq!(steps_needed(&[1, 2, 1]), 3);
    assert_eq!(steps_needed(&[1, 1, 2, 2]), 6);
    assert_eq!(steps_needed(&[]), 0);
}

#[test]
fn what_does_not_fit_is_refused() {
    let device = &cpus()[0];
    let refused = |steps: [usize; 2], targets: &[Vec<u32>]| {
        let log_p = Tensor::<3>::zeros([2, 4, 3], device);
        let loss = ctc_loss(log_p, &Lengths::new(steps), targets);
        loss.unwrap_err().to_string()
    };
    assert_eq!(
        refused([4, 2], &[vec![1], vec![2, 2]]),
        "CTC: steps of row 1: expected at least 3, as its 2 labels need, found 2"
    );
    assert_eq!(
        refused([4, 4], &[vec![1], vec![0]]),
        "CTC: label of row 1: expected at least 1 and below 3, found 0"
    );
    assert!(refused([4, 4], &[vec![3], vec![1]]).contains("label of row 0"));
    assert!(refused([4, 5], &[vec![1], vec![1]]).contains("length of row 1"));
    assert_eq!(
        refused([4, 4], &[vec![1]]),
        "CTC: number of targets: expected 2, one for each row of the batch, found 1"
    );
    let nothing = CtcDecoding::Beam { width: 0 }.labels(&[0.0], 1);
    assert!(
        nothing
            .unwrap_err()
            .to_string()
            .contains("width of the beam")
    );
    assert!(CtcDecoding::Greedy.labels(&[0.0; 3], 2).is_err());
}

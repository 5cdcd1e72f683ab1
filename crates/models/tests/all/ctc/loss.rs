//! The loss and its gradient against the sum over every path.

use backdraft_cells::Lengths;
use backdraft_models::ctc_loss;
use burn::tensor::{Device, Tensor, TensorData, activation::log_softmax};

use super::{close, every_reading, log_softmax_of, scores};
use crate::support::{cpus, devices};

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
fn symbols_that_are_as_likely_share_the_gradient() {
    let (steps, symbols, target) = (4, 3, [1, 2, 2]);
    let log_p = vec![-(3.0_f64.ln()); steps * symbols];
    for target in [&target[..], &[1, 2], &[2], &[]] {
        let nats = |log_p: &[f64]| -every_reading(log_p, symbols)[target].ln();
        for device in cpus() {
            let device = device.autodiff();
            let leaf = Tensor::<3>::full([1, steps, symbols], -(3.0_f32.ln()), &device);
            let leaf = leaf.require_grad();
            let loss = ctc_loss(leaf.clone(), &Lengths::new([steps]), &[target.to_vec()]).unwrap();
            close(loss.to_data().iter().next().unwrap(), nats(&log_p), 1e-5);
            let gradient = leaf.grad(&loss.sum().backward()).unwrap().to_data();
            for (at, found) in gradient.iter::<f64>().enumerate() {
                let moved = |by: f64| {
                    let mut log_p = log_p.clone();
                    log_p[at] += by;
                    nats(&log_p)
                };
                close(found, (moved(1e-5) - moved(-1e-5)) / 2e-5, 1e-5);
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
fn what_does_not_fit_is_refused() {
    let device = &cpus()[0];
    let refused = |steps: [usize; 2], targets: &[Vec<u32>]| {
        let log_p = Tensor::<3>::zeros([2, 4, 3], device);
        let loss = ctc_loss(log_p, &Lengths::new(steps), targets);
        loss.unwrap_err().to_string()
    };
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
}

//! Labels that are impossible: in too few steps, or of symbols that have no probability.

use backdraft_cells::Lengths;
use backdraft_models::{CtcLoss, ctc_loss};
use burn::tensor::{Device, Tensor, TensorData, activation::log_softmax};

use super::{close, every_reading, log_softmax_of, scores};
use crate::support::{cpus, devices};

fn leaf(values: &[f64], shape: [usize; 3], device: &Device) -> Tensor<3> {
    let values = values.iter().map(|&value| value as f32).collect::<Vec<_>>();
    Tensor::<3>::from_data(TensorData::new(values, shape), device).require_grad()
}

fn floats<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter().collect()
}

/// Losses, and the gradient of their sum by the scores whose softmax the probabilities are.
fn of_scores(
    scores: &[f64],
    shape: [usize; 3],
    (lengths, targets): (&[usize], &[Vec<u32>]),
    loss: CtcLoss,
    device: &Device,
) -> (Vec<f64>, Vec<f64>) {
    let leaf = leaf(scores, shape, device);
    let log_p = log_softmax(leaf.clone(), 2);
    let losses = loss
        .forward(log_p, &Lengths::new(lengths), targets)
        .unwrap();
    let gradient = leaf.grad(&losses.clone().sum().backward()).unwrap();
    (floats(&losses), floats(&gradient))
}

#[test]
fn nothing_said_is_as_likely_as_its_blanks() {
    for device in devices() {
        let log_p = Tensor::<3>::full([1, 3, 2], 0.5_f32.ln(), &device);
        let loss = ctc_loss(log_p, &Lengths::new([3]), &[vec![]]).unwrap();
        close(floats(&loss)[0], 3.0 * 2.0_f64.ln(), 1e-6);
        close(floats(&loss)[0], 2.0794415, 1e-6);
        // No step has no label for certain, and none else.
        let log_p = Tensor::<3>::full([2, 3, 2], 0.5_f32.ln(), &device);
        let loss = ctc_loss(log_p, &Lengths::new([0, 0]), &[vec![], vec![1]]).unwrap();
        assert_eq!(floats(&loss), [0.0, f64::INFINITY]);
    }
}

#[test]
fn labels_in_too_few_steps_have_no_part_in_the_gradient() {
    let symbols = 3;
    let all: Vec<f64> = (0..3).flat_map(|row| scores(row, 4, symbols)).collect();
    let row = |at: usize| &all[at * 4 * symbols..(at + 1) * 4 * symbols];
    let (lengths, targets) = ([4, 2, 3], [vec![1, 2], vec![1, 1], vec![2]]);
    for device in devices() {
        let device = device.autodiff();
        let of = |loss| of_scores(&all, [3, 4, symbols], (&lengths, &targets), loss, &device);
        let (infinite, gradient) = of(CtcLoss::new());
        let (zeroed, same) = of(CtcLoss::new().with_zero_infinity(true));
        assert_eq!(infinite[1], f64::INFINITY);
        assert_eq!(zeroed, [infinite[0], 0.0, infinite[2]]);
        assert_eq!(gradient, same);
        assert!(gradient[4 * symbols..8 * symbols].iter().all(|g| *g == 0.0));
        for at in [0, 2] {
            let given = (&lengths[at..=at], &targets[at..=at]);
            let (alone, its) = of_scores(row(at), [1, 4, symbols], given, CtcLoss::new(), &device);
            assert_eq!(alone[0], infinite[at]);
            assert_eq!(its, gradient[at * 4 * symbols..(at + 1) * 4 * symbols]);
            assert!(its.iter().any(|g| *g != 0.0));
        }
    }
}

#[test]
fn symbols_without_probability_make_no_nan() {
    let (steps, symbols) = (4, 3);
    let targets = [
        vec![1, 2],
        vec![1, 1],
        vec![2],
        vec![],
        vec![2, 1, 2],
        vec![1],
    ];
    let mut impossible = 0;
    for pattern in 0..40_u64 {
        // Up to all symbols of a step are impossible.
        let log_p: Vec<f64> = (0..targets.len())
            .flat_map(|row| log_softmax_of(&scores(row, steps, symbols), symbols))
            .zip(0_u64..)
            .map(|(log_p, at)| {
                let drawn = (at + 1) * (pattern + 3) * 2654435761 % 1000;
                if drawn < 25 * pattern {
                    f64::NEG_INFINITY
                } else {
                    log_p
                }
            })
            .collect();
        let shape = [targets.len(), steps, symbols];
        for device in cpus() {
            let device = device.autodiff();
            let leaf = leaf(&log_p, shape, &device);
            let lengths = Lengths::new([steps; 6]);
            let losses = ctc_loss(leaf.clone(), &lengths, &targets).unwrap();
            let gradient = floats(&leaf.grad(&losses.clone().sum().backward()).unwrap());
            let losses = floats(&losses);
            for (row, target) in targets.iter().enumerate() {
                let places = row * steps * symbols..(row + 1) * steps * symbols;
                let (log_p, gradient) = (&log_p[places.clone()], &gradient[places]);
                let nats = |log_p: &[f64]| -every_reading(log_p, symbols)[target].ln();
                let expected = nats(log_p);
                if expected == f64::INFINITY {
                    impossible += 1;
                    assert_eq!(losses[row], f64::INFINITY);
                    assert!(gradient.iter().all(|g| *g == 0.0), "{gradient:?}");
                    continue;
                }
                close(losses[row], expected, 1e-5);
                for at in 0..log_p.len() {
                    if log_p[at] == f64::NEG_INFINITY {
                        assert_eq!(gradient[at], 0.0);
                        continue;
                    }
                    let moved = |by: f64| {
                        let mut log_p = log_p.to_vec();
                        log_p[at] += by;
                        nats(&log_p)
                    };
                    close(gradient[at], (moved(1e-5) - moved(-1e-5)) / 2e-5, 1e-5);
                }
            }
        }
    }
    assert!(impossible > 20 && impossible < 1000, "{impossible}");
}

#[test]
fn scores_of_minus_infinity_have_a_gradient_of_zero() {
    // Symbol 2 is masked: what is left is a row of two symbols.
    let masked = |at: usize, score: f64| {
        if at % 3 == 2 {
            f64::NEG_INFINITY
        } else {
            score
        }
    };
    let all: Vec<f64> = (0..)
        .zip(scores(0, 5, 3))
        .map(|(at, s)| masked(at, s))
        .collect();
    let left: Vec<f64> = all
        .iter()
        .copied()
        .filter(|score| score.is_finite())
        .collect();
    for device in cpus() {
        let device = device.autodiff();
        let of = |scores: &[f64], symbols, target: &[u32]| {
            let given = (&[5][..], &[target.to_vec()][..]);
            of_scores(scores, [1, 5, symbols], given, CtcLoss::new(), &device)
        };
        let (loss, gradient) = of(&all, 3, &[1, 1]);
        let (expected, of_left) = of(&left, 2, &[1, 1]);
        close(loss[0], expected[0], 1e-6);
        for (at, g) in gradient.iter().enumerate() {
            let expected = if at % 3 == 2 {
                0.0
            } else {
                of_left[at / 3 * 2 + at % 3]
            };
            close(*g, expected, 1e-6);
        }
        let (loss, gradient) = of(&all, 3, &[2]);
        assert_eq!(loss, [f64::INFINITY]);
        assert_eq!(gradient, [0.0; 15]);
    }
}

#[test]
fn what_is_no_number_stays_in_its_row() {
    let device = &cpus()[0];
    let mut log_p = [scores(0, 3, 3), scores(1, 3, 3)].concat();
    log_p[3] = f64::NAN;
    let device = device.clone().autodiff();
    let leaf = leaf(&log_p, [2, 3, 3], &device);
    let losses = ctc_loss(leaf.clone(), &Lengths::new([3, 3]), &[vec![1], vec![1]]).unwrap();
    let gradient = floats(&leaf.grad(&losses.clone().sum().backward()).unwrap());
    let losses = floats(&losses);
    assert!(losses[0].is_nan() && losses[1].is_finite());
    assert!(gradient[..9].iter().any(|g| g.is_nan()));
    assert!(gradient[9..].iter().all(|g| g.is_finite()));
}

//! Cross-entropies against the same equation on tensors, values and gradients.

use backdraft_kernels::{Path, cross_entropy, cross_entropy_path};
use burn::tensor::activation::log_softmax;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::numbers::{Numbers, devices, values};

fn plain(scores: Tensor<2>, targets: Tensor<1, Int>, label_smoothing: f64) -> Tensor<1> {
    let log_p = log_softmax(scores, 1);
    let all = -log_p.clone().mean_dim(1).squeeze_dim::<1>(1);
    let nats = -log_p
        .gather(1, targets.unsqueeze_dim(1))
        .squeeze_dim::<1>(1);
    nats * (1.0 - label_smoothing) + all * label_smoothing
}

fn targets(positions: usize, vocabulary: usize, device: &Device) -> Tensor<1, Int> {
    let targets: Vec<i32> = (0..positions)
        .map(|position| (position * 13 % vocabulary) as i32)
        .collect();
    Tensor::from_data(TensorData::new(targets, [positions]), device)
}

fn close<const D: usize>(what: &str, ours: Tensor<D>, plain: Tensor<D>) {
    assert_eq!(ours.dims(), plain.dims(), "{what}");
    let (ours, plain) = (values(ours), values(plain));
    let largest = plain.iter().fold(1e-2f32, |max, x| max.max(x.abs()));
    for (index, (a, b)) in ours.iter().zip(&plain).enumerate() {
        let error = (a - b).abs();
        assert!(error <= 1e-6 * largest, "{what}[{index}]: {a}, not {b}");
    }
}

#[test]
fn nats_and_gradients_are_those_of_the_equation() {
    for device in devices().into_iter().map(Device::autodiff) {
        for ([positions, vocabulary], scale) in [
            ([1, 1], 1.0),
            ([3, 2], 4.0),
            ([7, 17], 2.0),
            ([5, 64], 0.1),
            ([40, 3001], 5.0),
            ([3000, 3], 1.0),
        ] {
            let mut numbers = Numbers::new((positions + vocabulary) as u64);
            let scores = numbers.tensor(scale, [positions, vocabulary], &device);
            let weight = numbers.tensor(1.0, [positions], &device).detach();
            let targets = targets(positions, vocabulary, &device);
            for smoothing in [0.0, 0.1, 0.7] {
                let [ours, plain] = [cross_entropy, plain].map(|nats| {
                    let nats = nats(scores.clone(), targets.clone(), smoothing);
                    let gradients = (nats.clone() * weight.clone()).sum().backward();
                    (nats, scores.grad(&gradients).unwrap())
                });
                close("nats", ours.0, plain.0);
                close("d scores", ours.1, plain.1);
            }
        }
    }
}

/// Far apart, all alike, and symbols that cannot come.
#[test]
fn extreme_scores() {
    let (inf, far) = (f32::INFINITY, 1e30);
    let rows = [
        [far, -far, 0.0],
        [far; 3],
        [-far; 3],
        [0.0, -inf, 0.0],
        [90.0, 0.0, -90.0],
    ];
    for device in devices().into_iter().map(Device::autodiff) {
        let scores = Tensor::<2>::from_floats(rows, &device).require_grad();
        let targets = Tensor::<1, Int>::from_ints([0, 1, 2, 2, 1], &device);
        let nats = cross_entropy(scores.clone(), targets, 0.0);
        let third = 3f32.ln();
        let expected = [0.0, third, third, 2f32.ln(), 90.0];
        close("nats", nats.clone(), Tensor::from_floats(expected, &device));
        let gradient = scores.grad(&nats.sum().backward()).unwrap();
        let (t, h) = (1.0 / 3.0, 0.5);
        let expected = [
            [0.0, 0.0, 0.0],
            [t, t - 1.0, t],
            [t, t, t - 1.0],
            [h, 0.0, -h],
            [1.0, -1.0, 0.0],
        ];
        close("gradient", gradient, Tensor::from_floats(expected, &device));
    }
}

/// What is no number stays none, in its row and in no other.
#[test]
fn what_is_no_number_stays_none() {
    for device in devices() {
        for place in 0..20 {
            let mut rows = vec![0.5f32; 40];
            rows[20 + place] = f32::NAN;
            let scores = Tensor::<2>::from_data(TensorData::new(rows, [2, 20]), &device);
            let nats = values(cross_entropy(scores, targets(2, 20, &device), 0.0));
            assert!((nats[0] - 20f32.ln()).abs() < 1e-6, "{nats:?}");
            assert!(nats[1].is_nan(), "{place}: {nats:?}");
        }
    }
}

#[test]
fn views_are_read_as_they_are() {
    for device in devices().into_iter().map(Device::autodiff) {
        let scores = Numbers::new(2).tensor(1.0, [9, 6], &device).swap_dims(0, 1);
        let targets = targets(6, 9, &device);
        let ours = cross_entropy(scores.clone(), targets.clone(), 0.1);
        close("nats", ours, plain(scores, targets, 0.1));
    }
}

#[test]
fn doubles_have_no_kernel() {
    for device in devices() {
        assert!(matches!(
            cross_entropy_path(&device, DType::F32),
            Path::Kernel(_)
        ));
        assert!(matches!(
            cross_entropy_path(&device, DType::F64),
            Path::Unrolled(_)
        ));
    }
}

#[test]
#[should_panic(expected = "target 4 of a vocabulary of 4")]
fn a_target_beyond_the_vocabulary_panics() {
    let device = devices().remove(0);
    let targets = Tensor::<1, Int>::from_ints([4], &device);
    cross_entropy(Tensor::zeros([1, 4], &device), targets, 0.0);
}

#[test]
#[should_panic(expected = "a label smoothing of 1")]
fn a_target_that_counts_nothing_panics() {
    let device = devices().remove(0);
    cross_entropy(Tensor::zeros([1, 4], &device), targets(1, 4, &device), 1.0);
}

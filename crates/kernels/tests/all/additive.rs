//! Additive scores against the same equation on tensors, values and gradients.

use backdraft_kernels::{Path, additive_path, additive_scores};
use burn::tensor::{DType, Device, Tensor};

use crate::numbers::{Numbers, devices, values};

/// `u_ts = sum_a v_a tanh(q_ta + k_sa)`, on tensors.
fn plain(queries: Tensor<3>, keys: Tensor<3>, fit: Tensor<1>) -> Tensor<3> {
    let units = (queries.unsqueeze_dim::<4>(2) + keys.unsqueeze_dim::<4>(1)).tanh();
    (units * fit.unsqueeze::<4>()).sum_dim(3).squeeze_dim(3)
}

fn close(what: &str, ours: Tensor<3>, plain: Tensor<3>) {
    let (ours, plain) = (values(ours), values(plain));
    assert_eq!(ours.len(), plain.len(), "{what}");
    let largest = plain.iter().fold(1e-2f32, |max, x| max.max(x.abs()));
    for (index, (a, b)) in ours.iter().zip(&plain).enumerate() {
        let error = (a - b).abs();
        assert!(error <= 1e-5 * largest, "{what}[{index}]: {a}, not {b}");
    }
}

/// Scores and gradients of sizes `[batch, queries, steps, units]`, both ways.
fn check(device: &Device, [batch, count, steps, units]: [usize; 4], scale: f32) {
    let mut numbers = Numbers::new((batch * 31 + count * 17 + steps * 7 + units) as u64);
    let queries = numbers.tensor(scale, [batch, count, units], device);
    let keys = numbers.tensor(scale, [batch, steps, units], device);
    let fit = numbers.tensor(1.0, [units], device);
    let weight = numbers.tensor(1.0, [batch, count, steps], device).detach();
    let both = [additive_scores, plain].map(|scores| {
        let scores = scores(queries.clone(), keys.clone(), fit.clone());
        let gradients = (scores.clone() * weight.clone()).sum().backward();
        let fit = fit.grad(&gradients).expect("of the weights");
        [
            scores,
            queries.grad(&gradients).expect("of the queries"),
            keys.grad(&gradients).expect("of the keys"),
            fit.unsqueeze(),
        ]
    });
    let [ours, plain] = both;
    let names = ["scores", "d queries", "d keys", "d fit"];
    for ((name, ours), plain) in names.into_iter().zip(ours).zip(plain) {
        close(
            &format!("{name} of {batch}x{count}x{steps}x{units}"),
            ours,
            plain,
        );
    }
}

#[test]
fn scores_and_gradients_are_those_of_the_equation() {
    for device in devices().into_iter().map(Device::autodiff) {
        for sizes in [
            [1, 1, 1, 1],
            [2, 1, 7, 5],
            [1, 3, 4, 16],
            [3, 5, 6, 17],
            [5, 2, 9, 33],
            [2, 20, 13, 100],
            [1, 1, 3000, 3],
            [1, 2000, 2, 2],
        ] {
            check(&device, sizes, 1.5);
        }
    }
}

/// Units that are far on one side give 1 or -1, and no gradient to what they read.
#[test]
fn large_numbers_saturate() {
    for device in devices().into_iter().map(Device::autodiff) {
        check(&device, [2, 3, 4, 19], 200.0);
        let mut numbers = Numbers::new(1);
        let keys = numbers.tensor(1.0, [1, 2, 3], &device);
        let queries = Tensor::<3>::full([1, 1, 3], 1e30, &device);
        let scores = additive_scores(queries, keys.clone(), Tensor::ones([3], &device));
        assert_eq!(values(scores.clone()), [3.0, 3.0]);
        let gradients = scores.sum().backward();
        assert_eq!(values(keys.grad(&gradients).unwrap()), [0.0; 6]);
    }
}

/// Tensors whose numbers lie in another order in memory.
#[test]
fn views_are_read_as_they_are() {
    for device in devices().into_iter().map(Device::autodiff) {
        let mut numbers = Numbers::new(2);
        let queries = numbers.tensor(1.0, [6, 3, 9], &device).swap_dims(0, 1);
        let keys = numbers.tensor(1.0, [3, 9, 8], &device).swap_dims(1, 2);
        let keys = keys.slice_dim(1, 2..7);
        let fit = numbers.tensor(1.0, [9], &device);
        let ours = additive_scores(queries.clone(), keys.clone(), fit.clone());
        close("scores", ours, plain(queries, keys, fit));
    }
}

/// What is not asked for is not a parent; what is, has its gradient.
#[test]
fn one_gradient_alone() {
    for device in devices().into_iter().map(Device::autodiff) {
        let mut numbers = Numbers::new(3);
        let queries = numbers.tensor(1.0, [2, 3, 4], &device).detach();
        let keys = numbers.tensor(1.0, [2, 5, 4], &device).detach();
        let fit = numbers.tensor(1.0, [4], &device);
        let both = [additive_scores, plain].map(|scores| {
            let scores = scores(queries.clone(), keys.clone(), fit.clone());
            fit.grad(&scores.sum().backward()).unwrap().unsqueeze()
        });
        let [ours, plain] = both;
        close("d fit", ours, plain);
    }
}

#[test]
fn doubles_have_no_kernel() {
    for device in devices() {
        assert!(matches!(
            additive_path(&device, DType::F32),
            Path::Kernel(_)
        ));
        assert!(matches!(
            additive_path(&device, DType::F64),
            Path::Unrolled(_)
        ));
    }
}

#[test]
#[should_panic(expected = "units of the keys")]
fn other_units_panic() {
    let device = devices().remove(0);
    let queries = Tensor::zeros([2, 3, 4], &device);
    additive_scores(
        queries,
        Tensor::zeros([2, 3, 5], &device),
        Tensor::zeros([4], &device),
    );
}

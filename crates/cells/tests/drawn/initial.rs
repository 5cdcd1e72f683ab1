//! What new weights start at: how they are spread.

use backdraft_cells::prelude::*;
use burn::tensor::Tensor;

use crate::support::{alone, backends, values};

/// PyTorch's default for every parameter of a recurrent layer: uniform within 1/sqrt(H).
#[test]
fn new_weights_are_drawn_as_pytorchs() {
    let _alone = alone();
    for backend in backends() {
        backend.device.seed(1);
        let lstm = LstmConfig::new(40, 64).init(&backend.device).unwrap();
        let tensors: [Tensor<1>; 4] = [
            lstm.gates.input_weight.val().flatten(0, 1),
            lstm.gates.recurrent_weight.val().flatten(0, 1),
            lstm.gates.input_bias.as_ref().unwrap().val(),
            lstm.gates.recurrent_bias.as_ref().unwrap().val(),
        ];
        for tensor in tensors {
            let values = values(&tensor);
            let bound = 0.125;
            assert!(
                values.iter().all(|value| value.abs() <= bound),
                "{}",
                backend.name
            );
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64;
            assert!(mean.abs() < 0.02, "{}: mean {mean}", backend.name);
            let uniform = bound * bound / 3.0;
            assert!(
                (variance / uniform - 1.0).abs() < 0.15,
                "{}: {variance}",
                backend.name
            );
        }
    }
}

#[test]
fn an_lru_starts_on_its_ring() {
    let _alone = alone();
    for backend in &backends() {
        backend.device.seed(1);
        let config = LruConfig::new(20, 8, 500)
            .with_min_radius(0.8)
            .with_max_radius(0.9)
            .with_max_phase(0.5);
        let lru = config.init(&backend.device).unwrap();
        let (nu, theta) = (values(&lru.nu.val()), values(&lru.theta.val()));
        let gamma = values(&lru.gamma.val());
        let radii: Vec<f64> = nu.iter().map(|nu| (-nu.exp()).exp()).collect();
        assert!(
            radii.iter().all(|r| (0.7999..0.9001).contains(r)),
            "{}",
            backend.name
        );
        // Uniform in the square: half of them beyond sqrt(0.725).
        let outer = radii.iter().filter(|r| **r > 0.725f64.sqrt()).count();
        assert!((200..300).contains(&outer), "{}: {outer}", backend.name);
        assert!(
            theta.iter().all(|theta| theta.exp() < 0.5001),
            "{}",
            backend.name
        );
        for (radius, gamma) in radii.iter().zip(gamma) {
            let norm = (1.0 - radius * radius).sqrt();
            assert!((gamma.exp() - norm).abs() < 1e-4, "{}", backend.name);
        }
        // The edges, too, give numbers.
        let whole = LruConfig::new(2, 2, 1000).init(&backend.device).unwrap();
        let nu = values(&whole.nu.val());
        assert!(nu.iter().all(|nu| nu.is_finite()), "{}", backend.name);
    }
}

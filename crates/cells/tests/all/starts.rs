//! The values that weights start from.

use backdraft_cells::Memory;
use backdraft_cells::prelude::*;
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use crate::support::{self, values};

fn device() -> Device {
    support::backends()[0].device.clone()
}

/// PyTorch's bound is that of the units, also for what is projected.
#[test]
fn a_projection_starts_as_pytorchs() {
    let config = LstmConfig::new(3, 64).with_proj_size(Some(2));
    let lstm = config.with_peepholes(true).init(&device()).unwrap();
    assert_eq!(lstm.output_size(), 2);
    assert_eq!(lstm.gates.recurrent_weight.dims(), [256, 2]);
    for weight in [
        lstm.gates.recurrent_weight.val(),
        lstm.projection.unwrap().val(),
        lstm.peepholes.unwrap().val(),
    ] {
        let largest = values(&weight).iter().fold(0.0f64, |a, b| a.max(b.abs()));
        assert!((0.11..=0.125).contains(&largest), "{largest}");
    }
}

/// Uniform between 0 and the bound, as in the paper.
#[test]
fn an_independent_unit_starts_within_its_bound() {
    let config = IndRnnConfig::new(3, 500).with_steps(4);
    let bound = 2f64.powf(0.25);
    assert_eq!(config.bound, Some(bound));
    let weight = values(&config.init(&device()).unwrap().recurrent_weight.val());
    assert!(weight.iter().all(|u| (0.0..=bound + 1e-6).contains(u)));
    let mean = weight.iter().sum::<f64>() / 500.0;
    assert!((mean / bound - 0.5).abs() < 0.06, "{mean}");
}

/// Burn's own orthogonal initialiser panics on a bias.
#[test]
fn an_orthogonal_start_is_for_weights_alone() {
    let device = device();
    let orthogonal = Initialization::from(Initializer::Orthogonal { gain: 1.0 });
    let gates = GatesConfig::new().with_bias_initialization(orthogonal.clone());
    let error = LstmConfig::new(3, 4)
        .with_gates(gates)
        .init(&device)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Lstm: bias initialization: expected one that is defined for a vector, \
         found Orthogonal { gain: 1.0 }"
    );

    let gates = GatesConfig::new().with_recurrent_initialization(orthogonal);
    let lstm = LstmConfig::new(3, 4)
        .with_gates(gates)
        .init(&device)
        .unwrap();
    for gate in lstm.gates.recurrent_weight.val().chunk(4, 0) {
        let product = gate.clone().matmul(gate.transpose());
        let identity = Tensor::<2>::eye(4, &device);
        support::assert_close("each gate", &values(&product), &values(&identity), 1e-5);
    }
}

#[test]
fn each_kind_of_weight_has_its_own_initialiser() {
    let device = device();
    let gates = GatesConfig::new()
        .with_input_initialization(Initializer::Constant { value: 2.0 }.into())
        .with_recurrent_initialization(Initialization::Identity { gain: 0.5 })
        .with_bias_initialization(Initializer::Zeros.into());
    let config = LstmConfig::new(3, 2)
        .with_gates(gates)
        .with_memory(Memory::ForgetBias(1.0));
    let gates = config.init(&device).unwrap().gates;
    assert_eq!(values(&gates.input_weight.val()), [2.0; 24]);
    assert_eq!(
        values(&gates.recurrent_weight.val())[..4],
        [0.5, 0.0, 0.0, 0.5]
    );
    let forget = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    assert_eq!(values(&gates.input_bias.unwrap().val()), forget);
    assert_eq!(values(&gates.recurrent_bias.unwrap().val()), [0.0; 8]);

    let identity =
        GatesConfig::new().with_input_initialization(Initialization::Identity { gain: 1.0 });
    assert!(
        LstmConfig::new(3, 2)
            .with_gates(identity)
            .init(&device)
            .is_err()
    );
}

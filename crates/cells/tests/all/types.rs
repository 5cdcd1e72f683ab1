//! Each cell that is written as equations, in f32 and in the types of half the size, against f64.

use backdraft_cells::prelude::*;
use backdraft_cells::{Cell, Layer};
use burn::module::{Flag, Module, ModuleMapper, Param};
use burn::tensor::DType;

use crate::support::{self, Backend, assert_close, backends, values};

/// Types and how far rounding may carry them over a few steps: some tens of their epsilons.
const TYPES: [(DType, f64); 3] = [(DType::F32, 1e-5), (DType::F16, 3e-2), (DType::BF16, 2e-1)];

/// Outputs, and the gradients of all weights, one after the other.
fn run<K: SequenceConfig<Built: Cell>>(backend: &Backend, dtype: DType, cell: &K) -> Vec<f64> {
    let backend = Backend {
        dtype,
        device: backend.device.clone(),
        ..*backend
    };
    let config = RecurrentConfig::new(cell.clone());
    let layer = config.init(&backend.autodiff()).unwrap();
    // Weights as small as real ones, and no random masks.
    let layer = backend.fill(layer, 7).map(&mut support::Scale(0.5));
    let layer = layer.map(&mut Still);
    let input = backend.random::<3>(1, [2, 4, 3]);
    let run = layer.forward(input).unwrap();
    assert_eq!(run.outputs.dtype(), dtype, "{}", layer.describe());
    let mut found = values(&run.outputs);
    let gradients = run.outputs.sum().backward();
    found.extend(support::gradients(&layer, &gradients).concat());
    found
}

/// Draws no masks.
struct Still;

impl ModuleMapper for Still {
    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        flag.with_value(false)
    }
}

fn check<K: SequenceConfig<Built: Cell>>(cell: K) {
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        let expected = run(backend, DType::F64, &cell);
        for (dtype, tolerance) in TYPES {
            let found = run(backend, dtype, &cell);
            assert_close(
                &format!("{cell:?} in {dtype:?}"),
                &found,
                &expected,
                tolerance,
            );
        }
    }
}

#[test]
fn every_cell_computes_in_every_type() {
    let lstm = LstmConfig::new(3, 4)
        .with_peepholes(true)
        .with_coupled(true)
        .with_proj_size(Some(2))
        .with_cell_clip(Some(5.0))
        .with_gate_clip(Some(5.0));
    check(lstm.clone());
    check(ZoneoutConfig::new(lstm, 0.25, 0.5));
    check(GruConfig::new(3, 4).with_reset(Reset::BeforeProduct));
    check(GruConfig::new(3, 4).with_reset(Reset::None));
    check(HighOrderElmanConfig::new(3, 4, 2));
    check(ElmanJordanConfig::new(3, 4, 2));
    check(IndRnnConfig::new(3, 4).with_steps(4));
    check(JanetConfig::new(3, 4));
    check(MguConfig::new(3, 4));
    check(FourGateLstmConfig::new(3, 4));
    check(LayerNormLstmConfig::new(3, 4).with_epsilon(0.1));
    check(LayerNormGruConfig::new(3, 4).with_epsilon(0.1));
    check(SLstmConfig::new(3, 4).with_heads(2));
    for activation in [
        Activation::ThresholdedRelu { alpha: 0.3 },
        Activation::Elu { alpha: 0.5 },
        Activation::Softsign,
        Activation::Softplus,
    ] {
        check(ElmanConfig::new(3, 4).with_activation(activation));
    }
}

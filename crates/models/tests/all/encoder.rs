//! Layers that are chosen when the program runs: those that they hold, and a state that goes on.

use backdraft_cells::prelude::*;
use backdraft_models::{Encoder, EncoderConfig};
use burn::module::{Module, ModuleMapper, Param};
use burn::store::ModuleRecord;
use burn::tensor::{Device, Tensor, TensorData, Tolerance};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Numbers that are the same whatever the tests beside this one draw: a layer norm over a handful
/// of units that happen to be nearly equal makes 300 times as much of what is rounded.
struct Drawn(StdRng);

impl Drawn {
    fn values<const D: usize>(&mut self, shape: [usize; D], device: &Device) -> Tensor<D> {
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| self.0.random_range(-0.5..0.5)).collect();
        Tensor::from_data(TensorData::new(values, shape), device)
    }
}

impl ModuleMapper for Drawn {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let value = self.values(param.dims(), &param.device());
        Param::initialized(param.id, value)
    }
}

/// One of each kind of state.
fn cells() -> Vec<AnyCellConfig> {
    vec![
        GruConfig::new(3, 5).into(),
        HighOrderElmanConfig::new(3, 5, 2).into(),
        ElmanJordanConfig::new(3, 5, 5).into(),
        LstmConfig::new(3, 5).into(),
        FourGateLstmConfig::new(3, 5).into(),
        SLstmConfig::new(3, 5).into(),
        LruConfig::new(3, 5, 4).into(),
        LayerNormLstmConfig::new(3, 5).into(),
        MinLstmConfig::new(3, 5).into(),
    ]
}

#[track_caller]
fn assert_close<const D: usize>(found: Tensor<D>, expected: Tensor<D>, what: &str) {
    let (found, expected) = (found.into_data(), expected.into_data());
    assert_eq!(found.shape(), expected.shape(), "{what}");
    found.assert_approx_eq(&expected, Tolerance::<f32>::absolute(1e-5));
}

#[test]
fn every_cell_goes_on_from_its_state() {
    let device = Device::flex();
    for cell in cells() {
        for both in [false, true] {
            let stack = DeepConfig::new(cell.clone(), 2);
            let config = EncoderConfig::new(stack).with_both(both);
            let mut drawn = Drawn(StdRng::seed_from_u64(4));
            let layer = config.init(&device).unwrap().map(&mut drawn);
            let what = layer.describe();
            assert_eq!(layer.output_size(), if both { 10 } else { 5 }, "{what}");
            assert_eq!(layer.direction().is_none(), both, "{what}");
            let input = drawn.values([2, 6, 3], &device);
            let whole = layer.forward(input.clone()).unwrap();
            let traced = layer.clone().unrolled().trace(input.clone());
            let traced = traced.unwrap();
            assert_eq!(traced.states.len(), 6, "{what}");
            assert_close(traced.outputs, whole.outputs.clone(), &what);
            if both {
                continue;
            }
            let first = layer.forward(input.clone().narrow(1, 0, 4));
            let state = first.unwrap().state;
            let rest = layer.forward(LayerInput::new(input.narrow(1, 4, 2)).with_state(state));
            assert_close(rest.unwrap().outputs, whole.outputs.narrow(1, 4, 2), &what);
        }
    }
}

/// Weights are named as without the enums around them.
#[test]
fn weights_go_to_layers_that_are_known_when_the_program_is_compiled() {
    let device = Device::flex();
    let lstm = LstmConfig::new(3, 4);
    let stack = DeepConfig::new(lstm.into(), 2).with_connection(Connection::Residual);
    let config = EncoderConfig::new(stack).with_both(true);
    let encoder = config.init(&device).unwrap();
    // What is asked for goes through a file.
    let text = serde_json::to_string(&config).unwrap();
    let config: EncoderConfig = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&config).unwrap(), text);
    let deep = DeepConfig::new(BidirectionalConfig::new(LstmConfig::new(3, 4)), 2)
        .with_connection(Connection::Residual)
        .init(&device)
        .unwrap();
    let bytes = encoder.clone().into_record().into_bytes().unwrap();
    let record = ModuleRecord::from_bytes(bytes).unwrap();
    let deep = deep.try_load_record(record).unwrap();
    let input = Tensor::<3>::ones([2, 3, 3], &device);
    let [found, expected] = [
        encoder.forward(input.clone()).unwrap().outputs,
        deep.forward(input).unwrap().outputs,
    ];
    assert_eq!(found.into_data(), expected.into_data());
}

#[test]
fn a_state_of_other_layers_is_refused() {
    let device = Device::flex();
    let layer = |cell: AnyCellConfig, both| -> Encoder {
        let config = EncoderConfig::new(DeepConfig::new(cell, 1)).with_both(both);
        config.init(&device).unwrap()
    };
    let gru = || AnyCellConfig::from(GruConfig::new(3, 4));
    let lstm = layer(LstmConfig::new(3, 4).into(), false);
    let input = || Tensor::<3>::zeros([2, 1, 3], &device);
    let refused = |layer: &Encoder, state| {
        let error = layer.forward(LayerInput::new(input()).with_state(state));
        error.unwrap_err().to_string()
    };
    let error = refused(&layer(gru(), false), lstm.initial_state(2));
    assert!(error.contains("expected 1, found 2"), "{error}");
    let both = layer(gru(), true);
    let error = refused(&both, layer(gru(), false).initial_state(2));
    let expected = "initial state: expected of both directions, found of one";
    assert!(error.contains(expected), "{error}");
    let error = refused(&layer(gru(), false), both.initial_state(2));
    let expected = "initial state: expected of one direction, found of both";
    assert!(error.contains(expected), "{error}");
}

//! What PyTorch has not, each refused by name.

use backdraft_cells::prelude::*;
use backdraft_cells::{
    Activation, GatesConfig, GruActivations, LstmActivations, Reset, WeightNorm,
};
use backdraft_exchange::pytorch::{StateDict, Twin};
use backdraft_models::LanguageModelConfig;
use burn::module::Module;
use burn::tensor::Device;

#[test]
fn layers_that_pytorch_lacks_are_refused_by_name() {
    let device = Device::flex();
    fn refused<M: Twin>(layer: M, expected: &str) {
        let out = StateDict::of(&layer, "").unwrap_err().to_string();
        assert_eq!(out, format!("PyTorch has no such layer: {expected}"));
        let into = StateDict::default().load(layer, "").unwrap_err();
        assert_eq!(into.to_string(), out);
    }
    let stack = DeepConfig::new(RecurrentConfig::new(GruConfig::new(3, 3)), 1);
    let adaptive = LanguageModelConfig::new(5, stack).with_bounds(vec![2]);
    refused(
        adaptive.init(&device).unwrap(),
        "LanguageModel: softmax: expected of every symbol, found adaptive",
    );
    let gru = GruConfig::new(3, 3);
    let reverse = RecurrentConfig::new(gru.clone()).with_direction(Direction::Reverse);
    refused(
        reverse.init(&device).unwrap(),
        "Gru(3 -> 3): direction: expected Forward; PyTorch has the reverse only beside it, as \
         Bidirectional, found Reverse",
    );
    let sum = BidirectionalConfig::new(gru.clone()).with_merge(Merge::Sum);
    refused(
        sum.init(&device).unwrap(),
        "Bidirectional: Gru(3 -> 3): merge: expected Concat, which is PyTorch's, found Sum",
    );
    let residual =
        DeepConfig::new(RecurrentConfig::new(gru.clone()), 2).with_connection(Connection::Residual);
    refused(
        residual.init(&device).unwrap(),
        "Deep(2 x Gru(3 -> 3)): connection: expected plain, found Residual",
    );
    let cell = |cell, what: &str, expected: &str| {
        let layer = RecurrentConfig::<LstmConfig>::new(cell)
            .init(&device)
            .unwrap();
        refused(layer, &format!("Lstm(3 -> 3): {what}: expected {expected}"));
    };
    let lstm = LstmConfig::new(3, 3);
    cell(
        lstm.clone().with_peepholes(true),
        "peepholes",
        "none, found true",
    );
    cell(
        lstm.clone().with_coupled(true),
        "coupled",
        "false, found true",
    );
    cell(
        lstm.clone().with_cell_clip(Some(2.0)),
        "cell clip",
        "none, found 2.0",
    );
    cell(
        lstm.clone().with_gate_clip(Some(2.0)),
        "gate clip",
        "none, found 2.0",
    );
    cell(
        lstm.clone().with_output_clip(Some(2.0)),
        "output clip",
        "none, found 2.0",
    );
    let normed = GatesConfig::new().with_weight_norm(WeightNorm::Both);
    cell(
        lstm.clone().with_gates(normed.clone()),
        "weight norm",
        "off: `materialize()` gives the layer with plain weights, found Both",
    );
    // Done with the norm, there is nothing to refuse.
    let normed = RecurrentConfig::new(lstm.clone().with_gates(normed));
    let plain = normed.init(&device).unwrap().materialize();
    assert_eq!(StateDict::of(&plain, "").unwrap().names().count(), 4);
    let proj = "less than the 3 units, found 3";
    cell(lstm.clone().with_proj_size(Some(3)), "proj size", proj);
    let activations = LstmActivations::new().with_gate(Activation::Tanh);
    let layer = RecurrentConfig::new(lstm.with_activations(activations));
    let told = StateDict::of(&layer.init(&device).unwrap(), "")
        .unwrap_err()
        .to_string();
    assert!(
        told.contains("activations: expected sigmoid, and tanh twice, found"),
        "{told}"
    );
    let gru_of = |cell, expected: &str| {
        let layer = RecurrentConfig::<GruConfig>::new(cell)
            .init(&device)
            .unwrap();
        let told = StateDict::of(&layer, "").unwrap_err().to_string();
        assert!(told.contains(expected), "{told}");
    };
    let before = gru.clone().with_reset(Reset::BeforeProduct);
    gru_of(
        before,
        "Gru(3 -> 3): reset: expected AfterProduct, found BeforeProduct",
    );
    gru_of(
        gru.clone().with_gate_clip(Some(2.0)),
        "gate clip: expected none, found 2.0",
    );
    let activations = GruActivations::new().with_candidate(Activation::Relu);
    gru_of(
        gru.with_activations(activations),
        "activations: expected sigmoid and tanh, found",
    );
    let sigmoid = ElmanConfig::new(3, 3).with_activation(Activation::Sigmoid);
    refused(
        RecurrentConfig::new(sigmoid).init(&device).unwrap(),
        "Elman(3 -> 3): activation: expected Tanh or Relu, which nn.RNN has, found Sigmoid",
    );
    let clipped = ElmanConfig::new(3, 3).with_gate_clip(Some(2.0));
    refused(
        RecurrentConfig::new(clipped).init(&device).unwrap(),
        "Elman(3 -> 3): gate clip: expected none, found 2.0",
    );
    let level = |input, hidden| {
        RecurrentConfig::new(GruConfig::new(input, hidden))
            .init(&device)
            .unwrap()
    };
    refused(
        Deep::new(vec![level(3, 4), level(4, 5)], 0.0, Connection::Plain).unwrap(),
        "layer 2 of Deep: Gru(4 -> 5): sizes: expected 4 units, 4 outputs, biases, as layer 1, \
         found 5 units, 5 outputs, biases",
    );
    let mut half = level(3, 3);
    half.cell.gates.recurrent_bias = None;
    refused(
        half,
        "Gru(3 -> 3): biases: expected both or none, found of the input alone",
    );
}

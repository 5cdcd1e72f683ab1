//! Configurations: what each of them has, by its one list.

use backdraft_cells::Memory;
use backdraft_cells::prelude::*;
use burn::tensor::Device;

use crate::support;

fn device() -> Device {
    support::backends()[0].device.clone()
}

/// Every cell, with 3 features and 4 units, as small as a file may have it.
const CELLS: [&str; 17] = [
    r#"{"kind": "elman", "input_size": 3, "hidden_size": 4}"#,
    r#"{"kind": "high-order-elman", "input_size": 3, "hidden_size": 4, "order": 2}"#,
    r#"{"kind": "jordan", "input_size": 3, "hidden_size": 4, "output_size": 2}"#,
    r#"{"kind": "elman-jordan", "input_size": 3, "hidden_size": 4, "output_size": 2}"#,
    r#"{"kind": "ind-rnn", "input_size": 3, "hidden_size": 4}"#,
    r#"{"kind": "lstm", "input_size": 3, "hidden_size": 4}"#,
    r#"{"kind": "four-gate-lstm", "input_size": 3, "hidden_size": 4}"#,
    r#"{"kind": "layer-norm-lstm", "input_size": 3, "hidden_size": 4}"#,
    r#"{"kind": "gru", "input_size": 3, "hidden_size": 4}"#,
    r#"{"kind": "layer-norm-gru", "input_size": 3, "hidden_size": 4}"#,
    r#"{"kind": "janet", "input_size": 3, "hidden_size": 4}"#,
    r#"{"kind": "mgu", "input_size": 3, "hidden_size": 4}"#,
    r#"{"kind": "s-lstm", "input_size": 3, "hidden_size": 4}"#,
    r#"{"kind": "min-gru", "input_size": 3, "hidden_size": 4}"#,
    r#"{"kind": "min-lstm", "input_size": 3, "hidden_size": 4}"#,
    r#"{"kind": "lru", "input_size": 3, "output_size": 4, "units": 5}"#,
    r#"{"kind": "conv-lstm", "input_size": 6, "hidden_size": 12, "frame": [2, 3]}"#,
];

fn cells() -> impl Iterator<Item = AnyCellConfig> {
    CELLS
        .into_iter()
        .map(|text| serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}")))
}

/// What a file leaves out has the default that the documentation states, which is that of `new`.
#[test]
fn a_file_may_leave_out_what_has_a_default() {
    let new: [AnyCellConfig; 17] = [
        ElmanConfig::new(3, 4).into(),
        HighOrderElmanConfig::new(3, 4, 2).into(),
        JordanConfig::new(3, 4, 2).into(),
        ElmanJordanConfig::new(3, 4, 2).into(),
        IndRnnConfig::new(3, 4).into(),
        LstmConfig::new(3, 4).into(),
        FourGateLstmConfig::new(3, 4).into(),
        LayerNormLstmConfig::new(3, 4).into(),
        GruConfig::new(3, 4).into(),
        LayerNormGruConfig::new(3, 4).into(),
        JanetConfig::new(3, 4).into(),
        MguConfig::new(3, 4).into(),
        SLstmConfig::new(3, 4).into(),
        MinGruConfig::new(3, 4).into(),
        MinLstmConfig::new(3, 4).into(),
        LruConfig::new(3, 4, 5).into(),
        ConvLstmConfig::new(6, 12, [2, 3]).into(),
    ];
    for (read, new) in cells().zip(new) {
        let [read, new] = [read, new].map(|config| serde_json::to_value(config).unwrap());
        assert_eq!(read, new);
    }
}

#[test]
fn a_field_that_does_not_exist_is_refused() {
    for text in CELLS {
        let text = text.replace('}', r#", "hiden_size": 5}"#);
        let error = serde_json::from_str::<AnyCellConfig>(&text).unwrap_err();
        assert!(
            error.to_string().contains("unknown field `hiden_size`"),
            "{error}"
        );
    }
    let layer =
        r#"{"layer": {"cell": {"input_size": 3, "hidden_size": 4}}, "layers": 2, "droput": 0.5}"#;
    let error = serde_json::from_str::<DeepConfig<RecurrentConfig<GruConfig>>>(layer).unwrap_err();
    assert!(
        error.to_string().contains("unknown field `droput`"),
        "{error}"
    );
}

/// By Burn's own `Config`, each layer as well as each cell.
#[test]
fn a_configuration_is_saved_and_loaded() {
    fn through<K: SequenceConfig>(config: &K) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        config.save(&file).unwrap();
        let loaded = K::load(&file).unwrap();
        let [saved, loaded] = [config, &loaded].map(|config| serde_json::to_value(config).unwrap());
        assert_eq!(saved, loaded);
    }
    cells().for_each(|cell| through(&cell));
    let lstm = LstmConfig::new(3, 4)
        .with_proj_size(Some(2))
        .with_memory(Memory::Chrono { longest: 50 })
        .with_gates(GatesConfig::new().with_weight_norm(WeightNorm::Recurrent));
    through(&lstm);
    through(&ZoneoutConfig::new(lstm.clone(), 0.1, 0.2));
    let recurrent = RecurrentConfig::new(lstm.clone()).with_direction(Direction::Reverse);
    through(&recurrent);
    through(&DilatedConfig::new(recurrent.clone(), 2));
    through(&DilatedStackConfig::new(recurrent.clone(), [1, 2]).with_dropout(0.5));
    through(&HierarchicalConfig::new(recurrent.clone(), recurrent, 3));
    let both = BidirectionalConfig::new(lstm).with_merge(Merge::Sum);
    through(&both);
    through(
        &DeepConfig::new(both, 3)
            .with_sizes([5, 2])
            .with_dropout(0.1),
    );
}

/// Each cell has a hidden size to set, and a stack of it layers of sizes of their own.
#[test]
fn a_stack_of_any_cell_has_layers_of_different_sizes() {
    for cell in cells() {
        let units = |config: AnyCellConfig| {
            let value = serde_json::to_value(config).unwrap();
            let field = if value["kind"] == "lru" {
                "output_size"
            } else {
                "hidden_size"
            };
            value[field].as_u64().unwrap()
        };
        assert_eq!(units(cell.clone().with_hidden_size(18)), 18);
        let stack = DeepConfig::new(RecurrentConfig::new(cell), 3).with_sizes([18, 24]);
        let stack = stack.init(&device()).unwrap();
        let input = burn::tensor::Tensor::zeros([2, 3, stack.input_size()], &device());
        let run = stack.forward(input).unwrap();
        assert_eq!(run.outputs.dims(), [2, 3, stack.output_size()]);
        assert_eq!(stack.layers[2].input_size(), stack.layers[1].output_size());
    }
}

#[test]
fn a_hidden_size_is_that_of_all_layers() {
    let gru = || RecurrentConfig::new(GruConfig::new(3, 4));
    let stack = DeepConfig::new(gru(), 3)
        .with_sizes([5, 6])
        .with_hidden_size(7);
    let stack = stack.init(&device()).unwrap();
    let sizes: Vec<usize> = stack.layers.iter().map(Layer::output_size).collect();
    assert_eq!(sizes, [7, 7, 7]);
    let layer = HierarchicalConfig::new(gru(), gru(), 2).with_hidden_size(5);
    let layer = layer.init(&device()).unwrap();
    assert_eq!(
        [layer.lower.output_size(), layer.upper.output_size()],
        [5, 5]
    );
}

#[test]
fn configurations_go_through_json() {
    let config = DeepConfig::new(
        BidirectionalConfig::new(LstmConfig::new(3, 4).with_memory(Memory::ForgetBias(1.0)))
            .with_merge(Merge::Mean),
        2,
    )
    .with_dropout(0.25)
    .with_connection(Connection::Highway { bias: -2.0 })
    .with_sizes([5]);
    let text = serde_json::to_string(&config).unwrap();
    let back: DeepConfig<BidirectionalConfig<LstmConfig>> = serde_json::from_str(&text).unwrap();
    assert_eq!(format!("{back:?}"), format!("{config:?}"));

    let activations = LstmActivations::new().with_gate(Activation::HardSigmoid {
        alpha: 0.2,
        beta: 0.5,
    });
    let lstm = LstmConfig::new(3, 4)
        .with_peepholes(true)
        .with_proj_size(Some(2))
        .with_gate_clip(Some(3.0))
        .with_activations(activations);
    let config = RecurrentConfig::new(ZoneoutConfig::new(lstm, 0.1, 0.2));
    let text = serde_json::to_string(&config).unwrap();
    let back: RecurrentConfig<ZoneoutConfig<LstmConfig>> = serde_json::from_str(&text).unwrap();
    assert_eq!(format!("{back:?}"), format!("{config:?}"));
}

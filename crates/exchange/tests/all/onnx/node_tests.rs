//! ONNX's own node tests of LSTM, GRU and RNN, all of them.

use std::collections::BTreeMap;

use backdraft_cells::Lengths;
use backdraft_exchange::onnx::{Given, Model, read_tensor};
use burn::tensor::{Device, TensorData};

use super::{assert_close, file, tensor};

/// In f32, of sums of a few numbers.
const TOLERANCE: f64 = 1e-6;

#[test]
fn every_node_test_of_onnx_passes() {
    let mut passed = Vec::new();
    for case in std::fs::read_dir(file("node")).unwrap() {
        let case = case.unwrap().path();
        let name = case.file_name().unwrap().to_str().unwrap().to_string();
        let model = Model::read(case.join("model.onnx")).unwrap();
        let data = case.join("test_data_set_0");
        let tensors = |kind: &str| -> BTreeMap<String, TensorData> {
            let paths = (0..).map(|index| data.join(format!("{kind}_{index}.pb")));
            let paths = paths.take_while(|path| path.exists());
            paths.map(|path| read_tensor(path).unwrap()).collect()
        };
        let (mut fed, expected) = (tensors("input"), tensors("output"));

        let nodes = model.nodes();
        assert_eq!(nodes.len(), 1, "{name}");
        let node = &nodes[0];
        let weights = ["W", "R", "B", "P"].into_iter();
        let weights = weights
            .filter_map(|weight| fed.remove_entry(weight))
            .collect();
        let layer = model
            .layer_with(&node.name, weights, &Device::flex())
            .unwrap();
        let x = tensor(fed.remove("X").unwrap());
        let lengths = fed.remove("sequence_lens").map(|lengths| {
            let lengths = lengths.iter::<i64>().map(|length| length as usize);
            Lengths::new(lengths.collect::<Vec<_>>())
        });
        let given = Given {
            sequence_lens: lengths,
            initial_h: fed.remove("initial_h").map(tensor),
            initial_c: fed.remove("initial_c").map(tensor),
        };
        assert!(fed.is_empty(), "{name}: {fed:?} is not looked at");
        let found = layer.forward(x, given).unwrap();

        assert!(!expected.is_empty(), "{name}");
        for (output, expected) in &expected {
            let what = format!("{name}: {output}");
            let shape = expected.shape().as_slice();
            let values: Vec<f64> = expected.iter::<f64>().collect();
            match output.as_str() {
                "Y" => assert_close(&what, &found.y, shape, &values, TOLERANCE),
                "Y_h" => assert_close(&what, &found.y_h, shape, &values, TOLERANCE),
                "Y_c" => {
                    let found = found.y_c.as_ref().unwrap();
                    assert_close(&what, found, shape, &values, TOLERANCE);
                }
                other => panic!("{name} has another output, {other}"),
            }
        }
        passed.push(name);
    }
    passed.sort();
    let all = [
        "test_gru_batchwise",
        "test_gru_defaults",
        "test_gru_seq_length",
        "test_gru_with_initial_bias",
        "test_lstm_batchwise",
        "test_lstm_defaults",
        "test_lstm_with_initial_bias",
        "test_lstm_with_peepholes",
        "test_rnn_seq_length",
        "test_simple_rnn_batchwise",
        "test_simple_rnn_defaults",
        "test_simple_rnn_with_initial_bias",
    ];
    assert_eq!(passed, all);
}

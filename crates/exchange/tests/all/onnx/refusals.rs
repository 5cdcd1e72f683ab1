//! Models that are broken, hostile or not of the operators: each refused with the reason, none of
//! them a panic.

use std::collections::BTreeMap;
use std::io::Read;

use backdraft_cells::Lengths;
use backdraft_exchange::onnx::{Error, Given, Kind, Model, OnnxLayer, read_tensor};
use burn::tensor::{Device, Tensor, TensorData};
use zip::ZipArchive;

use super::message::{
    attribute, field, float, floats, int, model, node, number, tensor, text, texts, varint, zeros,
};
use super::{file, only_layer};

/// One unit that sees one feature.
fn weights(gates: i64) -> Vec<Vec<u8>> {
    vec![zeros("w", &[1, gates, 1]), zeros("r", &[1, gates, 1])]
}

/// The layer of a node of one unit that sees one feature.
fn with(operator: &str, attributes: &[Vec<u8>]) -> Result<OnnxLayer, Error> {
    let gates = match operator {
        "RNN" => 1,
        "GRU" => 3,
        _ => 4,
    };
    let node = node(operator, "n", &["x", "w", "r"], attributes);
    only_layer(&Model::from_bytes(&model(22, &[node], &weights(gates)))?)
}

/// The layer of an RNN with these inputs and these tensors.
fn with_tensors(inputs: &[&str], tensors: &[Vec<u8>]) -> Result<OnnxLayer, Error> {
    let node = node("RNN", "n", inputs, &[]);
    only_layer(&Model::from_bytes(&model(22, &[node], tensors))?)
}

/// Fails unless the message is this one.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, message: &str) {
    assert_eq!(result.unwrap_err().to_string(), message);
}

#[test]
fn a_plain_node_is_accepted() {
    for operator in ["RNN", "GRU", "LSTM"] {
        with(operator, &[]).unwrap();
        with(
            operator,
            &[int("hidden_size", 1), text("direction", "reverse")],
        )
        .unwrap();
    }
    // Its schema's default, written out.
    with("RNN", &[texts("activations", &["Tanh", "Tanh"])]).unwrap();
    let positional = [
        texts("activations", &["LeakyRelu", "Tanh", "Tanh"]),
        floats("activation_alpha", &[0.3, 0.0, 0.0]),
    ];
    with("LSTM", &positional).unwrap();
}

#[test]
fn attributes_that_the_operators_do_not_have() {
    refused(
        with("GRU", &[text("direction", "sideways")]),
        "node `n`: attribute `direction`: expected forward, reverse or bidirectional, \
         found \"sideways\"",
    );
    refused(
        with("RNN", &[int("input_forget", 1)]),
        "node `n`: attribute `input_forget`: expected an attribute that the operator has, once, \
         found \"input_forget\"",
    );
    refused(
        with("LSTM", &[int("input_forget", 2)]),
        "node `n`: attribute `input_forget`: expected 0 or 1, found 2",
    );
    refused(
        with("LSTM", &[int("layout", 0), int("layout", 1)]),
        "node `n`: attribute `layout`: expected an attribute that the operator has, once, \
         found \"layout\"",
    );
    refused(
        with("LSTM", &[int("hidden_size", -1)]),
        "node `n`: attribute `hidden_size`: expected at least 1, found -1",
    );
    refused(
        with("LSTM", &[attribute("clip", number(3, 1), 2)]),
        "node `n`: attribute `clip`: expected a number of type FLOAT, \
         found \"number 2 of AttributeProto.AttributeType\"",
    );
    for clip in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        refused(
            with("LSTM", &[attribute("clip", float(2, clip), 1)]),
            &format!("node `n`: attribute `clip`: expected a number above 0, found {clip:?}"),
        );
    }
    let passed_on = [field(1, "clip"), field(21, "outer"), number(20, 1)].concat();
    refused(
        with("LSTM", &[passed_on]),
        "node `n`: attribute `clip`: expected a value, not the name of a function's attribute, \
         found \"outer\"",
    );
    // Layouts came with version 14.
    let old = node("RNN", "n", &["x", "w", "r"], &[int("layout", 1)]);
    refused(
        only_layer(&Model::from_bytes(&model(13, &[old], &weights(1))).unwrap()),
        "node `n`: attribute `layout`: expected an attribute that the operator has, once, \
         found \"layout\"",
    );
}

#[test]
fn activations_that_the_operators_do_not_have() {
    let error = with("RNN", &[texts("activations", &["Swish"])]).unwrap_err();
    assert!(matches!(error, Error::Activation { name, .. } if name == "Swish"));
    refused(
        with("LSTM", &[texts("activations", &["Tanh", "Tanh"])]),
        "node `n`: attribute `activations`: expected 3 functions, found [\"Tanh\", \"Tanh\"]",
    );
    refused(
        with("RNN", &[texts("activations", &["Affine"])]),
        "node `n`: attribute `activation_alpha`: expected a number for Affine, which has no \
         default, found []",
    );
    let two = [
        texts("activations", &["Sigmoid", "LeakyRelu"]),
        floats("activation_alpha", &[0.5, 0.2]),
    ];
    refused(
        with("GRU", &two),
        "node `n`: attribute `activation_alpha`: expected 1 numbers, one for each function that \
         has one, found [0.5, 0.2]",
    );
    refused(
        with("GRU", &[floats("activation_beta", &[0.5])]),
        "node `n`: attribute `activation_beta`: expected at most 0 numbers, one for each function \
         that has one, found [0.5]",
    );
    let infinite = [
        texts("activations", &["Elu"]),
        floats("activation_alpha", &[f32::INFINITY]),
    ];
    refused(
        with("RNN", &infinite),
        "node `n`: attribute `activation_alpha`: expected finite numbers, found [inf]",
    );
}

#[test]
fn tensors_that_are_missing_or_do_not_fit() {
    let two_weights = &["x", "w", "r"];
    refused(
        with_tensors(two_weights, &[zeros("w", &[1, 1, 1])]),
        "node `n`: input `R`: expected what the model stores, or a constant expression of it, or a \
         tensor handed in, found `r`, which the model is fed",
    );
    refused(
        with_tensors(&["x", "w"], &weights(1)),
        "node `n`: input `R`: expected a tensor, found none",
    );
    refused(
        with_tensors(
            two_weights,
            &[zeros("w", &[1, 2, 3]), zeros("r", &[1, 1, 1])],
        ),
        "node `n`: input `W`: expected shape [1, 1, 3], found [1, 2, 3]",
    );
    refused(
        with_tensors(two_weights, &[zeros("w", &[1, 1]), zeros("r", &[1, 1, 1])]),
        "node `n`: input `W`: expected shape [1, 1, 1], found [1, 1]",
    );
    refused(
        with_tensors(
            two_weights,
            &[zeros("w", &[2, 1, 1]), zeros("r", &[2, 1, 1])],
        ),
        "node `n`: input `W`: expected shape [1, 1, 1], found [2, 1, 1]",
    );
    refused(
        with_tensors(
            two_weights,
            &[zeros("w", &[1, 1, 0]), zeros("r", &[1, 1, 1])],
        ),
        "node `n`: input `W`: expected an input size of at least 1, found 0",
    );
    refused(
        with_tensors(
            two_weights,
            &[zeros("w", &[1, 0, 1]), zeros("r", &[1, 0, 0])],
        ),
        "node `n`: input `W`: expected a hidden size of at least 1, found 0",
    );
    let bias = [weights(1), vec![zeros("b", &[1, 1])]].concat();
    refused(
        with_tensors(&["x", "w", "r", "b"], &bias),
        "node `n`: input `B`: expected shape [1, 2], found [1, 1]",
    );
    refused(
        with("GRU", &[int("hidden_size", i64::MAX)]),
        &format!(
            "node `n`: input `W`: expected shape [1, {}, 1], found [1, 3, 1]",
            usize::MAX
        ),
    );
    let seven = &["x", "w", "r", "", "", "", "c"];
    refused(
        with_tensors(seven, &weights(1)),
        "node `n`: input `c`: expected at most 6 inputs, found 7",
    );
    let circle = node("Identity", "w", &["w output"], &[]);
    let rnn = node("RNN", "n", &["x", "w output", "r"], &[]);
    let looped = Model::from_bytes(&model(22, &[circle, rnn], &weights(1))).unwrap();
    refused(
        looped.layer("n", &Device::flex()),
        "node `n`: input `W`: expected what the model stores, or a constant expression of it, or a \
         tensor handed in, found `w output`, which is made of itself",
    );
}

#[test]
fn tensors_that_are_broken() {
    let w = |kind, dims: &[i64], raw: &[u8]| {
        let tensors = [tensor("w", kind, dims, raw), zeros("r", &[1, 1, 1])];
        with_tensors(&["x", "w", "r"], &tensors)
    };
    refused(
        w(1, &[1, -1, 1], &[0; 4]),
        "tensor `w`: impossible dimensions [1, -1, 1]",
    );
    refused(
        w(1, &[i64::MAX, 3, 1], &[0; 4]),
        &format!("tensor `w`: impossible dimensions [{}, 3, 1]", i64::MAX),
    );
    // As many numbers as fit no memory, of which four bytes are there.
    refused(
        w(1, &[1 << 29, 1 << 30, 1], &[0; 4]),
        &format!("tensor `w`: expected {} bytes, found 4", 1u64 << 61),
    );
    refused(
        w(1, &[1 << 40, 1 << 40, 0], &[]),
        &format!(
            "tensor `w`: impossible dimensions [{0}, {0}, 0]",
            1u64 << 40
        ),
    );
    refused(
        w(1, &[1, 1, 1], &[0; 3]),
        "tensor `w`: expected 4 bytes, found 3",
    );
    refused(
        w(1, &[1, 1, 1], &[0; 8]),
        "tensor `w`: expected 4 bytes, found 8",
    );
    refused(
        w(9, &[1, 1, 1], &[0; 1]),
        "tensor `w`: element type: expected FLOAT, DOUBLE, FLOAT16, BFLOAT16, INT32 or INT64, \
         found number 9 of TensorProto.DataType",
    );
    refused(
        w(7, &[1, 1, 1], &[0; 8]),
        "tensor `w`: element type: expected f32, f64, f16 or bf16, found I64",
    );
    refused(
        w(6, &[1, 1, 1], &[0; 4]),
        "tensor `w`: element type: expected f32, f64, f16 or bf16, found I32",
    );
    let mixed = [zeros("w", &[1, 1, 1]), tensor("r", 11, &[1, 1, 1], &[0; 8])];
    refused(
        with_tensors(&["x", "w", "r"], &mixed),
        "tensor `r`: element type: expected F32, as that of W, found F64",
    );
    let no_values = [number(1, 1), number(2, 1), field(8, "w")].concat();
    refused(
        with_tensors(&["x", "w", "r"], &[no_values, zeros("r", &[1, 1, 1])]),
        "tensor `w`: expected 1 values, found 0",
    );
    let location = [field(1, "location"), field(2, "w.bin")].concat();
    let external = [
        field(8, "w"),
        number(2, 1),
        field(13, location),
        number(14, 1),
    ]
    .concat();
    refused(
        with_tensors(&["x", "w", "r"], &[external, zeros("r", &[1, 1, 1])]),
        "tensor `w`: expected its values in the model itself, which was read from bytes, not from a \
         file, found external data in `w.bin`",
    );
    let lengths = [
        weights(1),
        vec![tensor("l", 6, &[1], &(-1i32).to_le_bytes())],
    ]
    .concat();
    refused(
        with_tensors(&["x", "w", "r", "", "l"], &lengths),
        "node `n`: input `sequence_lens`: expected lengths of type i32, found -1",
    );
    let state = [weights(1), vec![zeros("h", &[1, 1])]].concat();
    refused(
        with_tensors(&["x", "w", "r", "", "", "h"], &state),
        "node `n`: input `initial_h`: expected 3 dimensions, found 2",
    );
    let both = [weights(1), vec![zeros("h", &[2, 1, 1])]].concat();
    refused(
        with_tensors(&["x", "w", "r", "", "", "h"], &both),
        "node `n`: input `initial_h`: expected 1 directions, found 2",
    );
}

#[test]
fn models_that_are_none() {
    refused(
        Model::from_bytes(&[]),
        "an ONNX model: expected a graph, found none",
    );
    refused(
        Model::from_bytes(&model(6, &[], &[])),
        "an ONNX model: expected version 7 or later of ONNX's operator set, found version 6",
    );
    refused(
        Model::from_bytes(&field(7, [])),
        "an ONNX model: expected version 7 or later of ONNX's operator set, found none",
    );
    assert!(matches!(
        Model::read(file("recorded.json")),
        Err(Error::Protobuf(_))
    ));
    assert!(matches!(
        Model::read(file("none.onnx")),
        Err(Error::Read { .. })
    ));
    assert!(matches!(
        read_tensor(file("recorded.json")),
        Err(Error::Protobuf(_))
    ));
    let empty = Model::from_bytes(&model(22, &[], &[])).unwrap();
    assert!(empty.nodes().is_empty());
    refused(
        empty.layer("n", &Device::flex()),
        "the model has no RNN, LSTM or GRU node, but []; what PyTorch's exporter makes of an nn.RNN by \
         default are single operations, one step after the other: export it with dynamo=False, or load \
         its state_dict()",
    );
    let other = node("RNN", "m", &["x", "w", "r"], &[]);
    let other = Model::from_bytes(&model(22, &[other], &weights(1))).unwrap();
    refused(
        other.layer("n", &Device::flex()),
        "recurrent node `n`: expected one of this name, found 0 among [\"m\"]",
    );
    let twice = node("RNN", "n", &["x", "w", "r"], &[]);
    let twice = Model::from_bytes(&model(22, &[twice.clone(), twice], &weights(1))).unwrap();
    refused(
        twice.layer("n", &Device::flex()),
        "recurrent node `n`: expected one of this name, found 2 among [\"n\", \"n\"]",
    );
}

/// A length of 2^60 before nothing; in the graph, and as the bytes of a tensor.
#[test]
fn lengths_beyond_the_end_of_the_file() {
    let graph = [varint(7 << 3 | 2), varint(1 << 60)].concat();
    assert!(matches!(Model::from_bytes(&graph), Err(Error::Protobuf(_))));
    let raw = [varint(9 << 3 | 2), varint(1 << 60)].concat();
    let hostile = field(7, field(5, raw));
    assert!(matches!(
        Model::from_bytes(&hostile),
        Err(Error::Protobuf(_))
    ));
}

/// Graphs in graphs: an If whose branch holds an If, and so on.
#[test]
fn graphs_nested_without_end() {
    let mut graph = Vec::new();
    for _ in 0..10_000 {
        let branch = [field(1, "then_branch"), field(6, &graph), number(20, 5)].concat();
        graph = field(1, [field(4, "If"), field(5, branch)].concat());
    }
    let bytes = [field(7, graph), field(8, number(2, 22))].concat();
    assert!(matches!(Model::from_bytes(&bytes), Err(Error::Protobuf(_))));
}

#[test]
fn runs_that_do_not_fit() {
    let device = Device::flex();
    let zeros = |shape: [usize; 3]| Tensor::<3>::zeros(shape, &device);
    let gru = with("GRU", &[]).unwrap();
    let lengths = |lengths: &[usize]| Given {
        sequence_lens: Some(Lengths::new(lengths)),
        ..Given::default()
    };
    assert!(matches!(
        gru.forward(zeros([2, 3, 2]), Given::default()),
        Err(Error::Cells(_))
    ));
    assert!(matches!(
        gru.forward(zeros([2, 3, 1]), lengths(&[2, 2])),
        Err(Error::Cells(_))
    ));
    assert!(matches!(
        gru.forward(zeros([2, 1, 1]), lengths(&[3])),
        Err(Error::Cells(_))
    ));
    let state = Given {
        initial_h: Some(zeros([3, 1, 1])),
        ..Given::default()
    };
    refused(
        gru.forward(zeros([2, 3, 1]), state),
        "node `n`: input `initial_h`: expected shape [1, 3, 1], found [3, 1, 1]",
    );
    let memory = Given {
        initial_c: Some(zeros([1, 3, 1])),
        ..Given::default()
    };
    refused(
        gru.forward(zeros([2, 3, 1]), memory),
        "node `n`: input `initial_c`: expected none, which is an LSTM's, found a tensor",
    );
    // The model feeds a state to the node, so zeros would be another model.
    let fed = with_tensors(&["x", "w", "r", "", "", "h"], &weights(1)).unwrap();
    refused(
        fed.forward(zeros([2, 3, 1]), Given::default()),
        "node `n`: input `initial_h`: expected what the model feeds to it as `h`, found nothing",
    );
}

#[test]
fn weights_that_no_input_asks_for() {
    let node = node("RNN", "n", &["x", "w", "r"], &[]);
    let model = Model::from_bytes(&model(22, &[node], &weights(1))).unwrap();
    let handed = |name: &str, shape: [usize; 3]| {
        let zeros = TensorData::zeros::<f32, _>(shape);
        BTreeMap::from([(name.to_string(), zeros)])
    };
    let device = Device::flex();
    model
        .layer_with("n", handed("w", [1, 1, 5]), &device)
        .unwrap();
    refused(
        model.layer_with("n", handed("x", [1, 1, 1]), &device),
        "node `n`: input `x`: expected one of the weights [\"w\", \"r\"], found another",
    );
    refused(
        model.layer_with("n", handed("w", [1, 2, 5]), &device),
        "node `n`: input `W`: expected shape [1, 1, 5], found [1, 2, 5]",
    );
}

/// One of the files that PyTorch wrote.
fn exported(name: &str) -> Vec<u8> {
    let archive = std::fs::File::open(file("exported.zip")).unwrap();
    let mut archive = ZipArchive::new(archive).unwrap();
    let mut bytes = Vec::new();
    let mut entry = archive.by_name(name).unwrap();
    entry.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Whatever a file holds, reading it, building its layers and running them ends.
#[test]
fn broken_files_never_panic() {
    let device = Device::flex();
    let run = |bytes: &[u8], inputs: usize| -> bool {
        let Ok(model) = Model::from_bytes(bytes) else {
            return false;
        };
        let layers = model.nodes().into_iter();
        let layers = layers.filter_map(|node| model.layer(&node.name, &device).ok());
        let runs = layers.map(|layer| {
            let state = || Tensor::zeros([1, 3, 3], &device);
            let given = Given {
                sequence_lens: None,
                initial_h: Some(state()),
                initial_c: (layer.node.kind == Kind::Lstm).then(state),
            };
            layer.forward(Tensor::ones([4, 3, inputs], &device), given)
        });
        runs.filter(Result::is_ok).count() > 0
    };
    for (name, inputs, step) in [
        ("lstm_input_forget", 2, 1),
        ("lstm_stored_states", 2, 1),
        ("gru_in_branch", 2, 1),
        ("gru_expressions", 3, 11),
    ] {
        let whole = match name {
            "gru_expressions" => exported("gru_3_1_script_unfolded_free_no_bias.onnx"),
            name => std::fs::read(file(&format!("recorded/{name}.onnx"))).unwrap(),
        };
        assert!(run(&whole, inputs), "{name}");
        for length in (0..whole.len()).step_by(step) {
            run(&whole[..length], inputs);
        }
        let mut survivors = 0;
        for position in (0..whole.len()).step_by(step) {
            for flip in [0x01, 0x02, 0x08, 0x40, 0x80, 0xff] {
                let mut broken = whole.clone();
                broken[position] ^= flip;
                survivors += usize::from(run(&broken, inputs));
            }
        }
        // Many flips hit a weight or a name that nobody reads, so runs are reached.
        assert!(survivors > 100, "{name}: {survivors}");
    }
}

#[test]
fn weights_that_are_no_numbers() {
    let raw = |value: f32| value.to_le_bytes();
    let tensors = |value| {
        [
            tensor("w", 1, &[1, 1, 1], &raw(0.5)),
            tensor("r", 1, &[1, 1, 1], &raw(value)),
        ]
    };
    with_tensors(&["x", "w", "r"], &tensors(0.5)).unwrap();
    refused(
        with_tensors(&["x", "w", "r"], &tensors(f32::NAN)),
        "tensor r[0, 0, 0]: expected a finite number of type F32, found NaN",
    );
    refused(
        with_tensors(&["x", "w", "r"], &tensors(f32::NEG_INFINITY)),
        "tensor r[0, 0, 0]: expected a finite number of type F32, found -inf",
    );
}

//! Files that PyTorch wrote, against what its modules compute.
//!
//! `exported.py` beside this file made `exported.zip`.

use std::collections::BTreeMap;
use std::path::Path;

use backdraft_exchange::onnx::{Error, Given, Model, OnnxLayer};
use burn::tensor::{DType, Device, Tensor, TensorData};
use serde::Deserialize;
use zip::ZipArchive;

use super::{assert_close, file};

/// Sums of up to 128 numbers in f32.
const TOLERANCE: f64 = 2e-6;

#[derive(Deserialize)]
struct Numbers {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Numbers {
    fn tensor(&self) -> Tensor<3> {
        let data = TensorData::new(self.values.clone(), self.shape.clone());
        Tensor::from_data(data, (&Device::flex(), DType::F32))
    }
}

#[derive(Deserialize)]
struct Case {
    name: String,
    kind: String,
    layers: usize,
    directions: usize,
    x: Numbers,
    h0: Option<Numbers>,
    c0: Option<Numbers>,
    y: Numbers,
    h: Numbers,
    c: Option<Numbers>,
}

/// The files of the archive, as they lay when they were written.
fn unpacked() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let archive = std::fs::File::open(file("exported.zip")).unwrap();
    ZipArchive::new(archive)
        .unwrap()
        .extract(folder.path())
        .unwrap();
    folder
}

fn cases(folder: &Path) -> Vec<Case> {
    let cases = std::fs::read_to_string(folder.join("cases.json")).unwrap();
    serde_json::from_str(&cases).unwrap()
}

fn model(folder: &Path, name: &str) -> Model {
    Model::read(folder.join(format!("{name}.onnx"))).unwrap()
}

/// The layers of a module, lowest first.
fn layers(model: &Model) -> Result<Vec<OnnxLayer>, Error> {
    let nodes = model.nodes().into_iter();
    nodes
        .map(|node| model.layer(&node.name, &Device::flex()))
        .collect()
}

#[test]
fn what_pytorch_exports_computes_what_its_modules_do() {
    let folder = unpacked();
    let folder = folder.path();
    let cases = cases(folder);
    let mut kinds = BTreeMap::new();
    for case in &cases {
        let name = &case.name;
        *kinds.entry(case.kind.as_str()).or_insert(0) += 1;
        let layers = layers(&model(folder, name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(layers.len(), case.layers, "{name}");
        let (mut x, mut h, mut c) = (case.x.tensor(), Vec::new(), Vec::new());
        for (index, layer) in layers.iter().enumerate() {
            let rows = index * case.directions..(index + 1) * case.directions;
            let state = |state: &Option<Numbers>| {
                let own = state.as_ref()?.tensor().slice_dim(0, rows.clone());
                Some(own)
            };
            // Without a state but where the module was exported with one, for another batch than it was.
            let given = Given {
                initial_h: state(&case.h0),
                initial_c: state(&case.c0),
                ..Given::default()
            };
            let outputs = layer
                .forward(x, given)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let [time, directions, batch, hidden] = outputs.y.dims();
            let y = outputs.y.permute([0, 2, 1, 3]);
            x = y.reshape([time, batch, directions * hidden]);
            h.push(outputs.y_h);
            c.extend(outputs.y_c);
        }
        let check = |what: &str, found: &Tensor<3>, expected: &Numbers| {
            let what = format!("{name}: {what}");
            assert_close(&what, found, &expected.shape, &expected.values, TOLERANCE);
        };
        check("outputs", &x, &case.y);
        check("last outputs", &Tensor::cat(h, 0), &case.h);
        assert_eq!(c.is_empty(), case.c.is_none(), "{name}");
        if let Some(expected) = &case.c {
            check("last memories", &Tensor::cat(c, 0), expected);
        }
    }
    let counted = [("GRU", 41), ("LSTM", 47), ("RNN", 20)];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), counted);
}

/// Small weights are folded by the exporters, so that only large ones show what they leave to be computed.
#[test]
fn weights_are_expressions_in_the_files() {
    let folder = unpacked();
    let expressions = |name: &str| {
        let model = std::fs::read(folder.path().join(format!("{name}.onnx"))).unwrap();
        let count = |operator: &[u8]| {
            let windows = model.windows(operator.len());
            windows.filter(|window| *window == operator).count()
        };
        count(b"\x22\x06Concat") > 0 && count(b"\x22\x05Slice") > 0
    };
    for name in [
        "lstm_128_1_dynamo_fixed",
        "lstm_64_1_dynamo_inline_fixed",
        "gru_64_1_dynamo_free",
        "lstm_4_1_script_unfolded_free",
    ] {
        assert!(expressions(name), "{name}");
    }
    assert!(!expressions("lstm_4_1_dynamo_fixed"));
    let beside = |name: &str| {
        let path = folder.path().join(format!("{name}.onnx.data"));
        path.metadata().map_or(0, |file| file.len())
    };
    assert!(beside("lstm_128_1_dynamo_fixed") > 390_000);
    assert_eq!(beside("lstm_64_1_dynamo_inline_fixed"), 0);
}

#[test]
fn a_state_that_a_model_is_fed_is_asked_for() {
    let folder = unpacked();
    let model = model(folder.path(), "lstm_4_2_dynamo_fixed_states");
    let layers = layers(&model).unwrap();
    let x = Tensor::<3>::zeros([4, 5, 3], &Device::flex());
    let told = layers[0].forward(x, Given::default()).unwrap_err();
    assert!(
        told.to_string()
            .contains("input `initial_h`: expected what the model feeds to it as"),
        "{told}"
    );
}

#[test]
fn weights_that_pytorch_takes_from_the_wrong_rows_are_refused() {
    let folder = unpacked();
    let of = |name: &str, units: usize, found: usize| {
        let told = layers(&model(folder.path(), name)).unwrap_err().to_string();
        let expected = format!(
            "input `initial_c`: expected {units} units, the node's hidden_size, found {found}; so PyTorch's \
             exporter writes an nn.LSTM with proj_size, and takes the wrong rows of its weights: load its \
             state_dict() instead"
        );
        assert!(told.ends_with(&expected), "{told}");
    };
    of("projection_true", 2, 4);
    of("projection_false", 2, 4);
    of("projection_64", 16, 64);
    of("projection_deep", 2, 4);
    of("projection_states", 2, 4);
}

#[test]
fn a_model_without_a_recurrent_node_says_what_to_do() {
    let folder = unpacked();
    let model = model(folder.path(), "rnn_dynamo");
    assert!(model.nodes().is_empty());
    let told = model.layer("rnn", &Device::flex()).unwrap_err().to_string();
    assert!(
        told.starts_with("the model has no RNN, LSTM or GRU node, but [\"Add\", \"Concat\", "),
        "{told}"
    );
    assert!(
        told.ends_with("export it with dynamo=False, or load its state_dict()"),
        "{told}"
    );
}

/// Without the file beside it, the model is read and its layers are not.
#[test]
fn a_file_of_weights_that_is_missing_is_named() {
    let folder = unpacked();
    let name = "lstm_128_1_dynamo_fixed";
    let path = folder.path().join(format!("{name}.onnx.data"));
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let told = layers(&model(folder.path(), name)).unwrap_err().to_string();
    assert!(
        told.contains("which has 398335 bytes, from 0 on, found 4096 bytes from 394240 on"),
        "{told}"
    );
    std::fs::remove_file(&path).unwrap();
    let told = layers(&model(folder.path(), name)).unwrap_err();
    assert!(
        matches!(&told, Error::Read { path: found, .. } if *found == path),
        "{told}"
    );
    let bytes = std::fs::read(folder.path().join(format!("{name}.onnx"))).unwrap();
    let told = layers(&Model::from_bytes(&bytes).unwrap()).unwrap_err();
    assert!(
        told.to_string()
            .contains("in the model itself, which was read from bytes"),
        "{told}"
    );
}

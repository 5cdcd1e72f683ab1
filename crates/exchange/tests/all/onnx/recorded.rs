//! What ONNX's node tests leave out, against the operators' text and two evaluators of it.
//!
//! `record.py` beside this file made `recorded.json` and the models.

use backdraft_cells::Lengths;
use backdraft_exchange::onnx::{Given, Model, OnnxLayer, Outputs};
use burn::tensor::{DType, Device, Tensor, TensorData};
use serde_json::Value;

use super::{assert_close, file, tensor};

/// The cases, by their names.
fn cases() -> serde_json::Map<String, Value> {
    let recorded = std::fs::read_to_string(file("recorded.json")).unwrap();
    serde_json::from_str(&recorded).unwrap()
}

fn model(name: &str) -> Model {
    Model::read(file(&format!("recorded/{name}.onnx"))).unwrap()
}

fn layer(name: &str) -> OnnxLayer {
    model(name).layer(name, &Device::flex()).unwrap()
}

fn numbers(value: &Value) -> (Vec<usize>, Vec<f64>) {
    let list = |value: &Value| -> Vec<f64> { serde_json::from_value(value.clone()).unwrap() };
    let shape = list(&value["shape"]).into_iter().map(|size| size as usize);
    (shape.collect(), list(&value["values"]))
}

fn run(layer: &OnnxLayer, case: &Value) -> Outputs {
    // What is fed in 16 bits is exact in 32.
    let dtype = match case["type"].as_str().unwrap() {
        "float64" => DType::F64,
        _ => DType::F32,
    };
    let fed = |name: &str| -> Option<Tensor<3>> {
        let value = case["fed"].get(name)?;
        let (shape, values) = numbers(value);
        let data = TensorData::new(values, shape);
        Some(Tensor::from_data(data, (&Device::flex(), dtype)))
    };
    let lengths = case["fed"].get("sequence_lens").map(|lengths| {
        let lengths = numbers(lengths).1.into_iter().map(|length| length as usize);
        Lengths::new(lengths.collect::<Vec<_>>())
    });
    let given = Given {
        sequence_lens: lengths,
        initial_h: fed("initial_h"),
        initial_c: fed("initial_c"),
    };
    layer.forward(fed("X").unwrap(), given).unwrap()
}

#[test]
fn every_recorded_case_gives_what_the_operators_text_says() {
    let cases = cases();
    assert_eq!(cases.len(), 42);
    for (name, case) in &cases {
        let tolerance = match case["type"].as_str().unwrap() {
            "float64" => 1e-14,
            _ => 1e-6,
        };
        let found = run(&layer(name), case);
        let output = |output: &str| {
            let (shape, values) = numbers(&case["outputs"][output]);
            (format!("{name}: {output}"), shape, values)
        };
        let (what, shape, values) = output("Y");
        assert_close(&what, &found.y, &shape, &values, tolerance);
        let (what, shape, values) = output("Y_h");
        assert_close(&what, &found.y_h, &shape, &values, tolerance);
        let has_cell = case["outputs"].get("Y_c").is_some();
        assert_eq!(found.y_c.is_some(), has_cell, "{name}");
        if let Some(found) = &found.y_c {
            let (what, shape, values) = output("Y_c");
            assert_close(&what, found, &shape, &values, tolerance);
        }
    }
}

#[test]
fn nodes_in_the_branches_of_an_if_are_found() {
    let nodes = model("gru_in_branch").nodes();
    let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
    // In the order of the attributes in the file.
    assert_eq!(names, ["other branch", "gru_in_branch"]);
}

#[test]
fn what_is_handed_in_stands_for_what_the_model_stores() {
    let cases = cases();
    let case = &cases["lstm_stored_states"];
    let layer = layer("lstm_stored_states");
    let stored = run(&layer, case);
    let x = numbers(&case["fed"]["X"]);
    let x: Tensor<3> = tensor(TensorData::new(x.1, x.0)).cast(DType::F32);
    let [time, batch, _] = x.dims();
    let whole = Given {
        sequence_lens: Some(Lengths::new(vec![time; batch])),
        ..Given::default()
    };
    let found = layer.forward(x, whole).unwrap();
    let difference = |row: usize| {
        let rows = |y: &Tensor<4>| y.clone().slice_dim(2, row..row + 1);
        (rows(&stored.y) - rows(&found.y))
            .abs()
            .max()
            .into_scalar::<f64>()
    };
    // The stored lengths are 4, 2 and 1 of 4.
    assert_eq!(difference(0), 0.0);
    assert!(difference(1) > 0.01 && difference(2) > 0.01);
}

//! Each cell against what PyTorch computes: outputs, final states and every gradient, in one
//! direction, in both, deep, and with rows of different lengths.
//!
//! `pytorch.py` beside this file made `pytorch.json`.

use backdraft_cells::prelude::*;
use backdraft_cells::{Cell, Gates, Layer};
use burn::module::Param;
use serde_json::Value;

use crate::support::{self, Backend, assert_close, backends, values};

#[test]
fn every_cell_computes_what_pytorch_does() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("pytorch.json")).unwrap();
    assert_eq!(cases.len(), 13);
    for backend in backends() {
        for case in &cases {
            // Where each shape of layer takes seconds, the padded case stands for the unpadded.
            if backend.slow && case["bidirectional"] == true && case["lengths"].is_null() {
                continue;
            }
            let (input, hidden) = (size(case, "input"), size(case, "hidden"));
            let elman =
                |nonlinearity| ElmanConfig::new(input, hidden).with_activation(nonlinearity);
            match case["name"].as_str().unwrap() {
                "elman tanh" => check(&backend, case, elman(Activation::Tanh), |c| &mut c.gates),
                "elman relu" => check(&backend, case, elman(Activation::Relu), |c| &mut c.gates),
                "elman sigmoid" => {
                    check(&backend, case, elman(Activation::Sigmoid), |c| &mut c.gates)
                }
                "lstm" => check(&backend, case, LstmConfig::new(input, hidden), |c| {
                    &mut c.gates
                }),
                "gru" => check(&backend, case, GruConfig::new(input, hidden), |c| {
                    &mut c.gates
                }),
                other => panic!("unknown case {other}"),
            }
        }
    }
}

fn check<K: SequenceConfig<Built: Cell>>(
    backend: &Backend,
    case: &Value,
    cell: K,
    gates: fn(&mut K::Built) -> &mut Gates,
) {
    let layers = size(case, "layers");
    if case["bidirectional"].as_bool().unwrap() {
        let config = DeepConfig::new(BidirectionalConfig::new(cell), layers);
        let mut layer = config.init(&backend.autodiff()).unwrap();
        let all = layer.layers.iter_mut();
        load(
            backend,
            case,
            all.flat_map(|layer| {
                layer
                    .directions_mut()
                    .into_array()
                    .map(|layer| &mut layer.cell)
            }),
            gates,
        );
        compare(backend, case, &layer);
    } else {
        let config = DeepConfig::new(RecurrentConfig::new(cell), layers);
        let mut layer = config.init(&backend.autodiff()).unwrap();
        load(
            backend,
            case,
            layer.layers.iter_mut().map(|l| &mut l.cell),
            gates,
        );
        compare(backend, case, &layer);
    }
}

/// PyTorch's names, in the order in which a stack's cells and their parameters come.
fn names(case: &Value) -> Vec<String> {
    let directions: &[&str] = match case["bidirectional"].as_bool().unwrap() {
        true => &["", "_reverse"],
        false => &[""],
    };
    let mut names = Vec::new();
    for layer in 0..size(case, "layers") {
        for direction in directions {
            for part in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"] {
                names.push(format!("{part}_l{layer}{direction}"));
            }
        }
    }
    names
}

fn load<'a, C: 'a>(
    backend: &Backend,
    case: &Value,
    cells: impl Iterator<Item = &'a mut C>,
    gates: fn(&mut C) -> &mut Gates,
) {
    let mut names = names(case).into_iter();
    for cell in cells {
        let gates = gates(cell);
        let mut next = || numbers(&case["parameters"][names.next().unwrap()]);
        let [rows, input] = gates.input_weight.dims();
        let hidden = gates.hidden_size();
        gates.input_weight = Param::from_tensor(backend.tensor(&next(), [rows, input]));
        gates.recurrent_weight = Param::from_tensor(backend.tensor(&next(), [rows, hidden]));
        gates.input_bias = Some(Param::from_tensor(backend.tensor(&next(), [rows])));
        gates.recurrent_bias = Some(Param::from_tensor(backend.tensor(&next(), [rows])));
    }
}

fn compare<L: Layer>(backend: &Backend, case: &Value, layer: &L) {
    let what = format!("{}: {} {}", backend.name, case["name"], layer.describe());
    let close = |part: &str, found: &[f64], expected: &Value| {
        assert_close(
            &format!("{what}: {part}"),
            found,
            &numbers(expected),
            backend.tolerance,
        );
    };
    let (batch, time) = (size(case, "batch"), size(case, "time"));
    let (input, hidden) = (size(case, "input"), size(case, "hidden"));

    // PyTorch keeps [layers * directions, batch, hidden] for h and again for c; our states come
    // layer by layer, direction by direction, h before c.
    let kinds = case["initial"].as_array().unwrap().len();
    let cells = size(case, "layers") * if case["bidirectional"] == true { 2 } else { 1 };
    let part = |values: &Value, kind: usize, cell: usize| -> Vec<f64> {
        numbers(&values[kind])[cell * batch * hidden..(cell + 1) * batch * hidden].to_vec()
    };
    let mut leaves = Vec::new();
    let mut index = 0;
    let initial = layer.initial_state(batch).map(&mut |_| {
        let (cell, kind) = (index / kinds, index % kinds);
        index += 1;
        let leaf = backend.tensor(&part(&case["initial"], kind, cell), [batch, hidden]);
        leaves.push(leaf.clone());
        leaf
    });
    assert_eq!(index, kinds * cells);

    let x = backend.tensor(&numbers(&case["x"]), [batch, time, input]);
    let lengths: Option<Vec<usize>> = serde_json::from_value(case["lengths"].clone()).unwrap();
    let lengths = lengths.map(Lengths::new);
    let run = layer
        .forward(
            LayerInput::new(x.clone())
                .with_state(initial)
                .with_lengths(lengths.as_ref()),
        )
        .unwrap();
    close("outputs", &values(&run.outputs), &case["outputs"]);

    let weights = backend.tensor(&numbers(&case["output_weights"]), run.outputs.dims());
    let mut loss = (run.outputs * weights).sum();
    let mut index = 0;
    run.state.visit("", &mut |name, tensor| {
        let (cell, kind) = (index / kinds, index % kinds);
        index += 1;
        let expected = part(&case["final"], kind, cell);
        assert_close(
            &format!("{what}: final {name}"),
            &values(tensor),
            &expected,
            backend.tolerance,
        );
        let weights = part(&case["final_weights"], kind, cell);
        let weights = backend.tensor(&weights, tensor.dims());
        loss = loss.clone() + (tensor.clone() * weights).sum();
    });
    close(
        "loss",
        &values(&loss),
        &Value::from(vec![case["loss"].clone()]),
    );

    let gradients = loss.backward();
    close(
        "gradient of x",
        &values(&x.grad(&gradients).unwrap()),
        &case["x_gradient"],
    );
    for (index, leaf) in leaves.iter().enumerate() {
        let expected = part(&case["initial_gradients"], index % kinds, index / kinds);
        let found = values(&leaf.grad(&gradients).unwrap());
        let what = format!("{what}: gradient of initial state {index}");
        assert_close(&what, &found, &expected, backend.tolerance);
    }
    let found = support::gradients(layer, &gradients);
    for (name, found) in names(case).iter().zip(found) {
        close(
            &format!("gradient of {name}"),
            &found,
            &case["parameter_gradients"][name],
        );
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|number| number.as_f64().unwrap())
        .collect()
}

fn size(case: &Value, name: &str) -> usize {
    case[name].as_u64().unwrap() as usize
}

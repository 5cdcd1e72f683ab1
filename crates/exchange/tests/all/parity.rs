//! Two hundred modules drawn at random, against PyTorch: outputs, final states and every gradient,
//! by the kernels and step by step. The weights come in as a state dict, in half precision, and go
//! out again.
//!
//! `parity.py` beside this file made `parity.safetensors`.

use std::collections::BTreeMap;

use backdraft_cells::prelude::*;
use backdraft_cells::{Activation, GatesConfig, Path};
use backdraft_exchange::pytorch::{Level, StateDict, Twin, TwinCell};
use burn::tensor::{DType, Device, Tensor};
use serde::Deserialize;

use crate::support::{Worst, gradients, values};

#[derive(Deserialize)]
struct Case {
    kind: String,
    batch: usize,
    time: usize,
    input: usize,
    hidden: usize,
    projection: Option<usize>,
    layers: usize,
    bidirectional: bool,
    bias: bool,
    lengths: Option<Vec<usize>>,
    initial: bool,
}

const TOLERANCE: f64 = 1e-5;

#[test]
fn modules_drawn_at_random_compute_what_pytorch_does() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/parity.safetensors");
    let state = StateDict::open(path).unwrap();
    let cases = state.data("cases").unwrap().unwrap();
    let cases: Vec<Case> = serde_json::from_slice(&cases.try_to_vec::<u8>().unwrap()).unwrap();
    assert_eq!(cases.len(), 200);
    let mut worst = Worst::default();
    for (n, case) in cases.iter().enumerate() {
        let (input, hidden) = (case.input, case.hidden);
        let gates = GatesConfig::new().with_bias(case.bias);
        let elman = |phi| {
            let config = ElmanConfig::new(input, hidden).with_activation(phi);
            config.with_gates(gates.clone())
        };
        match case.kind.as_str() {
            "tanh" => any_shape(&state, n, case, elman(Activation::Tanh), &mut worst),
            "relu" => any_shape(&state, n, case, elman(Activation::Relu), &mut worst),
            "lstm" => {
                let lstm = LstmConfig::new(input, hidden).with_gates(gates);
                let lstm = lstm.with_proj_size(case.projection);
                any_shape(&state, n, case, lstm, &mut worst);
            }
            "gru" => {
                let gru = GruConfig::new(input, hidden).with_gates(gates);
                any_shape(&state, n, case, gru, &mut worst);
            }
            other => panic!("unknown kind {other}"),
        }
    }
    println!("{worst}");
}

/// A module of one layer is a layer of its own, without a stack around it.
fn any_shape<K>(state: &StateDict, n: usize, case: &Case, cell: K, worst: &mut Worst)
where
    K: SequenceConfig<Built: TwinCell>,
{
    match (case.bidirectional, case.layers) {
        (false, 1) => both_paths(state, n, case, RecurrentConfig::new(cell), worst),
        (true, 1) => both_paths(state, n, case, BidirectionalConfig::new(cell), worst),
        (false, _) => deep(state, n, case, RecurrentConfig::new(cell), worst),
        (true, _) => deep(state, n, case, BidirectionalConfig::new(cell), worst),
    }
}

fn deep<K>(state: &StateDict, n: usize, case: &Case, layer: K, worst: &mut Worst)
where
    K: SequenceConfig<Built: Level>,
{
    both_paths(state, n, case, DeepConfig::new(layer, case.layers), worst);
}

fn both_paths<K>(state: &StateDict, n: usize, case: &Case, config: K, worst: &mut Worst)
where
    K: SequenceConfig<Built: Layer + Twin>,
{
    let layer = config.init(&Device::flex().autodiff()).unwrap();
    let prefix = format!("{n}.rnn.");
    let layer = state.load(layer, &prefix).unwrap();
    // Out again: the names that PyTorch's strict loading asks for, and the same numbers.
    let out = StateDict::of(&layer, &prefix).unwrap();
    let theirs: Vec<&str> = state
        .names()
        .filter(|name| name.starts_with(&prefix))
        .collect();
    assert_eq!(out.names().collect::<Vec<_>>(), theirs);
    for name in theirs {
        let theirs = state
            .data(name)
            .unwrap()
            .unwrap()
            .try_cast(DType::F32)
            .unwrap();
        assert_eq!(out.data(name).unwrap().unwrap(), theirs, "{name}");
    }
    let kernel = |(_, path): &(String, Path)| matches!(path, Path::Kernel(_));
    let one_operation = layer.paths().iter().all(kernel);
    assert!(one_operation, "case {n}");
    check(state, n, case, &layer, worst);
    check(state, n, case, &layer.unrolled(), worst);
}

/// A part after the other of a list of numbers.
struct Parts<'a>(&'a [f64]);

impl Parts<'_> {
    fn take(&mut self, count: usize) -> &[f64] {
        let (part, rest) = self.0.split_at(count);
        self.0 = rest;
        part
    }
}

fn check<L: Layer + Twin>(state: &StateDict, n: usize, case: &Case, layer: &L, worst: &mut Worst) {
    let device = Device::flex().autodiff();
    let (_, path) = layer.paths().remove(0);
    let what = format!("case {n}: {} ({path})", layer.describe());
    let read = |name: &str| -> Option<Vec<f64>> {
        let data = state.data(&format!("{n}.{name}")).unwrap()?;
        Some(data.iter::<f64>().collect())
    };
    let tensor = |values: &[f64], shape: [usize; 2]| {
        Tensor::<1>::from_floats(
            &values.iter().map(|v| *v as f32).collect::<Vec<_>>()[..],
            &device,
        )
        .reshape(shape)
    };
    let results = read("results").unwrap();
    let mut results = Parts(&results);
    let weights = read("weights").unwrap();
    let mut weights = Parts(&weights);
    let mut close = |part: &str, found: &[f64], expected: &[f64]| {
        worst.compare(&format!("{what}: {part}"), found, expected, TOLERANCE);
    };

    // PyTorch keeps all h, then all c, each [layers * directions, batch, units]; our states come
    // layer by layer, direction by direction, h before c.
    let kinds = if case.kind == "lstm" {
        ["h", "c"].as_slice()
    } else {
        &["h"]
    };
    let cells = case.layers * if case.bidirectional { 2 } else { 1 };
    let units = [case.projection.unwrap_or(case.hidden), case.hidden];
    let place = |index: usize| (index % kinds.len(), index / kinds.len());
    let cell_of = |all: &[f64], kind: usize, cell: usize| {
        let size = case.batch * units[kind];
        all[cell * size..(cell + 1) * size].to_vec()
    };
    let mut leaves = Vec::new();
    let initial = case.initial.then(|| {
        let given: Vec<Vec<f64>> = kinds
            .iter()
            .map(|kind| read(&format!("initial.{kind}")).unwrap())
            .collect();
        layer.initial_state(case.batch).map(&mut |_| {
            let (kind, cell) = place(leaves.len());
            let values = cell_of(&given[kind], kind, cell);
            let leaf = tensor(&values, [case.batch, units[kind]]).require_grad();
            leaves.push(leaf.clone());
            leaf
        })
    });

    let x = tensor(&read("x").unwrap(), [case.batch * case.time, case.input])
        .reshape([case.batch, case.time, case.input])
        .require_grad();
    let lengths = case.lengths.clone().map(Lengths::new);
    let run = layer
        .forward(
            LayerInput::new(x.clone())
                .with_state(initial)
                .with_lengths(lengths.as_ref()),
        )
        .unwrap();
    let outputs = run.outputs.clone().flatten::<2>(0, 1);
    let [rows, columns] = outputs.dims();
    close("outputs", &values(&outputs), results.take(rows * columns));
    let mut loss = (outputs * tensor(weights.take(rows * columns), [rows, columns])).sum();

    let finals: Vec<_> = units[..kinds.len()]
        .iter()
        .map(|units| cells * case.batch * units)
        .collect();
    let expected: Vec<Vec<f64>> = finals
        .iter()
        .map(|size| results.take(*size).to_vec())
        .collect();
    let of_loss: Vec<Vec<f64>> = finals
        .iter()
        .map(|size| weights.take(*size).to_vec())
        .collect();
    let mut index = 0;
    run.state.visit("", &mut |name, found| {
        let (kind, cell) = place(index);
        index += 1;
        let expected = cell_of(&expected[kind], kind, cell);
        close(&format!("final {name}"), &values(found), &expected);
        let weights = tensor(&cell_of(&of_loss[kind], kind, cell), found.dims());
        loss = loss.clone() + (found.clone() * weights).sum();
    });
    assert_eq!(index, cells * kinds.len(), "{what}: states");

    let of = loss.backward();
    let found = values(&x.grad(&of).unwrap());
    close("gradient of x", &found, results.take(found.len()));
    if case.initial {
        let expected: Vec<Vec<f64>> = finals
            .iter()
            .map(|size| results.take(*size).to_vec())
            .collect();
        for (index, leaf) in leaves.iter().enumerate() {
            let (kind, cell) = place(index);
            let expected = cell_of(&expected[kind], kind, cell);
            let found = values(&leaf.grad(&of).unwrap());
            close(
                &format!("gradient of initial state {index}"),
                &found,
                &expected,
            );
        }
    }
    let found = gradients(layer, &of);
    let names: BTreeMap<String, String> = Twin::parameters(layer)
        .unwrap()
        .into_iter()
        .map(|mut parameter| (parameter.names.remove(0), parameter.path))
        .collect();
    assert_eq!(names.len(), found.len(), "{what}: parameters");
    for (name, path) in names {
        let found = &found[&path];
        close(
            &format!("gradient of {name}"),
            found,
            results.take(found.len()),
        );
    }
    assert!(
        results.0.is_empty() && weights.0.is_empty(),
        "{what}: numbers left over"
    );
}

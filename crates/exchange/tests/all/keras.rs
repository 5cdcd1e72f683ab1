//! Arrays of Keras's layers, in and out, against what Keras computes with them.
//!
//! `keras_layers.py` beside this file made `keras_layers.json` and `keras.safetensors`.

use std::path::Path;

use backdraft_cells::prelude::*;
use backdraft_cells::{
    Activation, GatesConfig, GruActivations, LstmActivations, Reset, State, WeightNorm,
};
use backdraft_exchange::keras::{self, KerasLayer};
use backdraft_exchange::pytorch::StateDict;
use burn::module::{ModuleMapper, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};
use serde::Deserialize;

#[derive(Deserialize)]
struct Array {
    shape: Vec<usize>,
    values: Vec<f64>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    use_bias: bool,
    merge: Option<String>,
    go_backwards: bool,
    hard_sigmoid: bool,
    lengths: Option<Vec<usize>>,
    x: Vec<Vec<Vec<f64>>>,
    weights: Vec<Array>,
    outputs: Array,
    states: Vec<Array>,
}

impl Case {
    fn arrays(&self) -> Vec<TensorData> {
        let arrays = self.weights.iter();
        arrays
            .map(|array| TensorData::new(array.values.clone(), array.shape.clone()))
            .collect()
    }

    /// The activation of the gates.
    fn gate(&self) -> Activation {
        match self.hard_sigmoid {
            true => Activation::HardSigmoid {
                alpha: 1.0 / 6.0,
                beta: 0.5,
            },
            false => Activation::Sigmoid,
        }
    }
}

/// Weights in double precision.
struct Double;

impl ModuleMapper for Double {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        Param::initialized(param.id, param.val().cast(DType::F64))
    }
}

/// Fails where two lists differ by more than single precision does, in which Keras computes.
#[track_caller]
fn close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() < 1e-6,
            "{what}: value {index}: {found} against {expected}"
        );
    }
}

/// The one place where a layer runs.
fn forward<L: Layer>(layer: &L, x: Tensor<3>, lengths: Option<&Lengths>) -> (Tensor<3>, L::State) {
    let run = layer
        .forward(LayerInput::new(x).with_lengths(lengths))
        .unwrap();
    (run.outputs, run.state)
}

/// Outputs, and the numbers of the final states, one after the other.
fn run<L: Layer>(layer: &L, case: &Case) -> (Tensor<3>, Vec<f64>) {
    let (batch, time, input) = (case.x.len(), case.x[0].len(), case.x[0][0].len());
    let x: Vec<f64> = case.x.iter().flatten().flatten().copied().collect();
    let x = TensorData::new(x, [batch, time, input]);
    let x = Tensor::<3>::from_data(x, (&Device::flex(), DType::F64));
    let lengths = case.lengths.clone().map(Lengths::new);
    let (outputs, state) = forward(layer, x, lengths.as_ref());
    let mut states = Vec::new();
    state.visit("", &mut |_, state| {
        states.extend(state.to_data().iter::<f64>());
    });
    (outputs, states)
}

fn check<L: Layer + KerasLayer>(case: &Case, layer: L) {
    let what = format!(
        "{} {} {:?} {} {:?}",
        case.name, case.use_bias, case.lengths, case.go_backwards, case.merge
    );
    let given = case.arrays();
    let layer = keras::load(layer.map(&mut Double), &given).unwrap();
    let (mut outputs, states) = run(&layer, case);
    if case.go_backwards {
        outputs = keras::as_go_backwards(outputs);
    }
    assert_eq!(outputs.dims().as_slice(), case.outputs.shape, "{what}");
    let found: Vec<f64> = outputs.into_data().iter::<f64>().collect();
    let mut expected = case.outputs.values.clone();
    let alone = case.merge.is_none() && !case.go_backwards;
    if let (true, Some(lengths)) = (alone, &case.lengths) {
        let [_, time, features] = case.outputs.shape[..] else {
            panic!("outputs of three dimensions");
        };
        for (row, &length) in expected.chunks_mut(time * features).zip(lengths) {
            let (valid, padded) = row.split_at_mut(length * features);
            // What Keras repeats is 0 here.
            let last = &valid[(length - 1) * features..];
            for step in padded.chunks_mut(features) {
                assert_eq!(step, last, "{what}");
                step.fill(0.0);
            }
        }
    }
    close(&format!("{what}: outputs"), &found, &expected);
    let expected: Vec<f64> = case
        .states
        .iter()
        .flat_map(|state| state.values.clone())
        .collect();
    close(&format!("{what}: states"), &states, &expected);
    // Out again, what came in.
    assert_eq!(keras::weights(&layer).unwrap(), given, "{what}");
}

#[test]
fn keras_layers_compute_the_same_here() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("keras_layers.json")).unwrap();
    assert_eq!(cases.len(), 34);
    for case in &cases {
        let gates = GatesConfig::new().with_bias(case.use_bias);
        match case.name.as_str() {
            "simple_rnn" => shape(case, ElmanConfig::new(3, 5).with_gates(gates)),
            "lstm" => {
                let activations = LstmActivations::new().with_gate(case.gate());
                let lstm = LstmConfig::new(3, 5).with_gates(gates);
                shape(case, lstm.with_activations(activations));
            }
            "gru reset_after" | "gru" => {
                let activations = GruActivations::new().with_gate(case.gate());
                let reset = match case.name.as_str() {
                    "gru" => Reset::BeforeProduct,
                    _ => Reset::AfterProduct,
                };
                let gru = GruConfig::new(3, 5).with_gates(gates).with_reset(reset);
                shape(case, gru.with_activations(activations));
            }
            other => panic!("unknown layer {other}"),
        }
    }
}

fn shape<K: SequenceConfig<Built: keras::KerasCell>>(case: &Case, cell: K) {
    let device = Device::flex();
    let merge = match case.merge.as_deref() {
        None => {
            let direction = match case.go_backwards {
                true => Direction::Reverse,
                false => Direction::Forward,
            };
            let layer = RecurrentConfig::new(cell).with_direction(direction);
            return check(case, layer.init(&device).unwrap());
        }
        Some("concat") => Merge::Concat,
        Some("sum") => Merge::Sum,
        Some("ave") => Merge::Mean,
        Some("mul") => Merge::Product,
        Some(other) => panic!("unknown merge mode {other}"),
    };
    let layer = BidirectionalConfig::new(cell).with_merge(merge);
    check(case, layer.init(&device).unwrap());
}

/// Keras's order is that of the steps from the last to the first, and a layer behind it reads them so.
#[test]
fn a_layer_behind_one_that_goes_backwards_is_in_reverse_too() {
    let device = Device::flex();
    let gru = |input, direction| {
        let layer = RecurrentConfig::new(GruConfig::new(input, 3)).with_direction(direction);
        layer.init(&device).unwrap()
    };
    let (lower, upper) = (gru(2, Direction::Reverse), gru(3, Direction::Forward));
    let mut behind = upper.clone();
    behind.direction = Direction::Reverse;
    let steps = |layer: &Recurrent<Gru>, x| forward(layer, x, None).0;
    let x = Tensor::<1>::from_floats([0.5, -1.0, 2.0, 0.1, -0.3, 1.5], &device).reshape([1, 3, 2]);
    let y = steps(&lower, x);
    let there = steps(&upper, keras::as_go_backwards(y.clone()));
    let here = keras::as_go_backwards(steps(&behind, y));
    assert_eq!(there.into_data(), here.into_data());
}

#[test]
fn arrays_that_python_saved_are_found_by_layer() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/keras.safetensors");
    let file = StateDict::open(path).unwrap();
    let device = Device::flex();
    let lower = RecurrentConfig::new(LstmConfig::new(3, 4))
        .init(&device)
        .unwrap();
    let upper = BidirectionalConfig::new(GruConfig::new(4, 3))
        .init(&device)
        .unwrap();
    let arrays = keras::saved(&file, "lower").unwrap();
    let lower = keras::load(lower, &arrays).unwrap();
    assert_eq!(keras::weights(&lower).unwrap(), arrays);
    let arrays = keras::saved(&file, "upper").unwrap();
    assert_eq!(arrays.len(), 6);
    let upper = keras::load(upper, &arrays).unwrap();
    assert_eq!(keras::weights(&upper).unwrap(), arrays);
    let told = |layer: &str, file: &StateDict| keras::saved(file, layer).unwrap_err().to_string();
    assert_eq!(
        told("upp", &file),
        "layer `upp`: expected an array called `upp.0`, found [\"head.0\", \"head.1\", \"lower.0\", \
         \"lower.1\", \"lower.2\", \"upper.0\", \"upper.1\", \"upper.2\", \"upper.3\", \"upper.4\", \
         \"upper.5\"]"
    );
    // One that is called otherwise would go unseen.
    let other = |name: &str| Some(name.replace("lower.1", "lower.bias"));
    let file = file.renamed_by(other).unwrap();
    assert!(told("lower", &file).starts_with("layer `lower`: expected an array called `lower.1`"));
}

/// Keras adds one bias, we two: their sum goes out.
#[test]
fn two_biases_go_out_as_their_sum() {
    let lstm = RecurrentConfig::new(LstmConfig::new(2, 3))
        .init(&Device::flex())
        .unwrap();
    let arrays = keras::weights(&lstm).unwrap();
    let values = |bias: &Option<Param<Tensor<1>>>| -> Vec<f32> {
        bias.as_ref()
            .unwrap()
            .val()
            .into_data()
            .iter::<f32>()
            .collect()
    };
    let gates = &lstm.cell.gates;
    let both = values(&gates.input_bias)
        .into_iter()
        .zip(values(&gates.recurrent_bias));
    let sum: Vec<f32> = both.map(|(input, recurrent)| input + recurrent).collect();
    assert_eq!(arrays[2].iter::<f32>().collect::<Vec<_>>(), sum);
}

/// Upper layers come after lower ones, and half precision becomes single.
#[test]
fn a_stack_takes_the_arrays_of_its_layers() {
    let device = Device::flex();
    let stack = || {
        let layer = BidirectionalConfig::new(GruConfig::new(2, 3));
        DeepConfig::new(layer, 2).init(&device).unwrap()
    };
    let arrays = keras::weights(&stack()).unwrap();
    let shapes: Vec<Vec<usize>> = arrays.iter().map(|array| array.shape().to_vec()).collect();
    let of = |input: usize| vec![vec![input, 9], vec![3, 9], vec![2, 9]];
    assert_eq!(shapes, [of(2), of(2), of(6), of(6)].concat());

    let half: Vec<TensorData> = arrays
        .iter()
        .map(|array| array.clone().try_cast(DType::F16).unwrap())
        .collect();
    let found = keras::weights(&keras::load(stack(), &half).unwrap()).unwrap();
    for (found, half) in found.into_iter().zip(half) {
        assert_eq!(found, half.try_cast(DType::F32).unwrap());
    }
}

#[test]
fn arrays_that_do_not_fit_are_told_at_once() {
    let device = Device::flex();
    let lstm = BidirectionalConfig::new(LstmConfig::new(2, 3))
        .init(&device)
        .unwrap();
    let array = |shape: &[usize]| TensorData::zeros::<f32, _>(shape.to_vec());
    let arrays = [
        array(&[2, 12]),
        array(&[12, 3]),
        array(&[12]),
        TensorData::zeros::<i32, _>([2, 12]),
    ];
    let told = keras::load(lstm.clone(), &arrays).unwrap_err().to_string();
    assert_eq!(
        told,
        "Keras's weights: the tensors do not fit\
         \n  missing: backward recurrent_kernel [3, 12]\
         \n  missing: backward bias [12]\
         \n  shape of forward recurrent_kernel: expected [3, 12], found [12, 3]\
         \n  type of backward kernel: expected floating-point numbers, found I32"
    );
    let mut arrays = keras::weights(&lstm).unwrap();
    arrays.push(array(&[4]));
    let told = keras::load(lstm, &arrays).unwrap_err().to_string();
    assert!(
        told.ends_with("\n  not in the layer: array 7 [4]"),
        "{told}"
    );
}

#[test]
fn layers_that_keras_lacks_are_refused_by_name() {
    let device = Device::flex();
    fn refused<K: SequenceConfig<Built: keras::KerasCell>>(cell: K, expected: &str) {
        let layer = RecurrentConfig::new(cell).init(&Device::flex()).unwrap();
        let told = keras::weights(&layer).unwrap_err().to_string();
        assert_eq!(told, format!("Keras has no such layer: {expected}"));
        assert_eq!(keras::load(layer, &[]).unwrap_err().to_string(), told);
    }
    let lstm = LstmConfig::new(2, 3);
    let none = |what: &str| format!("Lstm(2 -> 3): {what}: expected none, found one");
    refused(lstm.clone().with_peepholes(true), &none("peepholes"));
    refused(lstm.clone().with_coupled(true), &none("coupled gates"));
    refused(lstm.clone().with_proj_size(Some(3)), &none("projection"));
    refused(lstm.clone().with_cell_clip(Some(1.0)), &none("cell clip"));
    refused(lstm.clone().with_gate_clip(Some(1.0)), &none("gate clip"));
    refused(
        lstm.clone().with_output_clip(Some(1.0)),
        &none("output clip"),
    );
    let normed = GatesConfig::new().with_weight_norm(WeightNorm::Recurrent);
    refused(
        lstm.clone().with_gates(normed),
        "Lstm(2 -> 3): weight norm: expected off: `materialize()` gives the layer with plain \
         weights, found Recurrent",
    );
    let output = LstmActivations::new().with_output(Activation::Identity);
    refused(
        lstm.with_activations(output),
        "Lstm(2 -> 3): activation of the output: expected Tanh, as that of the candidate, found \
         Identity",
    );
    refused(
        GruConfig::new(2, 3).with_reset(Reset::None),
        "Gru(2 -> 3): reset: expected AfterProduct or BeforeProduct, found None",
    );
    let clip = GruConfig::new(2, 3).with_gate_clip(Some(1.0));
    refused(clip, "Gru(2 -> 3): gate clip: expected none, found one");
    let clip = ElmanConfig::new(2, 3).with_gate_clip(Some(1.0));
    refused(clip, "Elman(2 -> 3): gate clip: expected none, found one");

    let gru = BidirectionalConfig::new(GruConfig::new(2, 3))
        .init(&device)
        .unwrap();
    let mut backwards = gru.clone();
    backwards.directions_mut().forward.direction = Direction::Reverse;
    let told = keras::weights(&backwards).unwrap_err().to_string();
    assert!(
        told.ends_with("expected [Forward, Reverse], found [Reverse, Reverse]"),
        "{told}"
    );
    // Each merge mode is one of Keras's.
    for merge in [Merge::Sum, Merge::Mean, Merge::Product] {
        let mut merged = gru.clone();
        merged.merge = merge;
        assert_eq!(keras::weights(&merged).unwrap().len(), 6);
    }
}

#[test]
fn arrays_that_are_not_finite_are_refused_by_their_place() {
    let layer = RecurrentConfig::new(GruConfig::new(1, 2));
    let layer = DeepConfig::new(layer, 1).init(&Device::flex()).unwrap();
    let mut arrays = keras::weights(&layer).unwrap();
    let mut kernel: Vec<f64> = arrays[1].iter().collect();
    kernel[7] = f64::NEG_INFINITY;
    arrays[1] = TensorData::new(kernel, [2, 6]);
    assert_eq!(
        keras::load(layer, &arrays).unwrap_err().to_string(),
        "Keras's weights: layer 1 recurrent_kernel[1, 1]: expected a finite number of type F32, found \
         -inf"
    );
}

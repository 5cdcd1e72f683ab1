//! Arrays of Keras's layers, in and out, against its equations written out in numpy.
//!
//! `keras.py` beside this file made `keras.json`.

use backdraft_cells::prelude::*;
use backdraft_cells::{Activation, GatesConfig, LstmActivations, Reset, WeightNorm};
use backdraft_exchange::keras::{self, KerasLayer};
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
    bidirectional: bool,
    x: Vec<Vec<Vec<f64>>>,
    weights: Vec<Array>,
    outputs: Vec<f64>,
}

impl Case {
    fn arrays(&self) -> Vec<TensorData> {
        let arrays = self.weights.iter();
        arrays
            .map(|array| TensorData::new(array.values.clone(), array.shape.clone()))
            .collect()
    }
}

/// Weights in double precision.
struct Double;

impl ModuleMapper for Double {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        Param::initialized(param.id, param.val().cast(DType::F64))
    }
}

fn check<L: Layer + KerasLayer>(case: &Case, layer: L) {
    let what = format!("{} {} {}", case.name, case.use_bias, layer.describe());
    let given = case.arrays();
    let layer = keras::load(layer.map(&mut Double), &given).unwrap();
    let (batch, time, input) = (case.x.len(), case.x[0].len(), case.x[0][0].len());
    let x: Vec<f64> = case.x.iter().flatten().flatten().copied().collect();
    let x = TensorData::new(x, [batch, time, input]);
    let x = Tensor::<3>::from_data(x, (&Device::flex(), DType::F64));
    let outputs = layer.forward(x).unwrap().outputs.into_data();
    let found: Vec<f64> = outputs.iter::<f64>().collect();
    assert_eq!(found.len(), case.outputs.len(), "{what}");
    for (found, expected) in found.iter().zip(&case.outputs) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{what}: {found} against {expected}"
        );
    }
    // Out again, what came in.
    assert_eq!(keras::weights(&layer).unwrap(), given, "{what}");
}

#[test]
fn keras_layers_compute_the_same_here() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("keras.json")).unwrap();
    assert_eq!(cases.len(), 12);
    for case in &cases {
        let gates = GatesConfig::new().with_bias(case.use_bias);
        match case.name.as_str() {
            "simple_rnn" => shape(case, ElmanConfig::new(3, 5).with_gates(gates)),
            "lstm" => shape(case, LstmConfig::new(3, 5).with_gates(gates)),
            "gru reset_after" => shape(case, GruConfig::new(3, 5).with_gates(gates)),
            "gru" => {
                let gru = GruConfig::new(3, 5).with_gates(gates);
                shape(case, gru.with_reset(Reset::BeforeProduct));
            }
            other => panic!("unknown layer {other}"),
        }
    }
}

fn shape<K: SequenceConfig<Built: keras::KerasCell>>(case: &Case, cell: K) {
    let device = Device::flex();
    match case.bidirectional {
        false => check(case, RecurrentConfig::new(cell).init(&device).unwrap()),
        true => check(case, BidirectionalConfig::new(cell).init(&device).unwrap()),
    }
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

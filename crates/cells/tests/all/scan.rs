//! Cells that run as a parallel scan: equal to their unrolled path over any length, and refused
//! where they are impossible. With the convolutional one, all cells that PyTorch does not have: equal
//! to what it computes in a loop.
//!
//! `scan.py` beside this file made `scan.json`.

use backdraft_cells::prelude::*;
use backdraft_cells::scan::{Complex, linear_recurrence};
use backdraft_cells::{Cell, InputGatesConfig, Kernel, Path};
use burn::module::{Module, ModuleMapper, Param};
use burn::nn::Initializer;
use burn::tensor::{DType, Tensor};
use serde_json::Value;

use crate::support::{self, Backend, Scale, assert_close, backends, random, values};

/// Outputs, final states, and the gradients of the input, of the initial states and of all
/// parameters: names and values.
type Found = Vec<(String, Vec<f64>)>;

struct Case {
    input: Tensor<3>,
    initial: Vec<Vec<f64>>,
    lengths: Option<Lengths>,
    output_weights: Vec<f64>,
    final_weights: Vec<Vec<f64>>,
}

fn run<L: Layer>(backend: &Backend, layer: &L, case: &Case) -> Found {
    let batch = case.input.dims()[0];
    let mut leaves = Vec::new();
    let initial = layer.initial_state(batch).map(&mut |zeros| {
        leaves.push(backend.tensor(&case.initial[leaves.len()], zeros.dims()));
        leaves[leaves.len() - 1].clone()
    });
    let run = layer
        .forward(
            LayerInput::new(case.input.clone())
                .with_state(initial)
                .with_lengths(case.lengths.as_ref()),
        )
        .unwrap();
    let mut found = vec![("outputs".to_string(), values(&run.outputs))];
    let weights = backend.tensor(&case.output_weights, run.outputs.dims());
    let mut loss = (run.outputs * weights).sum();
    let mut weights = case.final_weights.iter();
    run.state.visit("", &mut |name, tensor| {
        found.push((format!("final {name}"), values(tensor)));
        let weights = backend.tensor(weights.next().unwrap(), tensor.dims());
        loss = loss.clone() + (tensor.clone() * weights).sum();
    });
    let gradients = loss.backward();
    found.push((
        "d input".into(),
        values(&case.input.grad(&gradients).unwrap()),
    ));
    for (index, leaf) in leaves.iter().enumerate() {
        let gradient = leaf.grad(&gradients).map(|gradient| values(&gradient));
        let nothing = vec![0.0; case.initial[index].len()];
        found.push((format!("d initial {index}"), gradient.unwrap_or(nothing)));
    }
    let parameters = support::gradients(layer, &gradients)
        .into_iter()
        .enumerate();
    found.extend(parameters.map(|(index, gradient)| (format!("d parameter {index}"), gradient)));
    found
}

fn compare(what: &str, found: Found, expected: Found, tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for ((name, found), (_, expected)) in found.iter().zip(&expected) {
        assert_close(&format!("{what}: {name}"), found, expected, tolerance);
    }
}

fn scan_equals_unrolled<K: SequenceConfig<Built: Cell>>(cell: &K, shares: &[usize], time: usize) {
    // A scan has no kernel of its own there: a length for each number of halvings is enough.
    let few: &[usize] = if shares.len() > 1 { &[1, 6, 11] } else { &[6] };
    let there = |backend: &&Backend| !backend.slow || few.contains(&time);
    for backend in backends().iter().filter(there) {
        for direction in [Direction::Forward, Direction::Reverse] {
            for padded in [false, true] {
                // One way with padding, the other without, where each takes long.
                let few = backend.slow || time > 100;
                if few && padded != (direction == Direction::Reverse) {
                    continue;
                }
                let batch = shares.len();
                let config = RecurrentConfig::new(cell.clone()).with_direction(direction);
                let layer = config.init(&backend.autodiff()).unwrap();
                let layer = backend.fill(layer, 3).map(&mut Scale(0.7));
                let scan = Path::Kernel(Kernel::Own("parallel scan".into()));
                assert_eq!(layer.paths()[0].1, scan);
                let mut seed = 10;
                let mut draw = |count: usize| {
                    seed += 1;
                    random(seed, count)
                };
                let mut states = Vec::new();
                layer.initial_state(batch).visit("", &mut |_, zeros| {
                    states.push(zeros.shape().num_elements())
                });
                let case = Case {
                    input: backend.random(1, [batch, time, layer.input_size()]),
                    initial: states.iter().map(|&count| draw(count)).collect(),
                    lengths: padded.then(|| {
                        let lengths = shares.iter().map(|share| (share * time).div_ceil(100));
                        Lengths::new(lengths.collect::<Vec<_>>())
                    }),
                    output_weights: draw(batch * time * layer.output_size()),
                    final_weights: states.iter().map(|&count| draw(count)).collect(),
                };
                let what = format!(
                    "{}: {} {direction:?}, {time} steps, padded {padded}",
                    backend.name,
                    layer.describe()
                );
                let found = run(backend, &layer, &case);
                let expected = run(backend, &layer.unrolled(), &case);
                compare(&what, found, expected, backend.tolerance);
            }
        }
    }
}

fn scan_of_any_length_equals_unrolled<K: SequenceConfig<Built: Cell>>(cell: K) {
    for time in [1, 2, 3, 4, 5, 7, 8, 11, 31] {
        scan_equals_unrolled(&cell, &[100, 0, 50], time);
        scan_equals_unrolled(&cell, &[60], time);
    }
    scan_equals_unrolled(&cell, &[100, 0, 37], 1500);
}

#[test]
fn min_gru_equals_its_unrolled_path() {
    scan_of_any_length_equals_unrolled(MinGruConfig::new(3, 4));
}

#[test]
fn min_lstm_equals_its_unrolled_path() {
    scan_of_any_length_equals_unrolled(MinLstmConfig::new(3, 4));
}

#[test]
fn lru_equals_its_unrolled_path() {
    scan_of_any_length_equals_unrolled(LruConfig::new(3, 5, 4));
}

struct Load<'a> {
    backend: &'a Backend,
    parameters: Vec<Vec<f64>>,
}

impl ModuleMapper for Load<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let value = self
            .backend
            .tensor(&self.parameters.remove(0), param.dims());
        Param::initialized(param.id, value)
    }
}

#[test]
fn every_cell_computes_what_pytorch_does_in_a_loop() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("scan.json")).unwrap();
    assert_eq!(cases.len(), 24);
    for backend in &backends() {
        for case in &cases {
            // Where each shape of cell takes seconds, the padded case stands for the other.
            if backend.slow && case["lengths"].is_null() {
                continue;
            }
            match case["name"].as_str().unwrap() {
                "min_gru" => check(backend, case, MinGruConfig::new(3, 2)),
                "min_gru positive" => {
                    let cell = MinGruConfig::new(3, 2).with_candidate(Candidate::Positive);
                    check(backend, case, cell);
                }
                "min_lstm" => check(backend, case, MinLstmConfig::new(3, 2)),
                "min_lstm positive" => {
                    let cell = MinLstmConfig::new(3, 2).with_candidate(Candidate::Positive);
                    check(backend, case, cell);
                }
                "lru" => check(backend, case, LruConfig::new(3, 4, 2)),
                "conv_lstm" => {
                    let cell = ConvLstmConfig::new(12, 12, [2, 3]).with_kernel_size([3, 5]);
                    check(backend, case, cell);
                }
                other => panic!("unknown case {other}"),
            }
        }
    }
}

fn check<K: SequenceConfig<Built: Cell>>(backend: &Backend, case: &Value, cell: K) {
    let list =
        |name: &str| -> Vec<Vec<f64>> { serde_json::from_value(case[name].clone()).unwrap() };
    let numbers = |name: &str| -> Vec<f64> { serde_json::from_value(case[name].clone()).unwrap() };
    let lengths: Option<Vec<usize>> = serde_json::from_value(case["lengths"].clone()).unwrap();
    let direction = match case["reverse"].as_bool().unwrap() {
        true => Direction::Reverse,
        false => Direction::Forward,
    };
    let config = RecurrentConfig::new(cell).with_direction(direction);
    let layer = config.init(&backend.autodiff()).unwrap().map(&mut Load {
        backend,
        parameters: list("parameters"),
    });
    let mut expected: Found = vec![("outputs".into(), numbers("outputs"))];
    let named = |values: Vec<Vec<f64>>| values.into_iter().map(|values| (String::new(), values));
    expected.extend(named(list("final")));
    expected.push((String::new(), numbers("x_gradient")));
    expected.extend(named(list("initial_gradients")));
    expected.extend(named(list("parameter_gradients")));
    for layer in [layer.clone(), layer.unrolled()] {
        let what = format!("{}: {} {:?}", backend.name, case["name"], layer.paths());
        let case = Case {
            input: backend.tensor(&numbers("x"), [3, 5, layer.input_size()]),
            initial: list("initial"),
            lengths: lengths.clone().map(Lengths::new),
            output_weights: numbers("output_weights"),
            final_weights: list("final_weights"),
        };
        compare(
            &what,
            run(backend, &layer, &case),
            expected.clone(),
            backend.tolerance,
        );
    }
}

/// `lambda^t` on the unit circle, and an `a` that vanishes at once: after thousands of steps the
/// numbers are still right, in f32.
#[test]
fn thousands_of_steps_lose_nothing() {
    for backend in backends().iter().filter(|backend| !backend.slow) {
        let time = 4096;
        let device = backend.autodiff();
        let numbers =
            |values: &[f64], shape| support::tensor::<3>(values, shape, &device, DType::F32);
        let angle = 0.01f64;
        let factor = Complex {
            real: numbers(&[angle.cos(), 0.0], [1, 1, 2]),
            imaginary: numbers(&[angle.sin(), 1e-30], [1, 1, 2]),
        };
        let zeros = Tensor::zeros([time, 1, 2], (&device, DType::F32));
        let term = Complex {
            real: zeros.clone(),
            imaginary: zeros,
        };
        let initial = Complex {
            real: numbers(&[1.0, 1.0], [1, 1, 2]).require_grad(),
            imaginary: numbers(&[0.0, 0.0], [1, 1, 2]),
        };
        let leaf = initial.real.clone();
        let (states, _) = linear_recurrence(factor, term, initial, None, Direction::Forward);
        let (real, imaginary) = (values(&states.real), values(&states.imaginary));
        for t in 0..time {
            let (sine, cosine) = (angle * (t + 1) as f64).sin_cos();
            // The angle in f32 is off by up to 6e-8 a step.
            assert!(
                (real[2 * t] - cosine).abs() < 5e-4,
                "{t}: {} {cosine}",
                real[2 * t]
            );
            assert!((imaginary[2 * t] - sine).abs() < 5e-4, "{t}");
            assert!(
                real[2 * t + 1].abs() < 1e-29 && imaginary[2 * t + 1].abs() < 2e-30,
                "{t}"
            );
        }
        let gradients = (states.real + states.imaginary).sum().backward();
        let gradient = values(&leaf.grad(&gradients).unwrap());
        assert!(gradient.iter().all(|value| value.is_finite()));
    }
}

/// Where both gates of a minLSTM are shut, their ratio still counts.
#[test]
fn min_lstm_with_both_gates_shut_divides_nothing_by_nothing() {
    for backend in &backends() {
        let layer = RecurrentConfig::new(MinLstmConfig::new(1, 1)).init(&backend.autodiff());
        let layer = layer.unwrap().map(&mut Load {
            backend,
            parameters: vec![vec![0.0; 3], vec![-1000.0, -1000.0, 1.0]],
        });
        let run = layer.forward(backend.random(1, [1, 3, 1])).unwrap();
        assert_close("halves", &values(&run.outputs), &[0.5, 0.75, 0.875], 1e-6);
        let gradients = support::gradients(&layer, &run.outputs.sum().backward());
        assert!(gradients.iter().flatten().all(|value| value.is_finite()));
    }
}

#[test]
fn impossible_convolutions_are_refused() {
    let device = &backends()[0].device;
    let config = || ConvLstmConfig::new(12, 18, [2, 3]);
    assert_eq!(
        config().init(device).unwrap().describe(),
        "ConvLstm(12 -> 18)"
    );
    let error = config().with_kernel_size([3, 2]).init(device).unwrap_err();
    assert_eq!(
        error.to_string(),
        "ConvLstm: kernel size: expected two odd numbers, found [3, 2]"
    );
    let error = config().with_input_size(13).init(device).unwrap_err();
    assert_eq!(
        error.to_string(),
        "ConvLstm: input size: expected a multiple of 6, 2 x 3, found 13"
    );
    assert!(ConvLstmConfig::new(12, 0, [2, 3]).init(device).is_err());
    assert!(ConvLstmConfig::new(12, 12, [0, 3]).init(device).is_err());
}

#[test]
fn impossible_scans_are_refused() {
    let device = &backends()[0].device;
    assert!(MinGruConfig::new(0, 2).init(device).is_err());
    assert!(MinLstmConfig::new(2, 0).init(device).is_err());
    let zero = LruConfig::new(2, 2, 0).init(device).unwrap_err();
    assert_eq!(zero.to_string(), "Lru: units: expected at least 1, found 0");
    let lru = || LruConfig::new(2, 2, 2);
    assert!(
        lru()
            .with_min_radius(0.9)
            .with_max_radius(0.8)
            .init(device)
            .is_err()
    );
    assert!(lru().with_max_radius(1.1).init(device).is_err());
    assert!(lru().with_max_radius(f64::NAN).init(device).is_err());
    assert!(lru().with_max_phase(0.0).init(device).is_err());
    assert!(lru().with_max_phase(7.0).init(device).is_err());
    let orthogonal = Initializer::Orthogonal { gain: 1.0 };
    let gates = InputGatesConfig::new().with_bias_initialization(orthogonal.into());
    let error = MinGruConfig::new(3, 2).with_gates(gates).init(device);
    assert_eq!(
        error.unwrap_err().to_string(),
        "MinGru: bias initialization: expected one that is defined for a vector, \
         found Orthogonal { gain: 1.0 }"
    );
}

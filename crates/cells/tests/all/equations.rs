//! Each cell that is written as equations against the same equations in PyTorch: outputs, final
//! states and every gradient, forward, and in reverse with rows of different lengths.
//!
//! `equations.py` beside this file made `equations.json`.

use backdraft_cells::equations::{At, Equations, Expression};
use backdraft_cells::prelude::*;
use backdraft_cells::{Cell, CellBase, Gates, Layer, Projected};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use serde_json::Value;

use crate::support::{self, Backend, assert_close, backends, values};

const I: usize = 3;
const H: usize = 4;
const O: usize = 2;

#[test]
fn every_cell_computes_what_its_equations_say() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("equations.json")).unwrap();
    assert_eq!(cases.len(), 41);
    for backend in &backends() {
        for case in &cases {
            // Where each shape of cell takes seconds, the padded case stands for the other.
            if backend.slow && case["lengths"].is_null() {
                continue;
            }
            compare_named(backend, case);
        }
    }
}

fn compare_named(backend: &Backend, case: &Value) {
    let gru = |reset| GruConfig::new(I, H).with_reset(reset);
    let lstm = LstmConfig::new(I, H);
    let ind_rnn = IndRnnConfig::new(I, H);
    match case["name"].as_str().unwrap() {
        "janet" => compare(backend, case, JanetConfig::new(I, H)),
        "mgu" => compare(backend, case, MguConfig::new(I, H)),
        "gru_before_product" => compare(backend, case, gru(Reset::BeforeProduct)),
        "light_gru" => {
            let activations = GruActivations::new().with_candidate(Activation::Relu);
            let config = gru(Reset::None).with_activations(activations);
            compare(backend, case, config);
        }
        "gru_of_onnx" => {
            let gate = Activation::HardSigmoid {
                alpha: 0.25,
                beta: 0.4,
            };
            let activations = GruActivations::new()
                .with_gate(gate)
                .with_candidate(Activation::Softsign);
            let config = gru(Reset::AfterProduct)
                .with_activations(activations)
                .with_gate_clip(Some(0.7));
            compare(backend, case, config);
        }
        "elman_of_onnx" => {
            let config = ElmanConfig::new(I, H)
                .with_activation(Activation::Elu { alpha: 0.7 })
                .with_gate_clip(Some(0.8));
            compare(backend, case, config);
        }
        "third_order_elman" => compare(backend, case, HighOrderElmanConfig::new(I, H, 3)),
        "jordan" => {
            let config = JordanConfig::new(I, H, O).with_output_activation(Activation::Sigmoid);
            compare(backend, case, config);
        }
        "elman_jordan" => {
            let config =
                ElmanJordanConfig::new(I, H, O).with_output_activation(Activation::Sigmoid);
            compare(backend, case, config);
        }
        "ind_rnn" => compare(backend, case, ind_rnn),
        "bounded_ind_rnn" => {
            let config = ind_rnn
                .with_bound(Some(0.5))
                .with_activation(Activation::Tanh);
            compare(backend, case, config);
        }
        "peephole_lstm" => compare(backend, case, lstm.with_peepholes(true)),
        "coupled_lstm" => compare(backend, case, lstm.with_coupled(true)),
        "projected_lstm" => compare(backend, case, lstm.with_proj_size(Some(O))),
        "lstm_of_all_options" => {
            let activations = LstmActivations::new()
                .with_gate(Activation::LeakyRelu { alpha: 0.3 })
                .with_candidate(Activation::ScaledTanh {
                    alpha: 1.5,
                    beta: 0.5,
                })
                .with_output(Activation::Softplus);
            let config = lstm
                .with_peepholes(true)
                .with_coupled(true)
                .with_proj_size(Some(O))
                .with_cell_clip(Some(0.6))
                .with_gate_clip(Some(0.9))
                .with_activations(activations);
            compare(backend, case, config);
        }
        "four_gate_lstm" => compare(backend, case, FourGateLstmConfig::new(I, H)),
        "layer_norm_lstm" => compare(backend, case, LayerNormLstmConfig::new(I, H)),
        "layer_norm_gru" => compare(backend, case, LayerNormGruConfig::new(I, H)),
        "s_lstm" => compare(backend, case, SLstmConfig::new(I, H).with_heads(2)),
        "s_lstm exponential" => {
            let config = SLstmConfig::new(I, H)
                .with_heads(2)
                .with_forget(ForgetGate::Exponential);
            compare(backend, case, config);
        }
        other => panic!("unknown case {other}"),
    }
}

/// Puts the recorded parameters, one after the other, in the place of a module's own.
struct Load<'a> {
    backend: &'a Backend,
    parameters: std::slice::Iter<'a, Value>,
}

impl ModuleMapper for Load<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let values = numbers(self.parameters.next().expect("as many parameters"));
        Param::initialized(param.id, self.backend.tensor(&values, param.dims()))
    }
}

fn compare<K: SequenceConfig<Built: Cell>>(backend: &Backend, case: &Value, cell: K) {
    let direction = match case["reverse"].as_bool().unwrap() {
        true => Direction::Reverse,
        false => Direction::Forward,
    };
    let config = RecurrentConfig::new(cell).with_direction(direction);
    let layer = config.init(&backend.autodiff()).unwrap();
    let mut load = Load {
        backend,
        parameters: list(&case["parameters"]).iter(),
    };
    let layer = layer.map(&mut load);
    assert!(load.parameters.next().is_none(), "as many parameters");

    let what = format!("{}: {} {direction:?}", backend.name, case["name"]);
    let close = |part: String, found: &[f64], expected: &Value| {
        let what = format!("{what}: {part}");
        assert_close(&what, found, &numbers(expected), backend.tolerance);
    };
    let [batch, time] = [size(case, "batch"), size(case, "time")];
    let mut initial = list(&case["initial"]).iter();
    let mut leaves = Vec::new();
    let state = layer.initial_state(batch).map(&mut |zeros| {
        let values = numbers(initial.next().expect("as many states"));
        leaves.push(backend.tensor(&values, zeros.dims()));
        leaves[leaves.len() - 1].clone()
    });
    assert!(initial.next().is_none(), "as many states");

    let x = backend.tensor(&numbers(&case["x"]), [batch, time, size(case, "input")]);
    let lengths: Option<Vec<usize>> = serde_json::from_value(case["lengths"].clone()).unwrap();
    let lengths = lengths.map(Lengths::new);
    let run = layer
        .forward(
            LayerInput::new(x.clone())
                .with_state(state)
                .with_lengths(lengths.as_ref()),
        )
        .unwrap();
    close("outputs".into(), &values(&run.outputs), &case["outputs"]);

    let weights = backend.tensor(&numbers(&case["output_weights"]), run.outputs.dims());
    let mut loss = (run.outputs * weights).sum();
    let mut index = 0;
    run.state.visit("", &mut |name, tensor| {
        close(
            format!("final {name}"),
            &values(tensor),
            &case["final"][index],
        );
        let weights = numbers(&case["final_weights"][index]);
        loss = loss.clone() + (tensor.clone() * backend.tensor(&weights, tensor.dims())).sum();
        index += 1;
    });

    let gradients = loss.backward();
    let found = values(&x.grad(&gradients).unwrap());
    close("gradient of x".into(), &found, &case["x_gradient"]);
    for (index, leaf) in leaves.iter().enumerate() {
        let found = values(&leaf.grad(&gradients).unwrap());
        let expected = &case["initial_gradients"][index];
        close(
            format!("gradient of initial state {index}"),
            &found,
            expected,
        );
    }
    let found = support::gradients(&layer, &gradients);
    for (index, found) in found.iter().enumerate() {
        let expected = &case["parameter_gradients"][index];
        close(format!("gradient of parameter {index}"), found, expected);
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    let numbers = list(value).iter();
    numbers.map(|number| number.as_f64().unwrap()).collect()
}

fn size(case: &Value, name: &str) -> usize {
    case[name].as_u64().unwrap() as usize
}

/// A cell whose equations do not keep to their contract: so many values, the first of `output` units.
#[derive(Module, Debug)]
struct Wrong {
    gates: Gates,
    #[module(skip)]
    values: usize,
    #[module(skip)]
    output: usize,
}

impl CellBase for Wrong {
    type State = Tensor<2>;

    fn input_size(&self) -> usize {
        self.gates.input_size()
    }

    fn output_size(&self) -> usize {
        self.output
    }

    fn project(&self, input: Tensor<3>) -> Projected<3> {
        self.gates.project(input)
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        self.gates.zeros(batch)
    }
}

impl Equations for Wrong {
    fn matrices(&self) -> Vec<Tensor<2>> {
        self.gates.matrices()
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let hidden = at.projected.clone() + self.gates.recurrent(&at, &at.state[0]);
        vec![hidden; self.values]
    }
}

fn run_wrong(values: usize, output: usize, unrolled: bool) {
    let device = support::backends()[0].device.clone();
    let gates = GatesConfig::new().with_bias(false);
    let gates = gates.init("Wrong", [1, 3, 4], &device).unwrap();
    let layer = Recurrent::new(
        Wrong {
            gates,
            values,
            output,
        },
        Direction::Forward,
    );
    let layer = if unrolled { layer.unrolled() } else { layer };
    let run = layer.forward(Tensor::<3>::ones([2, 5, 3], &device));
    assert_eq!(run.unwrap().outputs.dims(), [2, 5, 4]);
}

#[test]
fn equations_that_keep_to_their_contract_run() {
    run_wrong(1, 4, false);
    run_wrong(1, 4, true);
}

#[test]
#[should_panic(expected = "units of each tensor of the next state of Wrong(3 -> 4)")]
fn too_many_values_are_told_by_the_kernel() {
    run_wrong(2, 4, false);
}

#[test]
#[should_panic(expected = "units of each tensor of the next state of Wrong(3 -> 4)")]
fn too_many_values_are_told_by_the_loop() {
    run_wrong(2, 4, true);
}

#[test]
#[should_panic(expected = "units of the first, the output of Wrong(3 -> 5)")]
fn an_output_of_another_size_is_told_by_the_kernel() {
    run_wrong(1, 5, false);
}

#[test]
#[should_panic(expected = "units of the first, the output of Wrong(3 -> 5)")]
fn an_output_of_another_size_is_told_by_the_loop() {
    run_wrong(1, 5, true);
}

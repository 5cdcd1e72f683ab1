//! What cells show of a step, its gates and their matrices, against the formulas by hand.

use backdraft_cells::prelude::*;
use backdraft_cells::{Cell, GatesConfig, LstmState};
use burn::tensor::Tensor;

use crate::support::{Backend, assert_close, backends, values};

const BATCH: usize = 2;
const INPUT: usize = 3;
const HIDDEN: usize = 4;

/// The gates that `cell` shows of a random step, and what they were computed from: the input and
/// the first tensor of the state, row by row.
struct Shown {
    gates: Vec<(&'static str, Vec<f64>)>,
    input: Vec<f64>,
    hidden: Vec<f64>,
}

fn shown<C: Cell>(backend: &Backend, cell: &C) -> Shown {
    let input = backend.random::<3>(1, [1, BATCH, INPUT]);
    let mut seed = 10;
    let state = cell.initial_state(BATCH).map(&mut |zeros| {
        seed += 1;
        backend.random::<2>(seed, zeros.dims())
    });
    let mut hidden = Vec::new();
    state.visit("", &mut |_, tensor| {
        if hidden.is_empty() {
            hidden = values(tensor);
        }
    });
    let projected = cell.project(input.clone()).steps().remove(0);
    let gates = cell.gate_activations(projected, &state);
    let gates = gates.into_iter().map(|(name, gate)| (name, values(&gate)));
    Shown {
        gates: gates.collect(),
        input: values(&input),
        hidden,
    }
}

/// Row `row` of a packed weight times `x`.
fn product(weight: &[f64], row: usize, x: &[f64]) -> f64 {
    let weights = &weight[row * x.len()..(row + 1) * x.len()];
    weights.iter().zip(x).map(|(w, x)| w * x).sum()
}

/// `W x + b_W + R h + b_R` of gate `gate` by hand.
fn sums(weights: &[Vec<f64>; 4], gate: usize, found: &Shown) -> Vec<f64> {
    let [input, recurrent, input_bias, recurrent_bias] = weights;
    let rows = found.input.chunks(INPUT).zip(found.hidden.chunks(HIDDEN));
    rows.flat_map(|(x, h)| {
        (0..HIDDEN).map(move |unit| {
            let row = gate * HIDDEN + unit;
            product(input, row, x)
                + input_bias[row]
                + product(recurrent, row, h)
                + recurrent_bias[row]
        })
    })
    .collect()
}

fn weights(gates: &backdraft_cells::Gates) -> [Vec<f64>; 4] {
    let bias =
        |bias: &Option<burn::module::Param<Tensor<1>>>| values(&bias.as_ref().unwrap().val());
    [
        values(&gates.input_weight.val()),
        values(&gates.recurrent_weight.val()),
        bias(&gates.input_bias),
        bias(&gates.recurrent_bias),
    ]
}

fn sigmoid(values: Vec<f64>) -> Vec<f64> {
    values
        .into_iter()
        .map(|x| 1.0 / (1.0 + (-x).exp()))
        .collect()
}

#[track_caller]
fn assert_shown(found: &Shown, expected: &[(&str, Vec<f64>)], tolerance: f64) {
    let names: Vec<&str> = found.gates.iter().map(|(name, _)| *name).collect();
    let expected_names: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, expected_names);
    for ((name, found), (_, expected)) in found.gates.iter().zip(expected) {
        assert_close(name, found, expected, tolerance);
    }
}

#[test]
fn gates_are_the_sigmoids_of_their_sums() {
    for backend in &backends() {
        let device = backend.autodiff();
        let lstm = LstmConfig::new(INPUT, HIDDEN).init(&device).unwrap();
        let lstm = backend.fill(lstm, 3);
        let found = shown(backend, &lstm);
        let gate = |gate| sigmoid(sums(&weights(&lstm.gates), gate, &found));
        let expected = [("input", gate(0)), ("forget", gate(1)), ("output", gate(3))];
        assert_shown(&found, &expected, backend.tolerance);

        let gru = GruConfig::new(INPUT, HIDDEN).init(&device).unwrap();
        let gru = backend.fill(gru, 4);
        let found = shown(backend, &gru);
        let gate = |gate| sigmoid(sums(&weights(&gru.gates), gate, &found));
        assert_shown(
            &found,
            &[("reset", gate(0)), ("update", gate(1))],
            backend.tolerance,
        );

        let janet = JanetConfig::new(INPUT, HIDDEN).init(&device).unwrap();
        let janet = backend.fill(janet, 5);
        let found = shown(backend, &janet);
        let forget = sums(&weights(&janet.gates), 0, &found);
        let less = forget.iter().map(|s| s - janet.beta).collect();
        let input = sigmoid(less).into_iter().map(|s| 1.0 - s).collect();
        let expected = [("forget", sigmoid(forget)), ("input", input)];
        assert_shown(&found, &expected, backend.tolerance);

        let mgu = MguConfig::new(INPUT, HIDDEN).init(&device).unwrap();
        let mgu = backend.fill(mgu, 6);
        let found = shown(backend, &mgu);
        let forget = sigmoid(sums(&weights(&mgu.gates), 0, &found));
        assert_shown(&found, &[("forget", forget)], backend.tolerance);
    }
}

#[test]
fn gates_of_the_input_alone_do_not_look_back() {
    for backend in &backends() {
        let device = backend.autodiff();
        let of_input = |weight: &[f64], bias: &[f64], gate: usize, found: &Shown| -> Vec<f64> {
            let rows = found.input.chunks(INPUT);
            rows.flat_map(|x| {
                let rows = gate * HIDDEN..(gate + 1) * HIDDEN;
                rows.map(|row| product(weight, row, x) + bias[row])
                    .collect::<Vec<_>>()
            })
            .collect()
        };
        let gru = MinGruConfig::new(INPUT, HIDDEN).init(&device).unwrap();
        let gru = backend.fill(gru, 3);
        let found = shown(backend, &gru);
        let (weight, bias) = (
            values(&gru.gates.weight.val()),
            values(&gru.gates.bias.as_ref().unwrap().val()),
        );
        let update = sigmoid(of_input(&weight, &bias, 0, &found));
        assert_shown(&found, &[("update", update)], backend.tolerance);
        assert!(gru.recurrent_matrices().is_empty());

        let lstm = MinLstmConfig::new(INPUT, HIDDEN).init(&device).unwrap();
        let lstm = backend.fill(lstm, 4);
        let found = shown(backend, &lstm);
        let (weight, bias) = (
            values(&lstm.gates.weight.val()),
            values(&lstm.gates.bias.as_ref().unwrap().val()),
        );
        let [f, i] = [0, 1].map(|gate| sigmoid(of_input(&weight, &bias, gate, &found)));
        let both = f.iter().zip(&i);
        let (forget, input) = both.map(|(f, i)| (f / (f + i), i / (f + i))).unzip();
        assert_shown(
            &found,
            &[("forget", forget), ("input", input)],
            backend.tolerance,
        );
    }
}

/// Where the gates multiply what the sums are made of in other ways, the step itself is to follow
/// from what is shown.
#[test]
fn the_memory_follows_from_the_gates_that_are_shown() {
    for backend in &backends() {
        let device = backend.autodiff();
        let cell = LayerNormLstmConfig::new(INPUT, HIDDEN)
            .init(&device)
            .unwrap();
        let cell = backend.fill(cell, 3);
        let state = || LstmState {
            hidden: backend.random::<2>(11, [BATCH, HIDDEN]),
            cell: backend.random::<2>(12, [BATCH, HIDDEN]),
        };
        let input = backend.random::<3>(1, [1, BATCH, INPUT]);
        let projected = cell.project(input).steps().remove(0);
        let gates = cell.gate_activations(projected.clone(), &state());
        let names: Vec<&str> = gates.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["input", "forget", "output"]);
        let forget = values(&gates[1].1);
        // Twice the memory: what is let in stays the same, so c' - c = f c.
        let step = |scale: f64| {
            let state = state();
            let cell_state = state.cell * scale;
            let next = cell.step(
                projected.clone(),
                LstmState {
                    cell: cell_state,
                    ..state
                },
            );
            values(&next.cell)
        };
        let kept: Vec<f64> = step(2.0)
            .iter()
            .zip(step(1.0))
            .map(|(a, b)| a - b)
            .collect();
        let memory = values(&state().cell);
        let expected: Vec<f64> = forget.iter().zip(memory).map(|(f, c)| f * c).collect();
        assert_close("f c", &kept, &expected, backend.tolerance * 10.0);

        let cell = LayerNormGruConfig::new(INPUT, HIDDEN)
            .init(&device)
            .unwrap();
        let names = |shown: Shown| {
            shown
                .gates
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names(shown(backend, &backend.fill(cell, 3))),
            ["reset", "update"]
        );
        let cell = SLstmConfig::new(INPUT, HIDDEN)
            .with_heads(2)
            .init(&device)
            .unwrap();
        let found = shown(backend, &backend.fill(cell, 3));
        for (name, gate) in &found.gates {
            let inside = gate.iter().all(|value| (0.0..=1.0).contains(value));
            assert!(inside, "{name}: {gate:?}");
        }
        assert_eq!(names(found), ["input", "forget", "output"]);
        let elman = ElmanConfig::new(INPUT, HIDDEN).init(&device).unwrap();
        assert!(shown(backend, &backend.fill(elman, 3)).gates.is_empty());
    }
}

#[test]
fn a_recurrent_matrix_is_what_multiplies_the_units() {
    for backend in &backends() {
        let device = backend.autodiff();
        // Without biases, and a projection of 0, a simple cell is tanh(R h).
        let gates = GatesConfig::new().with_bias(false);
        let config = ElmanConfig::new(INPUT, HIDDEN).with_gates(gates.clone());
        let elman = backend.fill(config.init(&device).unwrap(), 3);
        let hidden = backend.random::<2>(5, [BATCH, HIDDEN]);
        let projected = hidden.zeros_like();
        let [(name, matrix)] = elman.recurrent_matrices().try_into().unwrap();
        assert_eq!(name, "hidden");
        let expected = hidden.clone().matmul(matrix.transpose()).tanh();
        let found = elman.step(projected.into(), hidden.clone());
        assert_close(
            "tanh(R h)",
            &values(&found),
            &values(&expected),
            backend.tolerance,
        );

        // And a gate of an LSTM with heads is sigmoid(R h), whatever the other gates are.
        let config = SLstmConfig::new(INPUT, HIDDEN)
            .with_heads(2)
            .with_gates(gates);
        let cell = backend.fill(config.init(&device).unwrap(), 4);
        let projected = Tensor::<2>::zeros([BATCH, 4 * HIDDEN], (&hidden.device(), hidden.dtype()));
        let mut state = cell.initial_state(BATCH).map(&mut |_| hidden.clone());
        state.hidden = hidden.clone();
        let matrices = cell.recurrent_matrices();
        let names: Vec<&str> = matrices.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["input", "forget", "candidate", "output"]);
        let output = matrices[3].1.clone();
        let expected = sigmoid(values(&hidden.matmul(output.transpose())));
        let gates = cell.gate_activations(projected.into(), &state);
        assert_close(
            "sigmoid(R_o h)",
            &values(&gates[2].1),
            &expected,
            backend.tolerance,
        );
    }
}

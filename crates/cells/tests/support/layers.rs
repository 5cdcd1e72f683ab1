//! What a layer gives, in one list: its outputs, its final state, and every gradient; and the tests
//! that any layer has to pass.

use backdraft_cells::State;
use backdraft_cells::prelude::*;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Gradients, Tensor};

use super::{Backend, assert_close, gradients, random, tensor, values};

/// Names and values.
pub type Found = Vec<(String, Vec<f64>)>;

/// A state of random numbers, each tensor a leaf of the graph; and the leaves.
pub fn leaves<S: State>(backend: &Backend, zeros: S, seed: u64) -> (S, Vec<Tensor<2>>) {
    let mut leaves = Vec::new();
    let state = zeros.map(&mut |zeros| {
        leaves.push(backend.random(seed + leaves.len() as u64, zeros.dims()));
        leaves[leaves.len() - 1].clone()
    });
    (state, leaves)
}

/// A loss that weighs each output and each number of the final state differently.
fn loss<S: State>(outputs: &Tensor<3>, state: &S) -> Tensor<1> {
    let weigh = |seed: u64, found: Tensor<1>| {
        let weights = random(seed, found.dims()[0]);
        let weights = tensor(&weights, found.dims(), &found.device(), found.dtype());
        (found * weights).sum()
    };
    let mut loss = weigh(90, outputs.clone().flatten(0, 2));
    let mut seed = 90;
    state.visit("", &mut |_, tensor| {
        seed += 1;
        loss = loss.clone() + weigh(seed, tensor.clone().flatten(0, 1));
    });
    loss
}

fn gradient<const D: usize>(leaf: &Tensor<D>, gradients: &Gradients) -> Option<Vec<f64>> {
    leaf.grad(gradients).map(|gradient| values(&gradient))
}

/// What came of a run of `module` from `input` and the state of these `leaves`.
pub fn found<M: Module, S: State>(
    module: &M,
    input: &Tensor<3>,
    leaves: &[Tensor<2>],
    outputs: Tensor<3>,
    state: &S,
) -> Found {
    let mut found: Found = vec![("outputs".into(), values(&outputs))];
    state.visit("", &mut |name, tensor| {
        found.push((format!("final {name}"), values(tensor)))
    });
    let backward = loss(&outputs, state).backward();
    let mut add = |name: String, gradient: Vec<f64>| found.push((name, gradient));
    add("d input".into(), gradient(input, &backward).unwrap());
    for (index, leaf) in leaves.iter().enumerate() {
        let nothing = vec![0.0; leaf.shape().num_elements()];
        add(
            format!("d initial {index}"),
            gradient(leaf, &backward).unwrap_or(nothing),
        );
    }
    for (index, gradient) in gradients(module, &backward).into_iter().enumerate() {
        add(format!("d parameter {index}"), gradient);
    }
    found
}

#[track_caller]
pub fn compare(what: &str, found: &Found, expected: &Found, tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for ((name, found), (_, expected)) in found.iter().zip(expected) {
        assert_close(&format!("{what}: {name}"), found, expected, tolerance);
    }
}

/// A sequence cut in two, with the state handed on, equals the whole: for a layer that goes one way
/// through time. Reads `layer`'s input from a batch with these lengths.
pub fn check_windows<L: Layer>(
    backend: &Backend,
    layer: &L,
    zeros: L::State,
    lengths: &[usize],
    [at, time]: [usize; 2],
) {
    let what = format!("{}: {} at {at} of {time}", backend.name, layer.describe());
    let input = backend.random::<3>(1, [lengths.len(), time, layer.input_size()]);
    let (state, initial) = leaves(backend, zeros, 30);
    let whole = layer
        .forward(
            LayerInput::new(input.clone())
                .with_state(state.clone())
                .with_lengths(&Lengths::new(lengths)),
        )
        .unwrap();
    let expected = found(layer, &input, &initial, whole.outputs, &whole.state);

    let window = |from: usize, to: usize, state: L::State| {
        let lengths = lengths.iter().map(|length| length.clamp(&from, &to) - from);
        let lengths = Lengths::new(lengths.collect::<Vec<_>>());
        let input = input.clone().slice_dim(1, from..to);
        layer
            .forward(
                LayerInput::new(input)
                    .with_state(state)
                    .with_lengths(&lengths),
            )
            .unwrap()
    };
    let (outputs, state) = match layer.direction().expect("one direction") {
        Direction::Forward => {
            let first = window(0, at, state);
            let second = window(at, time, first.state);
            (vec![first.outputs, second.outputs], second.state)
        }
        Direction::Reverse => {
            let second = window(at, time, state);
            let first = window(0, at, second.state);
            (vec![first.outputs, second.outputs], first.state)
        }
    };
    let cut = found(layer, &input, &initial, Tensor::cat(outputs, 1), &state);
    compare(&what, &cut, &expected, backend.tolerance);
}

/// A layer's trace ends where its forward does, and shows the same outputs.
pub fn check_trace<L: Layer>(backend: &Backend, layer: &L, lengths: &[usize], time: usize) {
    let input = backend.random::<3>(1, [lengths.len(), time, layer.input_size()]);
    let lengths = Lengths::new(lengths);
    let run = layer
        .forward(LayerInput::new(input.clone()).with_lengths(&lengths))
        .unwrap();
    let trace = layer
        .trace(LayerInput::new(input).with_lengths(&lengths))
        .unwrap();
    assert_eq!(trace.states.len(), time);
    let what = format!("{}: trace of {}", backend.name, layer.describe());
    assert_close(
        &what,
        &values(&trace.outputs),
        &values(&run.outputs),
        backend.tolerance,
    );
    let all = |state: &L::State| {
        let mut all = Vec::new();
        state.visit("", &mut |_, tensor| all.extend(values(tensor)));
        all
    };
    let last = match layer.direction().unwrap() {
        Direction::Forward => time - 1,
        Direction::Reverse => 0,
    };
    for state in [&trace.state, &trace.states[last]] {
        assert_close(&what, &all(state), &all(&run.state), backend.tolerance);
    }
}

/// Moves all parameters along a random direction.
struct Move {
    seed: u64,
    by: f64,
}

impl ModuleMapper for Move {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.seed += 1;
        param.map(|value| shifted(value, self.seed, self.by))
    }
}

fn shifted<const D: usize>(value: Tensor<D>, seed: u64, by: f64) -> Tensor<D> {
    let direction = random(seed, value.shape().num_elements());
    let direction = tensor(&direction, value.dims(), &value.device(), value.dtype());
    value + direction * by
}

/// The gradients of everything together, against central differences along random directions.
pub fn check_directions<L: Layer>(
    backend: &Backend,
    layer: &L,
    zeros: L::State,
    shape: [usize; 2],
    run: impl Fn(&L, Tensor<3>, L::State) -> LayerOutput<L::State>,
) {
    let [batch, time] = shape;
    let input = backend.random::<3>(1, [batch, time, layer.input_size()]);
    let (state, initial) = leaves(backend, zeros, 30);
    let here = run(layer, input.clone(), state.clone());
    let backward = loss(&here.outputs, &here.state).backward();
    let of_input = gradient(&input, &backward).unwrap();
    let of_initial: Vec<_> = initial
        .iter()
        .map(|leaf| gradient(leaf, &backward))
        .collect();
    let of_layer = gradients(layer, &backward);

    let (plain, x, s) = (layer.valid(), input.inner(), state.without_autodiff());
    for seed in [1000, 2000, 3000] {
        let at = |by: f64| {
            let layer = plain.clone().map(&mut Move { seed, by });
            let mut index = 0;
            let state = s.clone().map(&mut |tensor| {
                index += 1;
                match of_initial[index - 1] {
                    Some(_) => shifted(tensor, seed + 500 + index as u64, by),
                    None => tensor,
                }
            });
            let run = run(&layer, shifted(x.clone(), seed + 400, by), state);
            loss(&run.outputs, &run.state).into_scalar::<f64>()
        };
        let along = |seed: u64, gradient: &[f64]| -> f64 {
            let direction = random(seed, gradient.len());
            gradient.iter().zip(direction).map(|(g, d)| g * d).sum()
        };
        let mut expected = along(seed + 400, &of_input);
        for (index, gradient) in of_layer.iter().enumerate() {
            expected += along(seed + 1 + index as u64, gradient);
        }
        for (index, gradient) in of_initial.iter().enumerate() {
            let gradient = gradient.iter().flatten().copied().collect::<Vec<_>>();
            expected += along(seed + 501 + index as u64, &gradient);
        }
        let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
        let error = (difference - expected).abs();
        assert!(
            error < 1e-7 * expected.abs().max(1.0),
            "{}: autodiff {expected}, difference {difference}",
            layer.describe()
        );
    }
}

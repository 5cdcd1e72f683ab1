//! A watched layer computes what it does otherwise, and tells what its steps did.

use backdraft_cells::prelude::*;
use backdraft_cells::{Cell, Layer, Recurrent, State, WatchedStep, Watcher};
use burn::module::Module;
use burn::tensor::Tensor;

use crate::support::{Backend, assert_close, backends, values};

const TIME: usize = 6;

/// The tensors of a state, cut off from what made them and to be differentiated by.
fn leaves<S: State>(state: S) -> (S, Vec<Tensor<2>>) {
    let mut leaves = Vec::new();
    let state = state.map(&mut |tensor| {
        let leaf = tensor.detach().require_grad();
        leaves.push(leaf.clone());
        leaf
    });
    (state, leaves)
}

/// The sum of what is put out at the last step that the direction reads.
fn last<S>(run: &LayerOutput<S>, direction: Direction) -> Tensor<1> {
    let [_, time, _] = run.outputs.dims();
    let last = direction.order(time).last().unwrap();
    run.outputs.clone().slice_dim(1, last..last + 1).sum()
}

fn layer<C: Cell>(
    backend: &Backend,
    config: &impl SequenceConfig<Built = C>,
    direction: Direction,
) -> Recurrent<C> {
    let cell = config.init(&backend.autodiff()).unwrap();
    backend.fill(Recurrent::new(cell, direction), 7)
}

/// The gradient in a state is that of a run which begins with it.
fn check_gradients<K: SequenceConfig<Built: Cell>>(backend: &Backend, config: &K, way: Direction) {
    let watcher = Watcher::new().with_gradients();
    let layer = layer(backend, config, way);
    let input = backend.random::<3>(1, [2, TIME, 3]);
    let trace = layer.trace(input.clone()).unwrap();
    let watched = layer.clone().watched(&watcher);
    let run = watched.forward(input.clone()).unwrap();
    let gradients = last(&run, way).backward();
    let steps = watcher.take();
    assert_eq!(steps.len(), TIME);
    let name = layer.describe();
    assert_close(&name, &values(&run.outputs), &values(&trace.outputs), 1e-12);
    for (step, t) in steps.iter().zip(way.order(TIME)) {
        let mut states = step.state.iter();
        trace.states[t].visit("", &mut |expected, tensor| {
            let (found, values_found) = states.next().unwrap();
            assert_eq!(found, expected);
            assert_close(&name, &values(values_found), &values(tensor), 1e-12);
        });
        let rest = match way {
            Direction::Forward => t + 1..TIME,
            Direction::Reverse => 0..t,
        };
        if rest.is_empty() {
            continue;
        }
        let (state, leaves) = leaves(trace.states[t].clone());
        let rest = input.clone().slice_dim(1, rest);
        let run = layer
            .forward(LayerInput::new(rest).with_state(state))
            .unwrap();
        let expected = last(&run, way).backward();
        for (added, leaf) in step.added.iter().zip(leaves) {
            let found = added.grad(&gradients).map(|found| values(&found));
            // A stabiliser changes nothing.
            let expected = leaf.grad(&expected).map(|expected| values(&expected));
            let zeros = vec![0.0; 2 * leaf.dims()[1]];
            let (found, expected) = (found.unwrap_or(zeros.clone()), expected.unwrap_or(zeros));
            assert_close(&format!("{name} at {t}"), &found, &expected, 1e-10);
        }
    }
    assert!(watcher.take().is_empty(), "what was taken is gone");
}

#[test]
fn gradients_in_a_state_are_those_of_a_run_that_begins_with_it() {
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        for way in [Direction::Forward, Direction::Reverse] {
            check_gradients(backend, &GruConfig::new(3, 4), way);
            check_gradients(backend, &LstmConfig::new(3, 4), way);
            check_gradients(backend, &SLstmConfig::new(3, 2), way);
        }
    }
}

/// Rows of other lengths: which steps are theirs, and no gradient where they have ended.
#[test]
fn padding_is_told_from_steps() {
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        for way in [Direction::Forward, Direction::Reverse] {
            let watcher = Watcher::new().with_gradients();
            let layer = layer(backend, &GruConfig::new(3, 4), way).watched(&watcher);
            let input = backend.random::<3>(1, [3, 4, 3]);
            let lengths = Lengths::new([4, 1, 3]);
            let run = layer
                .forward(LayerInput::new(input).with_lengths(&lengths))
                .unwrap();
            let gradients = run.outputs.sum().backward();
            let steps = watcher.take();
            for (step, t) in steps.iter().zip(way.order(4)) {
                let WatchedStep { valid, added, .. } = step;
                let valid = valid.as_ref().expect("some rows are padded");
                let valid: Vec<bool> = valid.to_data().iter::<bool>().collect();
                let expected: Vec<bool> = lengths.as_slice().iter().map(|n| t < *n).collect();
                assert_eq!(valid, expected, "{way:?} {t}");
                let gradient = added[0].grad(&gradients).unwrap();
                for (row, valid) in values(&gradient).chunks(4).zip(valid) {
                    assert_eq!(row.iter().any(|slope| *slope != 0.0), valid, "{way:?} {t}");
                }
            }
        }
    }
}

#[test]
fn gates_are_those_of_the_step_and_a_watched_layer_says_so() {
    let backend = &backends()[0];
    let watcher = Watcher::new();
    let layer = layer(backend, &LstmConfig::new(3, 4), Direction::Forward).watched(&watcher);
    let (_, path) = &layer.paths()[0];
    assert!(path.to_string().contains("watched"), "{path}");
    let input = backend.random::<3>(1, [2, 3, 3]);
    layer.forward(input.clone()).unwrap();
    let steps = watcher.take();
    let projected = layer.cell.project(input.clone().swap_dims(0, 1)).steps();
    let mut state = layer.initial_state(2);
    for (t, step) in steps.iter().enumerate() {
        assert!(step.added.is_empty() && step.valid.is_none());
        let gates = layer.cell.gate_activations(projected[t].clone(), &state);
        assert_eq!(gates.len(), step.gates.len());
        for ((name, found), (expected_name, expected)) in step.gates.iter().zip(&gates) {
            assert_eq!(name, expected_name);
            assert_close(name, &values(found), &values(expected), 1e-6);
        }
        state = layer.trace(input.clone()).unwrap().states[t].clone();
    }
    // Gates are left out where they are not wanted, and states are followed where nothing else is.
    let followed = Watcher::new().with_gradients().without_gates();
    let still = layer.clone().valid().watched(&followed);
    let run = still.forward(input.clone().inner()).unwrap();
    let gradients = run.outputs.sum().backward();
    let steps = followed.take();
    assert!(steps.iter().all(|step| step.gates.is_empty()));
    assert!(
        steps
            .iter()
            .all(|step| step.added[0].grad(&gradients).is_some())
    );
    // Whoever traces a watched layer lets it be watched, too.
    assert_eq!(watcher.take().len(), 9);
}

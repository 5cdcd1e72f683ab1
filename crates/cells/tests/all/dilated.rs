//! A dilated layer is a loop in which each step continues from `d` steps before: outputs, what is
//! carried on, and every gradient; cut into windows anywhere; in both directions; with padding.

use std::collections::VecDeque;

use backdraft_cells::prelude::*;
use backdraft_cells::{Cell, Path};
use burn::tensor::{DType, Tensor};

use crate::support::layers::{
    Found, check_directions, check_trace, check_windows, compare, found, leaves,
};
use crate::support::{Backend, assert_close, backends, values};

const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Reverse];

fn dilated<K: SequenceConfig<Built: Cell>>(
    backend: &Backend,
    cell: K,
    direction: Direction,
    skip: usize,
) -> Dilated<Recurrent<K::Built>> {
    let layer = RecurrentConfig::new(cell).with_direction(direction);
    let layer = DilatedConfig::new(layer, skip).init(&backend.autodiff());
    backend.fill(layer.unwrap(), 3)
}

/// The same by its definition: row by row, step by step, the oldest state first.
fn looped<L: Layer>(
    layer: &Dilated<L>,
    input: &Tensor<3>,
    states: Vec<L::State>,
    lengths: &[usize],
) -> (Tensor<3>, Vec<L::State>) {
    let [_, time, _] = input.dims();
    let direction = layer.direction().unwrap();
    let mut rows = Vec::new();
    let mut finals = Vec::new();
    for (row, &length) in lengths.iter().enumerate() {
        let own = |tensor: Tensor<2>| tensor.slice_dim(0, row..row + 1);
        let mut queue: VecDeque<_> = states.iter().map(|s| s.clone().map(&mut { own })).collect();
        let zero = input
            .clone()
            .slice([row..row + 1, 0..1, 0..1])
            .detach()
            .zeros_like();
        let mut outputs = vec![zero.repeat_dim(2, layer.output_size()); time];
        for t in direction.order(length) {
            let x = input.clone().slice([row..row + 1, t..t + 1]);
            let step = LayerInput::new(x).with_state(queue.pop_front());
            let run = layer.layer.forward(step).unwrap();
            outputs[t] = run.outputs;
            queue.push_back(run.state);
        }
        rows.push(Tensor::cat(outputs, 1));
        finals.push(queue);
    }
    let age = |age: usize| {
        let mut rows = finals.iter().map(|queue| queue[age].clone());
        let first = rows.next().unwrap();
        rows.fold(first, |all, row| {
            all.zip(row, &mut |all, row| Tensor::cat(vec![all, row], 0))
        })
    };
    (Tensor::cat(rows, 0), (0..layer.skip()).map(age).collect())
}

fn check<K: SequenceConfig<Built: Cell>>(
    backend: &Backend,
    cell: K,
    lengths: &[usize],
    time: usize,
) {
    for direction in DIRECTIONS {
        for skip in [1, 2, 3, 5] {
            let layer = dilated(backend, cell.clone(), direction, skip);
            let what = format!(
                "{}: {} {direction:?} {lengths:?}",
                backend.name,
                layer.describe()
            );
            let input = backend.random::<3>(1, [lengths.len(), time, layer.input_size()]);
            let (state, initial) = leaves(backend, layer.initial_state(lengths.len()), 30);
            let run = layer
                .forward(
                    LayerInput::new(input.clone())
                        .with_state(state.clone())
                        .with_lengths(&Lengths::new(lengths)),
                )
                .unwrap();
            let run: Found = found(&layer, &input, &initial, run.outputs, &run.state);
            let (outputs, state) = looped(&layer, &input, state, lengths);
            let expected = found(&layer, &input, &initial, outputs, &state);
            compare(&what, &run, &expected, backend.tolerance);
        }
    }
}

#[test]
fn a_dilated_layer_is_its_loop() {
    for backend in backends().iter().filter(|backend| !backend.slow) {
        for time in [1usize, 2, 3, 4, 7, 8] {
            let lengths = [time, 0, time.div_ceil(2), 1];
            check(backend, LstmConfig::new(3, 2), &lengths, time);
            check(backend, MinGruConfig::new(3, 2), &lengths, time);
            check(backend, GruConfig::new(3, 2), &[time], time);
        }
    }
}

#[test]
fn windows_of_any_length_are_the_whole() {
    for backend in &backends() {
        for direction in DIRECTIONS {
            for skip in if backend.slow {
                vec![2]
            } else {
                vec![1, 2, 3, 4]
            } {
                let layer = dilated(backend, LstmConfig::new(3, 2), direction, skip);
                for at in if backend.slow {
                    vec![3]
                } else {
                    vec![1, 2, 3, 4, 5, 8]
                } {
                    check_windows(
                        backend,
                        &layer,
                        layer.initial_state(4),
                        &[9, 0, 4, 6],
                        [at, 9],
                    );
                    check_windows(backend, &layer, layer.initial_state(1), &[9], [at, 9]);
                }
            }
        }
    }
}

#[test]
fn a_stack_skips_more_and_more() {
    for backend in backends().iter().filter(|backend| !backend.slow) {
        for direction in DIRECTIONS {
            let layer = RecurrentConfig::new(LstmConfig::new(3, 4)).with_direction(direction);
            let stack = DilatedStackConfig::new(layer, [1, 2, 4])
                .with_connection(Connection::Residual)
                .init(&backend.autodiff())
                .unwrap();
            let stack = backend.fill(stack, 3);
            assert_eq!(
                stack.layers.iter().map(Dilated::skip).collect::<Vec<_>>(),
                [1, 2, 4]
            );
            check_windows(backend, &stack, stack.initial_state(3), &[7, 0, 4], [3, 7]);
            check_trace(backend, &stack, &[7, 0, 4], 7);
        }
    }
}

#[test]
fn a_dilated_layer_is_differentiated_rightly() {
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        for direction in DIRECTIONS {
            let layer = dilated(backend, LstmConfig::new(3, 2), direction, 3);
            let lengths = Lengths::new([7, 0, 5]);
            check_directions(
                backend,
                &layer,
                layer.initial_state(3),
                [3, 7],
                |layer, x, s| {
                    layer
                        .forward(LayerInput::new(x).with_state(s).with_lengths(&lengths))
                        .unwrap()
                },
            );
        }
    }
}

#[test]
fn the_layer_s_kernel_runs_the_chains() {
    for backend in backends() {
        let backend = Backend {
            dtype: DType::F32,
            tolerance: 1e-5,
            ..backend
        };
        let layer = dilated(&backend, LstmConfig::new(3, 4), Direction::Forward, 2);
        let paths = layer.paths();
        assert!(matches!(paths[0].1, Path::Kernel(_)), "{paths:?}");
        assert!(
            paths[0].0.starts_with("Dilated(2): Lstm(3 -> 4)"),
            "{paths:?}"
        );
        let input = backend.random::<3>(1, [2, 7, 3]);
        let lengths = Lengths::new([7, 4]);
        let run = |layer: &Dilated<Recurrent<Lstm>>| {
            let (state, initial) = leaves(&backend, layer.initial_state(2), 30);
            let run = layer
                .forward(
                    LayerInput::new(input.clone())
                        .with_state(state)
                        .with_lengths(&lengths),
                )
                .unwrap();
            found(layer, &input, &initial, run.outputs, &run.state)
        };
        compare(
            "kernel",
            &run(&layer),
            &run(&layer.clone().unrolled()),
            backend.tolerance,
        );
    }
}

#[test]
fn what_stands_in_the_padding_is_not_read() {
    for backend in &backends() {
        let layer = dilated(backend, LstmConfig::new(1, 2), Direction::Reverse, 2);
        let lengths = Lengths::new([2]);
        let run = |x: &[f64]| {
            let input = backend.tensor(x, [1, 5, 1]);
            values(
                &layer
                    .forward(LayerInput::new(input).with_lengths(&lengths))
                    .unwrap()
                    .outputs,
            )
        };
        let found = run(&[0.3, -0.2, f64::NAN, f64::INFINITY, 9.0]);
        assert_close(
            "padding",
            &found,
            &run(&[0.3, -0.2, 0.0, 0.0, 0.0]),
            backend.tolerance,
        );
    }
}

#[test]
fn impossible_dilations_are_refused() {
    let device = &backends()[0].device;
    let layer = || RecurrentConfig::new(GruConfig::new(3, 4));
    let error = DilatedConfig::new(layer(), 0).init(device).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Dilated: skip: expected at least 1, found 0"
    );
    let both = BidirectionalConfig::new(GruConfig::new(3, 4));
    let error = DilatedConfig::new(both, 2).init(device).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Dilated: layer: expected one that goes one way through time, \
         found Bidirectional: Gru(3 -> 4)"
    );
    assert!(DilatedStackConfig::new(layer(), []).init(device).is_err());

    let layer = DilatedConfig::new(layer(), 2).init(device).unwrap();
    let zeros = |shape| Tensor::<3>::zeros(shape, device);
    let error = layer.forward(zeros([2, 5, 4])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Dilated(2, Gru(3 -> 4)): input [batch, time, features]: \
         expected [any, any, 3], found [2, 5, 4]"
    );
    let error = layer
        .forward(LayerInput::new(zeros([2, 5, 3])).with_state(layer.initial_state(4)))
        .unwrap_err();
    assert!(error.to_string().contains("initial state `0`"), "{error}");
    let lengths = Lengths::new([6, 1]);
    let error = layer.forward(LayerInput::new(zeros([2, 5, 3])).with_lengths(&lengths));
    assert!(error.unwrap_err().to_string().contains("length of row 0"));
}

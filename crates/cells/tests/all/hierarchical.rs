//! A hierarchy is a loop in which the upper layer steps at boundaries and its output is held in
//! between: outputs, what is carried on, and every gradient; cut into windows anywhere.

use backdraft_cells::prelude::*;
use backdraft_cells::{HierarchicalState, LstmState};
use burn::tensor::{Bool, Tensor, TensorData};

use crate::support::layers::{
    check_directions, check_trace, check_windows, compare, found, leaves,
};
use crate::support::{Backend, assert_close, backends, values};

const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Reverse];

type TwoPaces = Hierarchical<Recurrent<Lstm>, Recurrent<Gru>>;
type TwoStates = HierarchicalState<LstmState, Tensor<2>>;

fn config(
    direction: Direction,
    period: usize,
) -> HierarchicalConfig<RecurrentConfig<LstmConfig>, RecurrentConfig<GruConfig>> {
    let lower = RecurrentConfig::new(LstmConfig::new(3, 2)).with_direction(direction);
    // The upper layer's input size is the lower one's to say.
    let upper = RecurrentConfig::new(GruConfig::new(1, 4)).with_direction(direction);
    HierarchicalConfig::new(lower, upper, period)
}

fn hierarchy(backend: &Backend, direction: Direction, period: usize) -> TwoPaces {
    let layer = config(direction, period).init(&backend.autodiff());
    backend.fill(layer.unwrap(), 3)
}

/// A random state with so many steps since the last boundary in each row.
fn state(backend: &Backend, layer: &TwoPaces, since: &[f64]) -> (TwoStates, Vec<Tensor<2>>) {
    let (mut state, leaves) = leaves(backend, layer.initial_state(since.len()), 30);
    state.since = backend.tensor(since, [since.len(), 1]);
    (state, leaves)
}

/// The same by its definition: row by row, step by step. `given` says where boundaries are;
/// without it, they come by the period.
fn looped(
    layer: &TwoPaces,
    input: &Tensor<3>,
    state: TwoStates,
    lengths: &[usize],
    given: Option<&[bool]>,
) -> (Tensor<3>, TwoStates) {
    let time = input.dims()[1];
    let mut rows = Vec::new();
    let mut finals: Option<TwoStates> = None;
    for (row, &length) in lengths.iter().enumerate() {
        let mut s = state
            .clone()
            .map(&mut |tensor| tensor.slice_dim(0, row..row + 1));
        let zeros = s.held.clone().detach().zeros_like().slice_dim(1, 0..1);
        let mut outputs = vec![zeros.repeat_dim(1, layer.output_size()).unsqueeze_dim(1); time];
        for t in layer.direction().unwrap().order(length) {
            let x = input.clone().slice([row..row + 1, t..t + 1]);
            let lower = layer
                .lower
                .forward(LayerInput::new(x).with_state(s.lower))
                .unwrap();
            s.lower = lower.state;
            s.since = s.since + 1.0;
            let boundary = match given {
                Some(given) => given[row * time + t],
                None => values(&s.since)[0] >= layer.period() as f64,
            };
            if boundary {
                let seen = lower.outputs.clone();
                let upper = layer
                    .upper
                    .forward(LayerInput::new(seen).with_state(s.upper))
                    .unwrap();
                s.upper = upper.state;
                s.held = upper.outputs.squeeze_dim(1);
                s.since = s.since.zeros_like();
            }
            let held = s.held.clone().unsqueeze_dim(1);
            outputs[t] = Tensor::cat(vec![lower.outputs, held], 2);
        }
        rows.push(Tensor::cat(outputs, 1));
        finals = Some(match finals {
            Some(finals) => finals.zip(s, &mut |all, row| Tensor::cat(vec![all, row], 0)),
            None => s,
        });
    }
    (Tensor::cat(rows, 0), finals.unwrap())
}

#[test]
fn a_hierarchy_of_fixed_period_is_its_loop() {
    for backend in backends().iter().filter(|backend| !backend.slow) {
        for direction in DIRECTIONS {
            for (period, time) in [(1, 4usize), (2, 1), (2, 7), (3, 8), (4, 3)] {
                let layer = hierarchy(backend, direction, period);
                let lengths = [time, 0, time.div_ceil(2), 1];
                let since = [0.0, 1.0, 2.0, 0.0].map(|since: f64| since.min(period as f64 - 1.0));
                let input = backend.random::<3>(1, [4, time, 3]);
                let (state, initial) = state(backend, &layer, &since);
                let run = layer
                    .forward(
                        LayerInput::new(input.clone())
                            .with_state(state.clone())
                            .with_lengths(&Lengths::new(lengths)),
                    )
                    .unwrap();
                let run = found(&layer, &input, &initial, run.outputs, &run.state);
                let (outputs, state) = looped(&layer, &input, state, &lengths, None);
                let expected = found(&layer, &input, &initial, outputs, &state);
                let what = format!("{}: {direction:?} {}", backend.name, layer.describe());
                compare(&what, &run, &expected, backend.tolerance);
            }
        }
    }
}

#[test]
fn given_boundaries_are_where_the_upper_layer_steps() {
    for backend in backends().iter().filter(|backend| !backend.slow) {
        for direction in DIRECTIONS {
            let layer = hierarchy(backend, direction, 2);
            let lengths = [6, 0, 3, 1];
            // Beyond a row's length and in a row without steps they do not count.
            let given: Vec<bool> = "100101 111111 011111 000000"
                .chars()
                .filter_map(|c| c.to_digit(2))
                .map(|digit| digit == 1)
                .collect();
            let mask = TensorData::new(given.clone(), [4, 6]);
            let mask = Tensor::<2, Bool>::from_data(mask, &backend.autodiff());
            let input = backend.random::<3>(1, [4, 6, 3]);
            let (state, initial) = state(backend, &layer, &[5.0, 1.0, 0.0, 7.0]);
            let lengths_of_rows = Lengths::new(lengths);
            let given_input = LayerInput::new(input.clone())
                .with_state(state.clone())
                .with_lengths(&lengths_of_rows);
            let run = layer.forward_at(given_input, mask).unwrap();
            let run = found(&layer, &input, &initial, run.outputs, &run.state);
            let (outputs, state) = looped(&layer, &input, state, &lengths, Some(&given));
            let expected = found(&layer, &input, &initial, outputs, &state);
            compare(
                &format!("{direction:?}"),
                &run,
                &expected,
                backend.tolerance,
            );
        }
    }
}

#[test]
fn before_the_first_boundary_nothing_is_held() {
    for backend in &backends() {
        for direction in DIRECTIONS {
            let layer = hierarchy(backend, direction, 4);
            let input = backend.random::<3>(1, [2, 3, 3]);
            let run = layer.forward(input).unwrap();
            let held = values(&run.outputs.slice_dim(2, 2..6));
            assert!(held.iter().all(|value| *value == 0.0), "{}", backend.name);
            assert_eq!(values(&run.state.since), [3.0, 3.0]);
            assert_eq!(values(&run.state.upper), [0.0; 8]);
        }
    }
}

#[test]
fn the_period_goes_on_through_windows() {
    for backend in &backends() {
        for direction in DIRECTIONS {
            for period in if backend.slow {
                vec![2]
            } else {
                vec![1, 2, 3, 5]
            } {
                let layer = hierarchy(backend, direction, period);
                for at in if backend.slow {
                    vec![3]
                } else {
                    vec![1, 2, 3, 4, 5, 8]
                } {
                    let zeros = |batch| layer.initial_state(batch);
                    check_windows(backend, &layer, zeros(4), &[9, 0, 4, 6], [at, 9]);
                    check_windows(backend, &layer, zeros(1), &[9], [at, 9]);
                }
                check_trace(backend, &layer, &[7, 0, 3], 7);
            }
        }
    }
}

#[test]
fn a_hierarchy_is_differentiated_rightly() {
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        for direction in DIRECTIONS {
            let layer = hierarchy(backend, direction, 2);
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
fn a_hierarchy_stands_in_a_stack_and_in_another() {
    let backend = &backends()[0];
    let deep = DeepConfig::new(config(Direction::Forward, 2), 2);
    let deep = backend.fill(deep.init(&backend.autodiff()).unwrap(), 3);
    check_windows(backend, &deep, deep.initial_state(2), &[7, 4], [3, 7]);

    // The upper layer of the upper layer steps each six steps.
    let top = RecurrentConfig::new(MinGruConfig::new(1, 2));
    let three = HierarchicalConfig::new(config(Direction::Forward, 2), top, 3);
    let three = backend.fill(three.init(&backend.autodiff()).unwrap(), 3);
    check_windows(backend, &three, three.initial_state(2), &[9, 8], [4, 9]);
    let lower = RecurrentConfig::new(GruConfig::new(3, 2));
    let three = HierarchicalConfig::new(lower, config(Direction::Forward, 3), 2);
    let three = backend.fill(three.init(&backend.autodiff()).unwrap(), 3);
    assert_eq!(three.output_size(), 2 + 2 + 4);
    check_windows(backend, &three, three.initial_state(2), &[9, 8], [4, 9]);
}

#[test]
fn what_stands_in_the_padding_is_not_read() {
    for backend in &backends() {
        let layer = hierarchy(backend, Direction::Forward, 2);
        let lengths = Lengths::new([2]);
        let run = |padding: f64| {
            let mut x = [0.3, -0.2, 0.1, 0.5, 0.2, -0.4].to_vec();
            x.extend([padding; 9]);
            let input = backend.tensor(&x, [1, 5, 3]);
            values(
                &layer
                    .forward(LayerInput::new(input).with_lengths(&lengths))
                    .unwrap()
                    .outputs,
            )
        };
        assert_close("padding", &run(f64::NAN), &run(0.0), backend.tolerance);
        assert!(run(f64::NAN)[12..].iter().all(|value| *value == 0.0));
    }
}

#[test]
fn impossible_hierarchies_are_refused() {
    let device = &backends()[0].device;
    let error = config(Direction::Forward, 0).init(device).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Hierarchical: period: expected at least 1, found 0"
    );
    let lower = RecurrentConfig::new(LstmConfig::new(3, 2));
    let both = BidirectionalConfig::new(GruConfig::new(1, 4));
    let error = HierarchicalConfig::new(lower.clone(), both.clone(), 2)
        .init(device)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Hierarchical: upper: expected one that goes one way through time, \
         found Bidirectional: Gru(2 -> 4)"
    );
    let upper = RecurrentConfig::new(GruConfig::new(3, 4))
        .init(device)
        .unwrap();
    let error = Hierarchical::new(lower.init(device).unwrap(), upper, 2).unwrap_err();
    assert_eq!(
        error.to_string(),
        "upper of Hierarchical: Gru(3 -> 4): input size: \
         expected 2, the output size of the lower layer, found 3"
    );

    let layer = config(Direction::Forward, 2).init(device).unwrap();
    let input = Tensor::<3>::zeros([2, 5, 3], device);
    let mask = Tensor::<2, Bool>::empty([2, 4], device);
    let error = layer.forward_at(input.clone(), mask).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("boundaries [batch, time]: expected [2, 5], found [2, 4]"),
        "{error}"
    );
    let mut state = layer.initial_state(2);
    state.held = Tensor::zeros([2, 3], device);
    let error = layer
        .forward(LayerInput::new(input).with_state(state))
        .unwrap_err();
    assert!(
        error.to_string().contains("initial state `held`"),
        "{error}"
    );

    // A lower layer in both directions is possible, but has no one order for a trace.
    let upper = RecurrentConfig::new(GruConfig::new(1, 4));
    let layer = HierarchicalConfig::new(both, upper, 2);
    let layer = layer.with_input_size(3).init(device).unwrap();
    let input = Tensor::<3>::zeros([1, 5, 3], device);
    assert_eq!(
        layer.forward(input.clone()).unwrap().outputs.dims(),
        [1, 5, 12]
    );
    assert!(layer.trace(input).is_err());
}

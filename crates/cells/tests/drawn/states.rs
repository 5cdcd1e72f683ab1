//! What runs start from, rows that start again, and the states of all steps.

use backdraft_cells::prelude::*;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::support::{
    self, Backend, alone, assert_close, backends, check_gradients, state_values, values,
    weighted_loss,
};

type Lstms = Deep<Bidirectional<Lstm>>;

/// Two layers in both directions.
fn lstms(initial: Initial, device: &Device) -> Lstms {
    let config = BidirectionalConfig::new(LstmConfig::new(3, 2)).with_initial(initial);
    DeepConfig::new(config, 2).init(device).unwrap()
}

fn gru(direction: Direction, initial: Initial, device: &Device) -> Recurrent<Gru> {
    let config = RecurrentConfig::new(GruConfig::new(3, 2)).with_direction(direction);
    config.with_initial(initial).init(device).unwrap()
}

#[test]
fn a_learned_start_is_zero_at_first_and_has_a_gradient() {
    let _alone = alone();
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        let device = backend.autodiff();
        let input = backend.random::<3>(1, [3, 4, 3]).detach();
        // A row without a step: its final state is its initial one, and so its gradient.
        let lengths = Lengths::new([4, 0, 2]);

        let fresh = lstms(Initial::Learned, &device);
        assert!(
            state_values(&fresh.initial_state(2))
                .iter()
                .all(|v| *v == 0.0)
        );

        let run = |layer: &Lstms| {
            weighted_loss(
                &layer
                    .forward(LayerInput::new(input.clone()).with_lengths(&lengths))
                    .unwrap(),
            )
        };
        let layer = backend.fill(fresh, 4);
        assert_eq!(
            layer.num_params(),
            lstms(Initial::Zeros, &device).num_params() + 16
        );
        check_gradients(backend.name, &layer, &run);
        for direction in [Direction::Forward, Direction::Reverse] {
            let layer = backend.fill(gru(direction, Initial::Learned, &device), 4);
            check_gradients(backend.name, &layer, &|layer: &Recurrent<Gru>| {
                weighted_loss(
                    &layer
                        .forward(LayerInput::new(input.clone()).with_lengths(&lengths))
                        .unwrap(),
                )
            });
        }
    }
}

#[test]
fn a_state_that_is_given_wins() {
    let _alone = alone();
    for backend in &backends() {
        let device = backend.autodiff();
        let learned = backend.fill(gru(Direction::Forward, Initial::Learned, &device), 4);
        let plain = backend.fill(gru(Direction::Forward, Initial::Zeros, &device), 4);
        // `fill` numbers parameters in their order, and the initial state is the last.
        let input = backend.random::<3>(1, [2, 3, 3]);
        let given = backend.random::<2>(2, [2, 2]);
        let run = |layer: &Recurrent<Gru>, state| {
            values(
                &layer
                    .forward(LayerInput::new(input.clone()).with_state(state))
                    .unwrap()
                    .outputs,
            )
        };
        assert_eq!(run(&learned, Some(given.clone())), run(&plain, Some(given)));
        assert_ne!(run(&learned, None), run(&plain, None));
        let own = learned.initial_state(2);
        assert_eq!(run(&learned, None), run(&plain, Some(own)));
    }
}

#[test]
fn a_random_start_is_drawn_for_each_run() {
    let _alone = alone();
    for backend in &backends() {
        let std = 0.3;
        let layer = lstms(Initial::Random { std }, &backend.device);
        let draw = |seed| {
            backend.device.seed(seed);
            state_values(&layer.initial_state(500))
        };
        let first = draw(1);
        assert_eq!(first, draw(1));
        assert_ne!(first, draw(2));
        let count = first.len() as f64;
        assert_eq!(count, 500.0 * 16.0);
        let mean = first.iter().sum::<f64>() / count;
        let variance = first.iter().map(|v| v * v).sum::<f64>() / count;
        assert!(mean.abs() < 0.015, "mean {mean}");
        assert!((variance.sqrt() - std).abs() < 0.012, "{}", variance.sqrt());

        let input = backend
            .random::<3>(1, [2, 3, 3])
            .inner()
            .cast(burn::tensor::DType::F32);
        let run = || values(&layer.forward(input.clone()).unwrap().outputs);
        assert_ne!(run(), run());
    }
    for std in [0.0, -1.0, f64::NAN] {
        let config = RecurrentConfig::new(GruConfig::new(3, 2));
        let config = config.with_initial(Initial::Random { std });
        assert!(config.init(&backends()[0].device).is_err(), "{std}");
    }
}

/// In the batch's second row a sequence ends after three steps and another begins.
#[test]
fn a_row_that_is_reset_is_a_sequence_of_its_own() {
    let _alone = alone();
    for backend in &backends() {
        let device = backend.autodiff();
        let config = RecurrentConfig::new(LstmConfig::new(3, 4)).with_initial(Initial::Learned);
        let layer = backend.fill(DeepConfig::new(config, 2).init(&device).unwrap(), 4);
        let input = backend.random::<3>(1, [2, 7, 3]).detach();
        let part = |rows: std::ops::Range<usize>, steps: std::ops::Range<usize>| {
            input.clone().slice([rows, steps])
        };
        let run = |input, state| {
            layer
                .forward(LayerInput::new(input).with_state(state))
                .unwrap()
        };

        let first = run(part(0..2, 0..3), None);
        let state = layer.reset_rows(first.state, &[false, true]).unwrap();
        let second = run(part(0..2, 3..7), Some(state));
        let streams = Tensor::cat(vec![first.outputs, second.outputs], 1);

        let whole = run(part(0..1, 0..7), None).outputs;
        let before = run(part(1..2, 0..3), None).outputs;
        let after = run(part(1..2, 3..7), None);
        let row = Tensor::cat(vec![before, after.outputs], 1);
        let alone = Tensor::cat(vec![whole, row], 0);
        assert_close(
            backend.name,
            &values(&streams),
            &values(&alone),
            backend.tolerance,
        );
        let last = second.state.map(&mut |state| state.slice_dim(0, 1..2));
        let (last, after) = (state_values(&last), state_values(&after.state));
        assert_close(backend.name, &last, &after, backend.tolerance);

        // No gradient goes from a reset row to what was before it; it goes to where it begins.
        let found = support::gradients(&layer, &streams.powi_scalar(2).sum().backward());
        let expected = support::gradients(&layer, &alone.powi_scalar(2).sum().backward());
        for (found, expected) in found.iter().zip(&expected) {
            assert_close(backend.name, found, expected, backend.tolerance);
        }
    }
}

#[test]
fn resets_that_do_not_fit_are_refused() {
    let _alone = alone();
    let device = &backends()[0].device;
    let layer = lstms(Initial::Zeros, device);
    let error = layer
        .reset_rows(layer.initial_state(2), &[true])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Deep(2 x Bidirectional: Lstm(3 -> 2)): rows to reset or not, \
         one for each row of the state: expected 2, found 1"
    );
    let state = vec![layer.initial_state(2).remove(0)];
    assert!(layer.reset_rows(state, &[true, false]).is_err());
}

fn check_trace<L: Layer>(backend: &Backend, layer: L) {
    let layer = backend.fill(layer, 4);
    let what = format!("{}: {}", backend.name, layer.describe());
    let input = backend.random::<3>(1, [3, 5, 3]);
    let lengths = Lengths::new([5, 3, 0]);
    let mut seed = 10;
    let state = layer.initial_state(3).map(&mut |zeros| {
        seed += 1;
        backend.random(seed, zeros.dims())
    });
    let trace = layer
        .trace(
            LayerInput::new(input.clone())
                .with_state(state.clone())
                .with_lengths(&lengths),
        )
        .unwrap();
    let run = layer
        .forward(
            LayerInput::new(input.clone())
                .with_state(state)
                .with_lengths(&lengths),
        )
        .unwrap();
    assert_close(
        &what,
        &values(&trace.outputs),
        &values(&run.outputs),
        backend.tolerance,
    );
    let (found, expected) = (state_values(&trace.state), state_values(&run.state));
    assert_close(&what, &found, &expected, backend.tolerance);
    assert_eq!(trace.states.len(), 5);

    // What is seen on the way can be learned from.
    let mut sum = Tensor::zeros([1], (&input.device(), input.dtype()));
    trace.states[2].visit("", &mut |_, tensor| {
        sum = sum.clone() + tensor.clone().sum()
    });
    let gradient = values(&input.grad(&sum.backward()).unwrap());
    assert!(gradient.iter().any(|value| *value != 0.0), "{what}");
}

#[test]
fn a_trace_is_the_run_it_shows() {
    let _alone = alone();
    for backend in &backends() {
        let device = backend.autodiff();
        check_trace(backend, lstms(Initial::Zeros, &device));
        check_trace(backend, gru(Direction::Forward, Initial::Zeros, &device));
        check_trace(backend, gru(Direction::Reverse, Initial::Zeros, &device));
    }
}

/// The state at a step is the final state of a run that ends there.
#[test]
fn each_state_of_a_trace_is_where_a_shorter_run_ends() {
    let _alone = alone();
    for backend in &backends() {
        let config = DeepConfig::new(BidirectionalConfig::new(LstmConfig::new(3, 2)), 1);
        let layer = backend.fill(config.init(&backend.autodiff()).unwrap(), 4);
        let input = backend.random::<3>(1, [2, 4, 3]).detach();
        let lengths = Lengths::new([4, 2]);
        let trace = layer
            .trace(LayerInput::new(input.clone()).with_lengths(&lengths))
            .unwrap();
        for (t, state) in trace.states.iter().enumerate() {
            let BothDirections { forward, reverse } = &state[0];
            let read = |steps: std::ops::Range<usize>, lengths: [usize; 2]| {
                let input = input.clone().slice([0..2, steps]);
                let run =
                    layer.forward(LayerInput::new(input).with_lengths(&Lengths::new(lengths)));
                run.unwrap().state.remove(0)
            };
            let first = read(0..t + 1, [t + 1, (t + 1).min(2)]).forward;
            let last = read(t..4, [4 - t, 2usize.saturating_sub(t)]).reverse;
            for (what, found, expected) in
                [("forward", forward, &first), ("reverse", reverse, &last)]
            {
                let what = format!("{}: {what} at {t}", backend.name);
                let (found, expected) = (state_values(found), state_values(expected));
                assert_close(&what, &found, &expected, backend.tolerance);
            }
        }
    }
}

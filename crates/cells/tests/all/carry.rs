//! Splitting a sequence in two with the state carried over changes nothing; batches of one, single
//! steps and thousands of steps work.

use backdraft_cells::Cell;
use backdraft_cells::prelude::*;
use burn::tensor::{DType, Tensor};

use crate::support::{self, Backend, assert_close, backends, values};

fn check_split<L: Layer>(backend: &Backend, layer: L, [batch, time]: [usize; 2], at: usize) {
    let layer = backend.fill(layer, 5);
    let what = format!("{}: {} at {at} of {time}", backend.name, layer.describe());
    let input = backend.random::<3>(1, [batch, time, layer.input_size()]);

    let whole = layer.forward(input.clone()).unwrap();
    let gradients = whole.outputs.clone().powi_scalar(2).sum().backward();
    let input_gradient = values(&input.grad(&gradients).unwrap());
    let weight_gradients = support::gradients(&layer, &gradients);

    let first = layer
        .forward(input.clone().slice([0..batch, 0..at]))
        .unwrap();
    let rest = input.clone().slice([0..batch, at..time]);
    let second = layer
        .forward(LayerInput::new(rest).with_state(first.state))
        .unwrap();
    let outputs = Tensor::cat(vec![first.outputs, second.outputs], 1);
    assert_close(
        &what,
        &values(&outputs),
        &values(&whole.outputs),
        backend.tolerance,
    );
    let (mut found, mut expected) = (Vec::new(), Vec::new());
    second
        .state
        .visit("", &mut |_, tensor| found.extend(values(tensor)));
    whole
        .state
        .visit("", &mut |_, tensor| expected.extend(values(tensor)));
    assert_close(&what, &found, &expected, backend.tolerance);

    // The state was not detached, so the gradient goes through the seam.
    let gradients = outputs.powi_scalar(2).sum().backward();
    let found = values(&input.grad(&gradients).unwrap());
    assert_close(&what, &found, &input_gradient, backend.tolerance);
    for (found, expected) in support::gradients(&layer, &gradients)
        .iter()
        .zip(&weight_gradients)
    {
        assert_close(&what, found, expected, backend.tolerance);
    }
}

fn deep<K: SequenceConfig<Built: Cell>>(cell: K, backend: &Backend) -> Deep<Recurrent<K::Built>> {
    DeepConfig::new(RecurrentConfig::new(cell), 2)
        .init(&backend.autodiff())
        .unwrap()
}

#[test]
fn splitting_a_sequence_changes_nothing() {
    for backend in &backends() {
        let splits = [([3, 7], 4), ([1, 2], 1), ([1, 7], 6)];
        for (shape, at) in splits.into_iter().take(if backend.slow { 1 } else { 3 }) {
            check_split(backend, deep(ElmanConfig::new(3, 5), backend), shape, at);
            check_split(backend, deep(LstmConfig::new(3, 5), backend), shape, at);
            check_split(backend, deep(GruConfig::new(3, 5), backend), shape, at);
            // Of those without a kernel there, each shape takes seconds, and one is enough.
            check_split(backend, deep(MinGruConfig::new(3, 5), backend), shape, at);
            if backend.slow {
                continue;
            }
            check_split(backend, deep(MinLstmConfig::new(3, 5), backend), shape, at);
            check_split(backend, deep(LruConfig::new(3, 5, 4), backend), shape, at);
            let frames = ConvLstmConfig::new(6, 12, [2, 3]);
            check_split(backend, deep(frames, backend), shape, at);
            let projected = LstmConfig::new(3, 5).with_proj_size(Some(2));
            check_split(backend, deep(projected, backend), shape, at);
            let third_order = HighOrderElmanConfig::new(3, 5, 3);
            check_split(backend, deep(third_order, backend), shape, at);
            let jordan = ElmanJordanConfig::new(3, 5, 2);
            check_split(backend, deep(jordan, backend), shape, at);
            let s_lstm = SLstmConfig::new(3, 6).with_heads(3);
            check_split(backend, deep(s_lstm, backend), shape, at);
        }
    }
}

#[test]
fn a_detached_state_cuts_the_gradient_and_nothing_else() {
    for backend in &backends() {
        let layer = backend.fill(deep(LstmConfig::new(2, 3), backend), 5);
        let input = backend.random::<3>(1, [2, 6, 2]);
        let first = layer.forward(input.clone().slice([0..2, 0..3])).unwrap();
        let rest = input.clone().slice([0..2, 3..6]);
        let through = layer
            .forward(LayerInput::new(rest.clone()).with_state(first.state.clone()))
            .unwrap();
        let cut = layer
            .forward(LayerInput::new(rest).with_state(first.state.detach()))
            .unwrap();
        assert_eq!(
            values(&cut.outputs),
            values(&through.outputs),
            "{}",
            backend.name
        );

        let gradients = cut.outputs.sum().backward();
        let gradient = values(&input.grad(&gradients).unwrap());
        let before = |row: usize| &gradient[row * 12..row * 12 + 6];
        assert!(
            before(0).iter().chain(before(1)).all(|value| *value == 0.0),
            "{}",
            backend.name
        );
        assert!(
            gradient.iter().any(|value| *value != 0.0),
            "{}",
            backend.name
        );
    }
}

/// In f32, as trainings run: by the kernels, where there are some.
fn check_long<L: Layer>(backend: &Backend, layer: L, time: usize) {
    let backend = Backend {
        dtype: DType::F32,
        device: backend.device.clone(),
        ..*backend
    };
    let layer = backend.fill(layer, 5);
    let input = backend.random::<3>(1, [1, time, layer.input_size()]);
    let run = layer.forward(input.clone()).unwrap();
    assert_eq!(run.outputs.dims(), [1, time, layer.output_size()]);
    let gradients = run.outputs.sum().backward();
    for gradient in support::gradients(&layer, &gradients) {
        assert!(
            gradient.iter().all(|value| value.is_finite()),
            "{}",
            backend.name
        );
        // One step from a state of zeros says nothing about the recurrent weights.
        let some = gradient.iter().any(|value| *value != 0.0);
        assert!(some || time == 1, "{}", backend.name);
    }
}

#[test]
fn one_step_and_two_thousand_steps_work() {
    for backend in &backends() {
        let long = if backend.slow { 200 } else { 2000 };
        for time in [1, long] {
            let device = backend.autodiff();
            check_long(
                backend,
                RecurrentConfig::new(ElmanConfig::new(3, 4))
                    .init(&device)
                    .unwrap(),
                time,
            );
            check_long(
                backend,
                BidirectionalConfig::new(LstmConfig::new(3, 4))
                    .init(&device)
                    .unwrap(),
                time,
            );
            check_long(
                backend,
                RecurrentConfig::new(GruConfig::new(3, 4))
                    .init(&device)
                    .unwrap(),
                time,
            );
            let s_lstm = SLstmConfig::new(3, 4).with_forget(ForgetGate::Exponential);
            let layer = RecurrentConfig::new(s_lstm).init(&device);
            check_long(backend, layer.unwrap(), time);
            let layer_norm = RecurrentConfig::new(LayerNormLstmConfig::new(3, 4)).init(&device);
            check_long(backend, layer_norm.unwrap(), time);
        }
    }
}

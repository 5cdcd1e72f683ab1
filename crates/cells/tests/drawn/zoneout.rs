//! Zoneout: its masks, its expectation, and when it draws.

use backdraft_cells::Layer;
use backdraft_cells::LstmState;
use backdraft_cells::prelude::*;
use burn::module::Module;
use burn::tensor::Tensor;

use crate::support::{self, Backend, alone, assert_close, backends, values};

const BATCH: usize = 3;
const TIME: usize = 5;
const INPUT: usize = 2;
const HIDDEN: usize = 4;

fn layer(backend: &Backend) -> Recurrent<Zoneout<Lstm>> {
    let config = ZoneoutConfig::new(LstmConfig::new(INPUT, HIDDEN), 0.3, 0.6);
    let layer = RecurrentConfig::new(config).init(&backend.autodiff());
    backend.fill(layer.unwrap(), 3)
}

fn run(layer: &Recurrent<Zoneout<Lstm>>, input: &Tensor<3>) -> Vec<f64> {
    values(&layer.forward(input.clone()).unwrap().outputs)
}

/// A loop over the plain cell, in which `keep` tells of each step what is kept of `h` and of `c`.
fn by_hand(
    layer: &Recurrent<Zoneout<Lstm>>,
    input: &Tensor<3>,
    keep: impl Fn(usize) -> [Tensor<2>; 2],
) -> Tensor<3> {
    let cell = &layer.cell.inner;
    let projected = cell.project(input.clone().swap_dims(0, 1));
    let mut state = cell.initial_state(BATCH);
    let mut outputs = Vec::new();
    for t in 0..TIME {
        let projected = projected.clone().slice(t).squeeze_dim(0);
        let new = cell.step(projected, state.clone());
        let [h, c] = keep(t);
        state = LstmState {
            hidden: h.clone() * state.hidden + h.neg().add_scalar(1.0) * new.hidden,
            cell: c.clone() * state.cell + c.neg().add_scalar(1.0) * new.cell,
        };
        outputs.push(state.hidden.clone());
    }
    Tensor::stack(outputs, 1)
}

/// Equal to the last digit where both take the same path; a GPU has kernels for the plain cell alone.
fn assert_same(backend: &Backend, found: &[f64], expected: &[f64]) {
    match backend.is_precise() {
        true => assert_eq!(found, expected, "{}", backend.name),
        false => assert_close(backend.name, found, expected, backend.tolerance),
    }
}

#[test]
fn training_keeps_what_the_masks_say() {
    let _alone = alone();
    for backend in &backends() {
        let layer = layer(backend);
        let input = backend.random::<3>(1, [BATCH, TIME, INPUT]);
        backend.autodiff().seed(5);
        let found = layer.forward(input.clone()).unwrap().outputs;
        let gradients = found.clone().powi_scalar(2).sum().backward();
        let found_gradients = support::gradients(&layer, &gradients);
        let found_input = values(&input.grad(&gradients).unwrap());

        // The same masks once more: they stand behind the projection, first those of h.
        backend.autodiff().seed(5);
        let projected = layer.cell.project(input.clone().swap_dims(0, 1)).detach();
        let [h, c] = [4, 5].map(|part| {
            let columns = part * HIDDEN..(part + 1) * HIDDEN;
            projected.clone().slice_dim(2, columns)
        });
        let keep = |t: usize| [&h, &c].map(|mask| mask.clone().slice(t).squeeze_dim::<2>(0));
        let expected = by_hand(&layer, &input, keep);
        let what = format!("{}: zoneout", backend.name);
        let tolerance = backend.tolerance;
        assert_close(&what, &values(&found), &values(&expected), tolerance);
        let gradients = expected.powi_scalar(2).sum().backward();
        let expected_input = values(&input.grad(&gradients).unwrap());
        assert_close(&what, &found_input, &expected_input, tolerance);
        let expected = support::gradients(&layer, &gradients);
        for (found, expected) in found_gradients.iter().zip(&expected) {
            assert_close(&what, found, expected, tolerance);
        }
    }
}

/// Each mask is 0 or 1, as often as it should be, and drawn anew for each unit, row and step.
#[test]
fn masks_have_their_probabilities() {
    let _alone = alone();
    for backend in &backends() {
        let layer = layer(backend);
        let draw = |seed: u64| {
            backend.autodiff().seed(seed);
            let input = backend.random::<3>(1, [500, 10, INPUT]);
            let projected = layer.cell.project(input);
            [4, 5].map(|part| {
                let columns = part * HIDDEN..(part + 1) * HIDDEN;
                values(&projected.clone().slice_dim(2, columns))
            })
        };
        let [h, c] = draw(1);
        assert_eq!([h.clone(), c.clone()], draw(1), "{}", backend.name);
        assert_ne!(h, draw(2)[0], "{}", backend.name);
        for (mask, probability) in [(h, 0.3), (c, 0.6)] {
            assert!(mask.iter().all(|&value| value == 0.0 || value == 1.0));
            let count = mask.len() as f64;
            let share = mask.iter().sum::<f64>() / count;
            assert!(
                (share - probability).abs() < 0.02,
                "{share} of {probability}"
            );
            let after = mask.iter().zip(&mask[1..]).map(|(a, b)| a * b).sum::<f64>() / count;
            assert!((after - probability * probability).abs() < 0.02, "{after}");
        }
    }
}

#[test]
fn evaluation_takes_the_expectation() {
    let _alone = alone();
    for backend in &backends() {
        let layer = layer(backend);
        let input = backend.random::<3>(1, [BATCH, TIME, INPUT]);
        let full = |p| Tensor::full([BATCH, HIDDEN], p, (&backend.device, backend.dtype));
        let plain = input.clone().inner();
        let expected = by_hand(&layer.valid(), &plain, |_| [full(0.3), full(0.6)]);
        let found = run(&layer.valid(), &plain);
        assert_close(backend.name, &found, &values(&expected), backend.tolerance);
        // A frozen cell evaluates too, on a device that records gradients.
        assert_same(backend, &run(&layer.clone().freeze(), &input), &found);
    }
}

#[test]
fn training_draws_each_time_and_a_seed_decides_what() {
    let _alone = alone();
    for backend in &backends() {
        let layer = layer(backend);
        let input = backend.random::<3>(1, [BATCH, TIME, INPUT]);
        backend.autodiff().seed(9);
        let [first, second] = [run(&layer, &input), run(&layer, &input)];
        assert_ne!(first, second, "{}", backend.name);
        backend.autodiff().seed(9);
        assert_eq!(run(&layer, &input), first, "{}", backend.name);
    }
}

/// Each of a deep stack's cells draws for itself, and what is never kept is a plain cell.
#[test]
fn a_probability_of_zero_is_the_plain_cell() {
    let _alone = alone();
    for backend in &backends() {
        let input = backend.random::<3>(1, [BATCH, TIME, INPUT]);
        let plain = GruConfig::new(INPUT, HIDDEN);
        let zoned = ZoneoutConfig::new(plain.clone(), 0.0, 0.0);
        let plain = DeepConfig::new(BidirectionalConfig::new(plain), 2);
        let zoned = DeepConfig::new(BidirectionalConfig::new(zoned), 2);
        let plain = backend.fill(plain.init(&backend.autodiff()).unwrap(), 2);
        let zoned = backend.fill(zoned.init(&backend.autodiff()).unwrap(), 2);
        let expected = plain.forward(input.clone()).unwrap().outputs;
        let found = zoned.forward(input).unwrap().outputs;
        assert_same(backend, &values(&found), &values(&expected));
    }
}

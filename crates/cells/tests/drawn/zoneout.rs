//! Zoneout: its masks, its expectation, and when it draws.

use backdraft_cells::prelude::*;
use backdraft_cells::{LstmState, SLstmState};
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
    let projected = cell.project(input.clone().swap_dims(0, 1)).steps();
    let mut state = cell.initial_state(BATCH);
    let mut outputs = Vec::new();
    for (t, projected) in projected.into_iter().enumerate() {
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

        // The same masks once more, first those of h.
        backend.autodiff().seed(5);
        let projected = layer.cell.project(input.clone().swap_dims(0, 1));
        let [h, c]: [Tensor<3>; 2] = projected.masks.try_into().unwrap();
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
            [0, 1].map(|mask: usize| values(&projected.masks[mask]))
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

/// Each cell that can be kept, with the probabilities that it has a place for.
fn kept_cells(hidden: f64, cell: f64) -> Vec<AnyCellConfig> {
    let cells: [(AnyCellConfig, bool); 13] = [
        (ElmanConfig::new(INPUT, HIDDEN).into(), false),
        (HighOrderElmanConfig::new(INPUT, HIDDEN, 3).into(), false),
        (JordanConfig::new(INPUT, HIDDEN, 2).into(), false),
        (ElmanJordanConfig::new(INPUT, HIDDEN, 2).into(), true),
        (IndRnnConfig::new(INPUT, HIDDEN).into(), false),
        (
            LstmConfig::new(INPUT, HIDDEN)
                .with_proj_size(Some(2))
                .into(),
            true,
        ),
        (FourGateLstmConfig::new(INPUT, HIDDEN).into(), true),
        (LayerNormLstmConfig::new(INPUT, HIDDEN).into(), true),
        (SLstmConfig::new(INPUT, HIDDEN).with_heads(2).into(), true),
        (JanetConfig::new(INPUT, HIDDEN).into(), false),
        (GruConfig::new(INPUT, HIDDEN).into(), false),
        (LayerNormGruConfig::new(INPUT, HIDDEN).into(), false),
        (MguConfig::new(INPUT, HIDDEN).into(), false),
    ];
    let kept = |(config, memory): (AnyCellConfig, bool)| {
        let cell = if memory { cell } else { 0.0 };
        ZoneoutConfig::new(config, hidden, cell).into()
    };
    cells.into_iter().map(kept).collect()
}

/// The smaller the probabilities, the nearer is what is expected to the plain cell, from the first step on.
#[test]
fn without_zoneout_is_the_limit_of_little_of_it() {
    let _alone = alone();
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        let input = backend.random::<3>(1, [BATCH, TIME, INPUT]).inner();
        let outputs = |p: f64| {
            kept_cells(p, p).into_iter().map(move |config| {
                let layer = RecurrentConfig::new(config).init(&backend.device).unwrap();
                let layer = backend.fill(layer, 4);
                (
                    layer.describe(),
                    values(&layer.forward(input.clone()).unwrap().outputs),
                )
            })
        };
        let [plain, little]: [Vec<_>; 2] = [0.0, 1e-6].map(|p| outputs.clone()(p).collect());
        for ((name, plain), (_, little)) in plain.iter().zip(&little) {
            assert_close(name, little, plain, 1e-4);
        }
    }
}

/// The tensors of an sLSTM's memory have a common scale: what is kept of them is kept of all.
#[test]
fn a_scaled_memory_is_kept_as_a_whole() {
    let _alone = alone();
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        let config = ZoneoutConfig::new(SLstmConfig::new(INPUT, HIDDEN), 0.0, 0.5);
        let layer = RecurrentConfig::new(config)
            .init(&backend.autodiff())
            .unwrap();
        let layer = backend.fill(layer, 3);
        let input = backend.random::<3>(1, [BATCH, TIME, INPUT]);
        let memory = |state: &SLstmState| {
            let scale = state.stabilizer.clone().exp();
            [&state.cell, &state.normalizer].map(|tensor| values(&(tensor.clone() * scale.clone())))
        };

        // By masks: each unit of a step is the last one or the new one, in every tensor.
        backend.autodiff().seed(2);
        let steps = layer.trace(input.clone()).unwrap().states;
        backend.autodiff().seed(2);
        let projected = layer.cell.project(input.clone().swap_dims(0, 1));
        let [mask]: [Tensor<3>; 1] = projected.masks.clone().try_into().unwrap();
        let mut state = layer.initial_state(BATCH);
        let plain = layer
            .cell
            .inner
            .project(input.clone().swap_dims(0, 1))
            .steps();
        for (t, (found, projected)) in steps.iter().zip(plain).enumerate() {
            let next = layer.cell.inner.step(projected, state.clone());
            let mask = values(&mask.clone().slice(t));
            let (before, next) = (memory(&state), memory(&next));
            for (tensor, found) in memory(found).iter().enumerate() {
                let expected: Vec<f64> = (0..mask.len())
                    .map(|unit| match mask[unit] == 1.0 {
                        true => before[tensor][unit],
                        false => next[tensor][unit],
                    })
                    .collect();
                assert_close("kept memory", found, &expected, 1e-5);
            }
            state = found.clone();
        }

        // By what is expected: the mean of both, whatever their scales are.
        let layer = layer.valid();
        let input = input.inner();
        let steps = layer.trace(input.clone()).unwrap().states;
        let plain = layer.cell.inner.project(input.swap_dims(0, 1)).steps();
        let mut state = layer.initial_state(BATCH);
        for (found, projected) in steps.iter().zip(plain) {
            let next = layer.cell.inner.step(projected, state.clone());
            let (before, next) = (memory(&state), memory(&next));
            for (tensor, found) in memory(found).iter().enumerate() {
                let means = before[tensor].iter().zip(&next[tensor]);
                let means: Vec<f64> = means.map(|(before, next)| (before + next) / 2.0).collect();
                assert_close("expected memory", found, &means, 1e-5);
            }
            state = found.clone();
        }
    }
}

/// By the kernel that is made of the equations and by autodiff, with the same masks.
#[test]
fn gradients_go_through_the_masks_of_every_cell() {
    let _alone = alone();
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        let input = backend.random::<3>(1, [BATCH, TIME, INPUT]);
        let lengths = Lengths::new([5, 2, 4]);
        for config in kept_cells(0.3, 0.5) {
            let config = RecurrentConfig::new(config).with_direction(Direction::Reverse);
            let layer = backend.fill(config.init(&backend.autodiff()).unwrap(), 7);
            let (name, path) = layer.paths().remove(0);
            let run = |layer: &Recurrent<AnyCell>| {
                backend.autodiff().seed(3);
                let given = LayerInput::new(input.clone()).with_lengths(&lengths);
                let outputs = layer.forward(given).unwrap().outputs;
                let gradients = outputs.clone().powi_scalar(2).sum().backward();
                let mut found = support::gradients(layer, &gradients);
                found.push(values(&input.grad(&gradients).unwrap()));
                found.push(values(&outputs));
                found
            };
            let (found, expected) = (run(&layer), run(&layer.clone().unrolled()));
            for (found, expected) in found.iter().zip(&expected) {
                assert_close(
                    &format!("{name}, {path}"),
                    found,
                    expected,
                    backend.tolerance,
                );
            }
        }
    }
}

//! Each cell's gradients, by autodiff through the unrolled loop, against central differences in
//! f64: every parameter, the input and the initial state, in both directions, with padding.

mod support;

use backdraft_cells::GatesConfig;
use backdraft_cells::prelude::*;
use burn::tensor::Tensor;
use support::{Backend, Nudge, backends, nudge, random, values};

const BATCH: usize = 2;
const TIME: usize = 4;
const INPUT: usize = 3;
const HIDDEN: usize = 2;
/// Central differences of step 1e-5 in f64 are good to about 1e-10.
const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 1e-6;

/// A loss that weighs each output and each final state differently.
fn loss<L: Layer>(layer: &L, input: Tensor<3>, state: L::State, lengths: &Lengths) -> Tensor<1> {
    let weigh = |tensor: Tensor<1>| {
        let weights = random(99, tensor.dims()[0]);
        (tensor.clone()
            * support::tensor(&weights, tensor.dims(), &tensor.device(), tensor.dtype()))
        .sum()
    };
    let run = layer.forward(input, Some(state), Some(lengths)).unwrap();
    let mut loss = weigh(run.outputs.flatten(0, 2));
    run.state.visit("", &mut |_, state| {
        loss = loss.clone() + weigh(state.clone().flatten(0, 1))
    });
    loss
}

fn check<L: Layer>(backend: &Backend, layer: L) {
    let layer = backend.fill(layer, 7);
    let lengths = Lengths::new([TIME, TIME - 1]);
    let input = backend.random::<3>(1, [BATCH, TIME, INPUT]);
    let mut states = Vec::new();
    let state = layer.initial_state(BATCH).map(&mut |zeros| {
        let state = backend.random::<2>(2 + states.len() as u64, zeros.dims());
        states.push(state.clone());
        state
    });

    let gradients = loss(&layer, input.clone(), state.clone(), &lengths).backward();

    // The same function without autodiff, to be evaluated at nudged places.
    let (plain, x) = (layer.valid(), input.clone().inner());
    let s = state.without_autodiff();
    let evaluate =
        |layer: &L, x: Tensor<3>, s: L::State| loss(layer, x, s, &lengths).into_scalar::<f64>();
    let compare = |what: String, gradient: Vec<f64>, at: &dyn Fn(usize, f64) -> f64| {
        let largest = gradient
            .iter()
            .fold(0.0f64, |largest, g| largest.max(g.abs()));
        assert!(largest > 0.0, "{what}: the gradient is zero everywhere");
        for (index, gradient) in gradient.iter().enumerate() {
            let difference = (at(index, STEP) - at(index, -STEP)) / (2.0 * STEP);
            // Relative to the value itself; values far below the largest drown in the rounding
            // of the difference and are held to the same bound relative to a thousandth of it.
            let scale = gradient.abs().max(largest * 1e-3);
            let error = (gradient - difference).abs() / scale;
            assert!(
                error < TOLERANCE,
                "{what}[{index}]: autodiff {gradient}, difference {difference}"
            );
        }
    };
    let name = format!("{}: {}", backend.name, layer.describe());

    for (parameter, gradient) in support::gradients(&layer, &gradients)
        .into_iter()
        .enumerate()
    {
        compare(
            format!("{name}: parameter {parameter}"),
            gradient,
            &|index, delta| {
                let nudged = plain.clone().map(&mut Nudge {
                    parameter,
                    index,
                    delta,
                });
                evaluate(&nudged, x.clone(), s.clone())
            },
        );
    }
    compare(
        format!("{name}: input"),
        values(&input.grad(&gradients).unwrap()),
        &|index, delta| evaluate(&plain, nudge(x.clone(), index, delta), s.clone()),
    );
    for (which, leaf) in states.iter().enumerate() {
        let gradient = values(&leaf.grad(&gradients).unwrap());
        compare(
            format!("{name}: state {which}"),
            gradient,
            &|index, delta| {
                let mut turn = 0;
                let nudged = s.clone().map(&mut |tensor| {
                    turn += 1;
                    if turn - 1 == which {
                        nudge(tensor, index, delta)
                    } else {
                        tensor
                    }
                });
                evaluate(&plain, x.clone(), nudged)
            },
        );
    }
}

fn check_everywhere<K: SequenceConfig<Built: Cell>>(cell: K) {
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        let device = backend.autodiff();
        for direction in [Direction::Forward, Direction::Reverse] {
            let config = RecurrentConfig::new(cell.clone()).with_direction(direction);
            check(backend, config.init(&device).unwrap());
        }
        for merge in [Merge::Concat, Merge::Sum, Merge::Mean, Merge::Product] {
            let config = BidirectionalConfig::new(cell.clone()).with_merge(merge);
            check(
                backend,
                DeepConfig::new(config, 2)
                    .with_residual(merge != Merge::Concat)
                    .init(&device)
                    .unwrap(),
            );
        }
    }
}

#[test]
fn elman() {
    for nonlinearity in [
        Nonlinearity::Tanh,
        Nonlinearity::Relu,
        Nonlinearity::Sigmoid,
    ] {
        check_everywhere(ElmanConfig::new(INPUT, HIDDEN).with_nonlinearity(nonlinearity));
    }
}

#[test]
fn lstm() {
    check_everywhere(LstmConfig::new(INPUT, HIDDEN));
}

#[test]
fn gru() {
    check_everywhere(GruConfig::new(INPUT, HIDDEN));
}

#[test]
fn cells_without_bias() {
    let gates = GatesConfig::new().with_bias(false);
    check_everywhere(LstmConfig::new(INPUT, HIDDEN).with_gates(gates.clone()));
    check_everywhere(GruConfig::new(INPUT, HIDDEN).with_gates(gates));
}

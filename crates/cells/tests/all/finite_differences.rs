//! Each cell's gradients, by autodiff through the unrolled loop, against central differences in
//! f64: every parameter, the input and the initial state, in both directions, with padding.

use backdraft_cells::prelude::*;
use backdraft_cells::{Cell, GatesConfig};
use burn::module::Module;
use burn::tensor::Tensor;

use crate::support::{self, Backend, Nudge, backends, directions, nudge, random, values};

const BATCH: usize = 2;
const TIME: usize = 4;
const INPUT: usize = 3;
const HIDDEN: usize = 2;
/// Central differences of fourth order, of this step, are good to about 1e-11 in f64: those of second
/// order would need a smaller step, where rounding drowns the small gradients.
const STEP: f64 = 1e-4;
const TOLERANCE: f64 = 1e-6;

/// A loss that weighs each output and each final state differently.
fn loss<L: Layer>(layer: &L, input: Tensor<3>, state: L::State, lengths: &Lengths) -> Tensor<1> {
    let weigh = |tensor: Tensor<1>| {
        let weights = random(99, tensor.dims()[0]);
        (tensor.clone()
            * support::tensor(&weights, tensor.dims(), &tensor.device(), tensor.dtype()))
        .sum()
    };
    let run = layer
        .forward(
            LayerInput::new(input)
                .with_state(state)
                .with_lengths(lengths),
        )
        .unwrap();
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
    // Along each direction, as far as a number says.
    let compare = |what: String, gradient: Vec<f64>, at: &dyn Fn(&[f64], f64) -> f64| {
        let largest = gradient
            .iter()
            .fold(0.0f64, |largest, g| largest.max(g.abs()));
        assert!(largest > 0.0, "{what}: the gradient is zero everywhere");
        let all = directions(gradient.len()).into_iter();
        let all = all.chain((0..2).map(|seed| evened(&gradient, largest, seed)));
        for (index, direction) in all.enumerate() {
            let slope: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
            let central = |step| (at(&direction, step) - at(&direction, -step)) / (2.0 * step);
            let difference = (4.0 * central(STEP) - central(2.0 * STEP)) / 3.0;
            // Relative to the value itself; values far below the largest drown in the rounding
            // of the difference and are held to the same bound relative to a thousandth of it.
            let scale = slope.abs().max(largest * 1e-3);
            let error = (slope - difference).abs() / scale;
            assert!(
                error < TOLERANCE,
                "{what}, direction {index}: autodiff {slope}, difference {difference}"
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
            gradient.clone(),
            &|direction, step| {
                let by = scaled(direction, step);
                let nudged = plain.clone().map(&mut Nudge { parameter, by });
                evaluate(&nudged, x.clone(), s.clone())
            },
        );
    }
    compare(
        format!("{name}: input"),
        values(&input.grad(&gradients).unwrap()),
        &|direction, step| {
            let by = scaled(direction, step);
            evaluate(&plain, nudge(x.clone(), &by), s.clone())
        },
    );
    let mut names = Vec::new();
    s.visit("", &mut |name, _| names.push(name.to_string()));
    for (which, (leaf, state)) in states.iter().zip(names).enumerate() {
        let at = |direction: &[f64], step: f64| {
            let by = scaled(direction, step);
            let mut turn = 0;
            let nudged = s.clone().map(&mut |tensor| {
                turn += 1;
                if turn - 1 == which {
                    nudge(tensor, &by)
                } else {
                    tensor
                }
            });
            evaluate(&plain, x.clone(), nudged)
        };
        let gradient = leaf.grad(&gradients).map(|gradient| values(&gradient));
        if is_read(&name, &state) {
            compare(format!("{name}: state {state}"), gradient.unwrap(), &at);
        } else {
            let zero = gradient.iter().flatten().all(|gradient| *gradient == 0.0);
            assert!(zero, "{name}: state {state}");
            let all = vec![1.0; leaf.shape().num_elements()];
            assert_eq!(at(&all, 1.0), at(&all, -1.0), "{name}: state {state}");
        }
    }
}

/// A direction of length 1 in whose slope each value has as large a part as the others, whatever its size, down
/// to a thousandth of the largest: so a small one that is wrong shows beside large ones.
fn evened(gradient: &[f64], largest: f64, seed: u64) -> Vec<f64> {
    let signs = random(seed + 50, gradient.len());
    let parts = gradient.iter().zip(signs);
    let parts: Vec<f64> = parts
        .map(|(g, sign)| sign.signum() / g.abs().max(largest * 1e-3))
        .collect();
    let length = parts.iter().map(|part| part * part).sum::<f64>().sqrt();
    parts.iter().map(|part| part / length).collect()
}

fn scaled(direction: &[f64], step: f64) -> Vec<f64> {
    direction.iter().map(|d| step * d).collect()
}

/// Whether a step reads this tensor of its state. The `output` of an [`Lru`]'s is there because it
/// shows what it was given, too; the next step does not look at it.
fn is_read(layer: &str, state: &str) -> bool {
    !(layer.contains("Lru(") && state.rsplit('.').next() == Some("output"))
}

/// In both directions, and as two layers of both at once.
fn check_everywhere<K: SequenceConfig<Built: Cell>>(cell: K) {
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        let device = backend.autodiff();
        for direction in [Direction::Forward, Direction::Reverse] {
            let config = RecurrentConfig::new(cell.clone()).with_direction(direction);
            check(backend, config.init(&device).unwrap());
        }
        let config = DeepConfig::new(BidirectionalConfig::new(cell.clone()), 2);
        check(backend, config.init(&device).unwrap());
    }
}

/// Each way to merge the directions, with another connection around the layers. Neither knows anything of the
/// cell: these are those of PyTorch.
#[test]
fn merges_and_connections() {
    fn check_each<K: SequenceConfig<Built: Cell>>(cell: K) {
        for backend in backends().iter().filter(|backend| backend.is_precise()) {
            for (merge, connection) in [
                (Merge::Sum, Connection::Residual),
                (Merge::Mean, Connection::Residual),
                (Merge::Product, Connection::Highway { bias: -1.0 }),
            ] {
                let config = BidirectionalConfig::new(cell.clone()).with_merge(merge);
                let config = DeepConfig::new(config, 2).with_connection(connection);
                check(backend, config.init(&backend.autodiff()).unwrap());
            }
        }
    }
    check_each(ElmanConfig::new(INPUT, HIDDEN));
    check_each(LstmConfig::new(INPUT, HIDDEN));
    check_each(GruConfig::new(INPUT, HIDDEN));
}

#[test]
fn elman() {
    for nonlinearity in [Activation::Tanh, Activation::Relu, Activation::Sigmoid] {
        check_everywhere(ElmanConfig::new(INPUT, HIDDEN).with_activation(nonlinearity));
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
    check_everywhere(GruConfig::new(INPUT, HIDDEN).with_gates(gates.clone()));
    check_everywhere(MguConfig::new(INPUT, HIDDEN).with_gates(gates.clone()));
    check_everywhere(JordanConfig::new(INPUT, HIDDEN, 2).with_gates(gates.clone()));
    let layer_norm = LayerNormLstmConfig::new(INPUT, 3).with_epsilon(0.1);
    check_everywhere(layer_norm.with_gates(gates.clone()));
    // Deep, without biases, its gradients vanish below the precision of a difference.
    let four_gate = FourGateLstmConfig::new(INPUT, HIDDEN).with_gates(gates.clone());
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        let layer = BidirectionalConfig::new(four_gate.clone());
        check(backend, layer.init(&backend.autodiff()).unwrap());
    }
    check_everywhere(SLstmConfig::new(INPUT, HIDDEN).with_gates(gates.clone()));
    let peepholes = LstmConfig::new(INPUT, HIDDEN).with_peepholes(true);
    check_everywhere(peepholes.with_gates(gates));
}

#[test]
fn lstm_with_options() {
    let lstm = LstmConfig::new(INPUT, HIDDEN);
    check_everywhere(lstm.clone().with_peepholes(true));
    check_everywhere(lstm.clone().with_coupled(true));
    check_everywhere(lstm.clone().with_proj_size(Some(1)));
    check_everywhere(
        lstm.with_peepholes(true)
            .with_coupled(true)
            .with_proj_size(Some(3))
            .with_cell_clip(Some(0.8))
            .with_gate_clip(Some(1.5))
            .with_activations(LstmActivations::new().with_output(Activation::Softsign)),
    );
}

#[test]
fn gru_with_options() {
    let gru = GruConfig::new(INPUT, HIDDEN);
    check_everywhere(gru.clone().with_reset(Reset::BeforeProduct));
    let relu = GruActivations::new().with_candidate(Activation::Relu);
    let light = gru.with_reset(Reset::None).with_activations(relu);
    check_everywhere(light.with_gate_clip(Some(1.5)));
}

#[test]
fn high_order_elman() {
    check_everywhere(HighOrderElmanConfig::new(INPUT, HIDDEN, 1));
    check_everywhere(HighOrderElmanConfig::new(INPUT, HIDDEN, 3));
}

#[test]
fn jordan() {
    check_everywhere(JordanConfig::new(INPUT, HIDDEN, 1));
    check_everywhere(ElmanJordanConfig::new(INPUT, HIDDEN, 3));
}

#[test]
fn ind_rnn() {
    // Of two units with ReLU, the paper's activation, one is soon dead: see `equations.rs` for it.
    let leaky = Activation::LeakyRelu { alpha: 0.3 };
    let ind_rnn = IndRnnConfig::new(INPUT, HIDDEN).with_steps(TIME);
    check_everywhere(ind_rnn.clone().with_activation(leaky));
    check_everywhere(ind_rnn.with_activation(Activation::Tanh).with_bias(false));
}

#[test]
fn janet_and_mgu() {
    check_everywhere(JanetConfig::new(INPUT, HIDDEN));
    check_everywhere(MguConfig::new(INPUT, HIDDEN));
}

#[test]
fn four_gate_lstm() {
    check_everywhere(FourGateLstmConfig::new(INPUT, HIDDEN));
}

/// Of two units, normalising leaves the sign of a difference and hardly any gradient. A large epsilon
/// keeps the higher derivatives small, which are the error of the differences.
#[test]
fn layer_norm() {
    check_everywhere(LayerNormLstmConfig::new(INPUT, 3).with_epsilon(0.1));
    check_everywhere(LayerNormGruConfig::new(INPUT, 3).with_epsilon(0.1));
}

#[test]
fn s_lstm() {
    let s_lstm = SLstmConfig::new(INPUT, HIDDEN);
    check_everywhere(s_lstm.clone());
    check_everywhere(s_lstm.with_heads(2).with_forget(ForgetGate::Exponential));
}

#[test]
fn every_activation() {
    let (alpha, beta) = (0.4, 0.3);
    for activation in [
        Activation::Identity,
        Activation::Affine { alpha, beta },
        Activation::LeakyRelu { alpha },
        Activation::ThresholdedRelu { alpha },
        Activation::ScaledTanh { alpha, beta },
        Activation::HardSigmoid { alpha, beta },
        Activation::Elu { alpha },
        Activation::Softsign,
        Activation::Softplus,
    ] {
        for backend in backends().iter().filter(|backend| backend.is_precise()) {
            let config = ElmanConfig::new(INPUT, HIDDEN).with_activation(activation);
            let layer = RecurrentConfig::new(config).init(&backend.autodiff());
            check(backend, layer.unwrap());
        }
    }
}

/// Without the random masks, which a frozen cell does not draw; with them, see `zoneout.rs`.
#[test]
fn zoneout() {
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        let device = backend.autodiff();
        let lstm = ZoneoutConfig::new(LstmConfig::new(INPUT, HIDDEN), 0.25, 0.5);
        let layer = RecurrentConfig::new(lstm).init(&device).unwrap();
        check(backend, layer.freeze());
        let gru = ZoneoutConfig::new(GruConfig::new(INPUT, HIDDEN), 0.25, 0.0);
        let layer = BidirectionalConfig::new(gru).init(&device).unwrap();
        check(backend, layer.freeze());
        let elman = ZoneoutConfig::new(ElmanConfig::new(INPUT, HIDDEN), 0.25, 0.0);
        let layer = RecurrentConfig::new(elman).init(&device).unwrap();
        check(backend, layer.freeze());
    }
}

#[test]
fn min_gru() {
    for candidate in [Candidate::Linear, Candidate::Positive] {
        check_everywhere(MinGruConfig::new(INPUT, HIDDEN).with_candidate(candidate));
    }
}

#[test]
fn min_lstm() {
    for candidate in [Candidate::Linear, Candidate::Positive] {
        check_everywhere(MinLstmConfig::new(INPUT, HIDDEN).with_candidate(candidate));
    }
}

#[test]
fn lru() {
    check_everywhere(LruConfig::new(INPUT, HIDDEN, 3));
}

#[test]
fn conv_lstm() {
    for peepholes in [false, true] {
        let cell = ConvLstmConfig::new(3, 3, [1, 3]).with_peepholes(peepholes);
        check_everywhere(cell.with_bias(peepholes));
    }
}

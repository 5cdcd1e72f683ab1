//! What a cell's biases start at is how long it remembers.

use backdraft_cells::prelude::*;
use backdraft_cells::{Cell, Memory};
use burn::module::Param;
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use crate::support::{self, alone, assert_close, values};

const HIDDEN: usize = 900;
const LONGEST: usize = 50;

fn device() -> Device {
    support::backends()[0].device.clone().autodiff()
}

/// No weights: what is kept is said by the biases alone.
fn without_weights() -> GatesConfig {
    GatesConfig::new()
        .with_input_initialization(Initializer::Zeros.into())
        .with_recurrent_initialization(Initializer::Zeros.into())
        .with_bias_initialization(Initializer::Zeros.into())
}

/// What is left of 1 after a step without input, of each unit.
fn kept<C: Cell>(cell: &C) -> Vec<f64> {
    let mut steps = cell.project(Tensor::zeros([1, 1, 1], &device())).steps();
    let ones = cell.initial_state(1).map(&mut |zeros| zeros + 1.0);
    let next = cell.step(steps.remove(0), ones);
    let mut kept = Vec::new();
    // An LSTM's memory comes after its output.
    next.visit("", &mut |_, tensor| kept = values(tensor));
    kept
}

#[test]
fn chrono_spreads_memories_from_two_steps_to_the_longest() {
    let _alone = alone();
    device().seed(3);
    let memory = Memory::Chrono { longest: LONGEST };
    macro_rules! kept {
        ($config:ident) => {{
            let config = $config::new(1, HIDDEN).with_memory(memory);
            kept(
                &config
                    .with_gates(without_weights())
                    .init(&device())
                    .unwrap(),
            )
        }};
    }
    for (name, kept) in [
        ("Lstm", kept!(LstmConfig)),
        ("Gru", kept!(GruConfig)),
        ("Janet", kept!(JanetConfig)),
    ] {
        let steps: Vec<f64> = kept.iter().map(|kept| 1.0 / (1.0 - kept)).collect();
        let (least, most) = (1.99, LONGEST as f64 * 1.001);
        assert!(
            steps.iter().all(|steps| (least..most).contains(steps)),
            "{name}: {steps:?}"
        );
        // Uniform between 2 and T: the mean of 900 is within 0.46 of its own, in one deviation.
        let mean = steps.iter().sum::<f64>() / HIDDEN as f64;
        assert!((mean - 26.0).abs() < 2.0, "{name}: mean {mean}");
        let first = steps.iter().filter(|steps| **steps < 14.0).count() as f64 / HIDDEN as f64;
        assert!((first - 0.25).abs() < 0.06, "{name}: first quarter {first}");
    }
}

#[test]
fn a_forget_bias_is_what_both_biases_of_the_keeping_gate_come_to() {
    let _alone = alone();
    macro_rules! check {
        ($config:ident) => {{
            let config = $config::new(1, 3).with_memory(Memory::ForgetBias(2.0));
            let cell = config.with_gates(without_weights()).init(&device());
            let expected = 1.0 / (1.0 + (-2.0f64).exp());
            assert_close(
                stringify!($config),
                &kept(&cell.unwrap()),
                &[expected; 3],
                1e-6,
            );
        }};
    }
    check!(LstmConfig);
    check!(GruConfig);
    check!(JanetConfig);
}

/// In an LSTM, what is let in is as much less as more is kept; other gates stay as drawn.
#[test]
fn chrono_sets_the_gates_that_it_names_and_no_other() {
    let _alone = alone();
    let biases = |memory| {
        device().seed(5);
        let lstm = LstmConfig::new(2, 4).with_memory(memory);
        let gates = lstm.init(&device()).unwrap().gates;
        let of = |bias: Option<Param<Tensor<1>>>| values(&bias.unwrap().val());
        (of(gates.input_bias), of(gates.recurrent_bias))
    };
    let (input, recurrent) = biases(Memory::Chrono { longest: 10 });
    let (drawn_input, drawn_recurrent) = biases(Memory::AsDrawn);
    let negated: Vec<f64> = input[4..8].iter().map(|bias| -bias).collect();
    assert_eq!(input[..4], negated);
    assert!(
        input[4..8]
            .iter()
            .all(|bias| (0.0..9f64.ln()).contains(bias))
    );
    assert_eq!(recurrent[..8], [0.0; 8]);
    assert_eq!(input[8..], drawn_input[8..]);
    assert_eq!(recurrent[8..], drawn_recurrent[8..]);
}

#[test]
fn impossible_memories_are_refused() {
    let _alone = alone();
    let error = GruConfig::new(2, 4)
        .with_memory(Memory::Chrono { longest: 2 })
        .init(&device())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Gru: longest memory of the chrono initialization: expected at least 3 steps, found 2"
    );
    let error = JanetConfig::new(2, 4)
        .with_memory(Memory::Chrono { longest: 9 })
        .with_gates(GatesConfig::new().with_bias(false))
        .init(&device())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Janet: memory: expected biases to set it in, found Chrono { longest: 9 } and no biases"
    );
}

/// Rows and columns are those of a gate, not of all gates together.
#[test]
fn xavier_is_drawn_for_each_gate() {
    let _alone = alone();
    device().seed(1);
    let xavier = Initializer::XavierUniform { gain: 1.0 };
    let gates = GatesConfig::new().with_input_initialization(xavier.into());
    let lstm = LstmConfig::new(24, 40).with_gates(gates);
    let weight = values(&lstm.init(&device()).unwrap().gates.input_weight.val());
    let bound = (6.0f64 / (24.0 + 40.0)).sqrt();
    let largest = weight.iter().fold(0.0f64, |max, w| max.max(w.abs()));
    assert!(
        (0.98 * bound..=bound).contains(&largest),
        "{largest} of {bound}"
    );
}

/// ReLU units that add their input to what they hold (Le, Jaitly and Hinton 2015).
#[test]
fn an_identity_start_makes_an_adder() {
    let _alone = alone();
    let gates = without_weights()
        .with_input_initialization(Initialization::Identity { gain: 1.0 })
        .with_recurrent_initialization(Initialization::Identity { gain: 1.0 });
    let irnn = ElmanConfig::new(2, 2)
        .with_activation(Activation::Relu)
        .with_gates(gates);
    let layer = RecurrentConfig::new(irnn).init(&device()).unwrap();
    let input = support::tensor(
        &[1.0, 2.0, 0.5, 3.0, 0.25, -1.0],
        [1, 3, 2],
        &device(),
        burn::tensor::DType::F32,
    );
    let outputs = layer.forward(input).unwrap().outputs;
    assert_eq!(values(&outputs), [1.0, 2.0, 1.5, 5.0, 1.75, 4.0]);
}

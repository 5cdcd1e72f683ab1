//! Gradients that vanish through time come to nothing: a processor computes with the numbers below the normal
//! ones many times more slowly, and of a thousand steps, hundreds could be there.

use backdraft_kernels::{
    Direction, Expression, Given, Inputs, Nonlinearity, Program, ProgramInputs, Projection,
    Recurrence, Shapes, Walk, run, run_program,
};
use burn::tensor::{Device, Tensor};

use crate::numbers::{Numbers, devices, values};

const TIME: usize = 1000;
const BATCH: usize = 2;
const HIDDEN: usize = 20;
const WALK: Walk = Walk {
    direction: Direction::Forward,
    lengths: None,
};

/// Of a loss at the last step: the gradients of each step, all of them normal numbers or 0.
fn check(what: &str, outputs: Tensor<3>, projected: &Tensor<3>) {
    let loss = outputs.slice_dim(0, TIME - 1..TIME).sum();
    let gradient = values(projected.grad(&loss.backward()).unwrap());
    let slow = gradient.iter().filter(|g| g.is_subnormal()).count();
    assert_eq!(slow, 0, "{what}: {slow} of {}", gradient.len());
    let step = gradient.len() / TIME;
    let size = |t: usize| {
        let values = &gradient[t * step..(t + 1) * step];
        values.iter().fold(0.0f32, |max, g| max.max(g.abs()))
    };
    assert!(size(TIME - 1) > 1e-3, "{what}");
    assert_eq!(size(0), 0.0, "{what}: it has vanished");
    // It vanishes step by step, and is not cut off while it is of any size.
    let last = (0..TIME).find(|&t| size(t) > 0.0).unwrap();
    assert!(size(last) < 1e-20, "{what}: {} at step {last}", size(last));
}

#[test]
fn gradients_of_recurrences() {
    for device in devices().into_iter().map(Device::autodiff) {
        for recurrence in [
            Recurrence::Elman(Nonlinearity::Tanh),
            Recurrence::Lstm,
            Recurrence::Gru,
        ] {
            let (gates, states) = match recurrence {
                Recurrence::Elman(_) => (1, 1),
                Recurrence::Lstm => (4, 2),
                Recurrence::Gru => (3, 1),
            };
            let packed = gates * HIDDEN;
            let mut numbers = Numbers::new(7);
            let projected = numbers.tensor(1.0, [TIME, BATCH, packed], &device);
            let inputs = Inputs {
                projection: Projection::Values(projected.clone()),
                weight: numbers.tensor(0.1, [packed, HIDDEN], &device),
                input_bias: Tensor::zeros([packed], &device),
                recurrent_bias: Tensor::zeros([packed], &device),
                initial: Tensor::zeros([states, BATCH, HIDDEN], &device),
            };
            let run = run(recurrence, WALK, inputs);
            check(&format!("{recurrence:?}"), run.outputs, &projected);
        }
    }
}

#[test]
fn gradients_of_programs() {
    let shapes = Shapes {
        projected: HIDDEN,
        state: vec![HIDDEN],
        matrices: vec![[HIDDEN, HIDDEN]],
        vectors: Vec::new(),
    };
    let program = Program::record(shapes, |given: Given| {
        let recurrent = given.state[0].clone().linear(&given.matrices[0]);
        vec![(given.projected + recurrent).tanh()]
    });
    for device in devices().into_iter().map(Device::autodiff) {
        let mut numbers = Numbers::new(8);
        let projected = numbers.tensor(1.0, [TIME, BATCH, HIDDEN], &device);
        let inputs = ProgramInputs {
            projected: projected.clone(),
            matrices: vec![numbers.tensor(0.1, [HIDDEN, HIDDEN], &device)],
            vectors: Vec::new(),
            initial: vec![Tensor::zeros([BATCH, HIDDEN], &device)],
        };
        let run = run_program(&program, WALK, inputs);
        check("program", run.outputs, &projected);
    }
}

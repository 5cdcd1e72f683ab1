//! That instructions and threads change nothing of what a program computes.

use super::*;
use crate::cpu::tests::{agree, random, walks};
use crate::{Expression, Given, Program, Shapes};

/// A program with every operation there is, of odd widths.
fn program(hidden: usize) -> Program {
    let shapes = Shapes {
        projected: 4 * hidden,
        state: vec![hidden, hidden],
        matrices: vec![[4 * hidden, 2 * hidden], [hidden, hidden]],
        vectors: vec![hidden, 4 * hidden],
    };
    Program::record(shapes, |given: Given| {
        let [h, c] = [0, 1].map(|state| given.state[state].clone());
        let both = Expression::concat(&[h, c.clone()]).linear(&given.matrices[0]);
        let both = both.normalize(0.1) * given.vectors[1].clone().relu();
        let [i, f, g, o] = (given.projected + both).split();
        let peephole = given.vectors[0].clone().tanh();
        let f = (f + peephole * c.clone()).log_sigmoid().exp();
        let c = (f * c + i.sigmoid() * g.clamp(-0.8, 0.8)).affine(0.9, 0.01);
        let shown = c.clone().linear(&given.matrices[1]).softplus();
        vec![
            o.tanh() / shown.affine(1.0, 1.0),
            c.clone().maximum(c.affine(-0.5, 0.0)),
        ]
    })
}

/// Everything that a run and its backward write.
fn everything(machine: Machine, walk: &Walk, [time, batch, hidden]: [usize; 3]) -> [Vec<f32>; 5] {
    let program = program(hidden);
    let plan = &*program.0;
    let scale = 1.0 / (hidden as f32).sqrt();
    let parameters: Vec<f32> = random(1, plan.shapes.parameters())
        .iter()
        .map(|x| x * scale)
        .collect();
    let (projected, initial) = (
        random(2, time * batch * plan.shapes.projected),
        random(3, batch * plan.shapes.units()),
    );
    let input = Input {
        projected: &projected,
        parameters: &parameters,
        initial: &initial,
        order: Order::BatchMajor,
        time,
        batch,
    };
    let alone = forward(machine, plan, walk, input, false);
    let run = forward(machine, plan, walk, input, true);
    assert_eq!(alone.outputs, run.outputs, "keeping changes nothing");
    assert_eq!(alone.state, run.state, "keeping changes nothing");
    let (outputs, state) = (random(4, run.outputs.len()), random(5, run.state.len()));
    let gradients = Gradients {
        outputs: Some(&outputs),
        state: Some(&state),
    };
    let found = backward(machine, plan, walk, input, &run.kept, gradients);
    let Found {
        projected,
        parameters,
        initial,
    } = found;
    [run.outputs, run.state, projected, parameters, initial]
}

/// Steps, rows and units.
const SIZES: [[usize; 3]; 5] = [[1, 1, 37], [5, 3, 19], [3, 17, 37], [4, 9, 70], [90, 3, 33]];

fn walks_of([time, batch, hidden]: [usize; 3]) -> [Walk; 3] {
    walks(Sizes {
        time,
        batch,
        hidden,
    })
}

#[test]
fn instructions_and_threads_change_nothing_of_a_program() {
    for sizes in SIZES {
        for walk in walks_of(sizes) {
            agree(&format!("{sizes:?} {walk:?}"), |machine| {
                everything(machine, &walk, sizes)
            });
        }
    }
}

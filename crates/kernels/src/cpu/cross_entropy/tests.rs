//! That instructions and threads change nothing of what is computed.

use super::*;
use crate::cpu::tests::{agree, random};

/// Everything that a call and its backward write.
fn everything(
    machine: Machine,
    [positions, vocabulary]: [usize; 2],
    smoothing: f32,
) -> [Vec<f32>; 3] {
    let scores: Vec<f32> = random(1, positions * vocabulary)
        .iter()
        .map(|s| 9.0 * s)
        .collect();
    let targets = Targets {
        symbols: (0..positions).map(|n| n * 7 % vocabulary).collect(),
        smoothing,
    };
    let read = Read::new(&scores, &targets, vocabulary);
    let [nats, kept] = forward(machine, read);
    let gradient = backward(machine, read, &kept, &random(2, positions));
    [nats, kept, gradient]
}

/// Of the labels.
const SMOOTHINGS: [f32; 2] = [0.0, 0.1];

const SIZES: [[usize; 2]; 4] = [[1, 1], [5, 3], [3, 129], [70, 1001]];

#[test]
fn instructions_and_threads_change_nothing() {
    for sizes in SIZES {
        for smoothing in SMOOTHINGS {
            agree(&format!("{sizes:?} {smoothing}"), |machine| {
                everything(machine, sizes, smoothing)
            });
        }
    }
}

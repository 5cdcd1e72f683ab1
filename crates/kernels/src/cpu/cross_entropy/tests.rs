//! That instructions and threads change nothing of what is computed.

use super::*;
use crate::cpu::tests::{machines, random, with_threads};

/// Everything that a call and its backward write.
fn everything(machine: Machine, [positions, vocabulary]: [usize; 2]) -> [Vec<f32>; 3] {
    let scores: Vec<f32> = random(1, positions * vocabulary)
        .iter()
        .map(|s| 9.0 * s)
        .collect();
    let targets: Vec<usize> = (0..positions).map(|n| n * 7 % vocabulary).collect();
    let read = Read::new(&scores, &targets, vocabulary);
    let [nats, kept] = forward(machine, read);
    let gradient = backward(machine, read, &kept, &random(2, positions));
    [nats, kept, gradient]
}

const SIZES: [[usize; 2]; 4] = [[1, 1], [5, 3], [3, 129], [70, 1001]];

#[test]
fn instructions_change_nothing() {
    for sizes in SIZES {
        let machines = machines();
        let plainest = everything(machines[0], sizes);
        for &machine in &machines[1..] {
            for (ours, plain) in everything(machine, sizes).iter().zip(&plainest) {
                let largest = plain.iter().fold(1e-2f32, |max, x| max.max(x.abs()));
                for (a, b) in ours.iter().zip(plain) {
                    let what = (machine.instructions(), sizes);
                    assert!((a - b).abs() <= 1e-5 * largest, "{a}, not {b}: {what:?}");
                }
            }
        }
    }
}

#[test]
fn threads_change_nothing() {
    for sizes in SIZES {
        let alone = with_threads(1, |machine| everything(machine, sizes));
        for threads in [2, 3, 7] {
            assert_eq!(
                with_threads(threads, |machine| everything(machine, sizes)),
                alone,
                "{threads} threads, {sizes:?}"
            );
        }
    }
}

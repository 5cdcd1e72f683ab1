//! That instructions and threads change nothing of what is computed.

use super::*;
use crate::cpu::tests::{machines, random, with_threads};

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

fn cases() -> impl Iterator<Item = ([usize; 2], f32)> {
    let with = |sizes| SMOOTHINGS.map(|smoothing| (sizes, smoothing));
    SIZES.into_iter().flat_map(with)
}

#[test]
fn instructions_change_nothing() {
    for (sizes, smoothing) in cases() {
        let machines = machines();
        let plainest = everything(machines[0], sizes, smoothing);
        for &machine in &machines[1..] {
            for (ours, plain) in everything(machine, sizes, smoothing).iter().zip(&plainest) {
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
    for (sizes, smoothing) in cases() {
        let alone = with_threads(1, |machine| everything(machine, sizes, smoothing));
        for threads in [2, 3, 7] {
            assert_eq!(
                with_threads(threads, |machine| everything(machine, sizes, smoothing)),
                alone,
                "{threads} threads, {sizes:?}"
            );
        }
    }
}

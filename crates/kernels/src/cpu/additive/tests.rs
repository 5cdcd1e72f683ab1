//! That instructions and threads change nothing of what is computed.

use super::*;
use crate::cpu::tests::{machines, random, with_threads};

/// Everything that a call and its backward write.
fn everything(machine: Machine, sizes: Sizes) -> [Vec<f32>; 4] {
    let Sizes {
        batch,
        queries,
        steps,
        units,
    } = sizes;
    let (q, k) = (
        random(1, batch * queries * units),
        random(2, batch * steps * units),
    );
    let (v, gradient) = (random(3, units), random(4, batch * queries * steps));
    let read = Read::new(&q, &k, &v, sizes);
    let found = backward(machine, read, &gradient);
    [forward(machine, read), found.queries, found.keys, found.fit]
}

const SIZES: [Sizes; 4] = [
    Sizes {
        batch: 1,
        queries: 1,
        steps: 1,
        units: 1,
    },
    Sizes {
        batch: 3,
        queries: 5,
        steps: 7,
        units: 13,
    },
    Sizes {
        batch: 1,
        queries: 30,
        steps: 37,
        units: 65,
    },
    Sizes {
        batch: 8,
        queries: 6,
        steps: 21,
        units: 100,
    },
];

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

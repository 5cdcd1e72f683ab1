//! That instructions and threads change nothing of what is computed.

use super::*;
use crate::cpu::tests::{agree, random};

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
fn instructions_and_threads_change_nothing() {
    for sizes in SIZES {
        agree(&format!("{sizes:?}"), |machine| everything(machine, sizes));
    }
}

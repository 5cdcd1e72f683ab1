//! What computing again saves, of 65,536 steps. A program of its own, since memory is that of the whole process.

use std::alloc::System;

use backdraft_cells::prelude::*;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cap::Cap;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const UNITS: usize = 32;

/// The most bytes that this program has had at a time, after a step of training over one row of `steps` steps.
fn most_after<K: SequenceConfig<Built: Layer>>(config: K, steps: usize, unrolled: bool) -> usize {
    let device = Device::flex();
    let layer = config.init(&device).unwrap().train();
    let layer = match unrolled {
        true => layer.unrolled(),
        false => layer,
    };
    let sequence = Tensor::<3>::ones([1, steps, UNITS], &device);
    let run = layer.forward(sequence).unwrap();
    drop(run.outputs.mean().backward());
    ALLOCATOR.max_allocated()
}

/// Each run needs more than the one before it, since the allocator tells the most that there ever was.
#[test]
fn long_sequences_need_a_part_of_the_memory() {
    let lstm = || RecurrentConfig::new(LstmConfig::new(UNITS, UNITS));
    let stack = || DeepConfig::new(lstm(), 4);
    let (long, short) = (65_536, 4096);
    let unrolled_again = most_after(RecomputedConfig::new(lstm()), short, true);
    let again = most_after(RecomputedConfig::new(stack()), long, false);
    let unrolled = most_after(lstm(), short, true);
    let all = most_after(stack(), long, false);
    println!("step by step, {short} steps: {unrolled_again} bytes instead of {unrolled}");
    println!("4 layers by kernels, {long} steps: {again} bytes instead of {all}");
    // Step by step autodiff keeps so much that the sequences themselves are small beside it.
    assert!(
        unrolled > 8 * unrolled_again,
        "{unrolled_again} bytes instead of {unrolled}"
    );
    // A kernel keeps six vectors a step; input, outputs and their gradients are there in any case.
    assert!(all > 5 * again, "{again} bytes instead of {all}");
}

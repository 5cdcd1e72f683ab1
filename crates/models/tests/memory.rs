//! What drawing a future costs in memory: that of one step, however many there are. A program of its own,
//! since memory is that of the whole process.

use std::alloc::System;

use backdraft_cells::prelude::*;
use backdraft_models::{ForecasterConfig, Series};
use burn::module::Module;
use burn::tensor::Device;
use cap::Cap;
use rand::{SeedableRng, rngs::StdRng};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

#[test]
fn a_long_future_needs_no_more_than_a_short_one() {
    let device = Device::flex();
    let layer = RecurrentConfig::new(GruConfig::new(2, 64));
    // Of a model that trains, so that a graph would be kept if there were one.
    let model = ForecasterConfig::new(layer).init(&device).unwrap().train();
    let context = [Series::new([Some(1.0), Some(2.0), None, Some(4.0)])];
    let samples = 64;
    let most_after = |horizon: usize| {
        let mut random = StdRng::seed_from_u64(1);
        let paths = model
            .forecast(&context, &[], horizon, samples, &mut random)
            .unwrap();
        assert_eq!(paths[0].horizon(), horizon);
        ALLOCATOR.max_allocated()
    };
    let short = most_after(20);
    let long = most_after(400);
    // The values themselves, which are copied once; a state is as large as 32 steps of them.
    let values = 2 * 400 * samples * size_of::<f64>();
    let more = long - short;
    assert!(
        more < 2 * values,
        "{more} bytes more, of {values} of values"
    );
}

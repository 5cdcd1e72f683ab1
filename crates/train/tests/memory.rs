//! What computing again costs in memory: of the order of the root of the steps. A program of its own, since
//! memory is that of the whole process.

use std::alloc::System;

use backdraft_cells::{Deep, DeepConfig, Gru, GruConfig, Recurrent, RecurrentConfig};
use backdraft_data::{Cut, Streams};
use backdraft_models::{LanguageModel, LanguageModelConfig};
use backdraft_train::{StreamLoader, Trainee, Window};
use burn::data::dataloader::DataLoader;
use burn::module::Module;
use burn::tensor::Device;
use burn::train::TrainStep;
use cap::Cap;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

type Model = LanguageModel<Deep<Recurrent<Gru>>>;

/// The most bytes that this program has had at a time, after a step over `steps` steps.
fn most_after(steps: usize, recompute: bool) -> usize {
    let device = Device::flex().autodiff();
    let symbols: Vec<u32> = (0..8 * steps as u32 + 1).map(|index| index % 7).collect();
    let streams = Streams::new(&symbols, 8, steps).unwrap();
    let loader = StreamLoader::new(streams, Cut::new(steps).unwrap(), device.clone())
        .with_recomputation(recompute);
    let loader: &dyn DataLoader<Window<Model>> = &loader;
    let stack = DeepConfig::new(RecurrentConfig::new(GruConfig::new(16, 64)), 1);
    let model = LanguageModelConfig::new(7, stack).init(&Device::flex());
    let trainee = Trainee {
        model: model.unwrap().fork(&device).train(),
    };
    let window = loader.iter().next().unwrap().unwrap();
    drop(trainee.step(window));
    ALLOCATOR.max_allocated()
}

#[test]
fn four_times_the_steps_need_twice_the_memory() {
    // Each needs more than the one before it. As many steps as make what does not grow with them, of which
    // there is more on a machine with more threads, small beside the rest.
    let short = most_after(4096, true);
    let long = most_after(16384, true);
    let all = most_after(16384, false);
    assert!(long < 3 * short, "{short} bytes, then {long}");
    assert!(all > 8 * long, "{long} bytes instead of {all}");
}

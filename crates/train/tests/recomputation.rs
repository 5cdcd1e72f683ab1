//! What computing again costs in memory, of the order of the root of the steps; and that it is the
//! same again, masks and all.

use std::alloc::System;
use std::sync::{Mutex, MutexGuard, PoisonError};

use backdraft_cells::{Deep, DeepConfig, Gru, GruConfig, Recurrent, RecurrentConfig, State};
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

fn stack(layers: usize) -> DeepConfig<RecurrentConfig<GruConfig>> {
    DeepConfig::new(RecurrentConfig::new(GruConfig::new(16, 64)), layers)
}

/// The most bytes that this program has had at a time, after a step over `steps` steps.
fn most_after(steps: usize, recompute: bool) -> usize {
    let device = Device::flex().autodiff();
    let symbols: Vec<u32> = (0..8 * steps as u32 + 1).map(|index| index % 7).collect();
    let streams = Streams::new(&symbols, 8, steps).unwrap();
    let loader = StreamLoader::new(streams, Cut::new(steps).unwrap(), device.clone())
        .with_recomputation(recompute);
    let loader: &dyn DataLoader<Window<Model>> = &loader;
    let model = LanguageModelConfig::new(7, stack(1)).init(&Device::flex());
    let trainee = Trainee {
        model: model.unwrap().fork(&device).train(),
    };
    let window = loader.iter().next().unwrap().unwrap();
    drop(trainee.step(window));
    ALLOCATOR.max_allocated()
}

/// Held by each test: memory and random numbers are those of the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The state after the first of two pieces is that of the way forward; after the only piece of a
/// window, that of the way back.
#[test]
fn masks_are_drawn_again_as_they_were() {
    let _alone = alone();
    let device = Device::flex().autodiff();
    let symbols: Vec<u32> = (0..4 * 16 + 1).map(|index| index % 7).collect();
    let streams = Streams::new(&symbols, 4, 16).unwrap();
    let model = LanguageModelConfig::new(7, stack(2).with_dropout(0.5))
        .with_dropout(0.5)
        .init(&Device::flex());
    let trainee = Trainee {
        model: model.unwrap().fork(&device).train(),
    };
    let state_after_first = |pieces: usize| {
        let loader = StreamLoader::new(streams.clone(), Cut::new(16).unwrap(), device.clone())
            .with_recomputation(true);
        let loader: &dyn DataLoader<Window<Model>> = &loader;
        let mut window = loader.iter().next().unwrap().unwrap();
        assert_eq!(window.parts[0].pieces.len(), 4);
        window.parts[0].pieces.truncate(pieces);
        window.parts[0].carry_after = 1;
        device.seed(11);
        let state = trainee.step(window).item.state.unwrap();
        let mut values = Vec::new();
        State::visit(&state, "", &mut |_, tensor| {
            values.extend(tensor.to_data().iter::<f32>());
        });
        values
    };
    assert_eq!(state_after_first(2), state_after_first(1));
}

#[test]
fn four_times_the_steps_need_twice_the_memory() {
    let _alone = alone();
    // Each needs more than the one before it.
    let short = most_after(1024, true);
    let long = most_after(4096, true);
    let all = most_after(4096, false);
    assert!(long < 3 * short, "{short} bytes, then {long}");
    assert!(all > 8 * long, "{long} bytes instead of {all}");
}

//! What is computed again is the same again, masks and all.

use backdraft_cells::{Deep, DeepConfig, Gru, GruConfig, Recurrent, RecurrentConfig, State};
use backdraft_data::{Cut, Streams};
use backdraft_models::{LanguageModel, LanguageModelConfig};
use backdraft_train::{StreamLoader, Trainee, Window};
use burn::data::dataloader::DataLoader;
use burn::module::Module;
use burn::tensor::Device;
use burn::train::TrainStep;

use crate::support::alone;

type Model = LanguageModel<Deep<Recurrent<Gru>>>;

/// The state after the first of two pieces is that of the way forward; after the only piece of a
/// window, that of the way back.
#[test]
fn masks_are_drawn_again_as_they_were() {
    let _alone = alone();
    let device = Device::flex().autodiff();
    let symbols: Vec<u32> = (0..4 * 16 + 1).map(|index| index % 7).collect();
    let streams = Streams::new(&symbols, 4, 16).unwrap();
    let stack = DeepConfig::new(RecurrentConfig::new(GruConfig::new(16, 64)), 2);
    let model = LanguageModelConfig::new(7, stack.with_dropout(0.5))
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

//! A language model that learns its own source code, written out as a library user writes it.
//!
//!     cargo run --release -p backdraft-examples --bin language-model
//!
//! It should end below 0.1 nats a character and recite itself.

use backdraft_cells::{LstmConfig, Memory, RecurrentConfig, State};
use backdraft_data::{Streams, Vocabulary};
use backdraft_models::{LanguageModelConfig, Sampling};
use backdraft_train::{Clipping, DeviceChoice};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = include_str!("language_model.rs");
    let vocabulary = Vocabulary::of(text);
    // 8 streams side by side, in windows of 32 steps.
    let streams = Streams::new(&vocabulary.encode(text), 8, 32)?;

    let device = DeviceChoice::Auto.pick()?.device;
    device.seed(1);
    let lstm = LstmConfig::new(32, 128).with_memory(Memory::ForgetBias(1.0));
    let lstm = RecurrentConfig::new(lstm);
    let mut model = LanguageModelConfig::new(vocabulary.len(), lstm)
        .init(&device)?
        .train();
    let mut optimizer = AdamConfig::new().init();
    let clipper = Clipping::by_norm(1.0).init()?;

    let device = device.autodiff();
    let epochs = 100;
    for epoch in 1..=epochs {
        // Falls to nothing, so that where the model ends is not left to its last few steps.
        let rate = 0.01 * f64::from(epochs - epoch) / f64::from(epochs);
        let (mut sum, mut state) = (0.0, None);
        for window in streams.windows() {
            let inputs = window.inputs.to_tensor(&device);
            let targets = window.targets.to_tensor(&device);
            let loss = model.loss(inputs, targets, state)?;
            // The next window continues from this state; its gradient ends here.
            state = Some(loss.state.detach());

            let mean = loss.nats.mean();
            sum += mean.clone().into_scalar::<f64>();
            let mut gradients = GradientsParams::from_grads(mean.backward(), &model);
            clipper.apply(&model, &mut gradients);
            model = optimizer.step(rate, model, gradients);
        }
        if epoch % 20 == 0 {
            println!(
                "epoch {epoch}: {:.3} nats a character",
                sum / streams.len() as f64
            );
        }
    }

    let mut writer = model.generator(Sampling::new().with_temperature(0.5), 0)?;
    // The head of the text is what the model has seen from a blank state.
    let start = "//! A language model";
    writer.read(&vocabulary.encode(start))?;
    let written: Vec<u32> = writer.take(300).collect();
    println!("{start}{}", vocabulary.decode(&written));
    Ok(())
}

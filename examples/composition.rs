//! A composer of little tunes: it is told a scale and a shape, and writes notes.
//!
//!     cargo run --release -p backdraft-examples --bin composition
//!
//! It learns from tunes of nine keys, such as "falling in G", and should then write at least 95 of 100
//! as their keys say; no two runs of notes are the same, since each is drawn.

use backdraft_cells::{GruConfig, Lengths, RecurrentConfig};
use backdraft_data::{Padded, Vocabulary};
use backdraft_models::{ComposerConfig, Sampling, Source};
use backdraft_train::{Clipping, DeviceChoice};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::Device;
use burn::tensor::{Int, Tensor};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Scales, as ABC notation writes their notes.
const SCALES: [(&str, &str); 3] = [("C", "CDEFGABc"), ("F", "FGABcdef"), ("G", "GABcdefg")];
const SHAPES: [&str; 3] = ["rising", "falling", "arched"];

/// What a tune is to be: a scale and a shape.
type Key = [usize; 2];

/// A tune of a key: four notes of its scale or more, one after the other.
fn tune([scale, shape]: Key, random: &mut StdRng) -> String {
    let notes: Vec<char> = SCALES[scale].1.chars().collect();
    let count = random.random_range(4..=notes.len());
    let rising = &notes[..count];
    let falling = notes.iter().rev().take(count);
    match SHAPES[shape] {
        "rising" => rising.iter().collect(),
        "falling" => falling.collect(),
        _ => rising.iter().chain(rising.iter().rev().skip(1)).collect(),
    }
}

/// Whether a tune is one that its key may have.
fn fits([scale, shape]: Key, tune: &str) -> bool {
    let notes: Vec<char> = SCALES[scale].1.chars().collect();
    let place = |note: char| notes.iter().position(|known| *known == note);
    let Some(places) = tune.chars().map(place).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let last = notes.len() - 1;
    let rises = |places: &[usize]| places.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let mut backwards = places.clone();
    backwards.reverse();
    match SHAPES[shape] {
        "rising" => places.len() >= 4 && places[0] == 0 && rises(&places),
        "falling" => places.len() >= 4 && places[0] == last && rises(&backwards),
        _ => places.len() >= 7 && places == backwards && rises(&places[..=places.len() / 2]),
    }
}

/// Keys as the words that they have: `[keys, 2]`.
fn words(keys: &[Key], device: &Device) -> (Tensor<2, Int>, Lengths) {
    let rows = keys
        .iter()
        .map(|[scale, shape]| [*scale as u32, 3 + *shape as u32]);
    let padded = Padded::of(&rows.collect::<Vec<_>>());
    (padded.to_tensor(device), Lengths::new(padded.lengths))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut random = StdRng::seed_from_u64(1);
    let some_key = |random: &mut StdRng| [random.random_range(0..3), random.random_range(0..3)];
    let notes = Vocabulary::of(&SCALES.map(|(_, notes)| notes).concat());

    let device = DeviceChoice::Auto.pick()?.device;
    device.seed(1);
    // The words of a key in 8 features, a note in 16: both are read at each step.
    let layer = RecurrentConfig::new(GruConfig::new(8 + 16, 48));
    let key = Source::Symbols { vocabulary_size: 6 };
    let mut model = ComposerConfig::new(key, 8, notes.len(), layer)
        .init(&device)?
        .train();
    let mut optimizer = AdamConfig::new().init();
    let clipper = Clipping::by_norm(1.0).init()?;
    let autodiff = device.clone().autodiff();
    let steps = 300;
    for step in 1..=steps {
        let keys: Vec<Key> = (0..32).map(|_| some_key(&mut random)).collect();
        let tunes = keys
            .iter()
            .map(|&key| notes.encode(&tune(key, &mut random)));
        let tunes = Padded::of(&tunes.collect::<Vec<_>>());
        let (key, key_lengths) = words(&keys, &autodiff);
        let text = tunes.to_tensor(&autodiff);
        let nats = model.loss(key, &key_lengths, text, &Lengths::new(tunes.lengths))?;
        let mean = nats.mean();
        if step % 100 == 0 {
            let nats = mean.clone().into_scalar::<f64>();
            println!("step {step}: {nats:.3} nats a note");
        }
        // Falls to nothing, so that where the model ends is not left to its last few steps.
        let rate = 0.01 * (1.0 - f64::from(step) / f64::from(steps));
        let mut gradients = GradientsParams::from_grads(mean.backward(), &model);
        clipper.apply(&model, &mut gradients);
        model = optimizer.step(rate, model, gradients);
    }

    let keys: Vec<Key> = (0..100)
        .map(|number| [number % 3, number / 3 % 3])
        .collect();
    let (words, lengths) = words(&keys, &device);
    let written = model.compose(words, &lengths, &[], 30, &Sampling::new(), 1)?;
    let mut right = 0;
    for (number, (&key, written)) in keys.iter().zip(&written).enumerate() {
        let tune = notes.decode(&written.symbols);
        right += usize::from(fits(key, &tune));
        if number < 9 {
            println!("{:8} in {}: {tune}", SHAPES[key[1]], SCALES[key[0]].0);
        }
    }
    println!("{right} of 100 tunes as their keys say");
    Ok(())
}

//! Strings turned around, by an encoder-decoder that sees its source through attention, and by one that does not.
//!
//!     cargo run --release -p backdraft-examples --bin reversal
//!
//! Of 100 new strings the first should turn around at least 95. The second has only the encoder's last state to
//! go by, and should get fewer right. A picture in letters shows where the first looks: from the end to the beginning.

use backdraft_cells::{
    Bidirectional, BidirectionalConfig, Error, Gru, GruConfig, Lengths, Recurrent, RecurrentConfig,
};
use backdraft_data::Padded;
use backdraft_models::{BeamSearch, EditScore, Score, Translator, TranslatorConfig};
use backdraft_train::DeviceChoice;
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::Device;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const LETTERS: usize = 8;
const STEPS: usize = 800;

type Model = Translator<Bidirectional<Gru>, Recurrent<Gru>>;

/// Strings of 4 to 12 letters, and the same backwards.
fn strings(count: usize, random: &mut StdRng) -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
    let mut string = || -> Vec<u32> {
        let length = random.random_range(4..=12);
        (0..length)
            .map(|_| random.random_range(0..LETTERS as u32))
            .collect()
    };
    let sources: Vec<Vec<u32>> = (0..count).map(|_| string()).collect();
    let backwards = |source: &Vec<u32>| source.iter().rev().copied().collect();
    let targets = sources.iter().map(backwards).collect();
    (sources, targets)
}

fn spelled(string: &[u32]) -> String {
    string
        .iter()
        .map(|&letter| char::from(b'a' + letter as u8))
        .collect()
}

fn learned(attention: Option<Score>, device: &Device) -> Result<Model, Error> {
    device.seed(1);
    let encoder = BidirectionalConfig::new(GruConfig::new(8, 16));
    let decoder = RecurrentConfig::new(GruConfig::new(8, 32));
    let config = TranslatorConfig::new(LETTERS, LETTERS, encoder, decoder);
    let mut model = config.with_attention(attention).init(device)?.train();
    let mut optimizer = AdamConfig::new().init();
    let mut random = StdRng::seed_from_u64(1);
    let autodiff = device.clone().autodiff();
    for step in 0..STEPS {
        let (sources, targets) = strings(32, &mut random);
        let [source, target] = [sources, targets].map(|rows| Padded::of(&rows));
        let nats = model.loss(
            source.to_tensor(&autodiff),
            &Lengths::new(source.lengths),
            target.to_tensor(&autodiff),
            &Lengths::new(target.lengths),
        )?;
        let gradients = GradientsParams::from_grads(nats.mean().backward(), &model);
        let rate = 0.01 * (1.0 - step as f64 / STEPS as f64);
        model = optimizer.step(rate, model, gradients);
    }
    Ok(model.valid())
}

/// How many of these strings are turned around without an error.
fn right(model: &Model, sources: &[Vec<u32>], targets: &[Vec<u32>]) -> Result<usize, Error> {
    let device = model.output.weight.val().device();
    let source = Padded::of(sources);
    let search = BeamSearch::new(20).with_width(3);
    let lengths = Lengths::new(source.lengths.clone());
    let found = model.beam(source.to_tensor(&device), &lengths, &search)?;
    let mut score = EditScore::new();
    for (found, target) in found.iter().zip(targets) {
        score.add(found.first().map_or(&[][..], |best| &best.symbols), target);
    }
    Ok(score.exact)
}

/// A row for each letter that is written, and the end; a column for each letter that is read.
fn picture(model: &Model, source: &[u32], target: &[u32]) -> Result<String, Error> {
    let device = model.output.weight.val().device();
    let [read, written] = [source, target].map(|string| Padded::of(&[string.to_vec()]));
    let foreseen = model.forward(
        read.to_tensor(&device),
        &Lengths::new(read.lengths),
        written.to_tensor(&device),
        &Lengths::new(written.lengths),
    )?;
    let weights: Vec<f64> = foreseen
        .weights
        .map_or(Vec::new(), |weights| weights.into_data().iter().collect());
    let shade = |weight: &f64| [' ', '.', ':', 'o', '#'][(weight * 4.99) as usize];
    let letters = target.iter().map(|&letter| spelled(&[letter]));
    let rows = letters
        .chain(["end".to_string()])
        .zip(weights.chunks(source.len()));
    let rows = rows.map(|(letter, row)| {
        let row: String = row.iter().map(shade).collect();
        format!("{letter:>4} |{row}|\n")
    });
    Ok(format!(
        "      {}\n{}",
        spelled(source),
        rows.collect::<String>()
    ))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = DeviceChoice::Auto.pick()?.device;
    let (sources, targets) = strings(100, &mut StdRng::seed_from_u64(2));
    let with = learned(Some(Score::Additive), &device)?;
    println!("{}", picture(&with, &sources[0], &targets[0])?);
    let without = learned(None, &device)?;
    println!(
        "without attention: {} of 100 right",
        right(&without, &sources, &targets)?
    );
    println!(
        "with attention: {} of 100 right",
        right(&with, &sources, &targets)?
    );
    Ok(())
}

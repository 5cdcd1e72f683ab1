//! A listener to dialled telephone numbers: it writes down the digits of the tones that it hears.
//!
//! It is given sounds and whole numbers, not when each digit is pressed: the CTC loss sums over all
//! places where they can be.
//!
//!     cargo run --release -p backdraft-examples --bin transcription
//!
//! It should end with less than 2 % of the digits wrong, in sounds that it has not heard.

use std::f32::consts::TAU;

use backdraft_cells::{BidirectionalConfig, GruConfig, Lengths};
use backdraft_data::{FeatureSequences, MfccConfig};
use backdraft_models::{CtcDecoding, EditScore, TranscriberConfig};
use backdraft_train::{Clipping, DeviceChoice};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Samples a second.
const RATE: u32 = 8_000;

/// The two tones of each digit, from 0 on, in hertz (ITU-T Q.23).
const TONES: [[f32; 2]; 10] = [
    [941.0, 1336.0],
    [697.0, 1209.0],
    [697.0, 1336.0],
    [697.0, 1477.0],
    [770.0, 1209.0],
    [770.0, 1336.0],
    [770.0, 1477.0],
    [852.0, 1209.0],
    [852.0, 1336.0],
    [852.0, 1477.0],
];

/// A number of three to six digits, dialled by an unsteady hand on a noisy line.
fn dialled(random: &mut StdRng) -> (Vec<f32>, Vec<u32>) {
    let digits: Vec<u32> = (0..random.random_range(3..=6))
        .map(|_| random.random_range(0..10))
        .collect();
    let samples = |milliseconds: u32| (milliseconds * RATE / 1000) as usize;
    let mut sound = vec![0.0; samples(20)];
    for &digit in &digits {
        let loud = random.random_range(0.2_f32..0.5);
        let begins = sound.len();
        let pressed = samples(random.random_range(40..=120));
        sound.extend((begins..begins + pressed).map(|sample| {
            let tone = |hertz: f32| (TAU * hertz * sample as f32 / RATE as f32).sin();
            loud * TONES[digit as usize].map(tone).iter().sum::<f32>()
        }));
        sound.extend(vec![0.0; samples(random.random_range(30..=90))]);
    }
    for sample in &mut sound {
        *sample += random.random_range(-0.1..0.1);
    }
    (sound, digits)
}

fn text(digits: &[u32]) -> String {
    digits.iter().map(u32::to_string).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut random = StdRng::seed_from_u64(1);
    let (sounds, numbers): (Vec<_>, Vec<_>) = (0..1_100).map(|_| dialled(&mut random)).unzip();
    // The label 0 is that of no digit: the blank.
    let label = |number: &Vec<u32>| number.iter().map(|digit| digit + 1).collect::<Vec<u32>>();
    let labels: Vec<Vec<u32>> = numbers.iter().map(label).collect();
    let mfcc = MfccConfig::new().init(RATE)?;
    let frames = sounds.iter().map(|sound| mfcc.of(sound));
    let frames = FeatureSequences::of_rows(mfcc.features(), frames)?;
    let (known, new): (Vec<usize>, Vec<usize>) = (0..sounds.len()).partition(|&row| row < 1_000);
    let (mean, deviation) = frames.moments(&known);
    let frames = frames.normalized((&mean, &deviation));

    let device = DeviceChoice::Auto.pick()?.device;
    device.seed(1);
    let layer = BidirectionalConfig::new(GruConfig::new(mfcc.features(), 32));
    let mut model = TranscriberConfig::new(TONES.len(), layer)
        .init(&device)?
        .train();
    let mut optimizer = AdamConfig::new().init();
    let clipper = Clipping::by_norm(1.0).init()?;
    let autodiff = device.clone().autodiff();
    let epochs = 12;
    for epoch in 0..epochs {
        let (mut sum, mut steps) = (0.0, 0);
        for (step, rows) in known.chunks(20).enumerate() {
            let (heard, lengths) = frames.batch(rows, &autodiff);
            let said: Vec<Vec<u32>> = rows.iter().map(|&row| labels[row].clone()).collect();
            let mean = model.loss(heard, &Lengths::new(lengths), &said)?.mean();
            sum += mean.clone().into_scalar::<f64>();
            steps += 1;

            // Falls to nothing, so that where the model ends is not left to its last few steps.
            let done = (epoch * 50 + step) as f64 / (epochs * 50) as f64;
            let mut gradients = GradientsParams::from_grads(mean.backward(), &model);
            clipper.apply(&model, &mut gradients);
            model = optimizer.step(0.01 * (1.0 - done), model, gradients);
        }
        println!(
            "epoch {}: {:.3} nats a number",
            epoch + 1,
            sum / f64::from(steps)
        );
    }

    let model = model.valid();
    let (heard, lengths) = frames.batch(&new, &device);
    let decoding = CtcDecoding::Beam { width: 8 };
    let told = model.transcribe(heard, &Lengths::new(lengths), decoding)?;
    let mut score = EditScore::new();
    for (index, (told, &row)) in told.iter().zip(&new).enumerate() {
        score.add(told, &labels[row]);
        if index < 5 {
            let told: Vec<u32> = told.iter().map(|label| label - 1).collect();
            println!("{} dialled, {} heard", text(&numbers[row]), text(&told));
        }
    }
    println!(
        "{} of {} numbers right, {:.2} % of the digits wrong",
        score.exact,
        score.sequences,
        100.0 * score.symbol_error_rate().unwrap_or(1.0)
    );
    Ok(())
}

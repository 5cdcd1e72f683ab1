//! Numbers in words: a translator reads digits and writes English.
//!
//!     cargo run --release -p backdraft-examples --bin translation
//!
//! It learns from 4,000 of the numbers below 10,000, and should then write at least 95 of 100 others
//! in every word as we do.

use backdraft_cells::{BidirectionalConfig, Lengths, LstmConfig, RecurrentConfig};
use backdraft_data::{BatchSize, Buckets, Padded};
use backdraft_models::{BeamSearch, EditScore, TranslatorConfig};
use backdraft_train::{Clipping, DeviceChoice};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

const WORDS: [&str; 30] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "thousand",
];
const HUNDRED: u32 = 28;
const THOUSAND: u32 = 29;

/// A number as places in [`WORDS`]: 1230 is one thousand two hundred thirty.
fn words(number: u32) -> Vec<u32> {
    let tens = |number: u32| match number {
        0..20 => vec![number],
        _ if number.is_multiple_of(10) => vec![18 + number / 10],
        _ => vec![18 + number / 10, number % 10],
    };
    let mut words = Vec::new();
    for (value, name) in [(1000, THOUSAND), (100, HUNDRED)] {
        let count = number / value % 10;
        if count > 0 {
            words.extend([count, name]);
        }
    }
    if !number.is_multiple_of(100) || words.is_empty() {
        words.extend(tens(number % 100));
    }
    words
}

fn digits(number: u32) -> Vec<u32> {
    let text = number.to_string();
    text.chars()
        .filter_map(|digit| digit.to_digit(10))
        .collect()
}

fn spelled(words: &[u32]) -> String {
    let words: Vec<&str> = words.iter().map(|&word| WORDS[word as usize]).collect();
    words.join(" ")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers: Vec<u32> = (0..10_000).collect();
    numbers.shuffle(&mut StdRng::seed_from_u64(1));
    let (known, rest) = numbers.split_at(4_000);
    let new = &rest[..100];

    let device = DeviceChoice::Auto.pick()?.device;
    device.seed(1);
    let encoder = BidirectionalConfig::new(LstmConfig::new(16, 32));
    let decoder = RecurrentConfig::new(LstmConfig::new(16, 64));
    let mut model = TranslatorConfig::new(10, WORDS.len(), encoder, decoder)
        .init(&device)?
        .train();
    let mut optimizer = AdamConfig::new().init();
    let clipper = Clipping::by_norm(1.0).init()?;

    // Sources and targets of about the same length stand side by side.
    let lengths = known
        .iter()
        .map(|&number| [digits(number).len(), words(number).len()]);
    let buckets = Buckets::new(lengths.collect(), BatchSize::Rows(50), 1)?;
    let autodiff = device.clone().autodiff();
    let epochs = 8;
    for epoch in 0..epochs {
        let batches = buckets.batches(epoch);
        let (mut sum, mut symbols) = (0.0, 0);
        for (step, rows) in batches.iter().enumerate() {
            let numbers = || rows.iter().map(|&row| known[row]);
            let source = Padded::of(&numbers().map(digits).collect::<Vec<_>>());
            let target = Padded::of(&numbers().map(words).collect::<Vec<_>>());
            let nats = model.loss(
                source.to_tensor(&autodiff),
                &Lengths::new(source.lengths),
                target.to_tensor(&autodiff),
                &Lengths::new(target.lengths),
            )?;
            let mean = nats.clone().mean();
            symbols += nats.dims()[0];
            sum += nats.sum().into_scalar::<f64>();

            // Falls to nothing, so that where the model ends is not left to its last few steps.
            let done = (epoch * batches.len() + step) as f64 / (epochs * batches.len()) as f64;
            let mut gradients = GradientsParams::from_grads(mean.backward(), &model);
            clipper.apply(&model, &mut gradients);
            model = optimizer.step(0.01 * (1.0 - done), model, gradients);
        }
        println!(
            "epoch {}: {:.3} nats a word",
            epoch + 1,
            sum / symbols as f64
        );
    }

    let source = Padded::of(&new.iter().map(|&number| digits(number)).collect::<Vec<_>>());
    let search = BeamSearch::new(12).with_width(3);
    let source_lengths = Lengths::new(source.lengths.clone());
    let found = model.beam(source.to_tensor(&device), &source_lengths, &search)?;
    let mut score = EditScore::new();
    for (index, (number, found)) in new.iter().zip(&found).enumerate() {
        let found = &found.first().ok_or("no translation")?.symbols;
        score.add(found, &words(*number));
        if index < 5 {
            println!("{number}: {}", spelled(found));
        }
    }
    println!(
        "{} of {} right, {:.2} % of the words wrong",
        score.exact,
        score.sequences,
        100.0 * score.symbol_error_rate().unwrap_or(0.0)
    );
    Ok(())
}

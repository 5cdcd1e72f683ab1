//! A classifier of sentences: in what comes after `but`, is the film praised?
//!
//! The words alone do not tell, since each sentence has two verdicts and a `not` may stand at either:
//! `the plot was not dull but the cast was weak`. So their order must be learned.
//!
//!     cargo run --release -p backdraft-examples --bin classification
//!
//! It should end at an accuracy of 1 on sentences that it has not seen.

use backdraft_cells::{BidirectionalConfig, GruConfig, Lengths};
use backdraft_data::{BatchSize, Buckets, WordVocabulary, hold_out, words};
use backdraft_models::{ClassificationScores, ClassifierConfig, Pooling, Source};
use backdraft_train::DeviceChoice;
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

const CLASSES: [&str; 2] = ["panned", "praised"];

/// A sentence, and the class of its second verdict.
fn sentence(random: &mut StdRng) -> (String, usize) {
    let mut verdict = || {
        let about = ["plot", "cast", "music", "ending"].choose(random);
        let adverb = ["", "", "very ", "quite ", "at times "].choose(random);
        let (praises, negated) = (random.random::<bool>(), random.random::<bool>());
        let word = match praises {
            true => ["fine", "witty", "moving", "brilliant"].choose(random),
            false => ["dull", "weak", "clumsy", "tedious"].choose(random),
        };
        let [about, adverb, word] = [about, adverb, word].map(|word| word.copied().unwrap_or(""));
        let not = if negated { "not " } else { "" };
        let text = format!("the {about} was {not}{adverb}{word}");
        (text, usize::from(praises != negated))
    };
    let ((first, _), (second, class)) = (verdict(), verdict());
    (format!("{first} but {second}"), class)
}

/// Sentences side by side, and how long each is.
fn batch(rows: &[&Vec<u32>], device: &Device) -> (Tensor<2, Int>, Lengths) {
    let lengths = Lengths::new(rows.iter().map(|row| row.len()).collect::<Vec<_>>());
    let time = lengths.max();
    let padded = rows.iter().flat_map(|row| {
        let rest = std::iter::repeat_n(0, time - row.len());
        row.iter().copied().chain(rest).map(|symbol| symbol as i32)
    });
    let data = TensorData::new(padded.collect::<Vec<_>>(), [rows.len(), time]);
    (Tensor::from_data(data, device), lengths)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut random = StdRng::seed_from_u64(1);
    let sentences: Vec<_> = (0..1200).map(|_| sentence(&mut random)).collect();
    println!("{}: {}", CLASSES[sentences[0].1], sentences[0].0);
    let vocabulary =
        WordVocabulary::of(sentences.iter().flat_map(|(text, _)| words(text)), 1, None);
    let examples = sentences.iter().map(|(text, class)| {
        let symbols = words(text).map(|word| vocabulary.symbol(word));
        (symbols.collect::<Vec<_>>(), *class)
    });
    let (learned, held_out) = hold_out(examples.collect(), 0.2, 1)?;

    let device = DeviceChoice::Auto.pick()?.device;
    device.seed(1);
    let source = Source::Symbols {
        vocabulary_size: vocabulary.len(),
    };
    let layer = BidirectionalConfig::new(GruConfig::new(16, 32));
    let mut model = ClassifierConfig::new(CLASSES.len(), source, layer)
        .with_pooling(Pooling::Max)
        .with_output_dropout(0.2)
        .init(&device)?
        .train();
    let mut optimizer = AdamConfig::new().init();

    let lengths = learned.iter().map(|(row, _)| [row.len()]).collect();
    let buckets = Buckets::new(lengths, BatchSize::Rows(32), 1)?;
    let training = device.clone().autodiff();
    let epochs = 10;
    for epoch in 0..epochs {
        // Falls to nothing, so that where the model ends is not left to its last few steps.
        let rate = 0.01 * f64::from(epochs - epoch) / f64::from(epochs);
        let mut sum = 0.0;
        let batches = buckets.batches(epoch as usize);
        for batch_rows in &batches {
            let rows: Vec<_> = batch_rows.iter().map(|&row| &learned[row].0).collect();
            let classes = batch_rows.iter().map(|&row| learned[row].1 as i32);
            let classes = TensorData::new(classes.collect::<Vec<_>>(), [rows.len()]);
            let (inputs, lengths) = batch(&rows, &training);
            let classes = Tensor::<1, Int>::from_data(classes, &training);
            let nats = model.loss(inputs, &lengths, classes)?;
            let mean = nats.mean();
            sum += mean.clone().into_scalar::<f64>();
            let gradients = GradientsParams::from_grads(mean.backward(), &model);
            model = optimizer.step(rate, model, gradients);
        }
        let mean = sum / batches.len() as f64;
        println!("epoch {}: {mean:.3} nats a sentence", epoch + 1);
    }

    let model = model.valid();
    let rows: Vec<_> = held_out.iter().map(|(row, _)| row).collect();
    let (inputs, lengths) = batch(&rows, &device);
    let told = model.logits(inputs, &lengths)?.argmax(1).into_data();
    let mut scores = ClassificationScores::new(CLASSES);
    for ((_, class), told) in held_out.iter().zip(told.iter::<i64>()) {
        scores.add(*class, told as usize)?;
    }
    println!("{scores}");
    Ok(())
}

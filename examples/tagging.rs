//! A tagger that finds the phrases of sentences whose words it has never seen.
//!
//!     cargo run --release -p backdraft-examples --bin tagging
//!
//! Every sentence has stems of its own, so that a word tells what it is by its ending (`-ish`,
//! `-ly`) or, bare, by where it stands: a noun in its phrase, a verb after it. It should find the
//! phrases of new sentences with an F1 above 0.95.

use backdraft_cells::{BidirectionalConfig, GruConfig};
use backdraft_data::{ConllColumns, ConllReader, TaggedSentence, Vocabulary, WordVocabulary};
use backdraft_models::{
    CharactersConfig, Error, SpanScores, TaggerConfig, TaggerInput, padded, spans,
};
use backdraft_train::{Clipping, DeviceChoice};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::Device;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut random = StdRng::seed_from_u64(1);
    let training = sentences(&mut random, 480)?;
    let held_out = sentences(&mut random, 100)?;

    let words = || training.iter().flat_map(|sentence| &sentence.words);
    let known = WordVocabulary::of(words().map(String::as_str), 10, None);
    let characters = Vocabulary::of(&words().cloned().collect::<String>());
    let tags = ["O", "B-NP", "I-NP", "B-VP", "I-VP"];

    let device = DeviceChoice::Auto.pick()?.device;
    device.seed(1);
    let both = |input, hidden| BidirectionalConfig::new(GruConfig::new(input, hidden));
    let mut model = TaggerConfig::new(known.len(), tags.len(), both(16, 32))
        .with_characters(CharactersConfig::new(characters.len(), both(12, 16)))
        .init(&device)?
        .train();
    let read = |sentences: &[TaggedSentence], device: &Device| -> Result<TaggerInput, Error> {
        let of = |sentence: &TaggedSentence| {
            let words = sentence.words.iter();
            words.map(|word| known.symbol(word)).collect()
        };
        let spelled = |sentence: &TaggedSentence| {
            let words = sentence.words.iter();
            words.map(|word| characters.encode(word)).collect()
        };
        let words: Vec<Vec<u32>> = sentences.iter().map(of).collect();
        let spelled: Vec<Vec<Vec<u32>>> = sentences.iter().map(spelled).collect();
        TaggerInput::new(&words, device)?.with_spellings(&spelled)
    };
    let right = |sentence: &TaggedSentence| -> Vec<u32> {
        let number = |tag: &String| (0..).zip(tags).find(|(_, known)| known == tag);
        let numbers = sentence.tags.iter().filter_map(number);
        numbers.map(|(number, _)| number).collect()
    };

    let mut optimizer = AdamConfig::new().init();
    let clipper = Clipping::by_norm(5.0).init()?;
    let training_device = device.clone().autodiff();
    let epochs = 6;
    for epoch in 1..=epochs {
        // Falls to nothing, so that where the model ends is not left to its last few steps.
        let rate = 0.02 * f64::from(1 + epochs - epoch) / f64::from(epochs);
        let (mut sum, mut positions) = (0.0, 0);
        for batch in training.chunks(16) {
            let input = read(batch, &training_device)?;
            let right: Vec<Vec<u32>> = batch.iter().map(right).collect();
            let nats = model.loss(&input, padded(&right, &training_device))?;
            sum += nats.clone().sum().into_scalar::<f64>();
            positions += input.lengths.total();
            let mut gradients = GradientsParams::from_grads(nats.mean().backward(), &model);
            clipper.apply(&model, &mut gradients);
            model = optimizer.step(rate, model, gradients);
        }
        println!("epoch {epoch}: {:.3} nats a word", sum / positions as f64);
    }

    let found = model.valid().decode(&read(&held_out, &device)?)?;
    let named = |found: &Vec<usize>| found.iter().map(|&tag| tags[tag]).collect::<Vec<_>>();
    let mut scores = SpanScores::default();
    for (sentence, found) in held_out.iter().zip(&found) {
        scores.count(&sentence.tags, &named(found));
    }
    for span in spans(&named(&found[0])) {
        println!("{} {}", span.kind, held_out[0].words[span.words].join(" "));
    }
    println!("F1 of new sentences {:.3}", scores.f1());
    Ok(())
}

/// Sentences, by way of the columns that tagged sentences usually come in.
fn sentences(
    random: &mut StdRng,
    count: usize,
) -> Result<Vec<TaggedSentence>, backdraft_data::DataError> {
    let text: String = (0..count).map(|_| sentence(random)).collect();
    ConllReader::new(text.as_bytes(), "generated", ConllColumns::new()).collect()
}

/// Someone does something to someone, in columns.
fn sentence(random: &mut StdRng) -> String {
    let mut lines = noun_phrase(random);
    let adverb = random.random_bool(0.5);
    if adverb {
        lines += &format!("{}ly B-VP\n", stem(random));
    }
    lines += &format!("{} {}-VP\n", stem(random), if adverb { "I" } else { "B" });
    lines += &noun_phrase(random);
    if random.random_bool(0.3) {
        lines += &noun_phrase(random);
    }
    lines + ". O\n\n"
}

fn noun_phrase(random: &mut StdRng) -> String {
    let mut lines = match random.random_bool(0.5) {
        true => "the B-NP\n".to_string(),
        false => "some B-NP\n".to_string(),
    };
    for _ in 0..random.random_range(0..3) {
        lines += &format!("{}ish I-NP\n", stem(random));
    }
    lines + &format!("{} I-NP\n", stem(random))
}

fn stem(random: &mut StdRng) -> String {
    let one_of = |letters: &[u8], random: &mut StdRng| {
        char::from(letters[random.random_range(0..letters.len())])
    };
    let mut stem = String::new();
    for _ in 0..random.random_range(1..3) {
        stem.push(one_of(b"bdfgklmnprst", random));
        stem.push(one_of(b"aeiou", random));
    }
    stem.push(one_of(b"bdfgkmnprt", random));
    stem
}

//! The tagger on every compiled backend: what it learns, what padding must not do, what it refuses.

use backdraft_cells::prelude::*;
use backdraft_models::{
    Accuracy, CharactersConfig, Decoder, Spellings, Tagger, TaggerConfig, TaggerInput, padded,
};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::support::cpus;

type Read = DeepConfig<BidirectionalConfig<GruConfig>>;

/// Both ways, in one layer.
fn both(input: usize, hidden: usize) -> Read {
    DeepConfig::new(BidirectionalConfig::new(GruConfig::new(input, hidden)), 1)
}

fn seeded(device: &Device, config: &TaggerConfig<Read>) -> Tagger<Deep<Bidirectional<Gru>>> {
    device.seed(3);
    config.init(device).unwrap()
}

fn floats<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter().collect()
}

fn ints<const D: usize>(values: &[i32], shape: [usize; D], device: &Device) -> Tensor<D, Int> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

/// 9 words and 3 tags; 7 characters if they are read.
fn config(decoder: Decoder, characters: bool) -> TaggerConfig<Read> {
    let config = TaggerConfig::new(9, 3, both(4, 5)).with_decoder(decoder);
    match characters {
        true => config.with_characters(CharactersConfig::new(7, both(3, 4))),
        false => config,
    }
}

/// Every kind of tagger.
fn kinds() -> [TaggerConfig<Read>; 3] {
    let mut deep = config(Decoder::Crf, true);
    deep.layer.layers = 2;
    [
        deep,
        config(Decoder::Crf, false),
        config(Decoder::Softmax, true),
    ]
}

/// Trains on the same batch again and again.
fn learn(
    config: &TaggerConfig<Read>,
    input: impl Fn(&Device) -> TaggerInput,
    tags: &[Vec<u32>],
    device: &Device,
    steps: usize,
) -> Tagger<Deep<Bidirectional<Gru>>> {
    let mut model = seeded(device, config).train();
    let device = device.clone().autodiff();
    let (input, tags) = (input(&device), padded(tags, &device));
    let mut optimizer = AdamConfig::new().init();
    for step in 0..steps {
        let nats = model.loss(&input, tags.clone()).unwrap().mean();
        let gradients = GradientsParams::from_grads(nats.backward(), &model);
        let rate = 0.05 * (steps - step) as f64 / steps as f64;
        model = optimizer.step(rate, model, gradients);
    }
    model.valid()
}

#[test]
fn tags_that_depend_on_each_other_alone_need_the_field() {
    // Every word is the same, and tags alternate, beginning with either: who decides position by
    // position can only guess.
    let words = vec![vec![1; 6]; 8];
    let alternating = |row: u32| (0..6).map(|t| (t + row) % 2).collect::<Vec<u32>>();
    let tags: Vec<_> = (0..8).map(alternating).collect();
    for device in cpus() {
        let input = |device: &Device| TaggerInput::new(&words, device).unwrap();
        let nats = |decoder| {
            let config = config(decoder, false);
            let model = learn(&config, input, &tags, &device, 150);
            let loss = model.loss(&input(&device), padded(&tags, &device));
            let found = model.decode(&input(&device)).unwrap();
            (floats(&loss.unwrap().mean())[0], found)
        };
        let least = 2f64.ln();
        let (crf, found) = nats(Decoder::Crf);
        assert!(crf < 1.5 * least, "{crf} of at least {least} nats");
        let follows = |row: &Vec<usize>| row.windows(2).all(|pair| pair[0] + pair[1] == 1);
        assert!(found.iter().all(follows), "{found:?}");
        let (softmax, _) = nats(Decoder::Softmax);
        assert!(softmax > 5.9 * least, "{softmax} nats, below what is known");
    }
}

/// Sentences of words that are all unknown, and the tag that each word's last character tells.
fn spelled(seed: u64) -> (Vec<Vec<Vec<u32>>>, Vec<Vec<u32>>) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut word = || -> Vec<u32> {
        let length = random.random_range(1..5);
        (0..length).map(|_| random.random_range(1..7)).collect()
    };
    let sentences: Vec<Vec<Vec<u32>>> = (0..16)
        .map(|row| (0..1 + row % 5).map(|_| word()).collect())
        .collect();
    let tag = |word: &Vec<u32>| word[word.len() - 1] % 3;
    let tags = sentences
        .iter()
        .map(|words| words.iter().map(tag).collect());
    let tags = tags.collect();
    (sentences, tags)
}

#[test]
fn tags_that_depend_on_the_spelling_need_the_characters() {
    let (sentences, tags) = spelled(1);
    let (unseen, expected) = spelled(2);
    let input = |sentences: &Vec<Vec<Vec<u32>>>, device: &Device| {
        let unknown: Vec<Vec<u32>> = sentences.iter().map(|words| vec![0; words.len()]).collect();
        let input = TaggerInput::new(&unknown, device).unwrap();
        input.with_spellings(sentences).unwrap()
    };
    for device in cpus() {
        for decoder in [Decoder::Crf, Decoder::Softmax] {
            let accuracy = |characters| {
                let config = config(decoder, characters);
                let training = |device: &Device| input(&sentences, device);
                let model = learn(&config, training, &tags, &device, 60);
                let found = model.decode(&input(&unseen, &device)).unwrap();
                let mut accuracy = Accuracy::default();
                for (tags, found) in expected.iter().zip(found) {
                    let found: Vec<u32> = found.iter().map(|&tag| tag as u32).collect();
                    accuracy.count(tags, &found);
                }
                accuracy.accuracy()
            };
            let (with, without) = (accuracy(true), accuracy(false));
            assert!(with > 0.95, "{decoder:?}: {with} with characters");
            assert!(without < 0.7, "{decoder:?}: {without} without");
        }
    }
}

/// Three sentences, the last of them empty; `padding` stands where no word, no character or no tag
/// is.
fn batch(padding: i32, device: &Device) -> (TaggerInput, Tensor<2, Int>) {
    let p = padding;
    let spellings = Spellings {
        word_of: ints(&[0, 1, 0, 2, p, p, p, p, p], [3, 3], device),
        characters: ints(&[1, 2, p, p, 6, 5, 4, 3, 2, p, p, p], [3, 4], device),
        lengths: Lengths::new([2, 4, 1]),
    };
    let input = TaggerInput {
        words: ints(&[1, 8, 1, 3, p, p, p, p, p], [3, 3], device),
        lengths: Lengths::new([3, 1, 0]),
        spellings: Some(spellings),
    };
    (input, ints(&[0, 2, 1, 2, p, p, p, p, p], [3, 3], device))
}

#[test]
fn padding_changes_nothing() {
    // The sentences of `batch`, each alone.
    let words = [vec![1, 8, 1], vec![3]];
    let (first, second) = (vec![1, 2], vec![6, 5, 4, 3]);
    let characters = [vec![first.clone(), second, first], vec![vec![2]]];
    let tags = [vec![0, 2, 1], vec![2]];
    for device in cpus() {
        let device = device.autodiff();
        for config in kinds() {
            let model = seeded(&device, &config);
            let gradient = |nats: Tensor<1>| {
                let gradients = nats.sum().backward();
                let embedding = model.embedding.weight.grad(&gradients).unwrap();
                let output = model.output.weight.grad(&gradients).unwrap();
                let transitions = model.crf.as_ref();
                let transitions = transitions.map(|crf| crf.transitions.grad(&gradients).unwrap());
                let spelled = model.characters.as_ref();
                let spelled = spelled.map(|read| read.embedding.weight.grad(&gradients).unwrap());
                [Some(embedding), Some(output), transitions, spelled]
                    .map(|gradient| gradient.as_ref().map_or(Vec::new(), floats))
            };
            let (input, right) = batch(1000, &device);
            let nats = model.loss(&input, right).unwrap();
            let decoded = model.decode(&input).unwrap();
            let (found, mut sum) = (floats(&nats), Vec::new());
            assert_eq!(found[2], 0.0);
            for row in 0..2 {
                let alone = TaggerInput::new(&words[row..=row], &device).unwrap();
                let alone = alone.with_spellings(&characters[row..=row]).unwrap();
                let nats = model.loss(&alone, padded(&tags[row..=row], &device));
                let nats = nats.unwrap();
                assert!((floats(&nats)[0] - found[row]).abs() < 1e-5);
                assert_eq!(model.decode(&alone).unwrap()[0], decoded[row]);
                sum.push(gradient(nats));
            }
            let [one, two] = [&sum[0], &sum[1]];
            for (part, found) in gradient(nats).iter().enumerate() {
                for (at, found) in found.iter().enumerate() {
                    let expected = one[part][at] + two[part][at];
                    assert!((found - expected).abs() < 1e-5, "{found} for {expected}");
                }
            }
            assert!(decoded[2].is_empty());
        }
    }
}

#[test]
fn words_spelled_alike_are_read_once() {
    let device = &cpus()[0];
    let input = TaggerInput::new(&[vec![1, 8, 1], vec![3]], device).unwrap();
    let (first, second) = (vec![1, 2], vec![6, 5, 4, 3]);
    let characters = [
        vec![first.clone(), second.clone(), first.clone()],
        vec![second],
    ];
    let spellings = input
        .with_spellings(&characters)
        .unwrap()
        .spellings
        .unwrap();
    assert_eq!(spellings.lengths.as_slice(), [2, 4]);
    let word_of: Vec<i64> = spellings.word_of.into_data().iter().collect();
    assert_eq!(word_of, [0, 1, 0, 1, 0, 0]);
    assert_eq!(spellings.characters.dims(), [2, 4]);
}

#[test]
fn the_likeliest_tags_are_those_of_the_scores() {
    for device in cpus() {
        let (input, _) = batch(0, &device);
        let model = seeded(&device, &config(Decoder::Softmax, true));
        let scores = floats(&model.emissions(&input).unwrap());
        let best = |scores: &[f64]| (0..3).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        let best: Vec<usize> = scores
            .chunks(3)
            .map(|scores| best(scores).unwrap())
            .collect();
        let found = model.decode(&input).unwrap();
        assert_eq!(found, [best[..3].to_vec(), best[3..4].to_vec(), vec![]]);
    }
}

#[test]
fn a_saved_model_tells_the_same() {
    for device in cpus() {
        for config in kinds() {
            let (input, tags) = batch(0, &device);
            let model = seeded(&device, &config);
            let other = config.init(&device).unwrap();
            let expected = floats(&model.loss(&input, tags.clone()).unwrap());
            assert_ne!(floats(&other.loss(&input, tags.clone()).unwrap()), expected);
            let loaded = other.load_record(model.clone().into_record());
            assert_eq!(floats(&loaded.loss(&input, tags).unwrap()), expected);
            let again = seeded(&device, &config);
            assert_eq!(
                floats(&again.emissions(&input).unwrap()),
                floats(&model.emissions(&input).unwrap())
            );
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let device = &cpus()[0];
    let refused = |config: TaggerConfig<Read>| config.init(device).unwrap_err().to_string();
    let gru = both;
    assert_eq!(
        refused(TaggerConfig::new(0, 3, gru(4, 5))),
        "Tagger: words: expected at least 1, found 0"
    );
    assert_eq!(
        refused(TaggerConfig::new(9, 0, gru(4, 5))),
        "Tagger: tags: expected at least 1, found 0"
    );
    assert_eq!(
        refused(TaggerConfig::new(9, 3, gru(0, 5))),
        "Tagger: embedding size: expected at least 1, found 0"
    );
    assert_eq!(
        refused(config(Decoder::Crf, true).with_dropout(1.0)),
        "Tagger: dropout: expected at least 0 and below 1, found 1"
    );
    let characters = CharactersConfig::new(0, gru(3, 4));
    assert_eq!(
        refused(config(Decoder::Crf, false).with_characters(characters)),
        "Tagger: Characters: alphabet size: expected at least 1, found 0"
    );

    let model = seeded(device, &config(Decoder::Crf, true));
    let (input, tags) = batch(0, device);
    let error = |input: &TaggerInput| model.emissions(input).unwrap_err().to_string();
    let without = TaggerInput {
        spellings: None,
        ..input.clone()
    };
    assert_eq!(
        error(&without),
        "Tagger: spellings: expected the characters of each word, found none"
    );
    let mut short = input.clone();
    short.lengths = Lengths::new([3, 1]);
    assert_eq!(
        error(&short),
        "Tagger: lengths, one for each row of the batch: expected 3, found 2"
    );
    let mut elsewhere = input.clone();
    elsewhere.spellings = elsewhere.spellings.map(|spellings| Spellings {
        word_of: Tensor::zeros([3, 2], device),
        ..spellings
    });
    assert_eq!(
        error(&elsewhere),
        "Tagger: word_of [batch, time]: expected [3, 3], found [3, 2]"
    );
    assert_eq!(
        model
            .loss(&input, tags.narrow(1, 0, 2))
            .unwrap_err()
            .to_string(),
        "Tagger: tags [batch, time]: expected [3, 3], found [3, 2]"
    );
    assert!(TaggerInput::new(&[vec![]], device).is_err());
    let unspelled = TaggerInput::new(&[vec![1, 2]], device).unwrap();
    assert_eq!(
        unspelled
            .with_spellings(&[vec![vec![1]]])
            .unwrap_err()
            .to_string(),
        "TaggerInput: spelled words of each sentence: expected [2], found [1]"
    );
}

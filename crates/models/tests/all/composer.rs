//! The composer on every compiled backend: its loss, what it learns, what it writes.

use backdraft_cells::prelude::*;
use backdraft_models::{
    BeamSearch, Composer, ComposerConfig, Conditioning, Inputs, Sampling, Source,
};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::store::ModuleRecord;
use burn::tensor::{Device, Int, Tensor, TensorData, activation::log_softmax};

use crate::support::{cpus, devices, is_cpu};

type Layers = Deep<Recurrent<Gru>>;

/// Words of keys, and symbols of texts.
const WORDS: usize = 4;
const SYMBOLS: usize = 3;
const KEY: Source = Source::Symbols {
    vocabulary_size: WORDS,
};

fn config(
    key: Source,
    told: Conditioning,
    units: usize,
) -> ComposerConfig<DeepConfig<RecurrentConfig<GruConfig>>> {
    let features = if told == Conditioning::State { 3 } else { 5 };
    let layers = DeepConfig::new(RecurrentConfig::new(GruConfig::new(features, units)), 2);
    ComposerConfig::new(key, 2, SYMBOLS, layers).with_conditioning(told)
}

fn model(key: Source, told: Conditioning, device: &Device) -> Composer<Layers> {
    device.seed(7);
    config(key, told, 4).init(device).unwrap()
}

/// Rows of different length as a batch, with `filler` in its padding.
fn batch(rows: &[&[i32]], filler: i32, device: &Device) -> (Tensor<2, Int>, Lengths) {
    let lengths: Vec<usize> = rows.iter().map(|row| row.len()).collect();
    let time = lengths.iter().copied().max().unwrap().max(1);
    let padded = rows.iter().flat_map(|row| {
        let filler = std::iter::repeat(filler);
        row.iter().copied().chain(filler).take(time)
    });
    let data = TensorData::new(padded.collect::<Vec<i32>>(), [rows.len(), time]);
    (Tensor::from_data(data, device), Lengths::new(lengths))
}

fn vectors(rows: &[[f32; 2]], device: &Device) -> (Tensor<3>, Lengths) {
    let data = TensorData::new(rows.concat(), [rows.len(), 1, 2]);
    let lengths = Lengths::new(vec![1; rows.len()]);
    (Tensor::from_data(data, device), lengths)
}

fn floats<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter().collect()
}

#[track_caller]
fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 2e-5,
            "{found} against {expected}"
        );
    }
}

/// The loss of one text by the formula: its state and its steps one by one.
fn by_steps(model: &Composer<Layers>, key: &[i32], text: &[i32], device: &Device) -> Vec<f64> {
    let symbols = |symbols: &[i32]| {
        let data = TensorData::new(symbols.to_vec(), [1, symbols.len()]);
        Tensor::<2, Int>::from_data(data, device)
    };
    let words = model.key_embedding.as_ref().unwrap().forward(symbols(key));
    let v = words.mean_dim(1);
    let mut state = match &model.bridge {
        Some(bridge) => {
            let v = v.clone().squeeze_dim::<2>(1);
            bridge.forward(v, &model.recurrent).unwrap()
        }
        None => model.recurrent.initial_state(1),
    };
    let is_beside = model.recurrent.input_size() == 5;
    let edge = model.edge() as i32;
    let read = [&[edge], text].concat();
    let said = [text, &[edge]].concat();
    let mut nats = Vec::new();
    for (read, said) in read.into_iter().zip(said) {
        let embedded = model.embedding.forward(symbols(&[read]));
        let x = match is_beside {
            true => Tensor::cat(vec![embedded, v.clone()], 2),
            false => embedded,
        };
        let run = model
            .recurrent
            .forward(LayerInput::new(x).with_state(state))
            .unwrap();
        state = run.state;
        let scores = model.output.forward(run.outputs.squeeze_dim::<2>(1));
        nats.push(-floats(&log_softmax(scores, 1))[said as usize]);
    }
    nats
}

#[test]
fn the_loss_of_a_padded_batch_is_that_of_its_rows_step_by_step() {
    let (keys, texts): ([&[i32]; 3], [&[i32]; 3]) =
        ([&[3, 0], &[1], &[2, 2, 1]], [&[2, 0, 1], &[], &[1]]);
    for device in devices() {
        let all = [Conditioning::State, Conditioning::Step, Conditioning::Both];
        for told in all {
            let model = model(KEY, told, &device);
            assert_eq!((model.vocabulary_size(), model.edge()), (SYMBOLS, 3));
            assert_eq!(model.bridge.is_some(), told != Conditioning::Step);
            let (key, key_lengths) = batch(&keys, -1, &device);
            let (text, text_lengths) = batch(&texts, 99, &device);
            let found = model.loss(key, &key_lengths, text, &text_lengths).unwrap();
            let rows = keys.iter().zip(&texts);
            let expected = rows.flat_map(|(key, text)| by_steps(&model, key, text, &device));
            close(&floats(&found), &expected.collect::<Vec<_>>());
            // A software GPU compiles for seconds.
            if !is_cpu(&device) {
                break;
            }
        }
    }
}

/// Of key 0 the text 0 1 2, of key 1 its opposite; of both, two of the middle.
#[test]
fn a_key_tells_what_is_written() {
    let texts: [(&[i32], &[i32]); 3] = [(&[0], &[0, 1, 2]), (&[1], &[2, 1, 0]), (&[0, 1], &[1, 1])];
    for device in cpus() {
        for (told, vector) in [
            (Conditioning::State, false),
            (Conditioning::Step, false),
            (Conditioning::Both, true),
        ] {
            let source = if vector { Source::Features } else { KEY };
            device.seed(3);
            let mut model = config(source, told, 12).init(&device).unwrap().train();
            let keys = |device: &Device| -> (Inputs, Lengths) {
                if vector {
                    let (keys, lengths) = vectors(&[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], device);
                    return (keys.into(), lengths);
                }
                let (keys, lengths) = batch(&texts.map(|(key, _)| key), 0, device);
                (keys.into(), lengths)
            };
            let autodiff = device.clone().autodiff();
            let (text, text_lengths) = batch(&texts.map(|(_, text)| text), 0, &autodiff);
            let mut optimizer = AdamConfig::new().init();
            for _ in 0..150 {
                let (key, lengths) = keys(&autodiff);
                let nats = model.loss(key, &lengths, text.clone(), &text_lengths);
                let gradients = nats.unwrap().mean().backward();
                let gradients = GradientsParams::from_grads(gradients, &model);
                model = optimizer.step(0.02, model, gradients);
            }
            let model = model.valid();
            let (key, lengths) = keys(&device);
            let likeliest = Sampling::new().with_temperature(0.0);
            let written = model.compose(key, &lengths, &[], 9, &likeliest, 0).unwrap();
            let expected = texts.map(|(_, text)| text.to_vec());
            let symbols = |text: &[u32]| text.iter().map(|&s| s as i32).collect::<Vec<_>>();
            let found: Vec<Vec<i32>> = written.iter().map(|w| symbols(&w.symbols)).collect();
            assert_eq!(found, expected, "{told:?} on {device:?}");

            // What is drawn or found by a beam has the probability that the loss gives it.
            let (key, lengths) = keys(&device);
            let search = BeamSearch::new(9).with_width(3);
            let best = model.beam(key, &lengths, &[], &search).unwrap();
            let (key, lengths) = keys(&device);
            let (text, text_lengths) = batch(&texts.map(|(_, text)| text), 0, &device);
            let nats = floats(&model.loss(key, &lengths, text, &text_lengths).unwrap());
            let mut at = 0;
            for (row, (_, text)) in texts.iter().enumerate() {
                let own: f64 = nats[at..=at + text.len()].iter().sum();
                at += text.len() + 1;
                assert_eq!(symbols(&best[row][0].symbols), *text);
                close(&[best[row][0].log_p, written[row].log_p], &[-own, -own]);
            }
            // A prompt is gone on from.
            let (key, lengths) = keys(&device);
            let written = model
                .compose(key, &lengths, &[2], 9, &likeliest, 0)
                .unwrap();
            assert_eq!(written[1].symbols, [1, 0], "{told:?}");
            let (key, lengths) = keys(&device);
            let best = model.beam(key, &lengths, &[2, 1], &search).unwrap();
            assert_eq!(best[1][0].symbols, [0], "{told:?}");
        }
    }
}

#[test]
fn draws_depend_on_the_seed_alone() {
    let device = &cpus()[0];
    let model = model(KEY, Conditioning::Both, device);
    let draw = |keys: &[&[i32]], seed| {
        let (key, lengths) = batch(keys, 0, device);
        let drawn = model.compose(key, &lengths, &[], 12, &Sampling::new(), seed);
        let drawn = drawn.unwrap().into_iter();
        drawn.map(|drawn| drawn.symbols).collect::<Vec<_>>()
    };
    let keys: [&[i32]; 2] = [&[0], &[0]];
    let two = draw(&keys, 1);
    assert_eq!(two, draw(&keys, 1));
    assert_ne!(two, draw(&keys, 2));
    assert_ne!(two[0], two[1]);
    assert_eq!(two[..1], draw(&keys[..1], 1));
    let (key, lengths) = batch(&keys, 0, device);
    let sampling = Sampling::new().with_excluded(vec![1]);
    let drawn = model.compose(key, &lengths, &[], 40, &sampling, 3).unwrap();
    assert!(drawn.iter().all(|drawn| !drawn.symbols.contains(&1)));
    let (key, lengths) = batch(&keys, 0, device);
    let search = BeamSearch::new(6)
        .with_width(4)
        .with_best(4)
        .with_excluded(vec![1]);
    let found = model.beam(key, &lengths, &[], &search).unwrap();
    assert!(
        found
            .iter()
            .flatten()
            .all(|found| !found.symbols.contains(&1))
    );
}

#[test]
fn a_record_brings_everything_back() {
    for device in devices() {
        let model = model(KEY, Conditioning::Both, &device);
        let bytes = model.clone().into_record().into_bytes().unwrap();
        device.seed(8);
        let other = config(KEY, Conditioning::Both, 4).init(&device).unwrap();
        let loss = |model: &Composer<Layers>| {
            let (key, key_lengths) = batch(&[&[1, 2]], 0, &device);
            let (text, text_lengths) = batch(&[&[0, 2]], 0, &device);
            floats(&model.loss(key, &key_lengths, text, &text_lengths).unwrap())
        };
        let before = loss(&model);
        assert_ne!(loss(&other), before);
        let loaded = other.try_load_record(ModuleRecord::from_bytes(bytes).unwrap());
        assert_eq!(loss(&loaded.unwrap()), before);
    }
}

#[test]
fn impossible_models_and_keys_are_refused() {
    let device = &cpus()[0];
    let told = Conditioning::Both;
    let refuse = |config: ComposerConfig<DeepConfig<RecurrentConfig<GruConfig>>>,
                  expected: &str| {
        let error = config.init(device).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let plain = config(KEY, told, 4);
    let narrow = ComposerConfig {
        key_size: 5,
        ..plain.clone()
    };
    refuse(narrow, "input size of the layer: expected above 5");
    refuse(plain.clone().with_dropout(1.0), "dropout");
    refuse(
        ComposerConfig {
            vocabulary_size: 0,
            ..plain
        },
        "vocabulary size",
    );
    let both = BidirectionalConfig::new(GruConfig::new(5, 4));
    let error = ComposerConfig::new(KEY, 2, SYMBOLS, both)
        .init(device)
        .unwrap_err();
    assert!(
        error.to_string().contains("direction of the layer"),
        "{error}"
    );

    let model = model(KEY, told, device);
    let (text, text_lengths) = batch(&[&[0, 2]], 0, device);
    let (key, lengths) = vectors(&[[1.0, 0.0]], device);
    let error = model
        .loss(key, &lengths, text.clone(), &text_lengths)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("expected symbols, found features"),
        "{error}"
    );
    let (key, lengths) = batch(&[&[0], &[1]], 0, device);
    let error = model.loss(key, &lengths, text, &text_lengths).unwrap_err();
    assert!(
        error.to_string().contains("target [batch, time]"),
        "{error}"
    );
    let (key, lengths) = batch(&[&[0], &[]], 0, device);
    let error = model
        .compose(key, &lengths, &[], 5, &Sampling::new(), 0)
        .unwrap_err();
    assert!(error.to_string().contains("length of row 1"), "{error}");
    let (key, lengths) = batch(&[&[0]], 0, device);
    let error = model
        .compose(key, &lengths, &[3], 5, &Sampling::new(), 0)
        .unwrap_err();
    assert!(
        error.to_string().contains("symbol of the prompt"),
        "{error}"
    );
}

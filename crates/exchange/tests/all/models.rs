//! Whole models that PyTorch wrote compute here what they compute there, and go back as they came.
//!
//! `models.py` beside this file recorded them, in double precision of weights that single precision holds.

use std::collections::BTreeMap;
use std::path::Path;

use backdraft_cells::{DeepConfig, ElmanConfig, GruConfig, Lengths, LstmConfig};
use backdraft_exchange::pytorch::{StateDict, Twin};
use backdraft_models::{
    CategoriesConfig, CharactersConfig, Classifier, ClassifierConfig, ComposerConfig, Encoder,
    EncoderConfig, ForecasterConfig, Output, Pooling, Scaling, Score, Series, Source, TaggerConfig,
    TaggerInput, TranscriberConfig, TranslatorConfig, padded,
};
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::Deserialize;
use serde::de::DeserializeOwned;

const TOLERANCE: f64 = 2e-6;

/// What PyTorch computed of one model.
fn recorded<T: DeserializeOwned>(name: &str) -> T {
    let mut all: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(include_str!("models.json")).unwrap();
    serde_json::from_value(all.remove(name).unwrap()).unwrap()
}

/// The model with PyTorch's weights, which go back as they came.
fn loaded<M: Twin>(name: &str, model: M) -> M {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/models.safetensors");
    let state = StateDict::open(path).unwrap();
    let model = state.load(model, name).unwrap();
    let back = StateDict::of(&model, name).unwrap();
    let own = state.names();
    let own = own.filter(|tensor| tensor.starts_with(&format!("{name}.")));
    let own: Vec<&str> = own.collect();
    assert_eq!(back.names().count(), own.len());
    for tensor in own {
        assert_eq!(
            back.data(tensor).unwrap(),
            state.data(tensor).unwrap(),
            "{tensor}"
        );
    }
    model
}

fn close(found: impl IntoIterator<Item = f64>, expected: &[f64]) {
    let found: Vec<f64> = found.into_iter().collect();
    assert_eq!(found.len(), expected.len());
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs();
        let bound = TOLERANCE * expected.abs().max(1.0);
        assert!(error < bound, "{place}: {found} for {expected}");
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn lengths<T>(rows: &[Vec<T>]) -> Lengths {
    Lengths::new(rows.iter().map(Vec::len).collect::<Vec<_>>())
}

fn symbols(rows: &[Vec<u32>]) -> Tensor<2, Int> {
    padded(rows, &Device::flex())
}

fn lstm(input: usize, hidden: usize) -> EncoderConfig {
    EncoderConfig::new(DeepConfig::new(LstmConfig::new(input, hidden).into(), 1))
}

fn gru(input: usize, hidden: usize) -> EncoderConfig {
    EncoderConfig::new(DeepConfig::new(GruConfig::new(input, hidden).into(), 2))
}

#[test]
fn a_classifier() {
    #[derive(Deserialize)]
    struct Recorded {
        symbols: Vec<Vec<u32>>,
        scores: Vec<Vec<f64>>,
        classes: Vec<i32>,
        weight: Vec<f64>,
        loss: Vec<f64>,
    }
    let case: Recorded = recorded("classifier");
    let source = Source::Symbols { vocabulary_size: 7 };
    let config = ClassifierConfig::new(3, source, gru(4, 3).with_both(true))
        .with_pooling(Pooling::Attention { size: 5 });
    let model = loaded("classifier", config.init(&Device::flex()).unwrap());
    let scores = model.logits(symbols(&case.symbols), &lengths(&case.symbols));
    close(values(scores.unwrap()), &case.scores.concat());

    // What is learned from is smoothed and weighted; what is measured is not.
    let device = Device::flex().autodiff();
    let config = config
        .with_label_smoothing(0.2)
        .with_class_weights(case.weight);
    let model = loaded("classifier", config.init(&device).unwrap());
    let loss = |model: &Classifier<Encoder>, device: &Device| {
        let inputs = symbols(&case.symbols).to_device(device);
        let classes = TensorData::new(case.classes.clone(), [3]);
        let classes = Tensor::from_data(classes, device);
        values(
            model
                .loss(inputs, &lengths(&case.symbols), classes)
                .unwrap(),
        )
    };
    close(loss(&model, &device), &case.loss);
    let measured = loss(&model.valid(), &Device::flex());
    assert!(
        measured
            .iter()
            .zip(&case.loss)
            .all(|(a, b)| (a - b).abs() > 0.05)
    );
}

#[test]
fn a_tagger() {
    #[derive(Deserialize)]
    struct Recorded {
        words: Vec<Vec<u32>>,
        spellings: Vec<Vec<Vec<u32>>>,
        tags: Vec<Vec<u32>>,
        loss: Vec<f64>,
        found: Vec<Vec<usize>>,
    }
    let device = Device::flex();
    let characters = CharactersConfig::new(6, lstm(3, 2).with_both(true));
    let model = TaggerConfig::new(9, 4, lstm(4, 3).with_both(true))
        .with_characters(characters)
        .init(&device)
        .unwrap();
    let model = loaded("tagger", model);
    let case: Recorded = recorded("tagger");
    let input = TaggerInput::new(&case.words, &device).unwrap();
    let input = input.with_spellings(&case.spellings).unwrap();
    let loss = model.loss(&input, symbols(&case.tags)).unwrap();
    close(values(loss), &case.loss);
    assert_eq!(model.decode(&input).unwrap(), case.found);
}

#[test]
fn a_transcriber() {
    #[derive(Deserialize)]
    struct Recorded {
        frames: Vec<Vec<Vec<f32>>>,
        labels: Vec<Vec<u32>>,
        loss: Vec<f64>,
    }
    let device = Device::flex();
    let config = TranscriberConfig::new(3, lstm(4, 3).with_both(true)).with_stacking(2);
    let model = loaded("transcriber", config.init(&device).unwrap());
    let case: Recorded = recorded("transcriber");
    let rows = lengths(&case.frames);
    let mut frames = Vec::new();
    for row in &case.frames {
        frames.extend(row.concat());
        frames.resize(frames.len() + (rows.max() - row.len()) * 4, 0.0);
    }
    let frames = TensorData::new(frames, [rows.as_slice().len(), rows.max(), 4]);
    let loss = model.loss(Tensor::from_data(frames, &device), &rows, &case.labels);
    close(values(loss.unwrap()), &case.loss);
}

#[test]
fn a_forecaster() {
    #[derive(Deserialize)]
    struct Recorded {
        values: Vec<Vec<f64>>,
        #[serde(default)]
        categories: Vec<Vec<usize>>,
        mean: Vec<Vec<f64>>,
        deviation: Vec<Vec<f64>>,
    }
    for (name, counts) in [
        ("forecaster", vec![]),
        ("forecaster_categories", vec![5, 2]),
    ] {
        let features = 2 + CategoriesConfig::new(counts.clone()).features();
        let layer = EncoderConfig::new(DeepConfig::new(ElmanConfig::new(features, 5).into(), 1));
        let model = ForecasterConfig::new(layer)
            .with_output(Output::Gaussian)
            .with_scaling(Scaling::None)
            .with_categories(counts)
            .init(&Device::flex())
            .unwrap();
        let model = loaded(name, model);
        let case: Recorded = recorded(name);
        let series = case.values.iter().enumerate().map(|(row, values)| {
            let values: Vec<_> = values.iter().copied().map(Some).collect();
            let categories = case.categories.get(row).into_iter().flatten();
            Series::new(values).with_categories(categories.copied().map(Some).collect::<Vec<_>>())
        });
        let told = model.one_step(&series.collect::<Vec<_>>(), None).unwrap();
        let told = || told.predictives.iter().flatten();
        close(told().map(|value| value.mean()), &case.mean.concat());
        // One deviation above the mean is below 84.13 % of a normal distribution.
        let above = 0.841_344_746_068_542_9;
        let deviation = told().map(|value| value.quantile(above) - value.mean());
        close(deviation, &case.deviation.concat());
    }
}

#[test]
fn a_translator() {
    #[derive(Deserialize)]
    struct Recorded {
        source: Vec<Vec<u32>>,
        target: Vec<Vec<u32>>,
        loss: Vec<f64>,
    }
    for (name, score) in [
        ("translator", Score::General),
        ("translator_additive", Score::Additive),
    ] {
        let (encoder, decoder) = (lstm(4, 2).with_both(true), lstm(3, 5));
        let model = TranslatorConfig::new(7, 5, encoder, decoder)
            .with_attention(Some(score))
            .init(&Device::flex())
            .unwrap();
        let model = loaded(name, model);
        let case: Recorded = recorded(name);
        let loss = model.loss(
            symbols(&case.source),
            &lengths(&case.source),
            symbols(&case.target),
            &lengths(&case.target),
        );
        close(values(loss.unwrap()), &case.loss);
    }
}

#[test]
fn a_composer() {
    #[derive(Deserialize)]
    struct Recorded {
        key: Vec<Vec<u32>>,
        text: Vec<Vec<u32>>,
        loss: Vec<f64>,
    }
    let key = Source::Symbols { vocabulary_size: 5 };
    let model = ComposerConfig::new(key, 3, 5, gru(4 + 3, 5)).init(&Device::flex());
    let model = loaded("composer", model.unwrap());
    let case: Recorded = recorded("composer");
    let loss = model.loss(
        symbols(&case.key),
        &lengths(&case.key),
        symbols(&case.text),
        &lengths(&case.text),
    );
    close(values(loss.unwrap()), &case.loss);
}

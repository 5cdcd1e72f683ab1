//! The language model on every compiled backend: its loss, its ties, and what it writes.

use std::sync::{Mutex, PoisonError};

use backdraft_cells::prelude::*;
use backdraft_models::{LanguageModel, LanguageModelConfig, Sampling};
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};

#[allow(deprecated, reason = "NdArray is tested while Burn keeps it")]
fn devices() -> Vec<Device> {
    vec![
        #[cfg(feature = "flex")]
        Device::flex(),
        #[cfg(feature = "ndarray")]
        Device::ndarray(),
        #[cfg(feature = "wgpu")]
        Device::wgpu(Default::default()),
    ]
}

fn symbols(values: &[i32], batch: usize, device: &Device) -> Tensor<2, Int> {
    let shape = [batch, values.len() / batch];
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

/// A seed is one for the whole process, and tests run side by side.
static RANDOM: Mutex<()> = Mutex::new(());

fn draw<R>(init: impl FnOnce() -> R) -> R {
    let _alone = RANDOM.lock().unwrap_or_else(PoisonError::into_inner);
    init()
}

fn model(device: &Device) -> LanguageModel<Lstm> {
    draw(|| seeded(device))
}

fn seeded(device: &Device) -> LanguageModel<Lstm> {
    device.seed(3);
    LanguageModelConfig::new(7, LstmConfig::new(5, 6))
        .with_layers(2)
        .init(device)
        .unwrap()
}

fn floats<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter().collect()
}

#[test]
fn the_loss_is_the_cross_entropy_of_the_scores() {
    for device in devices() {
        let model = model(&device);
        let (x, y) = ([0, 3, 6, 2, 2, 1], [3, 6, 1, 2, 1, 5]);
        let scores = floats(
            &model
                .forward(symbols(&x, 2, &device), None)
                .unwrap()
                .outputs,
        );
        let loss = model
            .loss(symbols(&x, 2, &device), symbols(&y, 2, &device), None)
            .unwrap();
        for ((scores, target), nats) in scores.chunks(7).zip(y).zip(floats(&loss.nats)) {
            let total: f64 = scores.iter().map(|score| score.exp()).sum();
            let expected = total.ln() - scores[target as usize];
            assert!((nats - expected).abs() < 1e-5, "{nats} against {expected}");
        }
        let wrong = model.loss(symbols(&x, 2, &device), symbols(&y, 3, &device), None);
        assert!(
            wrong
                .unwrap_err()
                .to_string()
                .contains("expected [2, 3], found [3, 2]")
        );
    }
}

#[test]
fn windows_with_carried_state_give_the_loss_of_the_whole() {
    for device in devices() {
        let model = model(&device);
        let (x, y) = ([0, 3, 6, 2, 2, 1], [3, 6, 2, 2, 1, 5]);
        let whole = model
            .loss(symbols(&x, 1, &device), symbols(&y, 1, &device), None)
            .unwrap();
        let mut parts = Vec::new();
        let mut state = None;
        for at in [0, 2, 4] {
            let (x, y) = (
                symbols(&x[at..at + 2], 1, &device),
                symbols(&y[at..at + 2], 1, &device),
            );
            let loss = model.loss(x, y, state).unwrap();
            parts.extend(floats(&loss.nats));
            state = Some(loss.state);
        }
        for (part, whole) in parts.iter().zip(floats(&whole.nats)) {
            assert!((part - whole).abs() < 1e-5, "{part} against {whole}");
        }
    }
}

#[test]
fn tied_weights_are_one_matrix() {
    for device in devices() {
        let untied = LanguageModelConfig::new(7, GruConfig::new(6, 6));
        let tied = untied.clone().with_tied(true);
        let count = |config: &LanguageModelConfig<GruConfig>| {
            draw(|| config.init(&device)).unwrap().num_params()
        };
        assert_eq!(count(&untied) - count(&tied), 7 * 6);
        let error = LanguageModelConfig::new(7, GruConfig::new(5, 6))
            .with_tied(true)
            .init(&device);
        assert_eq!(
            error.unwrap_err().to_string(),
            "LanguageModel: tied weights: expected an embedding of 6 features, as the layers put \
             out, found 5"
        );

        // Both uses of the matrix contribute to its gradient: rows of symbols that are neither
        // read nor right still get some through the softmax.
        let device = device.autodiff();
        let model = draw(|| tied.init(&device)).unwrap();
        let (x, y) = (symbols(&[1, 2], 1, &device), symbols(&[2, 3], 1, &device));
        let gradients = model.loss(x, y, None).unwrap().nats.sum().backward();
        let gradient = floats(&model.embedding.weight.grad(&gradients).unwrap());
        assert!(
            gradient
                .chunks(6)
                .all(|row| row.iter().any(|value| *value != 0.0))
        );
    }
}

#[test]
fn impossible_models_are_refused() {
    let device = &devices()[0];
    let config = |v, e, h| LanguageModelConfig::new(v, LstmConfig::new(e, h));
    assert!(config(0, 4, 4).init(device).is_err());
    assert!(config(4, 0, 4).init(device).is_err());
    assert!(config(4, 4, 0).init(device).is_err());
    assert!(config(4, 4, 4).with_layers(0).init(device).is_err());
    assert!(config(4, 4, 4).with_dropout(f64::NAN).init(device).is_err());
}

#[test]
fn the_same_seed_makes_the_same_model() {
    for device in devices() {
        let weights = || {
            let model = model(&device);
            let scores = model
                .forward(symbols(&[1, 2, 3], 1, &device), None)
                .unwrap()
                .outputs;
            floats(&scores)
        };
        assert_eq!(weights(), weights());
    }
}

#[test]
fn the_writer_carries_its_state() {
    for device in devices() {
        let model = model(&device);
        let greedy = Sampling::new().with_temperature(0.0);

        // The likeliest next symbol again and again, each time reading everything from the start.
        let mut text = vec![4, 1];
        for _ in 0..6 {
            let all = symbols(&text, 1, &device);
            let scores = floats(&model.forward(all, None).unwrap().outputs);
            let last = &scores[scores.len() - 7..];
            let best = (0..7).max_by(|a, b| last[*a].total_cmp(&last[*b])).unwrap();
            text.push(best as i32);
        }

        let mut writer = model.generator(greedy, 0).unwrap();
        writer.read(&[4]).unwrap();
        writer.read(&[1]).unwrap();
        let written: Vec<i32> = writer.take(6).map(|symbol| symbol as i32).collect();
        assert_eq!(written, text[2..]);
    }
}

#[test]
fn what_is_written_depends_on_the_seed_alone() {
    let device = &devices()[0];
    let model = model(device);
    let write = |seed, prompt: &[u32]| -> Vec<u32> {
        let mut writer = model.generator(Sampling::new(), seed).unwrap();
        writer.read(prompt).unwrap();
        writer.take(40).collect()
    };
    assert_eq!(write(1, &[2, 2]), write(1, &[2, 2]));
    assert_ne!(write(1, &[2, 2]), write(2, &[2, 2]));
    assert_eq!(
        write(1, &[]),
        write(1, &[0]),
        "a text without a beginning begins with symbol 0"
    );

    let long: Vec<u32> = (0..1000).map(|index| index % 7).collect();
    assert_eq!(write(1, &long), write(1, &long));
    assert!(
        model
            .generator(Sampling::new(), 1)
            .unwrap()
            .read(&[7])
            .is_err()
    );
    let nothing = Sampling::new().with_excluded((0..7).collect());
    assert!(model.generator(nothing, 1).is_err());
    let no_zero = Sampling::new().with_excluded(vec![0]);
    assert!(
        model
            .generator(no_zero, 1)
            .unwrap()
            .take(200)
            .all(|symbol| symbol != 0)
    );
}

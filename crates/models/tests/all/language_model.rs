//! The language model on every compiled backend: its loss, its ties, and what it writes.

use backdraft_cells::prelude::*;
use backdraft_models::{BeamSearch, LanguageModel, LanguageModelConfig, Penalties, Sampling};
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData, activation::log_softmax};

use crate::support::{cpus, devices};

fn symbols(values: &[i32], batch: usize, device: &Device) -> Tensor<2, Int> {
    let shape = [batch, values.len() / batch];
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn model(device: &Device) -> LanguageModel<Deep<Recurrent<Lstm>>> {
    device.seed(3);
    let stack = DeepConfig::new(RecurrentConfig::new(LstmConfig::new(5, 6)), 2);
    LanguageModelConfig::new(7, stack).init(device).unwrap()
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
        let gru = |features| RecurrentConfig::new(GruConfig::new(features, 6));
        let untied = LanguageModelConfig::new(7, gru(6));
        let tied = untied.clone().with_tied(true);
        let count = |config: &LanguageModelConfig<RecurrentConfig<GruConfig>>| {
            config.init(&device).unwrap().num_params()
        };
        assert_eq!(count(&untied) - count(&tied), 7 * 6);
        let error = LanguageModelConfig::new(7, gru(5))
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
        let model = tied.init(&device).unwrap();
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
    let config = |v, e, h| LanguageModelConfig::new(v, RecurrentConfig::new(LstmConfig::new(e, h)));
    assert!(config(0, 4, 4).init(device).is_err());
    assert!(config(4, 0, 4).init(device).is_err());
    assert!(config(4, 4, 0).init(device).is_err());
    let both = LanguageModelConfig::new(4, BidirectionalConfig::new(LstmConfig::new(4, 4)));
    let error = both.init(device).unwrap_err().to_string();
    assert!(
        error.contains("direction of the layer: expected Forward, found both"),
        "{error}"
    );
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

/// Several texts side by side: the first is what is written alone, and none depends on the others.
#[test]
fn texts_are_written_side_by_side() {
    for device in devices() {
        let model = model(&device);
        let write = |texts, prompt: &[u32]| -> Vec<Vec<u32>> {
            let mut writers = model.generators(texts, Sampling::new(), 5).unwrap();
            writers.read(prompt).unwrap();
            writers.take(8).collect()
        };
        let mut alone = model.generator(Sampling::new(), 5).unwrap();
        alone.read(&[2, 3]).unwrap();
        let alone: Vec<u32> = alone.take(8).collect();
        let three = write(3, &[2, 3]);
        let row = |row: usize| three.iter().map(|drawn| drawn[row]).collect::<Vec<_>>();
        assert_eq!(row(0), alone);
        assert_ne!(row(1), alone);
        let two = write(2, &[2, 3]);
        assert_eq!(two.iter().map(|drawn| drawn[1]).collect::<Vec<_>>(), row(1));
    }
    let device = &devices()[0];
    let model = model(device);
    assert!(model.generators(0, Sampling::new(), 1).is_err());
    let mut writers = model.generators(2, Sampling::new(), 1).unwrap();
    writers.next();
    assert!(writers.read(&[1]).is_err(), "the texts differ by now");
}

/// The best of a wide beam is the best of all texts, and what it says of its probability is so.
#[test]
fn a_wide_beam_finds_the_likeliest_text() {
    let device = &devices()[0];
    let model = model(device);
    let log_p = |text: &[i32]| -> f64 {
        let run = model.forward(symbols(text, 1, device), None).unwrap();
        let scores = log_softmax(run.outputs, 2);
        let scores = floats(&scores);
        (1..text.len())
            .map(|at| scores[(at - 1) * 7 + text[at] as usize])
            .skip(1)
            .sum()
    };
    let all = (0..7 * 7).map(|pair| [4, 1, pair / 7, pair % 7]);
    let best = all.max_by(|a, b| log_p(a).total_cmp(&log_p(b))).unwrap();
    let search = BeamSearch::new(2).with_width(7);
    let found = model.beam(&[4, 1], None, &search).unwrap();
    let symbols: Vec<i32> = found[0].symbols.iter().map(|s| *s as i32).collect();
    assert_eq!(symbols, best[2..]);
    assert!((found[0].log_p - log_p(&best)).abs() < 1e-4);
    // Until a symbol, which is not part of it, and without one that is excluded.
    let end = best[3] as u32;
    let ended = model
        .beam(&[4, 1], Some(end), &BeamSearch::new(9).with_width(7))
        .unwrap();
    assert!(!ended[0].symbols.contains(&end));
    let without = search.with_excluded(vec![best[2] as u32]);
    let found = model.beam(&[4, 1], None, &without).unwrap();
    assert!(!found[0].symbols.contains(&(best[2] as u32)));
    assert!(model.beam(&[7], None, &BeamSearch::new(2)).is_err());
}

/// The rows of an adaptive softmax are probabilities, of all symbols together 1, and the loss is that
/// of the score; without tails in between, too.
#[test]
fn an_adaptive_softmax_is_a_distribution() {
    for device in devices() {
        let stack = RecurrentConfig::new(GruConfig::new(5, 8));
        let config = LanguageModelConfig::new(9, stack).with_bounds(vec![3, 4, 7]);
        let model = config.init(&device).unwrap();
        assert_eq!(model.vocabulary_size(), 9);
        let tails = model
            .output
            .tails
            .iter()
            .map(|tail| (tail.down.dims(), tail.up.dims()));
        let expected = [([2, 8], [1, 2]), ([1, 8], [3, 1]), ([1, 8], [2, 1])];
        assert!(tails.eq(expected));
        // Every tail but the last, each twice, and the head.
        let (x, y) = ([0, 3, 8, 2, 2, 1], [3, 6, 1, 2, 3, 5]);
        let scores = model
            .forward(symbols(&x, 2, &device), None)
            .unwrap()
            .outputs;
        let loss = model.loss(symbols(&x, 2, &device), symbols(&y, 2, &device), None);
        let nats = floats(&loss.unwrap().nats);
        for ((scores, target), nats) in floats(&scores).chunks(9).zip(y).zip(nats) {
            let total: f64 = scores.iter().map(|score| score.exp()).sum();
            assert!((total - 1.0).abs() < 1e-5, "{total}");
            assert!(
                (nats + scores[target as usize]).abs() < 1e-5,
                "{nats} {scores:?}"
            );
        }
    }
}

/// By differences of the loss: the gradient goes through the head and through each tail.
#[test]
fn an_adaptive_softmax_is_differentiated_rightly() {
    let cpus = cpus();
    let device = cpus[0].clone().autodiff();
    let stack = RecurrentConfig::new(ElmanConfig::new(3, 4));
    let config = LanguageModelConfig::new(6, stack).with_bounds(vec![2, 4]);
    let model = config.init(&device).unwrap();
    let (x, y) = ([0, 3, 5, 2], [1, 2, 4, 5]);
    let loss = |model: &LanguageModel<Recurrent<Elman>>| {
        let (x, y) = (symbols(&x, 1, &device), symbols(&y, 1, &device));
        model.loss(x, y, None).unwrap().nats.sum()
    };
    let gradients = loss(&model).backward();
    let step = 1e-2;
    for tail in 0..2 {
        let gradient = floats(&model.output.tails[tail].up.grad(&gradients).unwrap());
        let moved = |by: f32| {
            let mut model = model.clone();
            let up = &mut model.output.tails[tail].up;
            *up = up.clone().map(|up| {
                let first = up.clone().slice([0..1, 0..1]) + by;
                up.slice_assign([0..1, 0..1], first).detach().require_grad()
            });
            loss(&model).into_scalar::<f64>()
        };
        let expected = (moved(step) - moved(-step)) / (2.0 * f64::from(step));
        assert!(
            (gradient[0] - expected).abs() < 1e-3,
            "{} {expected}",
            gradient[0]
        );
        assert!(expected.abs() > 1e-3);
    }
}

#[test]
fn impossible_adaptive_softmaxes_are_refused() {
    let config = |bounds: &[usize]| {
        let stack = RecurrentConfig::new(GruConfig::new(4, 4));
        LanguageModelConfig::new(6, stack).with_bounds(bounds.to_vec())
    };
    let refused = |config: LanguageModelConfig<_>, expected: &str| {
        let error = config.init(&cpus()[0]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    for bounds in [&[0, 2][..], &[3, 3], &[6], &[4, 2]] {
        refused(config(bounds), "expected rising, above 0 and below 6");
    }
    refused(
        config(&[2]).with_tied(true),
        "tied weights: expected weights of its own",
    );
    let penalties = Penalties {
        label_smoothing: 0.1,
        ..Penalties::default()
    };
    refused(
        config(&[2]).with_penalties(penalties),
        "label smoothing: expected 0",
    );
}

#[test]
fn a_symbol_with_an_infinite_score_is_written() {
    for device in cpus() {
        for bounds in [vec![], vec![3, 5]] {
            device.seed(3);
            let stack = DeepConfig::new(RecurrentConfig::new(LstmConfig::new(5, 6)), 2);
            let config = LanguageModelConfig::new(7, stack).with_bounds(bounds);
            let mut model = config.init(&device).unwrap();
            let bias = &mut model.output.bias;
            *bias = bias.clone().map(|bias| {
                let infinite = Tensor::full([1], f32::INFINITY, &device);
                bias.slice_assign(2..3, infinite)
            });
            let drawn: Vec<u32> = model
                .generator(Sampling::new(), 1)
                .unwrap()
                .take(5)
                .collect();
            assert_eq!(drawn, [2; 5]);
            let found = model.beam(&[0], None, &BeamSearch::new(3)).unwrap();
            assert_eq!((&found[0].symbols[..], found[0].log_p), (&[2; 3][..], 0.0));
        }
    }
}

#[test]
fn weights_are_counted_without_being_drawn() {
    let device = &cpus()[0];
    for (tied, bounds) in [
        (false, vec![]),
        (true, vec![]),
        (false, vec![4]),
        (false, vec![3, 5, 20]),
    ] {
        let layer = RecurrentConfig::new(ElmanConfig::new(6, 6));
        let config = LanguageModelConfig::new(23, layer)
            .with_tied(tied)
            .with_bounds(bounds.clone());
        let model = config.init(device).unwrap();
        let beside = model.num_params() - model.recurrent.num_params();
        assert_eq!(config.num_params_beside(6), beside, "{tied}, {bounds:?}");
    }
    let layer = RecurrentConfig::new(ElmanConfig::new(usize::MAX, 6));
    let large = LanguageModelConfig::new(23, layer);
    assert_eq!(large.num_params_beside(6), usize::MAX);
}

//! Attention and the bridge on every compiled backend, against plain sums on the host.

use backdraft_cells::prelude::*;
use backdraft_models::{Attention, AttentionConfig, Bridge, Score, state_features};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};

use crate::support::{cpus, devices};

fn floats<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter().collect()
}

/// Numbers that differ, none of them large.
fn wave(count: usize, phase: f64) -> Vec<f64> {
    (0..count)
        .map(|index| (1.7 * index as f64 + phase).sin())
        .collect()
}

fn tensor<const D: usize>(values: &[f64], shape: [usize; D], device: &Device) -> Tensor<D> {
    let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

const BATCH: usize = 3;
const QUERIES: usize = 2;
const STEPS: usize = 4;
const QUERY: usize = 3;
const LENGTHS: [usize; BATCH] = [4, 2, 0];
const SCORES: [(Score, usize); 3] = [(Score::Additive, 5), (Score::Dot, 3), (Score::General, 2)];

/// What an attention computes with, on the host: weights are `[in, out]`.
#[derive(Clone)]
struct Host {
    queries: Vec<f64>,
    annotations: Vec<f64>,
    features: usize,
    keys: Option<Vec<f64>>,
    /// `W`, `b` and `v`.
    additive: Option<[Vec<f64>; 3]>,
}

impl Host {
    fn of(attention: &Attention, features: usize) -> Self {
        let weight = |linear: &Linear| floats(&linear.weight.val());
        let additive = attention.additive.as_ref().map(|additive| {
            let bias = floats(&additive.query.bias.as_ref().unwrap().val());
            [weight(&additive.query), bias, weight(&additive.fit)]
        });
        Self {
            queries: wave(BATCH * QUERIES * QUERY, 0.3),
            annotations: wave(BATCH * STEPS * features, 1.1),
            features,
            keys: attention.keys.as_ref().map(weight),
            additive,
        }
    }

    /// Contexts and weights.
    fn attend(&self) -> [Vec<f64>; 2] {
        let times = |row: &[f64], weight: &[f64]| -> Vec<f64> {
            let outputs = weight.len() / row.len();
            let sum = |output| {
                let terms = row.iter().zip(weight.chunks(outputs));
                terms.map(|(value, weights)| value * weights[output]).sum()
            };
            (0..outputs).map(sum).collect()
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (mut contexts, mut all) = (Vec::new(), Vec::new());
        for (row, length) in LENGTHS.into_iter().enumerate() {
            let steps = self.annotations.chunks(self.features);
            let steps: Vec<&[f64]> = steps.skip(row * STEPS).take(length).collect();
            for query in self.queries.chunks(QUERY).skip(row * QUERIES).take(QUERIES) {
                let score = |step: &&[f64]| {
                    let key = match &self.keys {
                        Some(keys) => times(step, keys),
                        None => step.to_vec(),
                    };
                    let Some([weight, bias, fit]) = &self.additive else {
                        return dot(query, &key);
                    };
                    let query = times(query, weight);
                    let units = key.iter().zip(query).zip(bias);
                    let units: Vec<f64> = units.map(|((k, q), b)| (k + q + b).tanh()).collect();
                    dot(&units, fit)
                };
                let scores: Vec<f64> = steps.iter().map(score).map(f64::exp).collect();
                let total: f64 = scores.iter().sum();
                let mut weights: Vec<f64> = scores.iter().map(|score| score / total).collect();
                weights.resize(STEPS, 0.0);
                let mean = |feature: usize| {
                    let terms = steps.iter().zip(&weights);
                    terms
                        .map(|(step, weight)| step[feature] * weight)
                        .sum::<f64>()
                };
                contexts.extend((0..self.features).map(mean));
                all.extend(weights);
            }
        }
        [contexts, all]
    }

    /// A loss in which each number of the context counts differently.
    fn loss(&self) -> f64 {
        let [contexts, _] = self.attend();
        let of = wave(contexts.len(), 2.0);
        contexts.iter().zip(of).map(|(value, by)| value * by).sum()
    }

    /// How the loss changes with each number of one of its parts.
    fn gradient(&self, part: impl Fn(&mut Self) -> &mut Vec<f64>) -> Vec<f64> {
        let count = part(&mut self.clone()).len();
        let slope = |index| {
            let at = |step: f64| {
                let mut moved = self.clone();
                part(&mut moved)[index] += step;
                moved.loss()
            };
            (at(1e-5) - at(-1e-5)) / 2e-5
        };
        (0..count).map(slope).collect()
    }
}

fn close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let difference = (found - expected).abs();
        assert!(difference < 1e-4, "{what}: {found} against {expected}");
    }
}

#[test]
fn every_score_and_its_gradient_are_those_of_the_equations() {
    for device in cpus() {
        let device = device.autodiff();
        for (score, features) in SCORES {
            let attention = AttentionConfig::new(QUERY, features)
                .with_score(score)
                .init(&device)
                .unwrap();
            let host = Host::of(&attention, features);
            let queries = tensor(&host.queries, [BATCH, QUERIES, QUERY], &device).require_grad();
            // What stands in padding is never read.
            let mut padded = host.annotations.clone();
            for (row, length) in LENGTHS.into_iter().enumerate() {
                padded[(row * STEPS + length) * features..(row + 1) * STEPS * features]
                    .fill(f64::NAN);
            }
            let annotations = tensor(&padded, [BATCH, STEPS, features], &device).require_grad();
            let lengths = Lengths::new(LENGTHS);
            let read = attention
                .annotations(annotations.clone(), Some(&lengths))
                .unwrap();
            let attended = attention.forward(queries.clone(), &read).unwrap();

            let [contexts, weights] = host.attend();
            close("context", &floats(&attended.context), &contexts);
            close("weights", &floats(&attended.weights), &weights);

            let by = wave(BATCH * QUERIES * features, 2.0);
            let loss = attended.context * tensor(&by, [BATCH, QUERIES, features], &device);
            let gradients = loss.sum().backward();
            let of = |linear: &Linear| floats(&linear.weight.grad(&gradients).unwrap());
            let found = floats(&queries.grad(&gradients).unwrap());
            close("queries", &found, &host.gradient(|host| &mut host.queries));
            let found = floats(&annotations.grad(&gradients).unwrap());
            let expected = host.gradient(|host| &mut host.annotations);
            close("annotations", &found, &expected);
            if let Some(keys) = &attention.keys {
                let expected = host.gradient(|host| host.keys.as_mut().unwrap());
                close("keys", &of(keys), &expected);
            }
            if let Some(additive) = &attention.additive {
                let bias = additive.query.bias.as_ref().unwrap();
                let bias = floats(&bias.grad(&gradients).unwrap());
                let found = [of(&additive.query), bias, of(&additive.fit)];
                for (index, found) in found.iter().enumerate() {
                    let expected =
                        host.gradient(|host| &mut host.additive.as_mut().unwrap()[index]);
                    close("additive", found, &expected);
                }
            }
        }
    }
}

#[test]
fn rows_are_attended_to_on_their_own() {
    for device in devices() {
        let attention = AttentionConfig::new(QUERY, 2).init(&device).unwrap();
        let host = Host::of(&attention, 2);
        let queries = tensor(&host.queries, [BATCH, QUERIES, QUERY], &device);
        let annotations = tensor(&host.annotations, [BATCH, STEPS, 2], &device);
        let lengths = Lengths::new(LENGTHS);
        let read = attention.annotations(annotations, Some(&lengths)).unwrap();
        let whole = attention.forward(queries.clone(), &read).unwrap();
        let last_first = [1, 0];
        let turned = Tensor::cat(
            vec![queries.clone().narrow(0, 1, 1), queries.narrow(0, 0, 1)],
            0,
        );
        let some = attention
            .forward(turned, &read.select(&last_first))
            .unwrap();
        let (whole, some) = (floats(&whole.context), floats(&some.context));
        let row = QUERIES * 2;
        close("row 1", &some[..row], &whole[row..2 * row]);
        close("row 0", &some[row..], &whole[..row]);
    }
}

/// Below the normal numbers a processor is slow, and so is all that such a weight is multiplied with.
#[test]
fn a_weight_is_a_normal_number_or_nothing() {
    for device in cpus() {
        let device = device.autodiff();
        let attention = AttentionConfig::new(1, 1).with_score(Score::Dot);
        let attention = attention.init(&device).unwrap();
        // Scores of 0, -1 .. -119, whose smallest exponential is 2e-52.
        let steps: Vec<f64> = (0..120).map(|step| -f64::from(step)).collect();
        let sequence = tensor(&steps, [1, 120, 1], &device).require_grad();
        let query = tensor(&[1.0], [1, 1, 1], &device).require_grad();
        let read = attention.annotations(sequence.clone(), None).unwrap();
        let attended = attention.forward(query.clone(), &read).unwrap();
        let weights = floats(&attended.weights);
        assert!(
            weights.iter().all(|w| *w == 0.0 || *w >= 1e-21),
            "{weights:?}"
        );
        let total: f64 = (0..120).map(|step| (-f64::from(step)).exp()).sum();
        for (step, weight) in weights.iter().enumerate() {
            assert!((weight - (-(step as f64)).exp() / total).abs() < 1e-6);
        }
        let gradients = attended.context.sum().backward();
        let found = [sequence.grad(&gradients), query.grad(&gradients)];
        for gradient in found.map(|gradient| floats(&gradient.unwrap())) {
            let smallest = f64::from(f32::MIN_POSITIVE);
            assert!(gradient.iter().all(|g| *g == 0.0 || g.abs() >= smallest));
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let device = &cpus()[0];
    let message = |config: AttentionConfig| config.init(device).unwrap_err().to_string();
    let config = AttentionConfig::new;
    assert_eq!(
        message(config(3, 4).with_score(Score::Dot)),
        "Attention: annotation size: expected 3, the features of a query, for a dot product, found 4"
    );
    assert_eq!(
        message(config(3, 4).with_score(Score::General).with_units(5)),
        "Attention: units: expected none, as only the additive score has units, found 5"
    );
    for none in [config(0, 4), config(3, 0), config(3, 4).with_units(0)] {
        assert!(message(none).ends_with("expected at least 1, found 0"));
    }
    let attention = config(3, 2).init(device).unwrap();
    let zeros = |shape: [usize; 3]| Tensor::<3>::zeros(shape, device);
    let wrong = attention.annotations(zeros([2, 4, 3]), None);
    assert_eq!(
        wrong.unwrap_err().to_string(),
        "Attention: annotations [batch, steps, features]: expected [at least 1, at least 1, 2], \
         found [2, 4, 3]"
    );
    let too_long = attention.annotations(zeros([2, 4, 2]), Some(&Lengths::new([4, 5])));
    assert!(
        too_long
            .unwrap_err()
            .to_string()
            .contains("length of row 1")
    );
    let read = attention.annotations(zeros([2, 4, 2]), None).unwrap();
    let wrong = attention.forward(zeros([3, 1, 3]), &read);
    assert_eq!(
        wrong.unwrap_err().to_string(),
        "Attention: queries [batch, queries, features]: expected [2, any, 3], found [3, 1, 3]"
    );
}

#[test]
fn a_bridge_sets_all_that_a_state_remembers() {
    for device in cpus() {
        let layer = DeepConfig::new(RecurrentConfig::new(SLstmConfig::new(4, 4)), 2)
            .init(&device)
            .unwrap();
        let bridge = Bridge::init(3, &layer, &device).unwrap();
        let vector = tensor(&wave(6, 0.0), [2, 3], &device);
        let state = bridge.forward(vector.clone(), &layer).unwrap();
        let mut maps = bridge.maps.iter();
        let mut names = Vec::new();
        state.visit("", &mut |name, found| {
            let own = layer.initial_state(2);
            match maps.next().unwrap() {
                Some(map) => {
                    let weight = floats(&map.weight.val());
                    let bias = floats(&map.bias.as_ref().unwrap().val());
                    let vector = wave(6, 0.0);
                    let unit = |row: usize, unit: usize| {
                        let terms = (0..3).map(|k| vector[row * 3 + k] * weight[k * 4 + unit]);
                        (terms.sum::<f64>() + bias[unit]).tanh()
                    };
                    let expected: Vec<f64> = (0..8).map(|at| unit(at / 4, at % 4)).collect();
                    close(name, &floats(found), &expected);
                    names.push(name.to_string());
                }
                None => own.visit("", &mut |own, expected| {
                    if own == name {
                        close(name, &floats(found), &floats(expected));
                    }
                }),
            }
        });
        assert_eq!(names, ["0.hidden", "0.cell", "1.hidden", "1.cell"]);
        assert_eq!(state_features(&state).dims(), [2, 16]);
        assert!(
            layer
                .forward(LayerInput::new(Tensor::zeros([2, 1, 4], &device)).with_state(state))
                .is_ok()
        );
        let wrong = bridge.forward(Tensor::zeros([2, 4], &device), &layer);
        assert_eq!(
            wrong.unwrap_err().to_string(),
            "Bridge: vector [batch, features]: expected [any, 3], found [2, 4]"
        );
        let other = RecurrentConfig::new(GruConfig::new(4, 4))
            .init(&device)
            .unwrap();
        let wrong = bridge.forward(vector, &other);
        assert_eq!(
            wrong.unwrap_err().to_string(),
            "Bridge: tensors in the state of the layer: expected 8, found 1"
        );
    }
}

//! The classifier on every compiled backend: what it pools, what it learns, what it refuses.

use backdraft_cells::prelude::*;
use backdraft_models::{Classifier, ClassifierConfig, Inputs, Pooling, Source};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::support::cpus;

fn seeded<R>(device: &Device, init: impl FnOnce() -> R) -> R {
    device.seed(5);
    init()
}

fn symbols(rows: &[&[i32]], padding: i32, device: &Device) -> (Tensor<2, Int>, Lengths) {
    let lengths = Lengths::new(rows.iter().map(|row| row.len()).collect::<Vec<_>>());
    let time = lengths.max() + 1; // one step more than any row needs
    let padded = rows.iter().flat_map(|row| {
        let rest = std::iter::repeat_n(padding, time - row.len());
        row.iter().copied().chain(rest)
    });
    let data = TensorData::new(padded.collect::<Vec<_>>(), [rows.len(), time]);
    (Tensor::from_data(data, device), lengths)
}

fn classes(values: &[i32], device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

fn floats<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter().collect()
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-5,
            "{found} against {expected}"
        );
    }
}

const POOLINGS: [Pooling; 4] = [
    Pooling::Last,
    Pooling::Mean,
    Pooling::Max,
    Pooling::Attention { size: 3 },
];

fn both() -> BidirectionalConfig<GruConfig> {
    BidirectionalConfig::new(GruConfig::new(4, 3))
}

type Both = Classifier<Bidirectional<Gru>>;

fn of_symbols(pooling: Pooling, device: &Device) -> Both {
    let config = ClassifierConfig::new(3, Source::Symbols { vocabulary_size: 6 }, both());
    let config = config.with_pooling(pooling);
    seeded(device, || config.init(device)).unwrap()
}

const ROWS: [&[i32]; 3] = [&[1, 2, 3, 4], &[5], &[2, 2, 0]];

#[test]
fn pooled_is_what_the_host_makes_of_the_valid_steps() {
    for device in cpus() {
        let (time, features) = (4, 6);
        let lengths = Lengths::new([4, 1, 3]);
        let value = |row: usize, t: usize, k: usize| ((row * 31 + t * 17 + k * 7) as f64).sin();
        let all = (0..3 * time * features).map(|at| {
            let (row, t, k) = (at / features / time, at / features % time, at % features);
            let valid = t < lengths.as_slice()[row];
            if valid {
                value(row, t, k) as f32
            } else {
                f32::NAN
            }
        });
        let data = TensorData::new(all.collect::<Vec<_>>(), [3, time, features]);
        let outputs = Tensor::<3>::from_data(data, &device);

        for direction in [Some(Direction::Forward), Some(Direction::Reverse), None] {
            for pooling in POOLINGS {
                let pool = seeded(&device, || pooling.init(features, direction, &device)).unwrap();
                // a_t by hand: q . tanh(W h + b), softmax over the valid steps.
                let weights = |row: usize| -> Vec<f64> {
                    let query = pool.query.as_ref().unwrap();
                    let w = floats(&query.transform.weight.val());
                    let b = floats(&query.transform.bias.as_ref().unwrap().val());
                    let q = floats(&query.query.val());
                    let score = |t: usize| -> f64 {
                        let unit = |j: usize| {
                            let sum: f64 =
                                (0..features).map(|k| value(row, t, k) * w[k * 3 + j]).sum();
                            q[j] * (sum + b[j]).tanh()
                        };
                        (0..3).map(unit).sum()
                    };
                    let e: Vec<f64> = (0..lengths.as_slice()[row])
                        .map(|t| score(t).exp())
                        .collect();
                    let sum: f64 = e.iter().sum();
                    e.iter().map(|e| e / sum).collect()
                };
                let expected = (0..3).flat_map(|row| {
                    let steps = lengths.as_slice()[row];
                    let of = move |k: usize| (0..steps).map(move |t| value(row, t, k));
                    let a = pool.query.is_some().then(|| weights(row));
                    (0..features).map(move |k| match (pooling, direction) {
                        (Pooling::Mean, _) => of(k).sum::<f64>() / steps as f64,
                        (Pooling::Max, _) => of(k).fold(f64::NEG_INFINITY, f64::max),
                        (Pooling::Attention { .. }, _) => {
                            of(k).zip(a.as_ref().unwrap()).map(|(h, a)| h * a).sum()
                        }
                        (Pooling::Last, Some(Direction::Forward)) => value(row, steps - 1, k),
                        (Pooling::Last, Some(Direction::Reverse)) => value(row, 0, k),
                        (Pooling::Last, None) if k < 3 => value(row, steps - 1, k),
                        (Pooling::Last, None) => value(row, 0, k),
                    })
                });
                let pooled = pool.forward(outputs.clone(), &lengths).unwrap();
                assert_eq!(pooled.dims(), [3, features]);
                close(&floats(&pooled), &expected.collect::<Vec<_>>());
            }
        }
    }
}

#[test]
fn the_last_of_both_directions_is_where_each_has_read_everything() {
    for device in cpus() {
        let model = of_symbols(Pooling::Last, &device);
        let (x, lengths) = symbols(&ROWS, 0, &device);
        let embedded = model.embedding.as_ref().unwrap().forward(x);
        let run = model
            .recurrent
            .forward(LayerInput::new(embedded).with_lengths(&lengths))
            .unwrap();
        let pooled = model.pool.forward(run.outputs, &lengths).unwrap();
        let ends = Tensor::cat(vec![run.state.forward, run.state.reverse], 1);
        close(&floats(&pooled), &floats(&ends));
    }
}

#[test]
fn padding_changes_nothing() {
    for device in cpus() {
        let device = device.autodiff();
        for pooling in POOLINGS {
            let model = of_symbols(pooling, &device);
            let right = [0, 2, 1];
            // 99 is no symbol.
            let (x, lengths) = symbols(&ROWS, 99, &device);
            let together = model.loss(x, &lengths, classes(&right, &device)).unwrap();
            let alone = ROWS.iter().zip(right).map(|(row, right)| {
                let x = Tensor::<2, Int>::from_data(
                    TensorData::new(row.to_vec(), [1, row.len()]),
                    &device,
                );
                let lengths = Lengths::new([row.len()]);
                model.loss(x, &lengths, classes(&[right], &device)).unwrap()
            });
            let alone = Tensor::cat(alone.collect(), 0);
            close(&floats(&together), &floats(&alone));

            let gradients = [together, alone].map(|loss| {
                let gradients = loss.sum().backward();
                let embedding = &model.embedding.as_ref().unwrap().weight;
                let mut all = floats(&embedding.grad(&gradients).unwrap());
                all.extend(floats(&model.output.weight.grad(&gradients).unwrap()));
                if let Some(query) = &model.pool.query {
                    all.extend(floats(&query.query.grad(&gradients).unwrap()));
                }
                all
            });
            close(&gradients[0], &gradients[1]);
        }

        // Of vectors, what stands in the padding may be NaN.
        let config = ClassifierConfig::new(2, Source::Features, both()).with_pooling(Pooling::Max);
        let model = seeded(&device, || config.init(&device)).unwrap();
        let nats = |padding: f32| {
            let mut values: Vec<f32> = (0..24).map(|at| (at as f32).cos()).collect();
            values[16..].fill(padding);
            let x = Tensor::<3>::from_data(TensorData::new(values, [2, 3, 4]), &device);
            let lengths = Lengths::new([3, 1]);
            let nats = model.loss(x, &lengths, classes(&[0, 1], &device)).unwrap();
            let gradients = nats.clone().sum().backward();
            let mut all = floats(&nats);
            all.extend(floats(&model.output.weight.grad(&gradients).unwrap()));
            all
        };
        close(&nats(f32::NAN), &nats(7.0));
    }
}

#[test]
fn the_loss_is_the_cross_entropy_and_smoothed_in_training_alone() {
    for device in cpus() {
        let config = ClassifierConfig::new(3, Source::Symbols { vocabulary_size: 6 }, both())
            .with_label_smoothing(0.3);
        let training = device.clone().autodiff();
        let model = seeded(&training, || config.init(&training)).unwrap();
        let right = [0_i32, 2, 1];
        let (x, lengths) = symbols(&ROWS, 0, &training);
        let logits = floats(&model.logits(x.clone(), &lengths).unwrap());
        let nats = |row: usize, class: usize| {
            let logits = &logits[3 * row..3 * row + 3];
            let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
            total.ln() - logits[class]
        };
        let plain: Vec<f64> = (0..3).map(|row| nats(row, right[row] as usize)).collect();
        let smoothed: Vec<f64> = (0..3)
            .map(|row| 0.7 * plain[row] + 0.1 * (0..3).map(|class| nats(row, class)).sum::<f64>())
            .collect();
        let loss = model.loss(x, &lengths, classes(&right, &training)).unwrap();
        close(&floats(&loss), &smoothed);

        let model = model.valid();
        let (x, lengths) = symbols(&ROWS, 0, &device);
        let loss = model.loss(x, &lengths, classes(&right, &device)).unwrap();
        close(&floats(&loss), &plain);
    }
}

/// Words of `a`, `b` and filler; the class is whether the first `a` comes before the first `b`:
/// each class has the same symbols, and only their order tells.
fn ordered(count: usize, from: u64) -> (Vec<Vec<i32>>, Vec<i32>) {
    let mut state = from;
    let mut below = |n: u64| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) % n
    };
    (0..count)
        .map(|index| {
            let steps = 4 + below(3) as usize;
            let mut row: Vec<i32> = (0..steps).map(|_| 2 + below(2) as i32).collect();
            let first = below(steps as u64 - 1) as usize;
            let second = first + 1 + below((steps - first - 1) as u64) as usize;
            let class = (index % 2) as i32;
            (row[first], row[second]) = if class == 0 { (0, 1) } else { (1, 0) };
            (row, class)
        })
        .unzip()
}

fn accuracy<L: Layer>(
    model: &Classifier<L>,
    rows: &[Vec<i32>],
    right: &[i32],
    device: &Device,
) -> f64 {
    let rows: Vec<&[i32]> = rows.iter().map(Vec::as_slice).collect();
    let (x, lengths) = symbols(&rows, 0, device);
    let told = model.logits(x, &lengths).unwrap().argmax(1);
    let told: Vec<i64> = told.to_data().iter().collect();
    let hits = told
        .iter()
        .zip(right)
        .filter(|(told, right)| **told == i64::from(**right));
    hits.count() as f64 / right.len() as f64
}

#[test]
fn the_order_of_symbols_is_learned() {
    for device in cpus() {
        let config = ClassifierConfig::new(
            2,
            Source::Symbols { vocabulary_size: 4 },
            BidirectionalConfig::new(GruConfig::new(4, 8)),
        );
        let training = device.clone().autodiff();
        let mut model = seeded(&training, || config.init(&training))
            .unwrap()
            .train();
        let mut optimizer = AdamConfig::new().init();
        let (rows, right) = ordered(64, 1);
        let rows: Vec<&[i32]> = rows.iter().map(Vec::as_slice).collect();
        for _ in 0..80 {
            let (x, lengths) = symbols(&rows, 0, &training);
            let loss = model
                .loss(x, &lengths, classes(&right, &training))
                .unwrap()
                .mean();
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(0.03, model, gradients);
        }
        let (rows, right) = ordered(64, 2);
        let accuracy = accuracy(&model.valid(), &rows, &right, &device);
        assert!(accuracy > 0.95, "accuracy {accuracy} of what was not seen");
    }
}

#[test]
fn a_saved_model_tells_the_same() {
    for device in cpus() {
        for pooling in POOLINGS {
            let config = ClassifierConfig::new(3, Source::Symbols { vocabulary_size: 6 }, both())
                .with_pooling(pooling);
            let model = seeded(&device, || config.init(&device)).unwrap();
            let other = config.init(&device).unwrap();
            let (x, lengths) = symbols(&ROWS, 0, &device);
            let expected = floats(&model.logits(x.clone(), &lengths).unwrap());
            assert_ne!(
                floats(&other.logits(x.clone(), &lengths).unwrap()),
                expected
            );
            let loaded = other.load_record(model.into_record());
            assert_eq!(floats(&loaded.logits(x, &lengths).unwrap()), expected);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let device = &cpus()[0];
    let source = Source::Symbols { vocabulary_size: 6 };
    let refused = |config: ClassifierConfig<BidirectionalConfig<GruConfig>>| {
        config.init(device).unwrap_err().to_string()
    };
    let config = |classes| ClassifierConfig::new(classes, source, both());
    assert_eq!(
        refused(config(1)),
        "Classifier: classes: expected at least 2, found 1"
    );
    assert!(refused(config(2).with_input_dropout(1.0)).contains("input dropout"));
    assert!(refused(config(2).with_output_dropout(f64::NAN)).contains("output dropout"));
    assert!(refused(config(2).with_label_smoothing(-0.1)).contains("label smoothing"));
    let pooling = Pooling::Attention { size: 0 };
    assert!(refused(config(2).with_pooling(pooling)).contains("size of the query"));
    let none = Source::Symbols { vocabulary_size: 0 };
    assert!(refused(ClassifierConfig::new(2, none, both())).contains("vocabulary size"));

    let model = of_symbols(Pooling::Mean, device);
    let logits =
        |inputs: Inputs, lengths: Lengths| model.logits(inputs, &lengths).unwrap_err().to_string();
    let (x, lengths) = symbols(&ROWS, 0, device);
    assert_eq!(
        logits(x.clone().into(), Lengths::new([4, 0, 3])),
        "Classifier: length of row 1: expected at least 1, found 0"
    );
    assert!(logits(x.clone().into(), Lengths::new([4, 1])).contains("lengths, one for each row"));
    assert!(logits(x.clone().into(), Lengths::new([9, 1, 3])).contains("length of row 0"));
    let vectors = Tensor::<3>::zeros([3, 5, 4], device);
    assert_eq!(
        logits(vectors.into(), lengths.clone()),
        "Classifier: inputs: expected symbols, found features"
    );
    let loss = model.loss(x, &lengths, classes(&[0, 1], device));
    assert_eq!(
        loss.unwrap_err().to_string(),
        "Classifier: number of classes: expected 3, one for each row of the batch, found 2"
    );
}

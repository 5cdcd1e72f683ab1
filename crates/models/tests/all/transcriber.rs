//! The transcriber on every compiled backend: what it learns without being told when.

use backdraft_cells::prelude::*;
use backdraft_models::{CtcDecoding, PrefixBeam, Transcriber, TranscriberConfig, WordList};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};

use crate::support::cpus;

type Both = Transcriber<Bidirectional<Gru>>;
type BothConfig = TranscriberConfig<BidirectionalConfig<GruConfig>>;

fn config(features: usize, units: usize) -> BothConfig {
    TranscriberConfig::new(2, BidirectionalConfig::new(GruConfig::new(features, units)))
}

fn model(config: &BothConfig, device: &Device) -> Both {
    device.seed(7);
    config.init(device).unwrap()
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

/// Rows of vectors side by side, with `padding` after their ends and one step more.
fn batch(
    rows: &[Vec<f32>],
    features: usize,
    padding: f32,
    device: &Device,
) -> (Tensor<3>, Lengths) {
    let lengths = Lengths::new(
        rows.iter()
            .map(|row| row.len() / features)
            .collect::<Vec<_>>(),
    );
    let time = lengths.max() + 1;
    let padded = rows.iter().flat_map(|row| {
        let mut row = row.clone();
        row.resize(time * features, padding);
        row
    });
    let data = TensorData::new(padded.collect::<Vec<_>>(), [rows.len(), time, features]);
    (Tensor::from_data(data, device), lengths)
}

fn some_rows() -> Vec<Vec<f32>> {
    let row =
        |steps: usize, from: usize| (from..from + 2 * steps).map(|at| (at as f32 * 0.7).sin());
    vec![
        row(7, 0).collect(),
        row(4, 5).collect(),
        row(5, 9).collect(),
    ]
}

fn some_targets() -> Vec<Vec<u32>> {
    vec![vec![1, 2], vec![2], vec![1, 1]]
}

#[test]
fn padding_changes_nothing() {
    for device in cpus() {
        let device = device.autodiff();
        for stacking in [1, 2] {
            let config = config(2, 3).with_stacking(stacking);
            let model = model(&config, &device);
            let rows = some_rows();
            let (x, lengths) = batch(&rows, 2, f32::NAN, &device);
            let together = model.loss(x, &lengths, &some_targets()).unwrap();
            let alone = rows.iter().zip(some_targets()).map(|(row, target)| {
                let steps = row.len() / 2;
                let data = TensorData::new(row.clone(), [1, steps, 2]);
                let x = Tensor::<3>::from_data(data, &device);
                model.loss(x, &Lengths::new([steps]), &[target]).unwrap()
            });
            let alone = Tensor::cat(alone.collect(), 0);
            close(&floats(&together), &floats(&alone));
            let gradients = [together, alone].map(|loss| {
                let gradients = loss.sum().backward();
                let cell = &model.recurrent.directions().forward.cell;
                let mut all = floats(&model.output.weight.grad(&gradients).unwrap());
                all.extend(floats(&cell.gates.input_weight.grad(&gradients).unwrap()));
                all
            });
            close(&gradients[0], &gradients[1]);
        }
    }
}

#[test]
fn stacked_frames_stand_side_by_side() {
    let device = &cpus()[0];
    let config = config(2, 3).with_stacking(3);
    let model = model(&config, device);
    assert_eq!((model.features(), model.labels()), (2, 2));
    assert_eq!([0, 1, 3, 4].map(|frames| model.steps(frames)), [0, 1, 1, 2]);

    let (x, lengths) = batch(&some_rows(), 2, 9.0, device);
    let (log_p, steps) = model.log_probabilities(x, &lengths).unwrap();
    assert_eq!(log_p.dims(), [3, 3, 3]);
    assert_eq!(steps.as_slice(), [3, 2, 2]);

    // The last row has 5 frames: its second step is two of them, and zeros.
    let mut side_by_side = some_rows()[2].clone();
    side_by_side.extend([0.0; 2]);
    let x = Tensor::<3>::from_data(TensorData::new(side_by_side, [1, 2, 6]), device);
    let outputs = model.recurrent.forward(x).unwrap().outputs;
    let scores = model.output.forward(outputs);
    let expected = burn::tensor::activation::log_softmax(scores, 2);
    let found = log_p.narrow(0, 2, 1).narrow(1, 0, 2);
    close(&floats(&found), &floats(&expected));
}

/// Frames of what is said: each label 1 to 3 frames of its own feature, with 1 or 2 silent ones
/// between two that are the same, and silence at both ends. Nobody is told which is where.
fn said(count: usize, from: u64) -> (Vec<Vec<f32>>, Vec<Vec<u32>>) {
    let mut state = from;
    let mut below = |n: u64| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) % n
    };
    (0..count)
        .map(|_| {
            let labels: Vec<u32> = (0..1 + below(3)).map(|_| 1 + below(2) as u32).collect();
            let mut frames = vec![[0.0, 0.0]; 1 + below(2) as usize];
            let mut last = 0;
            for &label in &labels {
                let silent = if label == last { 1 + below(2) } else { 0 };
                frames.extend((0..silent).map(|_| [0.0, 0.0]));
                let one = if label == 1 { [1.0, 0.0] } else { [0.0, 1.0] };
                frames.extend((0..1 + below(3)).map(|_| one));
                last = label;
            }
            frames.push([0.0, 0.0]);
            (frames.concat(), labels)
        })
        .unzip()
}

#[test]
fn labels_are_found_without_being_told_where() {
    for device in cpus() {
        let training = device.clone().autodiff();
        let mut model = model(&config(2, 8), &training).train();
        let mut optimizer = AdamConfig::new().init();
        let (rows, labels) = said(48, 1);
        for _ in 0..100 {
            let (x, lengths) = batch(&rows, 2, 0.0, &training);
            let loss = model.loss(x, &lengths, &labels).unwrap().mean();
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(0.03, model, gradients);
        }
        let model = model.valid();
        let (rows, labels) = said(48, 2);
        for decoding in [CtcDecoding::Greedy, CtcDecoding::Beam { width: 4 }] {
            let (x, lengths) = batch(&rows, 2, f32::NAN, &device);
            let told = model.transcribe(x, &lengths, decoding).unwrap();
            let right = told
                .iter()
                .zip(&labels)
                .filter(|(told, right)| told == right);
            let right = right.count();
            assert!(
                right >= 44,
                "{right} of 48 rows that were not seen, {decoding:?}"
            );
        }
    }
}

#[test]
fn the_best_labelings_of_each_row_are_those_of_its_probabilities() {
    let device = &cpus()[0];
    let model = model(&config(2, 3).with_stacking(2), device);
    let (x, lengths) = batch(&some_rows(), 2, f32::NAN, device);
    let (log_p, steps) = model.log_probabilities(x.clone(), &lengths).unwrap();
    let log_p = floats(&log_p);
    let words = WordList::new(&[vec![1, 2], vec![2]], None).unwrap();
    let search = PrefixBeam::new(6).with_best(2);
    let of_words = search.clone().with_model(&words, 1.0);
    let best = model.transcribe_best(x.clone(), &lengths, &search).unwrap();
    let only_words = model
        .transcribe_best(x.clone(), &lengths, &of_words)
        .unwrap();
    let likeliest = model
        .transcribe(x.clone(), &lengths, CtcDecoding::Beam { width: 6 })
        .unwrap();
    let time = log_p.len() / 9;
    for (row, steps) in steps.as_slice().iter().enumerate() {
        let log_p = &log_p[3 * time * row..3 * (time * row + steps)];
        assert_eq!(best[row], search.search(log_p, 3).unwrap());
        assert_eq!(only_words[row], of_words.search(log_p, 3).unwrap());
        assert_eq!((best[row].len(), only_words[row].len()), (2, 2));
        assert_eq!(best[row][0].labels, likeliest[row]);
    }
    let error = model.transcribe_best(x, &lengths, &PrefixBeam::new(2).with_best(3));
    assert_eq!(
        error.unwrap_err().to_string(),
        "Transcriber: PrefixBeam: number of labelings wanted: expected at most 2, the width of the beam, \
         found 3"
    );
}

#[test]
fn labels_that_do_not_fit_leave_the_other_rows_alone() {
    for device in cpus() {
        let device = device.autodiff();
        let model = model(&config(2, 3).with_stacking(2), &device);
        let (x, lengths) = batch(&some_rows(), 2, 0.0, &device);
        // The second row has two steps.
        let targets = [vec![1, 2], vec![1, 1], vec![2]];
        let loss = model.loss(x.clone(), &lengths, &targets).unwrap();
        let rows = Tensor::cat(vec![x.clone().narrow(0, 0, 1), x.narrow(0, 2, 1)], 0);
        let others = [vec![1, 2], vec![2]];
        let lengths = lengths.as_slice();
        let lengths = Lengths::new([lengths[0], lengths[2]]);
        let expected = model.loss(rows, &lengths, &others).unwrap();
        let found = floats(&loss);
        assert_eq!(found[1], f64::INFINITY);
        close(&[found[0], found[2]], &floats(&expected));
        let gradients = [loss, expected].map(|loss| {
            let gradients = loss.sum().backward();
            floats(&model.output.weight.grad(&gradients).unwrap())
        });
        close(&gradients[0], &gradients[1]);
    }
}

#[test]
fn a_saved_model_writes_the_same() {
    for device in cpus() {
        let config = config(2, 3).with_stacking(2);
        let first = model(&config, &device);
        let other = config.init(&device).unwrap();
        let (x, lengths) = batch(&some_rows(), 2, 0.0, &device);
        let of = |model: &Both| floats(&model.log_probabilities(x.clone(), &lengths).unwrap().0);
        let expected = of(&first);
        assert_ne!(of(&other), expected);
        assert_eq!(of(&other.load_record(first.into_record())), expected);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let device = &cpus()[0];
    let refused = |config: BothConfig| config.init(device).unwrap_err().to_string();
    let none = TranscriberConfig::new(0, BidirectionalConfig::new(GruConfig::new(2, 3)));
    assert_eq!(
        refused(none),
        "Transcriber: labels: expected at least 1, found 0"
    );
    assert!(refused(config(2, 3).with_stacking(0)).contains("frames of a step"));
    assert!(refused(config(0, 3)).contains("features of a frame"));
    assert!(refused(config(2, 3).with_input_dropout(1.5)).contains("input dropout"));
    assert!(refused(config(2, 3).with_output_dropout(-1.0)).contains("output dropout"));

    let model = model(&config(2, 3).with_stacking(2), device);
    let (x, lengths) = batch(&some_rows(), 2, 0.0, device);
    let loss = |lengths: &Lengths, targets: &[Vec<u32>]| {
        model
            .loss(x.clone(), lengths, targets)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        loss(&lengths, &[vec![1], vec![1, 3], vec![]]),
        "Transcriber: CTC: label of row 1: expected at least 1 and below 3, found 3"
    );
    assert_eq!(
        loss(&Lengths::new([7, 0, 5]), &some_targets()),
        "Transcriber: length of row 1: expected at least 1, found 0"
    );
    let wide = Tensor::<3>::zeros([3, 8, 3], device);
    let error = model
        .log_probabilities(wide, &lengths)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("expected [at least 1, at least 1, 2], found [3, 8, 3]"),
        "{error}"
    );
}

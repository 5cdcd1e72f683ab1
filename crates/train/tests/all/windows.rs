//! What a step learns from, however its window is cut: against the same written out.

use backdraft_cells::{Deep, DeepConfig, Lstm, LstmConfig, Recurrent, RecurrentConfig, State};
use backdraft_data::{Cut, Streams};
use backdraft_models::{LanguageModel, LanguageModelConfig, Penalties};
use backdraft_train::{Carrying, Objective, StreamLoader, SymbolBatch, Trainee, Window};
use burn::data::dataloader::DataLoader;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use burn::train::{TrainOutput, TrainStep};

use crate::support::alone;

type Model = LanguageModel<Deep<Recurrent<Lstm>>>;
type Carried = Option<<Model as Objective>::State>;

const BATCH: usize = 3;
const STEPS: usize = 20;

fn device() -> Device {
    Device::flex().autodiff()
}

fn streams() -> Streams {
    let symbols: Vec<u32> = (0..(BATCH * STEPS) as u32 + 1)
        .map(|index| (index * index + index / 3) % 5)
        .collect();
    Streams::new(&symbols, BATCH, 4).unwrap()
}

fn model(penalties: Penalties) -> Model {
    let stack = DeepConfig::new(RecurrentConfig::new(LstmConfig::new(4, 6)), 2);
    let config = LanguageModelConfig::new(5, stack);
    device().seed(1);
    let model = config.with_penalties(penalties).init(&Device::flex());
    model.unwrap().fork(&device()).train()
}

fn windows(loader: StreamLoader) -> Vec<Window<Model>> {
    let loader: &dyn DataLoader<Window<Model>> = &loader;
    let loader = loader.to_device(&device());
    loader.iter().map(Result::unwrap).collect()
}

fn loader(cut: Cut) -> StreamLoader {
    StreamLoader::new(streams(), cut, Device::flex())
}

/// The gradients and the losses of each window, one after the other, with the same weights.
fn learned(model: &Model, loader: StreamLoader) -> Vec<(Vec<f32>, Vec<f32>)> {
    let trainee = Trainee {
        model: model.clone(),
    };
    let mut carried: Carried = None;
    let mut learned = Vec::new();
    for mut window in windows(loader) {
        window.state = carried.take();
        let TrainOutput { grads, item } = trainee.step(window);
        carried = item.state;
        learned.push((
            values(model, &grads),
            item.losses.into_data().iter().collect(),
        ));
    }
    learned
}

fn values(model: &Model, gradients: &GradientsParams) -> Vec<f32> {
    struct Values<'a>(&'a GradientsParams, Vec<f32>);
    impl ModuleVisitor for Values<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = self.0.get::<D>(param.id).expect("every weight learns");
            self.1.extend(gradient.into_data().iter::<f32>());
        }
    }
    let mut values = Values(gradients, Vec::new());
    model.visit(&mut values);
    values.1
}

/// The losses of some steps of all rows, and the state after them.
fn run(model: &Model, from: usize, to: usize, state: Carried) -> (Tensor<1>, Carried) {
    let window = streams().between(from..to);
    let batch = SymbolBatch {
        inputs: window.inputs.to_tensor(&device()),
        targets: window.targets.to_tensor(&device()),
    };
    let loss = Objective::loss(model, batch, state).unwrap();
    (loss.losses, Some(loss.state))
}

fn gradient(model: &Model, loss: Tensor<1>) -> Vec<f32> {
    values(model, &GradientsParams::from_grads(loss.backward(), model))
}

fn near(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-6,
            "{found} against {expected}"
        );
    }
}

#[test]
fn the_gradient_goes_back_beyond_the_steps_that_are_learned_from() {
    let _alone = alone();
    let model = model(Penalties::default());
    let cut = Cut::new(7).unwrap().with_stride(3).unwrap();
    let learned = learned(&model, loader(cut));
    assert_eq!(learned.len(), 7);
    for (index, (found, nats)) in learned.iter().enumerate() {
        let (from, to) = (3 * index, (3 * index + 3).min(STEPS));
        let start = from.saturating_sub(4);
        let before = match start {
            0 => None,
            _ => run(&model, 0, start, None).1.map(State::detach),
        };
        let state = match from - start {
            0 => before,
            _ => run(&model, start, from, before).1,
        };
        let (expected, _) = run(&model, from, to, state);
        let expected_nats: Vec<f32> = expected.to_data().iter().collect();
        near(nats, &expected_nats);
        near(found, &gradient(&model, expected.mean()));
    }
}

#[test]
fn gradients_of_accumulated_windows_are_those_of_their_mean() {
    let _alone = alone();
    let model = model(Penalties::default());
    let cut = Cut::new(6).unwrap();
    let learned = learned(&model, loader(cut).with_accumulation(3));
    assert_eq!(learned.len(), 2);
    let mut state: Carried = None;
    for (found, spans) in learned
        .iter()
        .zip([vec![(0, 6), (6, 12), (12, 18)], vec![(18, 20)]])
    {
        let positions: usize = spans.iter().map(|(from, to)| BATCH * (to - from)).sum();
        let mut expected = vec![0.0; found.0.len()];
        let mut losses = Vec::new();
        for (from, to) in spans {
            let (nats, after) = run(&model, from, to, state);
            losses.extend(nats.to_data().iter::<f32>());
            let part = gradient(&model, nats.sum() / positions as f64);
            expected
                .iter_mut()
                .zip(part)
                .for_each(|(sum, part)| *sum += part);
            state = after.map(State::detach);
        }
        near(&found.1, &losses);
        near(&found.0, &expected);
    }
}

#[test]
fn documents_begin_without_a_past_in_their_own_rows() {
    let _alone = alone();
    let model = model(Penalties::default());
    // Row 0 at its step 7, row 1 at its step 2 (symbol 22), row 2 at its first.
    let streams = streams().with_documents(vec![7, 22, 40]);
    let carrying = Carrying::Documents;
    let loader = StreamLoader::new(streams, Cut::new(10).unwrap(), Device::flex());
    let learned = learned(&model, loader.with_carrying(carrying));
    for (row, begin) in [(0, 7), (1, 2), (2, 0)] {
        // The first window is cut where documents begin, at 2 and 7; the second is not.
        let mut found = losses_of_row(&learned[0].1, row, &[2, 5, 3]);
        found.extend(losses_of_row(&learned[1].1, row, &[10]));
        assert_eq!(found.len(), STEPS);
        let of_row = |nats: Tensor<1>, steps: usize| {
            let all: Vec<f32> = nats.to_data().iter().collect();
            all[row * steps..(row + 1) * steps].to_vec()
        };
        let mut expected = match begin {
            0 => Vec::new(),
            _ => of_row(run(&model, 0, begin, None).0, begin),
        };
        expected.extend(of_row(run(&model, begin, STEPS, None).0, STEPS - begin));
        near(&found, &expected);
    }
}

/// Losses come piece by piece, and in each row by row.
fn losses_of_row(nats: &[f32], row: usize, pieces: &[usize]) -> Vec<f32> {
    let (mut at, mut found) = (0, Vec::new());
    for steps in pieces {
        found.extend(&nats[at + row * steps..at + (row + 1) * steps]);
        at += BATCH * steps;
    }
    found
}

#[test]
fn windows_without_a_past_are_alike_whatever_is_before_them() {
    let _alone = alone();
    let model = model(Penalties::default());
    let loader = loader(Cut::new(5).unwrap()).with_carrying(Carrying::Never);
    let learned = learned(&model, loader);
    for (index, (found, _)) in learned.iter().enumerate() {
        let (expected, _) = run(&model, 5 * index, 5 * index + 5, None);
        near(found, &gradient(&model, expected.mean()));
    }
}

#[test]
fn what_is_computed_again_has_the_same_gradient() {
    let _alone = alone();
    let penalties = Penalties {
        label_smoothing: 0.1,
        activation: 0.5,
        temporal_activation: 0.0,
    };
    let model = model(penalties);
    let cut = Cut::new(9).unwrap().with_stride(8).unwrap();
    let at_once = learned(&model, loader(cut));
    let again = learned(&model, loader(cut).with_recomputation(true));
    assert_eq!(at_once.len(), again.len());
    for ((found, found_nats), (expected, expected_nats)) in again.iter().zip(&at_once) {
        // Piece by piece, and not row by row.
        near(&sorted(found_nats), &sorted(expected_nats));
        near(found, expected);
    }
}

fn sorted(numbers: &[f32]) -> Vec<f32> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted
}

#[test]
fn penalties_have_their_formulas() {
    let _alone = alone();
    let penalties = Penalties {
        label_smoothing: 0.2,
        activation: 0.5,
        temporal_activation: 0.25,
    };
    let model = model(penalties);
    let window = streams().between(0..STEPS);
    let (inputs, targets) = (&window.inputs, &window.targets);
    let loss = model
        .loss(
            inputs.to_tensor(&device()),
            targets.to_tensor(&device()),
            None,
        )
        .unwrap();
    let scores = model.forward(inputs.to_tensor(&device()), None).unwrap();
    let scores: Vec<f32> = scores.outputs.into_data().iter().collect();
    let smooth: f64 = scores
        .chunks(5)
        .map(|scores| {
            let total: f64 = scores.iter().map(|score| f64::from(*score).exp()).sum();
            let log_p = |score: &f32| f64::from(*score) - total.ln();
            -scores.iter().map(log_p).sum::<f64>() / 5.0
        })
        .sum::<f64>()
        / (BATCH * STEPS) as f64;
    let nats = loss.nats.mean().into_scalar::<f64>();
    let embedded = model.embedding.forward(inputs.to_tensor(&device()));
    let run = backdraft_cells::Layer::forward(&model.recurrent, embedded).unwrap();
    let outputs: Vec<f64> = run.outputs.into_data().iter().collect();
    let square = |sum: f64, value: f64| sum + value * value;
    let ar = outputs.iter().copied().fold(0.0, square) / outputs.len() as f64;
    let changes: Vec<f64> = outputs
        .chunks(6 * STEPS)
        .flat_map(|row| row.windows(7).map(|pair| pair[6] - pair[0]))
        .collect();
    let tar = changes.iter().copied().fold(0.0, square) / changes.len() as f64;
    let expected = 0.2 * (smooth - nats) + 0.5 * ar + 0.25 * tar;
    let found = loss.penalty.unwrap().into_scalar::<f64>();
    assert!(
        (found - expected).abs() < 1e-6,
        "{found} against {expected}"
    );

    let evaluated = model.valid();
    let (inputs, targets) = (
        inputs.to_tensor(&Device::flex()),
        targets.to_tensor(&Device::flex()),
    );
    assert!(
        evaluated
            .loss(inputs, targets, None)
            .unwrap()
            .penalty
            .is_none()
    );
}

//! What the strategy does with the state of each window: carries its value into the next, cuts its
//! gradient, and begins anew with each epoch.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use backdraft_cells::{Elman, ElmanConfig, Recurrent, RecurrentConfig};
use backdraft_data::{Cut, Streams};
use backdraft_models::{LanguageModel, LanguageModelConfig};
use backdraft_train::checkpoint::Checkpoints;
use backdraft_train::{
    Averaging, Clipping, Falling, Guard, Objective, Observer, PlainProgress, Saving, Step,
    StreamLoader, SymbolBatch, Trainee, TruncatedBptt, Validation,
};
use burn::module::Module;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Tensor};
use burn::train::{Learner, SupervisedTraining, TrainingStrategy};

use crate::support::alone;

type Model = LanguageModel<Recurrent<Elman>>;

const RATE: f64 = 0.5;
const LIMIT: f64 = 0.1;

#[derive(Default)]
struct Record {
    windows: Vec<Vec<f32>>,
    validations: Vec<f64>,
    weights: Vec<f32>,
}

impl Observer<Model> for Record {
    fn stepped(&mut self, step: Step<'_>, model: &Model) -> ControlFlow<String> {
        self.windows.push(step.losses.to_data().iter().collect());
        self.weights = weights(model);
        ControlFlow::Continue(())
    }

    fn validated(&mut self, validation: Validation, _model: &Model) {
        self.validations.push(validation.loss);
    }
}

fn weights(model: &Model) -> Vec<f32> {
    model.embedding.weight.val().to_data().iter().collect()
}

fn streams() -> Streams {
    let symbols: Vec<u32> = (0..46u32)
        .map(|index| (index * index + index / 3) % 5)
        .collect();
    Streams::new(&symbols, 3, 4).unwrap()
}

fn model(device: &Device) -> Model {
    device.seed(1);
    LanguageModelConfig::new(5, RecurrentConfig::new(ElmanConfig::new(4, 6)))
        .init(device)
        .unwrap()
}

/// The same training, written out: two epochs of one stochastic gradient step a window.
fn by_hand(device: &Device) -> Record {
    let mut record = Record::default();
    let mut model = model(device).train();
    let mut optimizer = SgdConfig::new().init();
    let clipper = Clipping::by_norm(LIMIT).init().unwrap();
    for _ in 0..2 {
        let mut state: Option<Tensor<2>> = None;
        for window in streams().windows() {
            let device = device.clone().autodiff();
            let batch = SymbolBatch {
                inputs: window.inputs.to_tensor(&device),
                targets: window.targets.to_tensor(&device),
            };
            let loss = Objective::loss(&model, batch, state.take()).unwrap();
            record.windows.push(loss.losses.to_data().iter().collect());
            let mut gradients = GradientsParams::from_grads(loss.losses.mean().backward(), &model);
            clipper.apply(&model, &mut gradients);
            model = optimizer.step(RATE, model, gradients);
            state = Some(loss.state.detach());
        }
    }
    record.weights = weights(&model);
    record
}

#[test]
fn each_window_continues_the_one_before_it() {
    let _alone = alone();
    let device = Device::flex();
    let expected = by_hand(&device);
    assert_eq!(streams().len(), 4);
    assert_eq!(expected.windows.len(), 8);

    let record = Arc::new(Mutex::new(Record::default()));
    let strategy = TruncatedBptt::new(device.clone())
        .with_observer(record.clone())
        .with_clipping(Clipping::by_norm(LIMIT));
    let folder = tempfile::tempdir().unwrap();
    let loader = || {
        Arc::new(StreamLoader::new(
            streams(),
            Cut::new(4).unwrap(),
            device.clone(),
        ))
    };
    let learner = Learner::new(
        Trainee {
            model: model(&device).train(),
        },
        SgdConfig::new().init(),
        RATE,
    );
    let result = SupervisedTraining::<Trainee<Model>>::new(folder.path(), loader(), loader())
        .with_application_logger(None)
        .renderer(Box::new(PlainProgress::new(None)))
        .with_training_strategy(TrainingStrategy::Custom(Arc::new(strategy)))
        .num_epochs(2)
        .launch(learner);
    assert!(result.error.is_none());

    let record = record.lock().unwrap();
    assert_eq!(record.windows, expected.windows);
    assert_eq!(record.weights, expected.weights);
    assert_eq!(record.validations.len(), 2);
    assert!(record.validations[1] < record.validations[0]);
}

/// Why a training that is launched takes no step.
fn refusal(strategy: TruncatedBptt<Model>) -> String {
    let device = Device::flex();
    let folder = tempfile::tempdir().unwrap();
    let loader = || {
        Arc::new(StreamLoader::new(
            streams(),
            Cut::new(4).unwrap(),
            device.clone(),
        ))
    };
    let record = Arc::new(Mutex::new(Record::default()));
    let strategy = strategy.with_observer(record.clone());
    let model = model(&device).train();
    let learner = Learner::new(Trainee { model }, SgdConfig::new().init(), RATE);
    let result = SupervisedTraining::<Trainee<Model>>::new(folder.path(), loader(), loader())
        .with_application_logger(None)
        .renderer(Box::new(PlainProgress::new(None)))
        .with_training_strategy(TrainingStrategy::Custom(Arc::new(strategy)))
        .launch(learner);
    assert!(record.lock().unwrap().windows.is_empty());
    result.interrupted.unwrap().reason.unwrap()
}

#[test]
fn checkpoints_without_their_checkpointers_are_refused() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path().join("saved"), Saving::default());
    let reason = refusal(TruncatedBptt::new(Device::flex()).with_checkpoints(checkpoints));
    assert!(
        reason.contains("are to be the training's checkpointers"),
        "{reason}"
    );
}

/// Before a step is taken, and by the strategy itself.
#[test]
fn what_would_spoil_a_training_is_refused() {
    let _alone = alone();
    let refused = |change: fn(TruncatedBptt<Model>) -> TruncatedBptt<Model>, expected: &str| {
        let strategy = || change(TruncatedBptt::new(Device::flex()));
        let error = strategy().check().unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
        assert_eq!(refusal(strategy()), error);
    };
    refused(
        |strategy| strategy.with_clipping(Clipping::by_norm(-1.0)),
        "--clip-norm: expected a finite number above 0, found -1",
    );
    refused(|strategy| strategy.with_noise(-1.0), "--gradient-noise");
    refused(
        |strategy| {
            strategy.with_guard(Guard {
                patience: 0,
                ..Guard::default()
            })
        },
        "--patience",
    );
    refused(
        |strategy| {
            strategy.with_guard(Guard {
                backoff: f64::NAN,
                ..Guard::default()
            })
        },
        "--backoff",
    );
    refused(
        |strategy| {
            strategy.with_averaging(Averaging {
                decay: 1.0,
                ..Averaging::default()
            })
        },
        "--average-decay",
    );
    refused(
        |strategy| {
            strategy.with_plateau(Some(Falling {
                factor: -0.5,
                ..Falling::default()
            }))
        },
        "--fall-factor",
    );
    refused(|strategy| strategy.with_steps(Some(0)), "--steps");
    refused(
        |strategy| strategy.with_evaluations(Some(0)),
        "--evaluate-steps",
    );
    refused(|strategy| strategy.with_stop_after(Some(0)), "--stop-after");
}

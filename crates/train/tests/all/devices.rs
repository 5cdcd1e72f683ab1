//! Several devices, each with some of the rows: the weights of one that has all of them. The devices are one CPU,
//! named several times; each has a thread of its own.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};

use backdraft_cells::{Deep, DeepConfig, Error, Lstm, LstmConfig, Recurrent, RecurrentConfig};
use backdraft_data::{Cut, Streams};
use backdraft_models::{LanguageModel, LanguageModelConfig, Penalties};
use backdraft_train::{
    AverageKind, Averaging, Carrying, Clipping, Guard, Loss, Objective, Observer, PlainProgress,
    Step, StreamLoader, SymbolBatch, Trainee, TruncatedBptt, Validation,
};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::SgdConfig;
use burn::tensor::{Device, Tensor};
use burn::train::{Learner, LearningResult, SupervisedTraining, TrainingStrategy};

use crate::support::folder::{Folder, last_saved, weights as saved_weights};
use crate::support::{alone, backdraft, killed_at, nonsense, succeeded, train_arguments};

type Model = LanguageModel<Deep<Recurrent<Lstm>>>;

/// Streams; neither two nor three devices have equally many of them.
const ROWS: usize = 5;
/// Symbols of each.
const LENGTH: usize = 67;
const STEPS: usize = 20;

fn streams() -> Streams {
    let symbols = (0..(ROWS * LENGTH) as u32 + 1).map(|at| (at * at + at / 3) % 7);
    let symbols: Vec<u32> = symbols.collect();
    Streams::new(&symbols, ROWS, 6).unwrap()
}

fn loader() -> StreamLoader {
    StreamLoader::new(streams(), Cut::new(6).unwrap(), Device::flex())
}

fn model(dropout: f64) -> Model {
    Device::flex().seed(1);
    let layer = RecurrentConfig::new(LstmConfig::new(8, 12));
    let stack = DeepConfig::new(layer, 2).with_dropout(dropout);
    let config = LanguageModelConfig::new(7, stack);
    config.init(&Device::flex()).unwrap()
}

/// All weights, one after the other.
fn weights<M: Module>(model: &M) -> Vec<f32> {
    struct Values(Vec<f32>);
    impl ModuleVisitor for Values {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.extend(param.val().into_data().iter::<f32>());
        }
    }
    let mut values = Values(Vec::new());
    model.visit(&mut values);
    values.0
}

/// `|a - b| / |b|`, of all numbers together.
fn apart(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let square = |number: f32| f64::from(number).powi(2);
    let pairs = found.iter().zip(expected);
    let apart: f64 = pairs
        .map(|(found, expected)| square(found - expected))
        .sum();
    let all: f64 = expected.iter().map(|number| square(*number)).sum();
    (apart / all).sqrt()
}

#[derive(Default)]
struct Record {
    /// The mean loss of each step.
    losses: Vec<f32>,
    positions: Vec<usize>,
    taken: Vec<bool>,
    weights: Vec<f32>,
}

impl<M: Objective> Observer<M> for Record {
    fn stepped(&mut self, step: Step<'_>, model: &M) -> ControlFlow<String> {
        self.losses.push(step.losses.clone().mean().into_scalar());
        self.positions.push(step.positions);
        self.taken.push(step.left_out.is_none());
        self.weights = weights(model);
        ControlFlow::Continue(())
    }

    fn validated(&mut self, _: Validation, _: &M) {}
}

/// What there is to a training beside its model.
struct Case {
    loader: StreamLoader,
    change: fn(TruncatedBptt<Model>) -> TruncatedBptt<Model>,
}

fn strategy<M: Objective>(devices: usize) -> TruncatedBptt<M> {
    let device = Device::flex();
    TruncatedBptt::new(device.clone())
        .with_devices(vec![device; devices])
        .with_steps(Some(STEPS))
        .with_seed(3)
}

fn launch<M: Objective<Batch = SymbolBatch>>(
    strategy: TruncatedBptt<M>,
    loader: StreamLoader,
    learner: Learner<Trainee<M>>,
) -> (Record, LearningResult<Trainee<M>>) {
    let record = Arc::new(Mutex::new(Record::default()));
    let strategy = strategy.with_observer(record.clone());
    let folder = tempfile::tempdir().unwrap();
    let held_out = Arc::new(StreamLoader::new(
        streams(),
        Cut::new(60).unwrap(),
        Device::flex(),
    ));
    let result = SupervisedTraining::new(folder.path(), Arc::new(loader), held_out)
        .with_application_logger(None)
        .renderer(Box::new(PlainProgress::new(None)))
        .with_training_strategy(TrainingStrategy::Custom(Arc::new(strategy)))
        .num_epochs(10)
        .launch(learner);
    (std::mem::take(&mut *record.lock().unwrap()), result)
}

fn train_with(case: &Case, model: Model, devices: usize) -> Record {
    let strategy = (case.change)(strategy(devices));
    let trainee = Trainee {
        model: model.train(),
    };
    let learner = Learner::new(trainee, SgdConfig::new().init(), 0.5);
    let (record, result) = launch(strategy, case.loader.clone(), learner);
    assert!(result.error.is_none(), "{:?}", result.error);
    assert_eq!(record.losses.len(), STEPS);
    record
}

/// With two, three and seven devices, of which two have no row.
#[track_caller]
fn is_that_of_one_device(case: &Case, model: impl Fn() -> Model) -> Record {
    let one = train_with(case, model(), 1);
    let moved = apart(&one.weights, &weights(&model()));
    assert!(moved > 1e-2, "it learned next to nothing: {moved}");
    for devices in [2, 3, 7] {
        let several = train_with(case, model(), devices);
        assert_eq!(several.positions, one.positions);
        let losses = apart(&several.losses, &one.losses);
        assert!(losses < 1e-6, "{devices} devices: losses {losses} apart");
        let weights = apart(&several.weights, &one.weights);
        println!("{devices} devices: weights {weights:.1e} apart, which moved by {moved:.1e}");
        assert!(weights < 1e-6, "{devices} devices: weights {weights} apart");
    }
    one
}

/// Two epochs: each row goes on from its own state, but for the first window of the second.
#[test]
fn rows_go_on_from_their_own_states() {
    let _alone = alone();
    let carried = Case {
        loader: loader(),
        change: |strategy| strategy,
    };
    let carried = is_that_of_one_device(&carried, || model(0.0));
    let never = Case {
        loader: loader().with_carrying(Carrying::Never),
        change: |strategy| strategy,
    };
    let never = is_that_of_one_device(&never, || model(0.0));
    // A state that got lost would be seen.
    let apart = apart(&never.weights, &carried.weights);
    assert!(apart > 1e-4, "{apart}");
}

#[test]
fn windows_of_drawn_lengths_are_shared_out() {
    let _alone = alone();
    let cut = Cut::new(6).unwrap().with_drawn_lengths(5);
    let case = Case {
        loader: StreamLoader::new(streams(), cut, Device::flex()),
        change: |strategy| strategy,
    };
    let record = is_that_of_one_device(&case, || model(0.0));
    let mut lengths = record.positions.clone();
    lengths.sort_unstable();
    lengths.dedup();
    assert!(lengths.len() > 2, "{lengths:?}");
}

#[test]
fn documents_begin_in_the_rows_where_they_begin() {
    let _alone = alone();
    let documents = vec![4, 15, 70, 90, 131, 140, 260, 301];
    let streams = streams().with_documents(documents);
    let of = |carrying| Case {
        loader: StreamLoader::new(streams.clone(), Cut::new(6).unwrap(), Device::flex())
            .with_carrying(carrying),
        change: |strategy| strategy,
    };
    let with = is_that_of_one_device(&of(Carrying::Documents), || model(0.0));
    let without = train_with(&of(Carrying::Always), model(0.0), 1);
    let apart = apart(&with.weights, &without.weights);
    assert!(apart > 1e-4, "{apart}");
}

#[test]
fn gradients_are_accumulated_on_each_device() {
    let _alone = alone();
    let case = Case {
        loader: loader().with_accumulation(3),
        change: |strategy| strategy,
    };
    is_that_of_one_device(&case, || model(0.0));
}

/// Windows that overlap, too: pieces that are there for the state alone.
#[test]
fn pieces_are_computed_again_on_each_device() {
    let _alone = alone();
    let cut = Cut::new(6).unwrap().with_stride(4).unwrap();
    let case = Case {
        loader: StreamLoader::new(streams(), cut, Device::flex()).with_recomputation(true),
        change: |strategy| strategy,
    };
    is_that_of_one_device(&case, || model(0.0));
}

/// What becomes of the gradient is done once: to the sum. A penalty is that of all positions.
#[test]
fn the_sum_of_the_gradients_is_clipped_guarded_and_averaged() {
    let _alone = alone();
    let case = Case {
        loader: loader(),
        change: |strategy| {
            strategy
                .with_clipping(Clipping::by_norm(0.2))
                .with_guard(Guard::default())
                .with_noise(1e-4)
                .with_averaging(Averaging {
                    kind: AverageKind::Ema,
                    ..Averaging::default()
                })
        },
    };
    let penalized = || {
        Device::flex().seed(1);
        let stack = DeepConfig::new(RecurrentConfig::new(LstmConfig::new(8, 12)), 2);
        let penalties = Penalties {
            activation: 0.5,
            temporal_activation: 0.5,
            ..Penalties::default()
        };
        let config = LanguageModelConfig::new(7, stack).with_penalties(penalties);
        config.init(&Device::flex()).unwrap()
    };
    let one = train_with(&case, penalized(), 1);
    let two = train_with(&case, penalized(), 2);
    let again = train_with(&case, penalized(), 2);
    // Noise is drawn after nothing else here, from the same seed; it is that of one device.
    let weights = apart(&two.weights, &one.weights);
    assert!(weights < 1e-6, "{weights}");
    assert_eq!(two.weights, again.weights);
}

/// Each device draws its own masks: those of another number of devices are others, but the same again with the same
/// number, whichever device is the first to draw.
#[test]
fn masks_are_drawn_by_each_device_and_the_same_again() {
    let _alone = alone();
    for recompute in [false, true] {
        let case = Case {
            loader: loader().with_recomputation(recompute),
            change: |strategy| strategy,
        };
        let one = train_with(&case, model(0.5), 1);
        let two = train_with(&case, model(0.5), 2);
        assert!(apart(&two.weights, &one.weights) > 1e-3);
        for _ in 0..3 {
            let again = train_with(&case, model(0.5), 2);
            assert_eq!(again.losses, two.losses);
            assert_eq!(again.weights, two.weights);
        }
    }
}

/// `loss = w (x + h)` of one weight, `h_t = h_{t-1} + sum x`: worked out by hand. A seven has no loss, a nine is not
/// computed at all.
#[derive(Module, Debug)]
struct Slope {
    weight: Param<Tensor<1>>,
}

impl Objective for Slope {
    type Batch = SymbolBatch;
    type State = Tensor<2>;

    fn loss(&self, batch: SymbolBatch, state: Option<Tensor<2>>) -> Result<Loss<Tensor<2>>, Error> {
        let x = batch.inputs.float();
        let [rows, columns] = x.dims();
        assert!(x.clone().max().into_scalar::<f32>() < 9.0, "no nines");
        let state = state.unwrap_or_else(|| self.blank_state(rows));
        let weight = self.weight.val().reshape([1, 1]).expand([rows, columns]);
        let known = x.clone().equal_elem(7).float() * -1.0 + 1.0;
        let losses = weight * (x.clone() + state.clone()) + known.clone() / known - 1.0;
        Ok(Loss {
            losses: losses.flatten(0, 1),
            penalty: None,
            state: state + x.sum_dim(1),
        })
    }

    fn blank_state(&self, rows: usize) -> Tensor<2> {
        Tensor::zeros([rows, 1], &self.weight.val().device())
    }
}

fn slope(rate: f64) -> Learner<Trainee<Slope>> {
    let weight = Param::from_tensor(Tensor::from_floats([1.0], &Device::flex()));
    let trainee = Trainee {
        model: Slope { weight }.train(),
    };
    Learner::new(trainee, SgdConfig::new().init(), rate)
}

/// Two steps on two devices: one has the first of three streams, the other has two.
fn two_steps(symbols: &[u32]) -> (Record, LearningResult<Trainee<Slope>>) {
    let streams = Streams::new(symbols, 3, 2).unwrap();
    let loader = StreamLoader::new(streams, Cut::new(2).unwrap(), Device::flex());
    launch(strategy(2).with_steps(Some(2)), loader, slope(1.0))
}

#[test]
fn the_gradient_is_that_of_the_mean_over_all_rows() {
    let _alone = alone();
    // Streams 1 2 3 4, 0 0 8 0 and 5 0 0 0, and what is foreseen of the last.
    let symbols = [1, 2, 3, 4, 0, 0, 8, 0, 5, 0, 0, 0, 0];
    let (record, result) = two_steps(&symbols);
    assert!(result.error.is_none());
    // The first step learns from 1 2, 0 0, 5 0; the second from 3 4, 8 0, 0 0, each after the sum of the first.
    let first = (1 + 2 + 5) as f32 / 6.0;
    let second = ((3 + 3) + (4 + 3) + 8 + (5 + 5)) as f32 / 6.0;
    let weight = 1.0 - first - second;
    assert_eq!(record.positions, [6, 6]);
    assert!(
        (record.losses[0] - first).abs() < 1e-6,
        "{:?}",
        record.losses
    );
    assert!(
        (record.weights[0] - weight).abs() < 1e-6,
        "{:?}",
        record.weights
    );
}

/// What fails in a thread stops the training with its reason.
#[test]
fn a_device_that_fails_ends_the_training() {
    let _alone = alone();
    let symbols = [1, 2, 3, 4, 0, 0, 8, 0, 5, 0, 9, 0, 0];
    let (record, result) = two_steps(&symbols);
    assert_eq!(record.losses.len(), 1);
    let error = result
        .error
        .expect("the second window has a nine")
        .to_string();
    assert!(error.contains("device 1 failed: no nines"), "{error}");
}

/// A step that is left out leaves the states of all devices as they were.
#[test]
fn a_step_that_is_left_out_changes_the_state_of_no_device() {
    let _alone = alone();
    for devices in [1, 2, 3] {
        // The seven of the second stream has no loss.
        let symbols = [1, 2, 3, 4, 0, 7, 1, 0, 5, 0, 0, 0, 0];
        let streams = Streams::new(&symbols, 3, 1).unwrap();
        let loader = StreamLoader::new(streams, Cut::new(1).unwrap(), Device::flex());
        let strategy = strategy(devices)
            .with_guard(Guard::default())
            .with_steps(Some(3));
        let (record, _) = launch(strategy, loader, slope(1e-12));
        assert_eq!(record.taken, [true, false, true]);
        // 1 0 5; then 3 1 0, each after the state of the first step.
        assert!((record.losses[0] - 6.0 / 3.0).abs() < 1e-6);
        assert!(
            (record.losses[2] - 10.0 / 3.0).abs() < 1e-6,
            "{:?}",
            record.losses
        );
    }
}

#[test]
fn no_device_at_all_is_refused() {
    let strategy = TruncatedBptt::<Model>::new(Device::flex()).with_devices(Vec::new());
    let error = strategy.check().unwrap_err().to_string();
    assert_eq!(error, "--devices: expected at least 1, found 0");
}

/// Four streams on three devices, with masks and noise that are drawn, some of them twice.
const ASKED: [&str; 13] = [
    "--devices",
    "3",
    "--steps",
    "60",
    "--dropout",
    "0.3",
    "--recompute",
    "--gradient-noise",
    "0.001",
    "--average",
    "ema",
    "--save-steps",
    "7",
];

/// What is carried is saved as one, and split again.
#[test]
fn a_training_on_several_devices_resumes_to_the_bit() {
    let folder = Folder::new();
    let whole = folder.run("whole");
    let told = backdraft(&train_arguments(&folder.text, &whole, &ASKED));
    assert!(told.status.success());
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.contains("device flex, 3 times"), "{told}");
    assert!(
        told.contains("flex uses all cores of the CPU as one device"),
        "{told}"
    );

    let cut_off = |name: &str| {
        let run = folder.run(name);
        killed_at("step", 33, &train_arguments(&folder.text, &run, &ASKED));
        assert!(last_saved(&run).is_some());
        run
    };
    let run = cut_off("cut-off");
    succeeded(&["train", "--resume", &run]);
    assert_eq!(saved_weights(&run), saved_weights(&whole));
    // On another number of devices it goes on, too; which draw other masks.
    let run = cut_off("alone");
    succeeded(&["train", "--resume", &run, "--devices", "1"]);
    assert_ne!(saved_weights(&run), saved_weights(&whole));
}

/// Before anything is read or written.
#[test]
fn devices_that_are_not_there_or_have_no_row_are_refused() {
    let folder = Folder::new();
    let run = folder.run("run");
    let with = |devices, expected: &str| {
        let more = ["--devices", devices];
        nonsense(&train_arguments(&folder.text, &run, &more), expected);
        assert!(!Path::new(&run).exists());
    };
    with("0", "--devices: expected at least 1, found 0");
    with(
        "5",
        "--devices: expected at most 4, the rows of a batch, found 5",
    );
    with(
        "9999999999",
        "--devices: expected at most 1048576, found 9999999999",
    );
}

/// A file says how many as it says which.
#[test]
fn a_run_says_how_many_devices_it_is_on() {
    let folder = Folder::new();
    let (run, again) = (folder.run("run"), folder.run("again"));
    let more = ["--devices", "2", "--steps", "3"];
    succeeded(&train_arguments(&folder.text, &run, &more));
    let description = fs::read_to_string(Path::new(&run).join("run.toml")).unwrap();
    assert!(
        description.contains("device = \"flex\"\ndevices = 2\n"),
        "{description}"
    );
    // A run that begins with the weights of another begins on one device, as with `--device`.
    succeeded(&[
        "train", "lm", "--from", &run, "--out", &again, "--device", "flex",
    ]);
    let description = fs::read_to_string(Path::new(&again).join("run.toml")).unwrap();
    assert!(description.contains("devices = 1\n"), "{description}");
}

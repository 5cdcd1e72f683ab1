//! Steps that are no numbers: left out, with the weights and the state from before; and named when
//! there is no end of them.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use backdraft_cells::Error;
use backdraft_data::{Cut, Streams};
use backdraft_train::{
    Brake, Clipping, Guard, Loss, Objective, Observer, PlainProgress, Step, StreamLoader,
    SymbolBatch, TrainError, Trainee, TruncatedBptt, Validation,
};
use burn::module::{Module, Param};
use burn::optim::SgdConfig;
use burn::tensor::{Device, Tensor};
use burn::train::{Learner, SupervisedTraining, TrainingStrategy};

use crate::support::alone;

const RATE: f64 = 0.125;

/// Symbols that are no numbers: of the first kind is the loss, of the second the gradient alone.
const BAD_LOSS: u32 = 9;
const BAD_GRADIENT: u32 = 8;
/// A symbol whose loss is a number, and its gradient one whose square is none.
const STEEP: u32 = 7;

/// `loss = w (x + h)`, `h_t = h_{t-1} + sum x`; of 9 the loss is 0/0, of 8 the slope of a root at 0, of 7
/// the slope is 1e20.
#[derive(Module, Debug)]
struct Line {
    weight: Param<Tensor<1>>,
}

impl Line {
    fn new(weight: f32, device: &Device) -> Self {
        let weight = Tensor::from_floats([weight], device);
        Self {
            weight: Param::from_tensor(weight),
        }
    }

    fn value(&self) -> f32 {
        self.weight.val().into_scalar()
    }
}

impl Objective for Line {
    type Batch = SymbolBatch;
    type State = Tensor<2>;

    fn loss(&self, batch: SymbolBatch, state: Option<Tensor<2>>) -> Result<Loss<Tensor<2>>, Error> {
        let x = batch.inputs.float();
        let [rows, columns] = x.dims();
        let state = state.unwrap_or_else(|| self.blank_state(rows));
        let weight = self.weight.val().reshape([1, 1]).expand([rows, columns]);
        let bad_loss = x.clone().equal_elem(BAD_LOSS).float();
        let one = bad_loss.clone() * -1.0 + 1.0;
        let bad_gradient = x.clone().equal_elem(BAD_GRADIENT).float();
        // sqrt(0 w): zero, with a slope that is none.
        let root = (weight.clone() * (bad_gradient.clone() * -1.0 + 1.0))
            .abs()
            .sqrt();
        let root = root * bad_gradient;
        let steep = x.clone().equal_elem(STEEP).float() * 1e20;
        let steep = steep * (weight.clone() - weight.clone().detach());
        let loss = weight * (x.clone() + state.clone()) + one.clone() / one - 1.0 + root + steep;
        Ok(Loss {
            losses: loss.flatten(0, 1),
            penalty: None,
            state: state + x.sum_dim(1),
        })
    }

    fn blank_state(&self, rows: usize) -> Tensor<2> {
        Tensor::zeros([rows, 1], &self.weight.val().device())
    }
}

#[derive(Default)]
struct Record {
    taken: Vec<bool>,
    reasons: Vec<String>,
    weights: Vec<f32>,
    error: Option<TrainError>,
}

impl Observer<Line> for Record {
    fn stepped(&mut self, step: Step<'_>, model: &Line) -> ControlFlow<String> {
        self.taken.push(step.left_out.is_none());
        self.reasons.extend(step.left_out.map(str::to_string));
        self.weights.push(model.value());
        ControlFlow::Continue(())
    }

    fn validated(&mut self, _: Validation, _: &Line) {}

    fn gave_up(&mut self, error: TrainError) {
        self.error = Some(error);
    }
}

/// One epoch over windows of one symbol.
fn train(symbols: &[u32], weight: f32, guard: Guard) -> (Record, Brake) {
    train_clipped(symbols, weight, guard, Clipping::default())
}

fn train_clipped(
    symbols: &[u32],
    weight: f32,
    guard: Guard,
    clipping: Clipping,
) -> (Record, Brake) {
    let device = Device::flex();
    let (record, brake) = (Arc::new(Mutex::new(Record::default())), Brake::default());
    let strategy = TruncatedBptt::new(device.clone())
        .with_observer(record.clone())
        .with_guard(guard)
        .with_clipping(clipping)
        .with_brake(brake.clone());
    let streams = |symbols: &[u32]| Streams::new(symbols, 1, 1).unwrap();
    let loader = |symbols: &[u32]| {
        Arc::new(StreamLoader::new(
            streams(symbols),
            Cut::new(1).unwrap(),
            device.clone(),
        ))
    };
    let model = Line::new(weight, &device).train();
    let learner = Learner::new(Trainee { model }, SgdConfig::new().init(), RATE);
    let folder = tempfile::tempdir().unwrap();
    SupervisedTraining::<Trainee<Line>>::new(folder.path(), loader(symbols), loader(&[1, 1]))
        .with_application_logger(None)
        .renderer(Box::new(PlainProgress::new(None)))
        .with_training_strategy(TrainingStrategy::Custom(Arc::new(strategy)))
        .launch(learner);
    let record = std::mem::take(&mut *record.lock().unwrap());
    (record, brake)
}

#[test]
fn a_bad_step_is_left_out_and_the_state_is_that_from_before() {
    let _alone = alone();
    let symbols = [1, BAD_LOSS, 2, BAD_GRADIENT, 3, 0];
    let (record, _) = train(&symbols, 1.0, Guard::default());
    assert_eq!(record.taken, [true, false, true, false, true]);
    assert!(record.error.is_none());
    assert_eq!(record.reasons.len(), 2);
    assert_eq!(record.reasons[1], "the gradient of `weight`");
    // dE/dw = x + h: 1, then 2 + 1, then 3 + 3.
    let slopes = [1.0, 0.0, 3.0, 0.0, 6.0];
    let mut expected = 1.0;
    for (found, slope) in record.weights.iter().zip(slopes) {
        expected -= RATE as f32 * slope;
        assert_eq!(*found, expected);
    }
}

#[test]
fn too_many_in_a_row_end_the_training_and_name_the_first_tensor() {
    let _alone = alone();
    let guard = Guard {
        patience: 3,
        ..Guard::default()
    };
    let bad = [1, BAD_LOSS, 1, BAD_GRADIENT, BAD_LOSS, BAD_LOSS, 1, 1];
    let (record, _) = train(&bad, 1.0, guard);
    assert_eq!(record.taken, [true, false, true, false, false, false]);
    let error = record.error.unwrap().to_string();
    let expected = "3 steps in a row were skipped, from step 4 on, where the gradient of \
                    `weight` was not finite";
    assert!(error.contains(expected), "{error}");
    assert_eq!(record.weights[5], record.weights[2]);

    let (record, _) = train(&[1; 8], f32::NAN, guard);
    assert_eq!(record.taken, [false; 3]);
    let error = record.error.unwrap().to_string();
    assert!(
        error.contains("from step 1 on, where the weight `weight`"),
        "{error}"
    );
}

#[test]
fn each_bad_step_lowers_the_rate_if_that_is_wanted() {
    let _alone = alone();
    let symbols = [1, BAD_LOSS, BAD_LOSS, 1, 1];
    let guard = Guard {
        backoff: 0.5,
        ..Guard::default()
    };
    let (_, brake) = train(&symbols, 1.0, guard);
    assert_eq!(brake.value(), 0.25);
}

#[test]
fn a_steep_step_is_taken_where_it_is_clipped() {
    let _alone = alone();
    let symbols = [1, STEEP, 0];
    let clipped = Clipping::by_norm(1.0);
    let (record, _) = train_clipped(&symbols, 1.0, Guard::default(), clipped);
    assert_eq!(record.taken, [true, true]);
    let expected = [1.0 - RATE as f32, 1.0 - 2.0 * RATE as f32];
    assert_eq!(record.weights, expected);

    let (record, _) = train(&symbols, 1.0, Guard::default());
    assert_eq!(record.taken, [true, false]);
    assert_eq!(record.reasons, ["the square of the gradient"]);
}

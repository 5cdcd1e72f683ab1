//! Our language model, trained as `backdraft train lm` trains one: truncated backpropagation
//! through time, clipping by the norm of the whole gradient, Adam.
//!
//! What that does beside a step is not measured: reading text, metrics, the guard, checkpoints.

use std::time::Instant;

use backdraft_cells::{
    Deep, DeepConfig, Layer, Lstm, LstmConfig, Recurrent, RecurrentConfig, State,
};
use backdraft_exchange::pytorch::StateDict;
use backdraft_models::{LanguageModel, LanguageModelConfig};
use backdraft_train::{
    Clipper, Clipping, Decay, LanguageSettings, Objective, Recurrence, SymbolBatch, Trainee,
    Training,
};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn::train::Learner;

use super::{Contender, LanguageModelContender, Work, timed};
use crate::language_model::{LAYERS, NORM, Parts, RATE, VOCABULARY, windows};
use crate::statistics::median;
use crate::{BenchError, FoundDevice, Shape};

/// Steps whose parts are timed.
const TIMED: usize = 9;

/// Of the weights.
const SEED: u64 = 0;

const CHECKED: &str = "the settings of this file make sense";

type Model = LanguageModel<Deep<Recurrent<Lstm>>>;

/// What of the settings of `backdraft train lm` a step depends on.
fn settings() -> LanguageSettings {
    LanguageSettings {
        recurrence: Recurrence {
            layers: LAYERS,
            ..Recurrence::default()
        },
        training: Training {
            lr: RATE,
            decay: Decay::Constant,
            clipping: Clipping::by_norm(NORM),
            ..Training::default()
        },
        ..LanguageSettings::default()
    }
}

/// A language model that learns, window after window.
pub struct LanguageModelStep {
    description: String,
    place: FoundDevice,
    shape: Shape,
    learner: Learner<Trainee<Model>>,
    clipper: Clipper,
    /// What is read, on a device that records gradients and on one that does not.
    windows: Vec<[SymbolBatch; 2]>,
    read: usize,
    carried: Option<<Model as Objective>::State>,
}

impl LanguageModelStep {
    /// A model with new weights; `shape`'s input is the embedding.
    ///
    /// # Errors
    ///
    /// When the model cannot be built.
    pub fn new(shape: Shape, place: &FoundDevice) -> Result<Self, BenchError> {
        let cell = LstmConfig::new(shape.input, shape.hidden);
        let stack = DeepConfig::new(RecurrentConfig::new(cell), LAYERS);
        place.device.seed(SEED);
        let model = LanguageModelConfig::new(VOCABULARY, stack).init(&place.device)?;
        Ok(Self::of(model.train(), shape, place))
    }

    /// At the beginning of its training.
    fn of(model: Model, shape: Shape, place: &FoundDevice) -> Self {
        let training = settings().training;
        let paths = model.recurrent.paths();
        let recording = place.device.clone().autodiff();
        let both =
            |window: &Vec<_>| [&recording, &place.device].map(|device| batch(window, device));
        Self {
            description: paths
                .first()
                .map_or(String::new(), |(_, path)| path.to_string()),
            place: place.clone(),
            shape,
            learner: Learner::new(
                Trainee { model },
                training.optimizer().expect(CHECKED),
                training.schedule(1, 1).expect(CHECKED),
            ),
            clipper: training.clipping.init().expect(CHECKED),
            windows: windows(shape).iter().map(both).collect(),
            read: 0,
            carried: None,
        }
    }

    /// The sizes; the input is the embedding.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The weights, as PyTorch names them.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn weights(&self) -> Result<StateDict, BenchError> {
        Ok(StateDict::of(&self.learner.model().model, "")?)
    }

    /// What a step is made of.
    ///
    /// # Errors
    ///
    /// When the device fails.
    pub fn parts(&mut self) -> Result<Parts, BenchError> {
        let (place, description) = (self.place.clone(), self.description.clone());
        let mut times: [Vec<f64>; 4] = Default::default();
        for _ in 0..TIMED {
            let mut start = Instant::now();
            self.step(&mut |part| {
                place.wait(&description)?;
                times[part as usize].push(start.elapsed().as_secs_f64() * 1e3);
                start = Instant::now();
                Ok(())
            })?;
        }
        let of = |part: TimedPart| median(&times[part as usize]);
        Ok(Parts {
            forward_ms: of(TimedPart::Forward),
            backward_ms: of(TimedPart::Backward),
            clipping_ms: of(TimedPart::Clipping),
            optimizer_ms: of(TimedPart::Optimizer),
        })
    }

    /// One step, as `backdraft_train::TruncatedBptt` takes it; its loss. `done` is told of the end
    /// of each part.
    fn step(
        &mut self,
        done: &mut dyn FnMut(TimedPart) -> Result<(), BenchError>,
    ) -> Result<f64, BenchError> {
        let [window, _] = self.windows[self.read].clone();
        self.read = (self.read + 1) % self.windows.len();

        let trainee = self.learner.model();
        let loss = Objective::loss(&trainee.model, window, self.carried.take())?;
        self.carried = Some(loss.state.detach());
        let loss = loss.losses.mean();
        done(TimedPart::Forward)?;
        let mut gradients = GradientsParams::from_grads(loss.backward(), &trainee);
        done(TimedPart::Backward)?;
        self.clipper.apply(&trainee, &mut gradients);
        drop(trainee);
        done(TimedPart::Clipping)?;
        self.learner.lr_step();
        self.learner.optimizer_step(gradients);
        done(TimedPart::Optimizer)?;
        self.place.finish(&self.description, &loss)
    }

    /// The loss of the next window alone.
    fn forward(&mut self) -> Result<f64, BenchError> {
        let [_, window] = self.windows[self.read].clone();
        self.read = (self.read + 1) % self.windows.len();
        let model = self.learner.model().model.valid();
        let loss = Objective::loss(&model, window, None)?;
        self.place.finish(&self.description, &loss.losses.mean())
    }
}

/// A part of a step, in their order.
#[derive(Debug, Clone, Copy)]
enum TimedPart {
    Forward,
    Backward,
    Clipping,
    Optimizer,
}

impl Contender for LanguageModelStep {
    fn name(&self) -> &str {
        "backdraft"
    }

    fn description(&self) -> &str {
        &self.description
    }

    fn run(&mut self, work: Work, times: usize) -> Result<Vec<f64>, BenchError> {
        timed(times, || match work {
            Work::Forward => self.forward().map(drop),
            Work::Training => self.step(&mut |_| Ok(())).map(drop),
        })
    }
}

impl LanguageModelContender for LanguageModelStep {
    fn copy(&mut self, ours: &LanguageModelStep) -> Result<(), BenchError> {
        let model = ours.weights()?.load(self.learner.model().model, "")?;
        *self = Self::of(model, self.shape, &self.place);
        Ok(())
    }

    fn losses(&mut self, steps: usize) -> Result<Vec<f64>, BenchError> {
        let loss = |_| self.step(&mut |_| Ok(()));
        (0..steps).map(loss).collect()
    }
}

/// Rows of symbols, and the symbols after each.
fn batch(rows: &[Vec<u32>], device: &Device) -> SymbolBatch {
    let [batch, time] = [rows.len(), rows[0].len() - 1];
    let symbols: Vec<i32> = rows.iter().flatten().map(|&symbol| symbol as i32).collect();
    let symbols = TensorData::new(symbols, [batch, time + 1]);
    let symbols = Tensor::<2, Int>::from_data(symbols, device);
    SymbolBatch {
        inputs: symbols.clone().slice([0..batch, 0..time]),
        targets: symbols.slice([0..batch, 1..time + 1]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeviceChoice;
    use crate::language_model::{STEPS, TOLERANCE};

    fn model() -> LanguageModelStep {
        of_shape("3,4,5,6")
    }

    fn of_shape(shape: &str) -> LanguageModelStep {
        let place = DeviceChoice::default().find().unwrap();
        LanguageModelStep::new(shape.parse().unwrap(), &place).unwrap()
    }

    #[test]
    fn it_learns_what_it_reads_over_and_over() {
        let mut model = model();
        let losses = model.losses(400).unwrap();
        let chance = (VOCABULARY as f64).ln();
        assert!((losses[0] - chance).abs() < 0.5, "{}", losses[0]);
        assert!(losses[399] < losses[0] - 0.3, "{}", losses[399]);
    }

    #[test]
    fn each_step_is_clipped_and_its_parts_take_time() {
        let mut model = model();
        let window = model.windows[0][0].clone();
        let trainee = model.learner.model();
        let loss = Objective::loss(&trainee.model, window, None).unwrap();
        let gradients = loss.losses.mean().backward();
        let mut gradients = GradientsParams::from_grads(gradients, &trainee);
        let norms = model.clipper.apply(&trainee, &mut gradients);
        assert!(norms.before.into_scalar::<f64>() > NORM);

        let parts = model.parts().unwrap();
        let all = [
            parts.forward_ms,
            parts.backward_ms,
            parts.clipping_ms,
            parts.optimizer_ms,
        ];
        assert!(all.iter().all(|&ms| ms > 0.0), "{parts:?}");
    }

    #[test]
    fn a_copy_learns_the_same_and_without_clipping_it_would_be_noticed() {
        // Tests draw from one stream of random numbers: the weights are not always the same.
        let mut model = of_shape("4,8,16,16");
        model.losses(3).unwrap();
        let copied = |clipper| {
            let mut copy = of_shape("4,8,16,16");
            copy.copy(&model).unwrap();
            copy.clipper = clipper;
            copy.losses(STEPS).unwrap()
        };
        let clipped = copied(model.clipper);
        assert_eq!(copied(model.clipper), clipped);
        let unclipped = copied(Clipper::default());
        let pairs = clipped.iter().zip(&unclipped);
        let difference = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(difference > TOLERANCE, "{difference}");
    }

    #[test]
    fn the_weights_go_by_pytorchs_names() {
        let weights = model().weights().unwrap();
        assert_eq!(weights.shape("embedding.weight"), Some(&[100, 5][..]));
        assert_eq!(weights.shape("recurrent.weight_ih_l1"), Some(&[24, 6][..]));
        assert_eq!(weights.shape("output.weight"), Some(&[100, 6][..]));
        assert_eq!(weights.names().count(), 1 + 4 * LAYERS + 2);
    }
}

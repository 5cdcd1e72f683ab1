//! A model of ours, trained as `backdraft train` trains one: backpropagation through time, clipping by
//! the norm of the whole gradient, Adam.
//!
//! What that does beside a step is not measured: reading data, metrics, the guard, checkpoints.

use std::time::Instant;

use backdraft_cells::State;
use backdraft_exchange::pytorch::StateDict;
use backdraft_train::{Clipper, Clipping, Decay, Objective, Trainee, Training};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::train::Learner;

use super::{Contender, ModelContender, Work, timed};
use crate::model::{ModelSetup, NORM, Parts, RATE};
use crate::statistics::median;
use crate::{BenchError, FoundDevice};

/// Steps whose parts are timed.
const TIMED: usize = 9;

/// Of the weights.
const SEED: u64 = 0;

const CHECKED: &str = "the settings of this file make sense";

/// What of the settings of `backdraft train` a step depends on.
fn training() -> Training {
    Training {
        lr: RATE,
        decay: Decay::Constant,
        clipping: Clipping::by_norm(NORM),
        ..Training::default()
    }
}

/// A model that learns, batch after batch.
pub struct ModelStep<S: ModelSetup> {
    description: String,
    place: FoundDevice,
    setup: S,
    learner: Learner<Trainee<S::Model>>,
    clipper: Clipper,
    /// What is read, on a device that records gradients and on one that does not.
    batches: [Vec<<S::Model as Objective>::Batch>; 2],
    read: usize,
    carried: Option<<S::Model as Objective>::State>,
}

impl<S: ModelSetup> ModelStep<S> {
    /// A model with new weights.
    ///
    /// # Errors
    ///
    /// When the model cannot be built.
    pub fn new(setup: S, place: &FoundDevice) -> Result<Self, BenchError> {
        place.device.seed(SEED);
        let model = setup.init(&place.device)?;
        Ok(Self::of(model.train(), setup, place))
    }

    /// At the beginning of its training.
    fn of(model: S::Model, setup: S, place: &FoundDevice) -> Self {
        let training = training();
        let mut paths: Vec<String> = Vec::new();
        for (_, path) in S::paths(&model) {
            let path = path.to_string();
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        let recording = place.device.clone().autodiff();
        Self {
            description: paths.join(", "),
            place: place.clone(),
            batches: [&recording, &place.device].map(|device| setup.batches(device)),
            setup,
            learner: Learner::new(
                Trainee { model },
                training.optimizer().expect(CHECKED),
                training.schedule(1, 1).expect(CHECKED),
            ),
            clipper: training.clipping.init().expect(CHECKED),
            read: 0,
            carried: None,
        }
    }

    /// The model's shape, and what it reads.
    pub fn setup(&self) -> &S {
        &self.setup
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

    /// Which batch is next.
    fn next(&mut self) -> usize {
        let next = self.read;
        self.read = (next + 1) % self.batches[0].len();
        next
    }

    /// One step, as `backdraft_train::TruncatedBptt` takes it; its loss. `done` is told of the end
    /// of each part.
    fn step(
        &mut self,
        done: &mut dyn FnMut(TimedPart) -> Result<(), BenchError>,
    ) -> Result<f64, BenchError> {
        let next = self.next();
        let batch = self.batches[0][next].clone();

        let trainee = self.learner.model();
        let loss = trainee.model.loss(batch, self.carried.take())?;
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

    /// The loss of the next batch alone.
    fn forward(&mut self) -> Result<f64, BenchError> {
        let next = self.next();
        let batch = self.batches[1][next].clone();
        let model = self.learner.model().model.valid();
        let loss = model.loss(batch, None)?;
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

impl<S: ModelSetup> Contender for ModelStep<S> {
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

impl<S: ModelSetup> ModelContender<S> for ModelStep<S> {
    fn copy(&mut self, ours: &Self) -> Result<(), BenchError> {
        let setup = ours.setup.clone();
        let model = setup.init(&self.place.device)?.train();
        let model = ours.weights()?.load(model, "")?;
        *self = Self::of(model, setup, &self.place);
        Ok(())
    }

    fn losses(&mut self, steps: usize) -> Result<Vec<f64>, BenchError> {
        let loss = |_| self.step(&mut |_| Ok(()));
        (0..steps).map(loss).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{STEPS, TOLERANCE, VOCABULARY};
    use crate::{DeviceChoice, LanguageModelSetup, TaggerSetup, TranslatorSetup};

    fn of_shape<S: ModelSetup>(shape: &str) -> Vec<ModelStep<S>> {
        let place = DeviceChoice::default().find().unwrap();
        let setups = S::all(shape.parse().unwrap()).into_iter();
        let steps = setups.map(|setup| ModelStep::new(setup, &place).unwrap());
        steps.collect()
    }

    /// From about `chance`, the loss of whoever knows nothing.
    fn it_learns<S: ModelSetup>(chance: impl Fn(&ModelStep<S>) -> f64) {
        for mut model in of_shape::<S>("3,4,5,6") {
            let (name, chance) = (model.setup.name(), chance(&model));
            let losses = model.losses(400).unwrap();
            assert!((losses[0] / chance - 1.0).abs() < 0.1, "{name}: {losses:?}");
            assert!(losses[396] < 0.93 * losses[0], "{name}: {losses:?}");
        }
    }

    #[test]
    fn models_learn_what_they_read_over_and_over() {
        let chance = (VOCABULARY as f64).ln();
        it_learns::<LanguageModelSetup>(|_| chance);
        it_learns::<TranslatorSetup>(|_| chance);
        it_learns::<TaggerSetup>(|model| {
            let sentences = &model.batches[0][0].input.lengths;
            sentences.total() as f64 / sentences.as_slice().len() as f64 * 20_f64.ln()
        });
    }

    fn it_is_clipped<S: ModelSetup>() {
        for mut model in of_shape::<S>("3,4,5,6") {
            let batch = model.batches[0][0].clone();
            let trainee = model.learner.model();
            let loss = trainee.model.loss(batch, None).unwrap();
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
    }

    #[test]
    fn each_step_is_clipped_and_its_parts_take_time() {
        it_is_clipped::<LanguageModelSetup>();
        it_is_clipped::<TranslatorSetup>();
        it_is_clipped::<TaggerSetup>();
    }

    fn a_copy_learns_the_same<S: ModelSetup>() {
        // Tests draw from one stream of random numbers: the weights are not always the same.
        for mut model in of_shape::<S>("4,8,16,16") {
            model.losses(3).unwrap();
            let copied = |clipper| {
                let place = model.place.clone();
                let mut copy = ModelStep::new(model.setup.clone(), &place).unwrap();
                copy.copy(&model).unwrap();
                copy.clipper = clipper;
                copy.losses(STEPS).unwrap()
            };
            let clipped = copied(model.clipper);
            assert_eq!(copied(model.clipper), clipped);
            let unclipped = copied(Clipper::default());
            let pairs = clipped.iter().zip(&unclipped);
            let difference = pairs.map(|(a, b)| (a / b - 1.0).abs()).fold(0.0, f64::max);
            assert!(difference > TOLERANCE, "{difference}");
        }
    }

    #[test]
    fn a_copy_learns_the_same_and_without_clipping_it_would_be_noticed() {
        a_copy_learns_the_same::<LanguageModelSetup>();
        a_copy_learns_the_same::<TranslatorSetup>();
        a_copy_learns_the_same::<TaggerSetup>();
    }
}

//! Truncated backpropagation through time.
//!
//! A long sequence comes in windows of k steps. Each window starts from the state that the one
//! before it ended with, so that what is remembered reaches back without end; the gradient goes
//! back to the beginning of the window and no further:
//!
//! ```text
//! s_0 = initial                                  windows w = 1, 2, ..
//! E_w, s_w = loss(window w, stop_gradient(s_{w-1}))
//! theta   <- theta - optimiser(clip(dE_w/dtheta))
//! ```
//!
//! Williams and Peng 1990, "An efficient gradient-based algorithm for on-line training of
//! recurrent network trajectories"; here k1 = k2 = k.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::checkpoint::{Carried, Checkpoints, Position};
use crate::guard::Watch;
use crate::{Brake, Clipping, Guard, Objective, Observer, Step, Trainee, Validation, WindowOutput};
use backdraft_cells::State;
use burn::data::dataloader::Progress;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use burn::train::metric::store::EventStoreClient;
use burn::train::{
    EventProcessorTraining, InferenceStep, Interrupter, Learner, LearnerEvent,
    LearningCheckpointer, SupervisedLearningStrategy, SupervisedTrainingEventProcessor,
    TrainLoader, TrainOutput, TrainingComponents, TrainingItem, ValidLoader,
};

/// Where a training goes on from: the learner has the weights already.
#[derive(Debug)]
pub struct Start<S> {
    /// Steps, and epochs that are over.
    pub position: Position,
    /// What the streams carry into the next window.
    pub carried: Option<S>,
}

/// Truncated backpropagation through time, as a learning strategy of burn-train.
pub struct TruncatedBptt<M: Objective> {
    device: Device,
    clipping: Clipping,
    steps: Option<usize>,
    seed: u64,
    observer: Arc<Mutex<dyn Observer<M>>>,
    checkpoints: Option<Checkpoints>,
    start: Mutex<Option<Start<M::State>>>,
    guard: Option<(Guard, Brake)>,
    interrupted: Arc<AtomicBool>,
}

impl<M: Objective> TruncatedBptt<M> {
    /// Trains on `device`: without clipping, for whole epochs.
    pub fn new(device: Device) -> Self {
        let observer = Arc::new(Mutex::new(()));
        Self {
            device,
            clipping: Clipping::default(),
            steps: None,
            seed: 0,
            observer,
            checkpoints: None,
            start: Mutex::new(None),
            guard: None,
            interrupted: Arc::default(),
        }
    }

    /// Saves the training as `checkpoints` says, in mid-epoch too. Their
    /// [`parts`](Checkpoints::parts) are to be burn-train's checkpointers.
    #[must_use]
    pub fn with_checkpoints(mut self, checkpoints: Checkpoints) -> Self {
        self.checkpoints = Some(checkpoints);
        self
    }

    /// Goes on from there, instead of from the beginning.
    #[must_use]
    pub fn with_start(self, start: Start<M::State>) -> Self {
        Self {
            start: Mutex::new(Some(start)),
            ..self
        }
    }

    /// Leaves out steps whose loss or gradient is not finite, as `guard` says; `brake` is that of
    /// the schedule.
    #[must_use]
    pub fn with_guard(mut self, guard: Guard, brake: Brake) -> Self {
        self.guard = Some((guard, brake));
        self
    }

    /// Ends the training after the step in which this becomes true: it is saved, and no more.
    #[must_use]
    pub fn with_interrupt(mut self, interrupted: Arc<AtomicBool>) -> Self {
        self.interrupted = interrupted;
        self
    }

    /// Sets who is told of each step and each evaluation.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<Mutex<dyn Observer<M>>>) -> Self {
        self.observer = observer;
        self
    }

    /// Sets how gradients are clipped.
    #[must_use]
    pub fn with_clipping(mut self, clipping: Clipping) -> Self {
        self.clipping = clipping;
        self
    }

    /// Sets the number of steps after which training ends, in mid-epoch if need be; the held-out
    /// part is evaluated all the same.
    #[must_use]
    pub fn with_steps(mut self, steps: Option<usize>) -> Self {
        self.steps = steps;
        self
    }

    /// Sets the seed of what is drawn in each step, such as dropout.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    fn observe<R>(&self, tell: impl FnOnce(&mut dyn Observer<M>) -> R) -> R {
        let mut observer = self.observer.lock().unwrap_or_else(PoisonError::into_inner);
        tell(&mut *observer)
    }

    fn is_over(&self, steps: usize) -> bool {
        self.steps.is_some_and(|limit| steps >= limit)
    }

    /// The windows of the epoch that comes after `epochs` of them.
    fn windows(&self, epochs: usize, loader: &TrainLoader<Trainee<M>>) -> usize {
        let before = epochs * loader.num_items();
        let left = self
            .steps
            .map_or(usize::MAX, |limit| limit.saturating_sub(before));
        loader.num_items().min(left)
    }

    /// One pass over the training windows, or the rest of one.
    fn epoch(
        &self,
        training: &mut Training<M>,
        loader: &TrainLoader<Trainee<M>>,
        mut carried: Option<M::State>,
    ) {
        let total = self.windows(training.epochs, loader);
        let done = training.steps - training.epochs * loader.num_items();

        for (index, window) in (done..).zip(loader.slice(done, total).iter()) {
            let mut window = match window {
                Ok(window) => window,
                Err(error) => return training.interrupter.fail(error),
            };
            window.state = carried.take().filter(|_| !window.first);
            // A step's random numbers depend on its number, not on what was drawn before it.
            self.device.seed(mix(self.seed, training.steps as u64));

            let before = window.state.clone();
            let mut output = training.learner.train_step(window);
            carried = output.item.state.take();
            let norm = self
                .clipping
                .apply(&training.learner.model(), &mut output.grads);
            let left_out = training.left_out(&output, &norm);
            output.item.gradient_norm = Some(norm.clone());
            training.learner.lr_step();
            training.steps += 1;
            match &left_out {
                None => training.learner.optimizer_step(output.grads),
                Some(_) => carried = before,
            }

            let positions = output.item.nats.dims()[0];
            let step = Step {
                steps: training.steps,
                positions,
                left_out: left_out.as_deref(),
                nats: &output.item.nats,
                gradient_norm: &norm,
                learning_rate: training.learner.lr_current().base(),
            };
            let model = training.learner.model().model;
            if let ControlFlow::Break(reason) = self.observe(|o| o.stepped(step, &model)) {
                training.interrupter.stop(Some(&reason));
            }
            if let Some(error) = training.watch.as_ref().and_then(Watch::verdict) {
                training.interrupter.stop(Some(&error.to_string()));
                self.observe(|observer| observer.gave_up(error));
            }
            let progress = Progress::new(index + 1, total, Some("windows".to_string()));
            let rate = Some(training.learner.lr_current());
            let item = TrainingItem::new(output.item, progress, Some(training.steps), rate);
            training.tell_train(LearnerEvent::ProcessedItem(item));
            if self.interrupted.load(Ordering::Relaxed) {
                training.interrupter.stop(Some("interrupted"));
            }
            let stops = training.interrupter.should_stop();
            let due = |checkpoints: &Checkpoints| stops || checkpoints.is_due(training.steps);
            if self.checkpoints.as_ref().is_some_and(due) {
                self.save(training, carried.as_ref().filter(|_| index + 1 < total));
            }
            if stops {
                return;
            }
        }
    }

    /// Saves the training where it is; unless it failed, since then there is a better one.
    fn save(&self, training: &mut Training<M>, carried: Option<&M::State>) {
        let (Some(checkpoints), Some(checkpointer)) =
            (&self.checkpoints, &mut training.checkpointer)
        else {
            return;
        };
        if training.interrupter.error().is_some() {
            return;
        }
        let position = Position {
            steps: training.steps,
            epochs: training.epochs,
            carried: carried.map_or_else(Vec::new, Carried::shapes),
            observer: self.observe(|observer| observer.remember()),
        };
        match checkpoints.begin(&position, carried) {
            Ok(()) => {
                checkpointer.checkpoint(&training.learner, training.steps, &training.event_store);
            }
            Err(error) => training.interrupter.fail(error),
        }
    }

    /// The held-out part, read from its beginning to its end.
    fn validate(&self, training: &mut Training<M>, loader: &ValidLoader<Trainee<M>>, epoch: usize) {
        let model = training.learner.model().valid();
        let total = loader.num_items();
        let (mut sum, mut positions) = (0.0, 0);
        let mut carried: Option<M::State> = None;
        for (index, window) in loader.iter().enumerate() {
            let mut window = match window {
                Ok(window) => window,
                Err(error) => return training.interrupter.fail(error),
            };
            window.state = carried.take().filter(|_| !window.first);
            let mut output: WindowOutput<M::State> = InferenceStep::step(&model, window);
            carried = output.state.take();
            let nats = output.nats.to_data();
            sum += nats.iter::<f64>().sum::<f64>();
            positions += nats.num_elements();

            let progress = Progress::new(index + 1, total, Some("windows".to_string()));
            let item = TrainingItem::new(output, progress, Some(index + 1), None);
            training.tell_valid(LearnerEvent::ProcessedItem(item));
            if self.interrupted.load(Ordering::Relaxed) {
                training.interrupter.stop(Some("interrupted"));
            }
            if training.interrupter.should_stop() {
                // The evaluation will be made anew.
                return self.save(training, None);
            }
        }
        let loss = sum / positions as f64;
        let validation = Validation {
            epoch,
            loss,
            positions,
        };
        self.observe(|observer| observer.validated(validation, &model.model));
    }
}

/// What changes as training goes on.
struct Training<M: Objective> {
    learner: Learner<Trainee<M>>,
    events: SupervisedTrainingEventProcessor<Trainee<M>>,
    event_store: Arc<EventStoreClient>,
    checkpointer: Option<LearningCheckpointer<Trainee<M>>>,
    interrupter: Interrupter,
    watch: Option<Watch>,
    /// Steps so far.
    steps: usize,
    /// Epochs that are over, with their evaluation.
    epochs: usize,
}

type Output<M> = TrainOutput<WindowOutput<<M as Objective>::State>>;
type Event<M> = LearnerEvent<WindowOutput<<M as Objective>::State>>;

impl<M: Objective> Training<M> {
    /// What is not finite in the next step, if that is watched.
    fn left_out(&mut self, output: &Output<M>, norm: &Tensor<1>) -> Option<String> {
        let watch = self.watch.as_mut()?;
        let (model, nats) = (self.learner.model(), &output.item.nats);
        watch.look(self.steps + 1, &model, &output.grads, nats, norm)
    }

    fn tell_train(&mut self, event: Event<M>) {
        self.interrupter
            .fail_on_error(self.events.process_train(event));
    }

    fn tell_valid(&mut self, event: Event<M>) {
        self.interrupter
            .fail_on_error(self.events.process_valid(event));
    }
}

impl<M: Objective> SupervisedLearningStrategy<Trainee<M>> for TruncatedBptt<M> {
    fn fit(
        &self,
        components: TrainingComponents<Trainee<M>>,
        mut learner: Learner<Trainee<M>>,
        dataloader_train: TrainLoader<Trainee<M>>,
        dataloader_valid: ValidLoader<Trainee<M>>,
        starting_epoch: usize,
    ) -> (Trainee<M>, SupervisedTrainingEventProcessor<Trainee<M>>) {
        let device = self.device.clone().autodiff();
        let train = dataloader_train.to_device(&device);
        let valid = dataloader_valid.to_device(&device.clone().inner());
        learner.fork(&device);
        let mut early_stopping = components.early_stopping;
        let start = self
            .start
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let (position, mut carried) = match start {
            Some(start) => (start.position, start.carried),
            None => {
                let epochs = starting_epoch - 1;
                let steps = epochs * train.num_items();
                let position = Position {
                    steps,
                    epochs,
                    ..Position::default()
                };
                (position, None)
            }
        };
        carried = carried.map(|state| state.to_device(&device));
        let mut training = Training {
            learner,
            events: components.event_processor,
            event_store: components.event_store,
            checkpointer: components.checkpointer,
            interrupter: components.interrupter,
            watch: self
                .guard
                .clone()
                .map(|(guard, brake)| Watch::new(guard, brake)),
            steps: position.steps,
            epochs: position.epochs,
        };

        let refusal = if components.grad_accumulation.is_some() {
            Some("TruncatedBptt takes a step a window: it does not accumulate gradients")
        } else if self.checkpoints.is_some() && training.checkpointer.is_none() {
            Some("the parts of TruncatedBptt's checkpoints are to be the training's checkpointers")
        } else {
            None
        };
        if refusal.is_some() {
            training.interrupter.stop(refusal);
            return (training.learner.model(), training.events);
        }

        for epoch in position.epochs + 1..=components.num_epochs {
            let total_items = self.windows(training.epochs, &train);
            training.tell_train(LearnerEvent::StartSplit {
                epoch_number: epoch,
                total_items,
            });
            self.epoch(&mut training, &train, carried.take());
            training.tell_train(LearnerEvent::EndSplit(epoch));
            if training.interrupter.should_stop() {
                break;
            }

            let total_items = valid.num_items();
            training.tell_valid(LearnerEvent::StartSplit {
                epoch_number: epoch,
                total_items,
            });
            self.validate(&mut training, &valid, epoch);
            training.tell_valid(LearnerEvent::EndSplit(epoch));
            training.tell_train(LearnerEvent::EndEpoch(epoch));
            training.interrupter.fail_on_error(training.events.flush());
            if training.interrupter.should_stop() {
                break;
            }

            training.epochs = epoch;
            match (&self.checkpoints, &mut training.checkpointer) {
                (Some(_), _) => self.save(&mut training, None),
                (None, Some(checkpointer)) => {
                    checkpointer.checkpoint(&training.learner, epoch, &training.event_store);
                }
                (None, None) => {}
            }
            let stop = early_stopping
                .as_mut()
                .is_some_and(|early| early.should_stop(epoch, &training.event_store));
            if stop || self.is_over(training.steps) {
                break;
            }
        }
        (training.learner.model(), training.events)
    }
}

/// One seed of two (the finaliser of SplitMix64).
fn mix(seed: u64, step: u64) -> u64 {
    let mut z = seed.wrapping_add(step.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

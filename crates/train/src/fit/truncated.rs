//! Truncated backpropagation through time.
//!
//! A long sequence comes in windows of k2 steps, one every k1 steps. Each window starts from the
//! state that the ones before it ended with, so that what is remembered reaches back without end; the
//! gradient goes back to the beginning of the window and no further:
//!
//! ```text
//! s_0 = initial                                  windows w = 1, 2, ..
//! E_w, s_w = loss(window w, stop_gradient(s_{w-1}))
//! theta   <- theta - optimiser(noise(clip(dE_w/dtheta)))
//! ```
//!
//! Williams and Peng 1990, "An efficient gradient-based algorithm for on-line training of
//! recurrent network trajectories". Where k1 < k2, a window is read again from the state before it,
//! with the weights of now.
//!
//! # Several devices
//!
//! Streams do not depend on each other: [several devices](TruncatedBptt::with_devices) have some of the rows of each
//! window. What a stream carries stays on its device; the gradients are summed on the first device, and all that
//! becomes of the sum is done once and there. Evaluations are of the first device alone.
//!
//! There is nothing for several machines, since Burn 0.22.1 has no collective operation that would span them:
//! `all_reduce` adds up what is on the CUDA devices of one process, or of one remote server, `DistributedConfig` has no
//! address of another machine, and `burn-collective`, which had, ended with Burn 0.21. A device of `burn-remote` could
//! be one of the devices here, but the kernels of this workspace are extensions of Flex, NdArray and WGPU, and do not
//! run there.

mod evaluation;
mod shown;
mod spread;
mod training;
mod workers;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Device;
use burn::train::{
    EventProcessorTraining, Learner, LearnerEvent, SupervisedLearningStrategy,
    SupervisedTrainingEventProcessor, TrainLoader, TrainingComponents, ValidLoader,
};

use crate::bounds::counts;
use crate::fit::checkpoint::{Checkpoints, Position};
use crate::fit::step_times::StepClock;
use crate::update::averaging::Average;
use crate::update::guard::Watch;
use crate::update::noise;
use crate::{
    Averaging, Brake, Clipping, Ending, Falling, Guard, Objective, Observer, TrainError, Trainee,
};
use shown::Shown;
use spread::Spread;
use training::TrainingLoop;
use workers::Workers;

/// Where a training goes on from: the learner has the weights already.
#[derive(Debug)]
pub struct Start<M: Objective> {
    /// Steps, epochs that are over, and what is known of them.
    pub position: Position,
    /// What the streams carry into the next window.
    pub carried: Option<M::State>,
    /// The average of the weights so far.
    pub average: Option<M>,
}

/// Truncated backpropagation through time, as a learning strategy of burn-train.
pub struct TruncatedBptt<M: Objective> {
    /// Of `devices`, the first.
    device: Device,
    devices: Vec<Device>,
    clipping: Clipping,
    noise: f64,
    averaging: Averaging,
    steps: Option<usize>,
    evaluate_steps: Option<usize>,
    stop_after: Option<usize>,
    plateau: Option<Falling>,
    seed: u64,
    observer: Arc<Mutex<dyn Observer<M>>>,
    checkpoints: Option<Checkpoints>,
    start: Mutex<Option<Start<M>>>,
    brake: Brake,
    guard: Option<Guard>,
    interrupted: Arc<AtomicBool>,
}

impl<M: Objective> TruncatedBptt<M> {
    /// Trains on `device`: without clipping, for whole epochs.
    pub fn new(device: Device) -> Self {
        Self {
            devices: vec![device.clone()],
            device,
            clipping: Clipping::default(),
            noise: 0.0,
            averaging: Averaging::default(),
            steps: None,
            evaluate_steps: None,
            stop_after: None,
            plateau: None,
            seed: 0,
            observer: Arc::new(Mutex::new(())),
            checkpoints: None,
            start: Mutex::new(None),
            brake: Brake::default(),
            guard: None,
            interrupted: Arc::default(),
        }
    }

    /// Trains on several devices: each has some of the rows (the streams, the examples) of a window, keeps what they
    /// carry into the next, and computes their gradient with the weights of now. On the first, the gradients are
    /// summed to that of the mean over the whole window, clipped and learned from; it is the one that evaluates, too.
    ///
    /// The weights are those of one device with all rows, but for the order in which numbers are summed, and for what
    /// is drawn: each device draws its own dropout masks. A training that is saved is saved as a whole, and may go on
    /// with another number of devices. Of a window with fewer rows than there are devices, some have nothing to do.
    ///
    /// The same device may be named several times: on the CPU, where one has all cores already, that is for tests.
    #[must_use]
    pub fn with_devices(mut self, devices: Vec<Device>) -> Self {
        if let Some(first) = devices.first() {
            self.device = first.clone();
        }
        self.devices = devices;
        self
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
    pub fn with_start(self, start: Start<M>) -> Self {
        Self {
            start: Mutex::new(Some(start)),
            ..self
        }
    }

    /// Hands over the brake of the schedule, through which steps that are left out, plateaus and the
    /// lengths of windows lower the learning rate.
    #[must_use]
    pub fn with_brake(mut self, brake: Brake) -> Self {
        self.brake = brake;
        self
    }

    /// Leaves out steps whose loss or gradient is not finite, as `guard` says.
    #[must_use]
    pub fn with_guard(mut self, guard: Guard) -> Self {
        self.guard = Some(guard);
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

    /// Sets the variance of the noise that is put on the first gradient; it falls from there.
    #[must_use]
    pub fn with_noise(mut self, variance: f64) -> Self {
        self.noise = variance;
        self
    }

    /// Sets which average of the weights is evaluated, and handed to the observer.
    #[must_use]
    pub fn with_averaging(mut self, averaging: Averaging) -> Self {
        self.averaging = averaging;
        self
    }

    /// Sets the number of steps after which training ends, in mid-epoch if need be; the held-out
    /// part is evaluated all the same.
    #[must_use]
    pub fn with_steps(mut self, steps: Option<usize>) -> Self {
        self.steps = steps;
        self
    }

    /// Evaluates the held-out part after so many steps, too, and not only after each epoch.
    #[must_use]
    pub fn with_evaluations(mut self, every: Option<usize>) -> Self {
        self.evaluate_steps = every;
        self
    }

    /// Ends the training after so many evaluations in a row without improvement.
    #[must_use]
    pub fn with_stop_after(mut self, evaluations: Option<usize>) -> Self {
        self.stop_after = evaluations;
        self
    }

    /// Lowers the learning rate when evaluations get no better.
    #[must_use]
    pub fn with_plateau(mut self, plateau: Option<Falling>) -> Self {
        self.plateau = plateau;
        self
    }

    /// Sets the seed of what is drawn in each step, such as dropout.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Refuses what makes no sense. A training that is launched all the same is interrupted before its
    /// first step, for the same reason.
    ///
    /// # Errors
    ///
    /// Names the first setting that is impossible, what would be possible and what it was.
    pub fn check(&self) -> Result<(), TrainError> {
        self.clipping.check()?;
        noise::check(self.noise)?;
        self.averaging.check()?;
        self.guard.map_or(Ok(()), |guard| guard.check())?;
        self.plateau.map_or(Ok(()), |plateau| plateau.check())?;
        counts([
            ("devices", self.devices.len()),
            ("steps", self.steps.unwrap_or(1)),
            ("evaluate_steps", self.evaluate_steps.unwrap_or(1)),
            ("stop_after", self.stop_after.unwrap_or(1)),
        ])
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
        let workers = Workers::of(&self.devices);
        // Rows are shared out where they are made, and go to their devices from there.
        let train = dataloader_train.to_device(&match workers {
            Some(_) => Device::flex().autodiff(),
            None => device.clone(),
        });
        let valid = dataloader_valid.to_device(&device.clone().inner());
        learner.fork(&device);
        let mut early_stopping = components.early_stopping;
        let start = self
            .start
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let start = start.unwrap_or_else(|| {
            let epochs = starting_epoch - 1;
            Start {
                position: Position {
                    steps: epochs * train.num_items(),
                    epochs,
                    ..Position::default()
                },
                carried: None,
                average: None,
            }
        });
        let carried = start.carried;
        let mut carried =
            carried.map_or_else(Spread::nothing, |state| Spread::of(state, &self.devices));
        let average = start.average.map(|weights| {
            (
                weights.fork(&device.clone().inner()),
                start.position.averaged,
            )
        });
        let watch = self
            .guard
            .map(|guard| Watch::new(guard, self.brake.clone(), start.position.left_out));
        let total = self
            .steps
            .unwrap_or(components.num_epochs * train.num_items());
        let clipper = self.check().and_then(|()| self.clipping.init());
        let mut training = TrainingLoop {
            strategy: self,
            name: start.position.training,
            clipper: clipper.as_ref().copied().unwrap_or_default(),
            learner,
            workers,
            valid,
            average: Average::new(self.averaging, average),
            history: start.position.history,
            evaluated: start.position.evaluated,
            events: components.event_processor,
            event_store: components.event_store,
            checkpointer: components
                .checkpointer
                .map(|checkpointer| Arc::new(Mutex::new(checkpointer))),
            saving: None,
            interrupter: components.interrupter,
            watch,
            shown: Shown::new(),
            clock: StepClock::new(self.device.clone(), total),
            ended: false,
            stopped: false,
            steps: start.position.steps,
            epochs: start.position.epochs,
        };

        let refusal = if let Err(error) = &clipper {
            Some(error.to_string())
        } else if components.grad_accumulation.is_some() {
            let reason =
                "TruncatedBptt takes a step a window: accumulate gradients in the loader's windows";
            Some(reason.to_string())
        } else if self.checkpoints.is_some() && training.checkpointer.is_none() {
            let reason =
                "the parts of TruncatedBptt's checkpoints are to be the training's checkpointers";
            Some(reason.to_string())
        } else {
            None
        };
        if refusal.is_some() {
            training.interrupter.stop(refusal.as_deref());
            return (training.learner.model(), training.events);
        }

        // It may have been saved after its last evaluation, and killed before it said so.
        let last_epoch = match training.is_in_vain() {
            true => training.epochs,
            false => components.num_epochs,
        };
        let mut finished = true;
        for epoch in training.epochs + 1..=last_epoch {
            let total_items = self.windows(training.epochs, &train);
            training.tell_train(LearnerEvent::StartSplit {
                epoch_number: epoch,
                total_items,
            });
            training.epoch(&train, carried);
            carried = Spread::nothing();
            training.tell_train(LearnerEvent::EndSplit(epoch));
            if training.ended || training.is_stopped() {
                finished = training.ended;
                break;
            }

            let total_items = training.valid.num_items();
            training.tell_valid(LearnerEvent::StartSplit {
                epoch_number: epoch,
                total_items,
            });
            training.evaluate(epoch, true);
            training.tell_valid(LearnerEvent::EndSplit(epoch));
            training.tell_train(LearnerEvent::EndEpoch(epoch));
            training.interrupter.fail_on_error(training.events.flush());
            if training.is_stopped() {
                training.save(&Spread::nothing());
                finished = false;
                break;
            }

            training.epochs = epoch;
            match (&self.checkpoints, &training.checkpointer) {
                (Some(_), _) => training.save(&Spread::nothing()),
                (None, Some(checkpointer)) => {
                    let mut checkpointer =
                        checkpointer.lock().unwrap_or_else(PoisonError::into_inner);
                    checkpointer.checkpoint(&training.learner, epoch, &training.event_store);
                }
                (None, None) => {}
            }
            let stop = early_stopping
                .as_mut()
                .is_some_and(|early| early.should_stop(epoch, &training.event_store));
            if stop || training.is_in_vain() || self.is_over(training.steps) {
                break;
            }
        }
        training.finish_saving();
        let ending = match training.interrupter.error() {
            Some(_) => Ending::Failed,
            None if finished => Ending::Finished,
            None => Ending::Interrupted,
        };
        self.observe(|observer| observer.ended(ending));
        let TrainingLoop {
            learner,
            average,
            events,
            ..
        } = training;
        let trained = learner.model();
        let trained = match average.get() {
            Some((weights, _)) => Trainee {
                model: trained.model.load_record(weights.clone().into_record()),
            },
            None => trained,
        };
        (trained, events)
    }
}

//! One training: its steps, and when it is saved.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use burn::data::dataloader::Progress;
use burn::train::metric::store::EventStoreClient;
use burn::train::{
    EventProcessorTraining, Interrupter, Learner, LearnerEvent, LearningCheckpointer,
    SupervisedTrainingEventProcessor, TrainLoader, TrainOutput, TrainingItem, ValidLoader,
};

use super::TruncatedBptt;
use super::shown::Shown;
use super::spread::Spread;
use super::workers::Workers;
use crate::device::is_cpu;
use crate::fit::checkpoint::{Carried, Checkpoints, Position};
use crate::fit::seed::mix;
use crate::fit::step_times::{Laps, StepClock};
use crate::update::averaging::Average;
use crate::update::guard::Watch;
use crate::update::noise;
use crate::{Clipper, History, Objective, Step, Trainee, Window, WindowOutput, failpoint};

/// What changes as training goes on.
pub(super) struct TrainingLoop<'a, M: Objective> {
    pub(super) strategy: &'a TruncatedBptt<M>,
    /// What tells it from others, in its checkpoints.
    pub(super) name: String,
    pub(super) clipper: Clipper,
    pub(super) learner: Learner<Trainee<M>>,
    /// Where several devices learn.
    pub(super) workers: Option<Workers<M>>,
    pub(super) valid: ValidLoader<Trainee<M>>,
    pub(super) average: Average<M>,
    pub(super) history: History,
    /// Steps before the last evaluation.
    pub(super) evaluated: usize,
    pub(super) events: SupervisedTrainingEventProcessor<Trainee<M>>,
    pub(super) event_store: Arc<EventStoreClient>,
    pub(super) checkpointer: Option<Arc<Mutex<LearningCheckpointer<Trainee<M>>>>>,
    /// What hands a checkpoint over.
    pub(super) saving: Option<JoinHandle<()>>,
    pub(super) interrupter: Interrupter,
    pub(super) watch: Option<Watch>,
    pub(super) shown: Shown,
    pub(super) clock: StepClock,
    /// Whether evaluations got no better for too long.
    pub(super) ended: bool,
    /// Whether somebody stopped it, as it was last looked at.
    pub(super) stopped: bool,
    /// Steps so far.
    pub(super) steps: usize,
    /// Epochs that are over, with their evaluation.
    pub(super) epochs: usize,
}

type Event<M> = LearnerEvent<WindowOutput<<M as Objective>::State>>;

impl<M: Objective> TrainingLoop<'_, M> {
    /// One pass over the training windows, or the rest of one.
    pub(super) fn epoch(
        &mut self,
        loader: &TrainLoader<Trainee<M>>,
        mut carried: Spread<M::State>,
    ) {
        let total = self.strategy.windows(self.epochs, loader);
        let before = self.epochs * loader.num_items();
        let done = self.steps - before;
        self.shown.restart();
        self.clock.restart();

        let windows = loader.slice(before + done, before + total);
        for (index, window) in (done..).zip(windows.iter()) {
            let mut laps = self.clock.begin(self.steps);
            if self.is_evaluation_due() {
                self.evaluate(self.epochs + 1, false);
                self.shown.restart();
                self.clock.restart();
                laps = None;
                self.ended = self.is_in_vain();
                if self.ended || self.is_stopped() {
                    return self.save(&carried);
                }
            }
            let window = match window {
                Ok(window) => window,
                Err(error) => return self.interrupter.fail(error),
            };
            let Some(learned) = self.step(window, &mut carried, laps) else {
                return;
            };

            let last = index + 1 == total;
            let item = self
                .shown
                .add(&learned.losses, learned.norms.as_ref(), last);
            if let Some(item) = item {
                let progress = Progress::new(index + 1, total, Some("windows".to_string()));
                let rate = Some(self.learner.lr_current());
                let item = TrainingItem::new(item, progress, Some(self.steps), rate);
                self.tell_train(LearnerEvent::ProcessedItem(item));
            }
            failpoint::reached("step");
            let stops = self.look();
            let due = |checkpoints: &Checkpoints| stops || checkpoints.is_due(self.steps);
            if self.strategy.checkpoints.as_ref().is_some_and(due) {
                match last {
                    true => self.save(&Spread::nothing()),
                    false => self.save(&carried),
                }
            }
            if stops {
                return;
            }
            self.clock.wait();
        }
    }

    /// Looks whether the training is to stop. Somebody may stop it at any time, and it is looked at where that is
    /// saved: after a step, and between the windows of an evaluation.
    pub(super) fn look(&mut self) -> bool {
        if self.strategy.interrupted.load(Ordering::Relaxed) {
            self.interrupter.stop(Some("interrupted"));
        }
        self.stopped = self.interrupter.should_stop();
        self.stopped
    }

    /// Whether it was stopped when it was last looked at, or cannot go on.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped || self.interrupter.error().is_some()
    }

    /// One step of the optimiser, unless the guard leaves it out; nothing where a device failed.
    fn step(
        &mut self,
        mut window: Window<M>,
        carried: &mut Spread<M::State>,
        mut laps: Option<Laps>,
    ) -> Option<WindowOutput<M::State>> {
        let before = carried.clone();
        window.timed = laps.is_some();
        self.strategy.brake.once(window.rate);

        let mut output = self.learn(window, carried)?;
        if let Some(laps) = &mut laps {
            laps.learned(&self.strategy.device, output.item.forward_seconds);
        }
        let learner = self.learner.model();
        let norms = self.clipper.apply(&learner, &mut output.grads);
        let (losses, gradients) = (&output.item.losses, &output.grads);
        let left_out = self.watch.as_mut().and_then(|watch| {
            watch.look(self.steps + 1, &learner.model, gradients, losses, &norms)
        });
        drop(learner);
        self.learner.lr_step();
        match &left_out {
            None => {
                let noise = self.strategy.noise;
                if noise > 0.0 {
                    noise::add(noise, self.steps, &self.learner.model(), &mut output.grads);
                }
                self.learner.optimizer_step(output.grads);
                self.average.step(&self.learner.model().model);
            }
            Some(_) => *carried = before,
        }
        self.steps += 1;
        let times = self.clock.end(laps, self.steps);

        let step = Step {
            steps: self.steps,
            positions: output.item.positions,
            left_out: left_out.as_deref(),
            losses: &output.item.losses,
            norms: &norms,
            learning_rate: self.learner.lr_current().base(),
            times,
        };
        let model = self.used_model();
        let told = self
            .strategy
            .observe(|observer| observer.stepped(step, &model));
        if let ControlFlow::Break(reason) = told {
            self.interrupter.stop(Some(&reason));
        }
        if let Some(error) = self.watch.as_ref().and_then(Watch::verdict) {
            self.interrupter.stop(Some(&error.to_string()));
            self.strategy.observe(|observer| observer.gave_up(error));
        }
        output.item.norms = Some(norms);
        Some(output.item)
    }

    /// The gradient of a window; nothing where a device failed, for which the training is stopped.
    fn learn(
        &mut self,
        mut window: Window<M>,
        carried: &mut Spread<M::State>,
    ) -> Option<TrainOutput<WindowOutput<M::State>>> {
        // A step's random numbers depend on its number, not on what was drawn before it.
        let seed = mix(self.strategy.seed, self.steps as u64);
        let Some(workers) = &self.workers else {
            self.strategy.device.seed(seed);
            window.state = carried.take(1).pop().flatten();
            let mut output = self.learner.train_step(window);
            *carried = Spread(vec![output.item.state.take()]);
            return Some(output);
        };
        let learned = workers.learn(&self.learner.model(), &window, carried, seed);
        // What is drawn next does not depend on which device was the last to draw.
        self.strategy.device.seed(seed);
        learned.map_err(|error| self.interrupter.fail(error)).ok()
    }

    /// Whether the held-out part is to be evaluated before the next step.
    fn is_evaluation_due(&self) -> bool {
        let due = |every: usize| {
            self.steps > 0 && self.steps.is_multiple_of(every) && self.evaluated < self.steps
        };
        self.strategy.evaluate_steps.is_some_and(due)
    }

    /// Saves the training where it is; unless it failed, since then there is a better one.
    ///
    /// On the CPU it is copied and written beside the steps that follow: a learner's clone shares its
    /// numbers, so that the training need not wait for the copy. Elsewhere only the writing is beside
    /// them. Burn queues a GPU's operations by thread, and frees a tensor by its last use in any of
    /// the queues: a tensor of this thread that another reads meanwhile may be gone when its turn comes.
    pub(super) fn save(&mut self, carried: &Spread<M::State>) {
        self.finish_saving();
        let (Some(checkpoints), Some(checkpointer)) =
            (self.strategy.checkpoints.clone(), self.checkpointer.clone())
        else {
            return;
        };
        if self.interrupter.error().is_some() {
            return;
        }
        let average = self.average.get();
        let carried = carried.whole(&self.strategy.device.clone().without_autodiff());
        let position = Position {
            training: self.name.clone(),
            steps: self.steps,
            epochs: self.epochs,
            carried: carried.as_ref().map_or_else(Vec::new, Carried::shapes),
            history: self.history.clone(),
            evaluated: self.evaluated,
            averaged: average.map_or(0, |(_, steps)| steps),
            left_out: self
                .watch
                .as_ref()
                .map(|watch| watch.left_out().clone())
                .unwrap_or_default(),
            observer: self.strategy.observe(|observer| observer.remember()),
        };
        let average = average.map(|(weights, _)| weights.clone().into_record());
        let learner = self.learner.clone();
        let (event_store, interrupter) = (self.event_store.clone(), self.interrupter.clone());
        let hand_over = move || {
            let steps = position.steps;
            match checkpoints.begin(&position, carried.as_ref(), average) {
                Ok(()) => {
                    let mut checkpointer =
                        checkpointer.lock().unwrap_or_else(PoisonError::into_inner);
                    checkpointer.checkpoint(&learner, steps, &event_store);
                }
                Err(error) => interrupter.fail(error),
            }
        };
        match is_cpu(&self.strategy.device) {
            true => self.saving = Some(std::thread::spawn(hand_over)),
            false => hand_over(),
        }
    }

    /// Waits until the last checkpoint has all of its parts; they may not be written yet.
    pub(super) fn finish_saving(&mut self) {
        if let Some(saving) = self.saving.take() {
            saving.join().expect("saving panics where training would");
        }
    }

    pub(super) fn tell_train(&mut self, event: Event<M>) {
        self.interrupter
            .fail_on_error(self.events.process_train(event));
    }

    pub(super) fn tell_valid(&mut self, event: Event<M>) {
        self.interrupter
            .fail_on_error(self.events.process_valid(event));
    }
}

//! A training from its beginning, or from a checkpoint, to its end: burn-train with truncated
//! backpropagation through time, and what goes on beside it.

mod journal;
mod shows;
mod trial;
mod unrecorded;

use std::sync::{Arc, Mutex, PoisonError};

use backdraft_cells::Layer;
use burn::data::dataloader::DataLoader;
use burn::lr_scheduler::LrScheduler;
use burn::module::Module;
use burn::tensor::Device;
use burn::train::metric::LearningRateMetric;
use burn::train::{Interrupter, Learner, LearningResult, SupervisedTraining, TrainingStrategy};

use crate::fit::checkpoint::{self, Checkpoints, Latest, SaveAlways};
use crate::run::{CHECKPOINTS, RunState};
use crate::say::say;
use crate::{
    Brake, Decay, Display, Ending, Objective, PickedDevice, Run, Start, TrainError, Trainee,
    Training, TruncatedBptt, Window, WindowMetric, interrupt,
};
pub(crate) use journal::Tally;
use journal::{Best, Journal};
pub(crate) use shows::{Figure, LossInUnit, Shows, Terms};
pub(crate) use trial::{seconds_a_step, weight_bytes};
use unrecorded::Unrecorded;

/// All that a training is made of.
pub(crate) struct TrainingPlan<'a, M: Objective, S> {
    pub(crate) model: M,
    pub(crate) learned_from: Arc<dyn DataLoader<Window<M>>>,
    pub(crate) held_out: Arc<dyn DataLoader<Window<M>>>,
    pub(crate) shows: S,
    pub(crate) training: &'a Training,
    pub(crate) device: &'a PickedDevice,
    /// Not [`Display::Auto`].
    pub(crate) display: Display,
    /// What the data are called.
    pub(crate) source: String,
}

/// What came of it.
pub(crate) struct Learned {
    /// The evaluation of the weights that were kept.
    pub(crate) best: Best,
    pub(crate) tally: Tally,
    pub(crate) seconds: f64,
}

impl<M: Objective, S: Shows<M> + 'static> TrainingPlan<'_, M, S> {
    /// Writes the first checkpoint of a run: of a training that has not begun.
    pub(crate) fn save_first(&self, run: &Run) -> Result<(), TrainError> {
        let an_epoch = self.learned_from.num_items();
        let (_, steps) = self.training.extent(an_epoch);
        let model = self.model.clone();
        checkpoint::begin(
            &run.file(CHECKPOINTS),
            run.fingerprint()?,
            Tally::blank(),
            Trainee { model }.into_record(),
            self.training.optimizer()?.to_record(),
            self.training.schedule(steps, an_epoch)?.to_record(),
        )
    }

    /// Trains from a checkpoint on: the weights that are best on the held-out part are in the run.
    ///
    /// # Errors
    ///
    /// When the checkpoint is of another training, and nothing was touched; when it is interrupted, diverges,
    /// or something cannot be written.
    pub(crate) fn learn(self, run: &Run, latest: Latest) -> Result<Learned, TrainError> {
        self.try_to_learn(run, latest).map_err(|error| match error {
            TrainError::Unwritable { .. } if !run.path().exists() => TrainError::Removed {
                path: run.path().to_path_buf(),
            },
            error => error,
        })
    }

    fn try_to_learn(self, run: &Run, latest: Latest) -> Result<Learned, TrainError> {
        latest.saved.position.check(run)?;
        let mut tally = Tally::of(run, &latest.saved.position)?;
        run.check_weights(&tally)?;
        let an_epoch = self.learned_from.num_items();
        let (_, steps) = self.training.extent(an_epoch);
        let schedule = self.training.schedule(steps, an_epoch)?;
        let brake = schedule.brake();
        let trainee = Trainee {
            model: self.model.clone().train(),
        };
        let mut learner = Learner::new(trainee, self.training.optimizer()?, schedule);
        let start = latest.saved.restore(&mut learner)?;

        // From here on the run changes.
        latest.rest.put_aside()?;
        tally.cut_files(run)?;
        if run.state()? != RunState::Running {
            run.set_state(&RunState::Running)?;
        }
        if self.display != Display::Silent {
            self.tell_start(run, start.position.steps, steps);
        }
        let aloud = self.display == Display::Plain;
        let (terms, a_loss) = (self.shows.terms(), self.shows.a_loss());
        let mut journal = Journal::new(run.clone(), self.shows, steps, self.training, tally, aloud);
        if start.position.steps == 0 {
            journal.write_inside(&self.model)?;
        }
        let journal = Arc::new(Mutex::new(journal));
        let plan = TrainingPlan {
            model: self.model,
            learned_from: self.learned_from,
            held_out: self.held_out,
            shows: journal.clone(),
            training: self.training,
            device: self.device,
            display: self.display,
            source: self.source,
        };
        let result = plan.launch(run, learner, start, brake, (terms, a_loss))?;
        // Its dashboard gives the terminal back.
        drop(result.renderer);
        let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
        let error = result.error.map(|error| error.to_string());
        let best = outcome(&mut journal, run, error)?;
        Ok(Learned {
            best,
            tally: journal.tally.clone(),
            seconds: journal.seconds(),
        })
    }

    fn tell_start(&self, run: &Run, before: usize, steps: usize) {
        let device = match self.device.devices().len() {
            1 => self.device.name.clone(),
            count => format!("{}, {count} times", self.device.name),
        };
        if before > 0 {
            return say(format_args!("resuming after {before} steps, on {device}"));
        }
        let (source, reason, path) = (&self.source, &self.device.reason, run.path().display());
        say(format_args!(
            "training on {source}, with device {device} ({reason})"
        ));
        say(format_args!("the run is written to {path}"));
        if let Some(advice) = self.training.advice(steps) {
            say(advice);
        }
    }
}

/// The paths of the recurrences of a layer; one where all are the same.
pub(crate) fn paths<L: Layer>(layer: &L, device: &Device) -> String {
    let layer = layer.clone().to_device(device);
    let mut paths: Vec<String> = layer
        .paths()
        .iter()
        .map(|(_, path)| path.to_string())
        .collect();
    paths.dedup();
    paths.join(", ")
}

impl<M: Objective, S: Shows<M> + 'static> TrainingPlan<'_, M, Arc<Mutex<Journal<S>>>> {
    /// The training itself, by burn-train.
    fn launch(
        self,
        run: &Run,
        learner: Learner<Trainee<M>>,
        start: Start<M>,
        brake: Brake,
        (terms, a_loss): (Terms, f64),
    ) -> Result<LearningResult<Trainee<M>>, TrainError> {
        let asked = self.training;
        let (epochs, steps) = asked.extent(self.learned_from.num_items());
        let checkpoints = Checkpoints::new(run.file(CHECKPOINTS), asked.saving);
        let next_epoch = (start.position.epochs + 1).min(epochs);
        let strategy = TruncatedBptt::new(self.device.device.clone())
            .with_devices(self.device.devices())
            .with_observer(self.shows)
            .with_clipping(asked.clipping)
            .with_noise(asked.gradient_noise)
            .with_averaging(asked.averaging)
            .with_brake(brake)
            .with_guard(asked.guard)
            .with_steps(Some(steps))
            .with_evaluations(asked.evaluate_steps)
            .with_stop_after(asked.stop_after)
            .with_plateau((asked.decay == Decay::Plateau).then_some(asked.falling))
            .with_seed(asked.seed)
            .with_checkpoints(checkpoints.clone())
            .with_interrupt(interrupt::wanted())
            .with_start(start);
        let [model, optimizer, schedule] = checkpoints.parts();
        let interrupter = Interrupter::new();
        let renderer = self.display.renderer(&interrupter, next_epoch);
        let training = SupervisedTraining::new(run.path(), self.learned_from, self.held_out);
        let training = training.metrics((WindowMetric::loss(),));
        let training = match terms.loss {
            Some(LossInUnit { name, unit, .. }) => {
                training.metrics((WindowMetric::loss_in(name, unit, a_loss),))
            }
            None => training,
        };
        let result = training
            .metric_train_numeric(WindowMetric::gradient_norm())
            .metric_train_numeric(WindowMetric::clipped_norm())
            .metric_train_numeric(WindowMetric::rate(terms.rate))
            .metric_train_numeric(LearningRateMetric::new())
            .with_custom_checkpointers(model, optimizer, schedule)
            .with_checkpointing_strategy(SaveAlways)
            .with_metric_logger(Unrecorded)
            .with_application_logger(None)
            .with_training_strategy(TrainingStrategy::Custom(Arc::new(strategy)))
            .with_interrupter(interrupter)
            .renderer(renderer)
            .num_epochs(epochs)
            .launch(learner);
        match checkpoints.failure() {
            Some(error) => Err(error),
            None => Ok(result),
        }
    }
}

/// The evaluation of the weights that were kept, or why there are none; the run says which.
fn outcome<S>(
    journal: &mut Journal<S>,
    run: &Run,
    error: Option<String>,
) -> Result<Best, TrainError> {
    let steps = journal.tally.steps;
    let diverged = |error: TrainError| {
        let reason = error.to_string();
        run.set_state(&RunState::Diverged { steps, reason })?;
        Err(error)
    };
    match journal.error.take() {
        Some(error @ TrainError::NotFinite { .. }) => return diverged(error),
        Some(error) => return Err(error),
        None => {}
    }
    let ending = journal.ending.unwrap_or(Ending::Failed);
    match (ending, journal.tally.best.clone(), journal.tally.last) {
        (Ending::Failed, ..) => Err(TrainError::Stopped {
            reason: error.unwrap_or_else(|| "it did not come to an end".to_string()),
        }),
        (Ending::Interrupted, ..) => {
            run.set_state(&RunState::Interrupted { steps })?;
            Err(TrainError::Interrupted {
                steps,
                path: run.path().to_path_buf(),
            })
        }
        (Ending::Finished, Some(best), _) => Ok(best),
        (Ending::Finished, None, last) => diverged(TrainError::Diverged {
            loss: last.map_or(f64::NAN, |last| last.loss),
            steps,
        }),
    }
}

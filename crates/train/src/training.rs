//! A training from its beginning, or from a checkpoint, to its end: burn-train with truncated
//! backpropagation through time, and what goes on beside it.

mod journal;
mod shows;
mod trial;

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backdraft_cells::Layer;
use burn::data::dataloader::DataLoader;
use burn::tensor::Device;
use burn::train::metric::LearningRateMetric;
use burn::train::{Learner, LearningResult, SupervisedTraining, TrainingStrategy};

use crate::checkpoint::{self, Always, Checkpoints, Latest, Saved};
use crate::run::CHECKPOINTS;
use crate::{
    Decay, Objective, PickedDevice, PlainProgress, Run, TrainError, Trainee, Training,
    TruncatedBptt, Window, WindowMetric, interrupt,
};
use journal::{Best, Journal, Memory};
pub(crate) use shows::{Figure, Shows};
pub(crate) use trial::{seconds_a_step, weight_bytes};

/// How training shows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// burn-train's dashboard, when standard output is a terminal; else plain lines.
    Dashboard,
    /// Plain lines and samples on standard error.
    Plain,
    /// Not at all.
    Silent,
}

/// All that a training is made of.
pub(crate) struct Plan<'a, M: Objective, S> {
    pub(crate) model: M,
    /// Where it goes on from.
    pub(crate) saved: Option<Saved>,
    pub(crate) learned_from: Arc<dyn DataLoader<Window<M>>>,
    pub(crate) held_out: Arc<dyn DataLoader<Window<M>>>,
    pub(crate) shows: S,
    pub(crate) training: &'a Training,
    pub(crate) run: &'a Run,
    pub(crate) device: &'a PickedDevice,
    pub(crate) display: Display,
}

/// What came of it.
pub(crate) struct Learned {
    /// The evaluation of the weights that were kept.
    pub(crate) best: Best,
    pub(crate) memory: Memory,
    pub(crate) seconds: f64,
}

/// Where a run goes on from, if it was saved yet. Checkpoints that are damaged are told of.
///
/// # Errors
///
/// When what the run began with is damaged, or each checkpoint is.
pub(crate) fn last_checkpoint(run: &Run, began_with: &[&str]) -> Result<Option<Saved>, TrainError> {
    run.check(began_with)?;
    let Latest { saved, damaged } = checkpoint::latest(&run.file(CHECKPOINTS))?;
    for damage in &damaged {
        eprintln!("warning: {damage}; it is put aside, and the checkpoint before it is taken");
    }
    match (&saved, damaged.first()) {
        (None, Some(damage)) => Err(TrainError::CannotResume {
            path: run.path().to_path_buf(),
            reason: format!("no checkpoint is whole ({damage})"),
        }),
        _ => Ok(saved),
    }
}

/// Trains: the weights that are best on the held-out part are in the run.
///
/// # Errors
///
/// When it is interrupted, diverges, or something cannot be written.
pub(crate) fn learn<M: Objective, S: Shows<M> + 'static>(
    plan: Plan<'_, M, S>,
) -> Result<Learned, TrainError> {
    let Plan { run, display, .. } = plan;
    if let (Some(saved), true) = (&plan.saved, display != Display::Silent) {
        let steps = saved.position.steps;
        eprintln!("going on after {steps} steps, on {}", plan.device.name);
    }
    let dashboard = display == Display::Dashboard && std::io::stdout().is_terminal();
    let every = match display {
        Display::Silent => None,
        Display::Dashboard | Display::Plain => Some(Duration::from_secs(5)),
    };
    let renderer = (!dashboard).then(|| PlainProgress::new(every));
    let aloud = !dashboard && display != Display::Silent;
    let (_, steps) = plan.training.extent(plan.learned_from.num_items());
    let begins = plan.saved.is_none() && display != Display::Silent;
    if let Some(advice) = plan.training.advice(steps).filter(|_| begins) {
        eprintln!("{advice}");
    }
    let bits_a_nat = plan.shows.bits_a_nat();
    let mut journal = Journal::new(run.clone(), plan.shows, steps, plan.training, aloud);
    journal.recall(plan.saved.as_ref().map(|saved| &saved.position.observer))?;
    if plan.saved.is_none() {
        journal.write_spectra(&plan.model)?;
    }
    let journal = Arc::new(Mutex::new(journal));
    let result = launch(
        Plan {
            model: plan.model,
            saved: plan.saved,
            learned_from: plan.learned_from,
            held_out: plan.held_out,
            shows: journal.clone(),
            training: plan.training,
            run,
            device: plan.device,
            display,
        },
        bits_a_nat,
        renderer,
    )?;
    let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
    let best = outcome(&mut journal, run, result)?;
    Ok(Learned {
        best,
        memory: journal.memory.clone(),
        seconds: journal.seconds(),
    })
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

/// The training itself, by burn-train; without a `renderer`, with its dashboard.
fn launch<M: Objective, S: Shows<M> + 'static>(
    plan: Plan<'_, M, Arc<Mutex<Journal<S>>>>,
    bits_a_nat: Option<f64>,
    renderer: Option<PlainProgress>,
) -> Result<LearningResult<Trainee<M>>, TrainError> {
    let (asked, run) = (plan.training, plan.run);
    let an_epoch = plan.learned_from.num_items();
    let (epochs, steps) = asked.extent(an_epoch);
    let checkpoints = Checkpoints::new(run.file(CHECKPOINTS), asked.saving);
    let trainee = Trainee {
        model: plan.model.train(),
    };
    let schedule = asked.schedule(steps, an_epoch)?;
    let brake = schedule.brake();
    let mut learner = Learner::new(trainee, asked.optimizer()?, schedule);
    let mut strategy = TruncatedBptt::new(plan.device.device.clone())
        .with_observer(plan.shows)
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
        .with_interrupt(interrupt::wanted());
    if let Some(saved) = plan.saved {
        strategy = strategy.with_start(saved.restore(&mut learner)?);
    }
    let [model, optimizer, schedule] = checkpoints.parts();
    let training = SupervisedTraining::new(run.path(), plan.learned_from, plan.held_out);
    let (training, rate) = match bits_a_nat {
        Some(bits) => (
            training.metrics((WindowMetric::loss(), WindowMetric::bits_per_character(bits))),
            "Symbols a second",
        ),
        None => (
            training.metrics((WindowMetric::loss(),)),
            "Positions a second",
        ),
    };
    let mut training = training
        .metric_train_numeric(WindowMetric::gradient_norm())
        .metric_train_numeric(WindowMetric::clipped_norm())
        .metric_train_numeric(WindowMetric::rate(rate))
        .metric_train_numeric(LearningRateMetric::new())
        .with_custom_checkpointers(model, optimizer, schedule)
        .with_checkpointing_strategy(Always)
        .with_application_logger(None)
        .with_training_strategy(TrainingStrategy::Custom(Arc::new(strategy)))
        .num_epochs(epochs);
    if let Some(renderer) = renderer {
        training = training.renderer(Box::new(renderer));
    }
    let result = training.launch(learner);
    match checkpoints.failure() {
        Some(error) => Err(error),
        None => Ok(result),
    }
}

/// The evaluation of the weights that were kept, or why there are none.
fn outcome<M, S>(
    journal: &mut Journal<S>,
    run: &Run,
    result: LearningResult<M>,
) -> Result<Best, TrainError> {
    if let Some(error) = journal.error.take() {
        return Err(error);
    }
    if let Some(error) = result.error {
        let reason = error.to_string();
        return Err(TrainError::Stopped { reason });
    }
    let steps = journal.memory.steps;
    match (journal.memory.best.clone(), journal.memory.last) {
        _ if result.interrupted.is_some() => Err(TrainError::Interrupted {
            steps,
            path: run.path().to_path_buf(),
        }),
        (Some(best), _) => Ok(best),
        (None, Some(last)) => Err(TrainError::Diverged {
            loss: last.loss,
            steps,
        }),
        (None, None) => unreachable!("a training that is not cut off ends with an evaluation"),
    }
}

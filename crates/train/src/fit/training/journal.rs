//! What goes on beside a training: figures, what the model shows of itself, and the best weights so
//! far.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use burn::module::Module;
use serde::{Deserialize, Serialize};

use super::shows::{Figure, Shows};
use crate::fit::checkpoint::Position;
use crate::fit::step_times::StepTimes;
use crate::fit::tensorboard;
use crate::run::growing::Growing;
use crate::run::{CHECKPOINTS, GRADIENTS, METRICS, SAMPLES, SPECTRA};
use crate::say::say;
use crate::{Ending, Observer, Run, Step, TrainError, Training, Validation};

/// Samples a training.
const SAMPLES_A_RUN: usize = 10;
/// At one in so many of them the inside of the model is looked at for longer: the spectra of large matrices, and how
/// far back gradients reach.
const LONGER_LOOK_EVERY: usize = 5;
/// Lines of figures a training, at most, but for steps that are timed.
const FIGURES_A_RUN: usize = 2000;

/// Writes figures and, ten times a run, a sample and what the inside of the model is like; counts what was learned, and
/// keeps the best weights.
pub(crate) struct Journal<S> {
    run: Run,
    shows: S,
    /// Steps of the whole run.
    total: usize,
    /// Whether figures are written as TensorBoard reads them, too.
    tensorboard: bool,
    /// Whether there are evaluations that no line of progress tells of.
    evaluates_often: bool,
    /// Whether samples and warnings go to standard error, too.
    aloud: bool,
    started: Instant,
    pub(crate) tally: Tally,
    /// How the training ended.
    pub(super) ending: Option<Ending>,
    pub(super) error: Option<TrainError>,
}

/// What is known of the training so far, and goes into its checkpoints.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) steps: usize,
    pub(crate) positions: usize,
    /// Steps that the guard left out.
    pub(crate) skipped: usize,
    pub(super) best: Option<Best>,
    pub(crate) last: Option<Validation>,
    pub(crate) sample: String,
    samples: Growing,
    metrics: Growing,
    #[serde(default)]
    events: Growing,
    #[serde(default)]
    spectra: Growing,
    #[serde(default)]
    gradients: Growing,
    /// Seconds of the programs before this one.
    seconds: f64,
}

/// The evaluation of the weights that are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Best {
    pub(crate) validation: Validation,
    /// What is to be as low as it can.
    cost: f64,
    pub(crate) figures: BTreeMap<String, f64>,
}

/// A line of `metrics.jsonl`; a figure that is no number is null.
#[derive(Serialize)]
struct Figures {
    split: &'static str,
    step: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<usize>,
    loss: f64,
    /// Those of the kind of training.
    #[serde(flatten)]
    own: BTreeMap<&'static str, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gradient_norm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clipped_norm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    learning_rate: Option<f64>,
    /// Steps that the guard has left out so far.
    skipped: usize,
    /// Positions learned from so far.
    positions: usize,
    seconds: f64,
    /// Seconds of the parts of the step, if it was timed.
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<StepTimes>,
}

impl Tally {
    /// What a checkpoint of a run remembers.
    pub(crate) fn of(run: &Run, position: &Position) -> Result<Self, TrainError> {
        Self::deserialize(&position.observer).map_err(|error| TrainError::Damaged {
            path: run.file(CHECKPOINTS),
            reason: error.to_string(),
        })
    }

    /// Of a training that has not begun.
    pub(crate) fn blank() -> serde_json::Value {
        serde_json::to_value(Self::default()).expect("our own types are valid JSON")
    }

    /// Whether there are weights that are best.
    pub(crate) fn has_best(&self) -> bool {
        self.best.is_some()
    }

    /// The files that grow, by name.
    fn growing(&mut self) -> [(&'static str, &mut Growing); 5] {
        [
            (SAMPLES, &mut self.samples),
            (METRICS, &mut self.metrics),
            (SPECTRA, &mut self.spectra),
            (GRADIENTS, &mut self.gradients),
            (tensorboard::FILE, &mut self.events),
        ]
    }

    /// Cuts the files that grow to what was there at the checkpoint. What is missing of them is told of.
    pub(super) fn cut_files(&mut self, run: &Run) -> Result<(), TrainError> {
        for (name, growing) in self.growing() {
            let path = run.file(name);
            let missing = growing.cut(&path)?;
            if missing > 0 {
                say(format_args!(
                    "warning: {}: {missing} bytes at the end of the file are missing; the \
                     training goes on without them",
                    path.display()
                ));
            }
        }
        Ok(())
    }
}

impl<S> Journal<S> {
    /// Of a run of `total` steps; `aloud` on standard error, too.
    pub(super) fn new(
        run: Run,
        shows: S,
        total: usize,
        training: &Training,
        tally: Tally,
        aloud: bool,
    ) -> Self {
        Self {
            run,
            shows,
            total,
            tensorboard: training.tensorboard,
            evaluates_often: training.evaluate_steps.is_some(),
            aloud,
            started: Instant::now(),
            tally,
            ending: None,
            error: None,
        }
    }

    /// How long the training took, this program and those before it.
    pub(crate) fn seconds(&self) -> f64 {
        self.tally.seconds + self.started.elapsed().as_secs_f64()
    }

    fn attempt(&mut self, result: Result<(), TrainError>) {
        if let Err(error) = result {
            self.error.get_or_insert(error);
        }
    }

    /// On standard error, if that is wanted.
    fn say(&self, text: &str) {
        if self.aloud {
            say(text);
        }
    }

    fn go_on(&self) -> ControlFlow<String> {
        match &self.error {
            Some(error) => ControlFlow::Break(error.to_string()),
            None => ControlFlow::Continue(()),
        }
    }

    fn write_figures(&mut self, figures: &Figures) -> Result<(), TrainError> {
        let mut line = serde_json::to_string(figures).expect("our own types are valid JSON");
        line.push('\n');
        self.tally.metrics.append(&self.run.file(METRICS), &line)?;
        self.write_events(figures)
    }

    /// The same for TensorBoard, if that is wanted.
    fn write_events(&mut self, figures: &Figures) -> Result<(), TrainError> {
        if !self.tensorboard {
            return Ok(());
        }
        let path = self.run.file(tensorboard::FILE);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0.0, |now| now.as_secs_f64());
        if self.tally.events.is_empty() {
            self.tally.events.append(&path, tensorboard::header(now))?;
        }
        let split = figures.split;
        let own = figures.own.iter().map(|(name, value)| (*name, *value));
        let named: Vec<(String, f64)> = std::iter::once(("loss", figures.loss))
            .chain(own)
            .map(|(name, value)| (format!("{}/{split}", name.replace('_', " ")), value))
            .collect();
        let mut scalars: Vec<(&str, f64)> = named
            .iter()
            .map(|(tag, value)| (tag.as_str(), *value))
            .collect();
        let others = [
            ("gradient norm/before clipping", figures.gradient_norm),
            ("gradient norm/after clipping", figures.clipped_norm),
            ("learning rate", figures.learning_rate),
        ];
        scalars.extend(
            others
                .into_iter()
                .filter_map(|(tag, value)| Some((tag, value?))),
        );
        let record = tensorboard::scalars(now, figures.step, &scalars);
        self.tally.events.append(&path, record)
    }

    /// The same part of the run, whatever its length.
    fn is_time(&self, a_run: usize) -> bool {
        let steps = self.tally.steps;
        steps.is_multiple_of(self.total.div_ceil(a_run)) || steps == self.total
    }
}

impl<S> Journal<S> {
    fn write_sample<M>(&mut self, model: &M) -> Result<(), TrainError>
    where
        S: Shows<M>,
    {
        let Some(sample) = self.shows.sample(model)? else {
            return Ok(());
        };
        let entry = format!("--- after {} steps ---\n{sample}\n", self.tally.steps);
        self.tally.sample = sample;
        self.say(entry.trim_end_matches('\n'));
        let path = self.run.file(SAMPLES);
        self.tally.samples.append(&path, &entry)
    }

    /// What the inside of the model is like by now: a line of `spectra.jsonl`, and at times one of `gradients.jsonl`.
    pub(super) fn write_inside<M>(&mut self, model: &M) -> Result<(), TrainError>
    where
        S: Shows<M>,
    {
        let steps = self.tally.steps;
        let before = steps / self.total.div_ceil(SAMPLES_A_RUN);
        let longer = before.is_multiple_of(LONGER_LOOK_EVERY) || steps == self.total;
        if let Some(line) = self.shows.spectra(steps, model, longer) {
            self.tally.spectra.append(&self.run.file(SPECTRA), &line)?;
        }
        if !longer {
            return Ok(());
        }
        match self.shows.gradients(steps, model)? {
            Some(line) => self
                .tally
                .gradients
                .append(&self.run.file(GRADIENTS), &line),
            None => Ok(()),
        }
    }

    fn evaluated<M: Module>(&mut self, validation: Validation, model: &M) -> Result<(), TrainError>
    where
        S: Shows<M>,
    {
        self.tally.last = Some(validation);
        let loss = validation.loss;
        let mut own = self.shows.of_loss(loss);
        let held_out = self.shows.held_out(model)?;
        own.extend(held_out.iter().copied());
        let cost = self.shows.cost(loss, &held_out);
        if self.evaluates_often {
            let shown = own.first().copied().unwrap_or(("loss", loss));
            self.say(&format!(
                "after {} steps: {:.4} {} on the held-out part",
                self.tally.steps,
                shown.1,
                shown.0.replace('_', " ")
            ));
        }
        self.write_figures(&Figures {
            split: "valid",
            step: self.tally.steps,
            epoch: Some(validation.epoch),
            loss,
            own: own.iter().copied().collect(),
            gradient_norm: None,
            clipped_norm: None,
            learning_rate: None,
            skipped: self.tally.skipped,
            positions: self.tally.positions,
            seconds: self.seconds(),
            times: None,
        })?;
        let best = self.tally.best.as_ref();
        if best.is_none_or(|best| cost < best.cost) && cost.is_finite() && loss.is_finite() {
            // They are the best ones when they are there.
            self.run.save_weights(model)?;
            let named = |(name, value): Figure| (name.to_string(), value);
            self.tally.best = Some(Best {
                validation,
                cost,
                figures: own.into_iter().map(named).collect(),
            });
        }
        Ok(())
    }
}

impl<M: Module, S: Shows<M>> Observer<M> for Journal<S> {
    fn stepped(&mut self, step: Step<'_>, model: &M) -> ControlFlow<String> {
        self.tally.steps = step.steps;
        self.tally.positions += step.positions;
        if let Some(what) = step.left_out {
            self.tally.skipped += 1;
            self.say(&format!(
                "warning: step {}: {what} is not finite; the step is skipped",
                step.steps
            ));
        }
        if self.is_time(FIGURES_A_RUN) || step.times.is_some() {
            let loss = step.losses.clone().mean().into_scalar::<f64>();
            let written = self.write_figures(&Figures {
                split: "train",
                step: step.steps,
                epoch: None,
                loss,
                own: self.shows.of_loss(loss).into_iter().collect(),
                gradient_norm: Some(step.norms.before.clone().into_scalar::<f64>()),
                clipped_norm: Some(step.norms.after.clone().into_scalar::<f64>()),
                learning_rate: Some(step.learning_rate),
                skipped: self.tally.skipped,
                positions: self.tally.positions,
                seconds: self.seconds(),
                times: step.times,
            });
            self.attempt(written);
        }
        if !self.is_time(SAMPLES_A_RUN) {
            return self.go_on();
        }
        let written = self.write_sample(model);
        self.attempt(written);
        let written = self.write_inside(model);
        self.attempt(written);
        self.go_on()
    }

    fn validated(&mut self, validation: Validation, model: &M) {
        let told = self.evaluated(validation, model);
        self.attempt(told);
    }

    fn gave_up(&mut self, error: TrainError) {
        self.attempt(Err(error));
    }

    fn ended(&mut self, ending: Ending) {
        self.ending = Some(ending);
    }

    fn remember(&mut self) -> serde_json::Value {
        for (name, growing) in self.tally.growing() {
            let synced = growing.sync(&self.run.file(name));
            if let Err(error) = synced {
                self.error.get_or_insert(error);
            }
        }
        let tally = Tally {
            seconds: self.seconds(),
            ..self.tally.clone()
        };
        serde_json::to_value(tally).expect("our own types are valid JSON")
    }
}

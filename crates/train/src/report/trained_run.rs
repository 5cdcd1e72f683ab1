//! What a run left of its training.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::fit::step_times::StepTimes;
use crate::fit::training::Terms;
use crate::run::METRICS;
use crate::run::json_lines::JsonLines;
use crate::tasks::terms;
use crate::{Recurrence, Run, RunState, TrainError, Training};

/// A line of `metrics.jsonl`. What was no finite number there is nothing here.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Line {
    split: String,
    pub(super) step: usize,
    loss: Option<f64>,
    pub(super) gradient_norm: Option<f64>,
    pub(super) clipped_norm: Option<f64>,
    pub(super) learning_rate: Option<f64>,
    pub(super) skipped: usize,
    /// Symbols or other positions learned from so far; runs of old do not have them.
    positions: Option<usize>,
    seconds: f64,
    /// Seconds of the parts of the step, where it was timed.
    pub(super) times: Option<StepTimes>,
    /// The figures of the task.
    #[serde(flatten)]
    own: BTreeMap<String, Value>,
}

/// What is asked for in any kind of run.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct SharedSettings {
    #[serde(flatten)]
    pub(super) recurrence: Recurrence,
    #[serde(flatten)]
    pub(super) training: Training,
}

/// The training of a run, as far as it went.
#[derive(Debug)]
pub(super) struct TrainedRun {
    pub(super) name: String,
    /// What its task calls things.
    pub(super) terms: Terms,
    pub(super) asked: SharedSettings,
    /// The same as a file.
    pub(super) description: String,
    lines: Vec<Line>,
    /// What is said of lines that cannot be read, if there are any.
    pub(super) skipped: Option<String>,
    /// What the model wrote: after how many steps, and the text.
    pub(super) samples: Vec<(String, String)>,
}

impl TrainedRun {
    /// Reads it from a run folder.
    pub(super) fn read(path: &Path) -> Result<Self, TrainError> {
        let (run, task, description) = Run::asked(path)?;
        let asked = toml::from_str(&description).map_err(|error| TrainError::Damaged {
            path: run.path().to_path_buf(),
            reason: error.to_string().trim().replace('\n', " "),
        })?;
        // Weights that were imported were not trained here.
        let metrics = match JsonLines::read(&run.file(METRICS)) {
            Err(TrainError::Missing { .. }) if matches!(run.state(), Ok(RunState::Imported)) => {
                JsonLines::default()
            }
            read => read?,
        };
        let JsonLines { lines, skipped } = metrics;
        // A run that was cut off early has written nothing yet.
        let samples = match run.file(crate::run::SAMPLES).exists() {
            true => split_samples(&run.samples()?),
            false => Vec::new(),
        };
        Ok(Self {
            name: name(run.path()),
            terms: terms(&task),
            asked,
            description,
            lines,
            skipped,
            samples,
        })
    }

    /// A figure of the steps, by step.
    pub(super) fn learned(&self, figure: impl Fn(&Line) -> Option<f64>) -> Vec<(f64, f64)> {
        let lines = self.lines.iter().filter(|line| line.split == "train");
        lines
            .filter_map(|line| Some((line.step as f64, figure(line)?)))
            .collect()
    }

    /// The loss of a line, in the unit of its task.
    pub(super) fn loss(&self, line: &Line) -> Option<f64> {
        match self.terms.loss {
            Some(told) => line.own.get(told.figure)?.as_f64(),
            None => line.loss,
        }
    }

    /// The loss of each evaluation, by step.
    pub(super) fn held_out(&self) -> Vec<(f64, f64)> {
        let lines = self.lines.iter().filter(|line| line.split == "valid");
        lines
            .filter_map(|line| Some((line.step as f64, self.loss(line)?)))
            .collect()
    }

    /// Symbols a second between the lines, some at a time: single steps are too short for a clock.
    pub(super) fn throughput(&self) -> Vec<(f64, f64)> {
        const POINTS: usize = 60;
        let lines: Vec<&Line> = self
            .lines
            .iter()
            .filter(|line| line.split == "train")
            .collect();
        let together = lines.len().div_ceil(POINTS).max(1);
        let ends: Vec<&Line> = lines.iter().step_by(together).copied().collect();
        let rate = |pair: &[&Line]| {
            let seconds = pair[1].seconds - pair[0].seconds;
            let positions = pair[1].positions?.checked_sub(pair[0].positions?)? as f64;
            (seconds > 0.0).then(|| (pair[1].step as f64, positions / seconds))
        };
        ends.windows(2).filter_map(rate).collect()
    }

    /// The last step that left a line.
    pub(super) fn last_step(&self) -> f64 {
        self.lines.last().map_or(1.0, |line| line.step as f64)
    }

    /// The lowest of the evaluations.
    pub(super) fn best(&self) -> Option<f64> {
        let all = self.held_out().into_iter().map(|(_, loss)| loss);
        all.min_by(f64::total_cmp)
    }

    /// Steps left out, and seconds, so far.
    pub(super) fn totals(&self) -> (usize, f64) {
        self.lines
            .last()
            .map_or((0, 0.0), |line| (line.skipped, line.seconds))
    }
}

fn name(path: &Path) -> String {
    let path: PathBuf = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// `--- after 298 steps ---` and what follows it, again and again.
fn split_samples(text: &str) -> Vec<(String, String)> {
    let mut samples: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let head = line.strip_prefix("--- after ");
        match head.and_then(|head| head.strip_suffix(" steps ---")) {
            Some(steps) => samples.push((steps.to_string(), String::new())),
            None => {
                if let Some((_, sample)) = samples.last_mut() {
                    sample.push_str(line);
                    sample.push('\n');
                }
            }
        }
    }
    samples
}

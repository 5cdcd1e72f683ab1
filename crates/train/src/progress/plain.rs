//! Plain progress lines, for where there is no terminal: a pipe, a log file, a build server.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use burn::train::LearnerSummary;
use burn::train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn::train::metric::{MetricDefinition, MetricId};
use burn::train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation,
    MetricsRendererTraining,
};

use crate::say::say;

/// A renderer of burn-train that writes a line to standard error every few seconds, with the
/// figures of the last window, and a line with their means when a split has ended.
///
/// ```text
/// epoch 1/1  train  1320/2884 windows  bits per character 1.780  ..  loss 1.234  1:23 left
/// ```
#[derive(Debug)]
pub struct PlainProgress {
    every: Option<Duration>,
    last: Option<Instant>,
    split: String,
    /// What was done of this split when it was first told, and when that was: a training that goes on
    /// may be in the middle of it.
    first: Option<(usize, Instant)>,
    done: usize,
    total: usize,
    epoch: usize,
    epochs: usize,
    names: HashMap<MetricId, String>,
    values: BTreeMap<String, f64>,
}

impl PlainProgress {
    /// A line at most `every` so often; none at all for `None`.
    pub fn new(every: Option<Duration>) -> Self {
        Self {
            every,
            last: None,
            split: String::new(),
            first: None,
            done: 0,
            total: 0,
            epoch: 1,
            epochs: 1,
            names: HashMap::new(),
            values: BTreeMap::new(),
        }
    }

    /// Of a training that goes on with this epoch.
    #[must_use]
    pub fn with_epoch(mut self, epoch: usize) -> Self {
        self.epoch = epoch;
        self
    }

    /// The epoch, from 1.
    pub(super) fn epoch(&self) -> usize {
        self.epoch
    }

    /// How quick the training is, and how long it goes on.
    pub(super) fn speed(&self) -> Option<String> {
        let named = |(name, _): &(&String, &f64)| name.ends_with("a second");
        let (name, rate) = self.values.iter().find(named)?;
        let speed = format!("{} {}", digits(*rate), name.to_lowercase());
        Some(match self.left(self.seconds()) {
            Some(left) => format!("{speed}, {} left", minutes(left)),
            None => speed,
        })
    }

    /// Seconds since this split was first told of.
    fn seconds(&self) -> f64 {
        self.first
            .map_or(0.0, |(_, since)| since.elapsed().as_secs_f64())
    }

    /// What there is to tell, so many seconds after this split was first told of.
    fn line(&self, seconds: f64) -> String {
        let mut line = format!(
            "epoch {}/{}  {}  {}/{} windows",
            self.epoch, self.epochs, self.split, self.done, self.total
        );
        for (name, value) in &self.values {
            let name = name.to_lowercase();
            line.push_str(&format!("  {} {}", name, digits(*value)));
        }
        if let Some(left) = self.left(seconds) {
            line.push_str(&format!("  {} left", minutes(left)));
        }
        line
    }

    /// Seconds to go after so many for what was done since: of training, in all epochs.
    fn left(&self, seconds: f64) -> Option<f64> {
        let (before, _) = self.first?;
        if self.done == before || self.done >= self.total {
            return None;
        }
        let later_epochs = match self.split.as_str() {
            "train" => self.epochs.saturating_sub(self.epoch),
            _ => 0,
        };
        let windows = self.total - self.done + later_epochs * self.total;
        Some(seconds / (self.done - before) as f64 * windows as f64)
    }

    fn write(&mut self, note: &str) {
        self.last = Some(Instant::now());
        say(format_args!("{}{note}", self.line(self.seconds())));
    }

    /// Takes note of a figure.
    pub(super) fn see(&mut self, state: &MetricState) {
        if let MetricState::Numeric(entry, Some(value)) = state {
            let name = self
                .names
                .get(&entry.metric_id)
                .cloned()
                .unwrap_or_default();
            self.values.insert(name, value.current());
        }
    }
}

fn minutes(seconds: f64) -> String {
    let seconds = seconds as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Three decimals, three digits of what is smaller, and no decimals of what is large.
fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 0.01 || size == 0.0 => format!("{value:.3}"),
        _ => format!("{value:.2e}"),
    }
}

impl TrainingProgressLogger for PlainProgress {
    fn start(&mut self, epochs: usize, starting: usize, _: Option<usize>, _: Option<&str>) {
        self.epochs = epochs;
        self.epoch = self.epoch.max(starting);
    }

    fn start_split(&mut self, split: &str, total: usize) {
        self.split = split.to_string();
        self.done = 0;
        self.total = total;
        self.values.clear();
        self.first = None;
        self.last.get_or_insert_with(Instant::now);
    }

    fn update_split(&mut self, done: usize) {
        self.done = done;
        self.first.get_or_insert_with(|| (done, Instant::now()));
        let due = |every| self.last.is_none_or(|last| last.elapsed() >= every);
        if self.every.is_some_and(due) {
            self.write("");
        }
    }

    fn end_split(&mut self) {
        if self.every.is_some() && self.done > 0 {
            self.write("  (means)");
        }
    }

    fn update_epoch(&mut self, epoch: usize) {
        self.epoch = epoch + 1;
    }

    fn end(&mut self) {}

    fn log_event_training(&mut self, _event: String) {}
}

impl MetricsRendererTraining for PlainProgress {
    fn update_train(&mut self, state: MetricState) {
        self.see(&state);
    }

    fn update_valid(&mut self, state: MetricState) {
        self.see(&state);
    }

    fn on_train_end(
        &mut self,
        _summary: Option<LearnerSummary>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        Ok(())
    }
}

impl EvaluationProgressLogger for PlainProgress {
    fn start_global_progress(&mut self, _tests: usize) {}

    fn start_test(&mut self, name: &str, total: usize) {
        self.start_split(name, total);
    }

    fn update_test_progress(&mut self, done: usize) {
        self.update_split(done);
    }

    fn end_test(&mut self) {
        self.end_split();
    }

    fn end_global_progress(&mut self) {}

    fn log_event_evaluation(&mut self, _event: String) {}
}

impl MetricsRendererEvaluation for PlainProgress {
    fn update_test(&mut self, _name: EvaluationName, state: MetricState) {
        self.see(&state);
    }
}

impl MetricsRenderer for PlainProgress {
    fn manual_close(&mut self) {}

    fn register_metric(&mut self, definition: MetricDefinition) {
        self.names
            .insert(definition.metric_id, definition.name.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::train::metric::{MetricEntry, NumericEntry, SerializedEntry};

    #[test]
    fn a_line_tells_where_training_is_and_what_it_gives() {
        let mut progress = PlainProgress::new(None);
        let id = MetricId::new(std::sync::Arc::new("Loss".to_string()));
        progress.register_metric(MetricDefinition {
            metric_id: id.clone(),
            name: std::sync::Arc::new("Loss".to_string()),
            description: None,
            attributes: burn::train::metric::MetricAttributes::None,
        });
        progress.start(3, 2, None, None);
        progress.start_split("train", 40);
        let entry = MetricEntry::new(id, SerializedEntry::new(String::new(), String::new()));
        progress.update_train(MetricState::Numeric(entry, Some(NumericEntry::Value(1.25))));
        progress.update_split(40);
        assert_eq!(
            progress.line(99.0),
            "epoch 2/3  train  40/40 windows  loss 1.250"
        );
        progress.start_split("train", 40);
        // Of a training that goes on, 5 were done before.
        for done in [5, 15] {
            progress.update_split(done);
        }
        assert_eq!(
            progress.line(30.0),
            "epoch 2/3  train  15/40 windows  3:15 left",
            "25 windows of this epoch and 40 of the last, at 3 seconds each"
        );
        progress.start_split("valid", 5);
        for done in [1, 3] {
            progress.update_split(done);
        }
        assert_eq!(
            progress.line(3.0),
            "epoch 2/3  valid  3/5 windows  0:03 left"
        );
    }

    #[test]
    fn a_training_that_goes_on_counts_its_epochs_from_there() {
        let mut progress = PlainProgress::new(None).with_epoch(4);
        progress.start(10, 1, None, None);
        progress.start_split("train", 40);
        assert_eq!(progress.line(0.0), "epoch 4/10  train  0/40 windows");
    }

    #[test]
    fn the_speed_is_told_with_the_time_left() {
        let mut progress = PlainProgress::new(None);
        let id = MetricId::new(std::sync::Arc::new("Rate".to_string()));
        progress
            .names
            .insert(id.clone(), "Symbols a second".to_string());
        assert_eq!(progress.speed(), None);
        progress.start_split("train", 40);
        let entry = MetricEntry::new(id, SerializedEntry::new(String::new(), String::new()));
        progress.see(&MetricState::Numeric(
            entry,
            Some(NumericEntry::Value(12_345.6)),
        ));
        assert_eq!(progress.speed().unwrap(), "12346 symbols a second");
    }

    #[test]
    fn small_numbers_keep_their_digits() {
        assert_eq!(digits(0.004), "4.00e-3");
        assert_eq!(digits(-12.34567), "-12.346");
        assert_eq!(digits(101_234.5), "101234");
        assert_eq!(digits(0.0), "0.000");
    }
}

//! Plain progress lines, for where there is no terminal: a pipe, a log file, a build server.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::time::{Duration, Instant};

use burn::train::LearnerSummary;
use burn::train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn::train::metric::{MetricDefinition, MetricId};
use burn::train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation,
    MetricsRendererTraining,
};

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
    split_started: Instant,
    split: String,
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
            split_started: Instant::now(),
            split: String::new(),
            done: 0,
            total: 0,
            epoch: 1,
            epochs: 1,
            names: HashMap::new(),
            values: BTreeMap::new(),
        }
    }

    /// What there is to tell, so many seconds after this split began.
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
            line.push_str(&format!(
                "  {}:{:02} left",
                left as u64 / 60,
                left as u64 % 60
            ));
        }
        line
    }

    /// Seconds to go after so many for what is done of this split: of training, in all epochs.
    fn left(&self, seconds: f64) -> Option<f64> {
        if self.done == 0 || self.done >= self.total {
            return None;
        }
        let later_epochs = match self.split.as_str() {
            "train" => self.epochs.saturating_sub(self.epoch),
            _ => 0,
        };
        let windows = self.total - self.done + later_epochs * self.total;
        Some(seconds / self.done as f64 * windows as f64)
    }

    /// Progress is not worth failing for: a closed pipe is ignored.
    fn write(&mut self, note: &str) {
        self.last = Some(Instant::now());
        writeln!(
            std::io::stderr(),
            "{}{note}",
            self.line(self.split_started.elapsed().as_secs_f64())
        )
        .ok();
    }

    fn update(&mut self, state: MetricState) {
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
        self.epoch = starting;
    }

    fn start_split(&mut self, split: &str, total: usize) {
        self.split = split.to_string();
        self.done = 0;
        self.total = total;
        self.values.clear();
        self.split_started = Instant::now();
        self.last.get_or_insert(self.split_started);
    }

    fn update_split(&mut self, done: usize) {
        self.done = done;
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
        self.update(state);
    }

    fn update_valid(&mut self, state: MetricState) {
        self.update(state);
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
        self.update(state);
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
        progress.update_split(10);
        assert_eq!(
            progress.line(30.0),
            "epoch 2/3  train  10/40 windows  loss 1.250  3:30 left",
            "30 windows of this epoch and 40 of the last, at 3 seconds each"
        );
        progress.start_split("valid", 4);
        progress.update_split(2);
        assert_eq!(
            progress.line(3.0),
            "epoch 2/3  valid  2/4 windows  0:03 left"
        );
    }

    #[test]
    fn small_numbers_keep_their_digits() {
        assert_eq!(digits(0.004), "4.00e-3");
        assert_eq!(digits(-12.34567), "-12.346");
        assert_eq!(digits(101_234.5), "101234");
        assert_eq!(digits(0.0), "0.000");
    }
}

//! burn-train's dashboard, with the promises of the plain lines: Ctrl-C, a closed terminal and `q` stop the
//! training, which is then saved.
//!
//! The dashboard takes each key as it is typed (raw mode), and knows nothing of Ctrl-C. So the terminal is
//! told to make a signal of that key again. How a training ended is its own word: what the dashboard thinks
//! of it is not asked.

use std::error::Error;
use std::io::{IsTerminal, stdout};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use burn::train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn::train::metric::MetricDefinition;
use burn::train::renderer::tui::TuiMetricsRendererWrapper;
use burn::train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation,
    MetricsRendererTraining,
};
use burn::train::{Interrupter, LearnerSummary};
use crossterm::terminal::is_raw_mode_enabled;

use super::PlainProgress;
use crate::say::Aside;
use crate::{interrupt, terminal};

/// Why a dashboard cannot be shown, if it cannot.
pub(super) fn why_not() -> Option<&'static str> {
    if !stdout().is_terminal() {
        return Some("a file or a pipe");
    }
    if std::env::var_os("TERM").is_none_or(|kind| kind.is_empty() || kind == "dumb") {
        return Some("one that shows plain lines only, by TERM");
    }
    signals::why_not()
}

/// burn-train's dashboard.
pub(crate) struct Dashboard {
    inner: TuiMetricsRendererWrapper,
    /// Ends after the dashboard has given the terminal back.
    _standard_error: Aside,
    /// Counts what the dashboard does not: speed and time left.
    plain: PlainProgress,
    epochs: usize,
    epoch: usize,
    /// Whether Ctrl-C is a signal again.
    hears: bool,
}

impl Dashboard {
    /// Takes the terminal; `plain` knows where the training is.
    pub(super) fn new(interrupter: Interrupter, plain: PlainProgress) -> Self {
        terminal::taken(true);
        let mut dashboard = Self {
            _standard_error: Aside::new(),
            inner: TuiMetricsRendererWrapper::new(interrupter, None),
            plain,
            epochs: 1,
            epoch: 1,
            hears: false,
        };
        // Its thread sets the terminal up. If that takes longer, Ctrl-C works from the first figures on.
        for _ in 0..500 {
            if dashboard.hear() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        dashboard
    }

    /// Makes Ctrl-C a signal again, once the dashboard has taken that away.
    fn hear(&mut self) -> bool {
        if !self.hears && is_raw_mode_enabled().unwrap_or(false) {
            signals::hear_ctrl_c();
            self.hears = true;
        }
        self.hears
    }

    /// Does something with the dashboard. It panics where a person asks to leave at once.
    fn with<R>(&mut self, act: impl FnOnce(&mut TuiMetricsRendererWrapper) -> R) -> R {
        self.hear();
        catch_unwind(AssertUnwindSafe(|| act(&mut self.inner))).unwrap_or_else(|panic| match panic
            .downcast_ref()
        {
            Some(&"Killing training from user input.") => interrupt::leave(),
            _ => resume_unwind(panic),
        })
    }

    /// Puts speed and time left where the dashboard has its title.
    fn tell(&mut self) {
        let (epochs, epoch, label) = (self.epochs, self.epoch, self.plain.speed());
        self.with(|inner| inner.start(epochs, epoch, None, label.as_deref()));
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        terminal::taken(false);
    }
}

impl TrainingProgressLogger for Dashboard {
    fn start(&mut self, epochs: usize, starting: usize, items: Option<usize>, _: Option<&str>) {
        self.plain.start(epochs, starting, items, None);
        (self.epochs, self.epoch) = (epochs, self.plain.epoch());
        self.tell();
    }

    fn start_split(&mut self, split: &str, total: usize) {
        self.plain.start_split(split, total);
        self.with(|inner| inner.start_split(split, total));
    }

    fn update_split(&mut self, done: usize) {
        self.plain.update_split(done);
        self.tell();
        self.with(|inner| inner.update_split(done));
    }

    fn end_split(&mut self) {
        self.with(|inner| inner.end_split());
    }

    fn update_epoch(&mut self, epoch: usize) {
        self.plain.update_epoch(epoch);
        self.epoch = self.plain.epoch();
        self.with(|inner| inner.update_epoch(epoch));
    }

    fn end(&mut self) {
        self.with(TrainingProgressLogger::end);
    }

    /// Not passed on: it would count what was shown, and call that iterations.
    fn log_event_training(&mut self, _: String) {}
}

impl MetricsRendererTraining for Dashboard {
    fn update_train(&mut self, state: MetricState) {
        self.plain.see(&state);
        self.with(|inner| inner.update_train(state));
    }

    fn update_valid(&mut self, state: MetricState) {
        self.with(|inner| inner.update_valid(state));
    }

    /// Not passed on: the dashboard would forget that somebody stopped the training.
    fn on_train_end(&mut self, _: Option<LearnerSummary>) -> Result<(), Box<dyn Error>> {
        Ok(())
    }
}

impl EvaluationProgressLogger for Dashboard {
    fn start_global_progress(&mut self, tests: usize) {
        self.with(|inner| inner.start_global_progress(tests));
    }

    fn start_test(&mut self, name: &str, total: usize) {
        self.with(|inner| inner.start_test(name, total));
    }

    fn update_test_progress(&mut self, done: usize) {
        self.with(|inner| inner.update_test_progress(done));
    }

    fn end_test(&mut self) {
        self.with(|inner| inner.end_test());
    }

    fn end_global_progress(&mut self) {
        self.with(|inner| inner.end_global_progress());
    }

    fn log_event_evaluation(&mut self, event: String) {
        self.with(|inner| inner.log_event_evaluation(event));
    }
}

impl MetricsRendererEvaluation for Dashboard {
    fn update_test(&mut self, name: EvaluationName, state: MetricState) {
        self.with(|inner| inner.update_test(name, state));
    }
}

impl MetricsRenderer for Dashboard {
    fn manual_close(&mut self) {
        self.with(MetricsRenderer::manual_close);
    }

    fn register_metric(&mut self, definition: MetricDefinition) {
        self.plain.register_metric(definition.clone());
        self.with(|inner| inner.register_metric(definition));
    }
}

#[cfg(unix)]
mod signals {
    use std::io::stdout;

    use rustix::process::getpgrp;
    use rustix::termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcgetpgrp, tcsetattr,
    };

    /// A program in the background is stopped by the system when it changes how its terminal works.
    pub(super) fn why_not() -> Option<&'static str> {
        let has_terminal = tcgetpgrp(stdout()).is_ok_and(|group| group == getpgrp());
        (!has_terminal).then_some("one that another program has, as this one is in the background")
    }

    pub(super) fn hear_ctrl_c() {
        let Ok(mut terminal) = tcgetattr(stdout()) else {
            return;
        };
        terminal.local_modes.insert(LocalModes::ISIG);
        // Stopped by a key, or ended without a word, it would leave the terminal as it is now.
        for key in [SpecialCodeIndex::VSUSP, SpecialCodeIndex::VQUIT] {
            terminal.special_codes[key] = 0;
        }
        tcsetattr(stdout(), OptionalActions::Now, &terminal).ok();
    }
}

#[cfg(not(unix))]
mod signals {
    pub(super) fn why_not() -> Option<&'static str> {
        Some("one whose Ctrl-C a dashboard would take away")
    }

    pub(super) fn hear_ctrl_c() {}
}

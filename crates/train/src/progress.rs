//! How a training shows itself while it goes on.

mod dashboard;
mod plain;

use std::time::Duration;

use burn::train::Interrupter;
use burn::train::renderer::MetricsRenderer;
use clap::ValueEnum;

use crate::TrainError;
use dashboard::Dashboard;
pub use plain::PlainProgress;

/// How often a plain line is written.
const EVERY: Duration = Duration::from_secs(5);

/// How a training shows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Display {
    /// The dashboard on a terminal that can show it, plain lines elsewhere
    #[default]
    Auto,
    /// burn-train's dashboard, which needs a terminal
    Dashboard,
    /// Plain lines and samples on standard error
    Plain,
    /// No progress
    #[value(name = "none")]
    Silent,
}

impl Display {
    /// What `auto` comes to here.
    ///
    /// # Errors
    ///
    /// When a dashboard is asked for and cannot be shown.
    pub(crate) fn settled(self) -> Result<Self, TrainError> {
        match (self, dashboard::why_not()) {
            (Self::Auto, None) => Ok(Self::Dashboard),
            (Self::Auto, Some(_)) => Ok(Self::Plain),
            (Self::Dashboard, Some(found)) => Err(TrainError::Invalid {
                setting: "progress",
                expected: "a terminal on standard output for a dashboard".to_string(),
                found: found.to_string(),
            }),
            (settled, _) => Ok(settled),
        }
    }

    /// Shows it, of a training whose next epoch is this one.
    pub(crate) fn renderer(
        self,
        interrupter: &Interrupter,
        epoch: usize,
    ) -> Box<dyn MetricsRenderer> {
        let every = (self == Self::Plain).then_some(EVERY);
        let plain = PlainProgress::new(every).with_epoch(epoch);
        match self {
            Self::Dashboard => Box::new(Dashboard::new(interrupter.clone(), plain)),
            _ => Box::new(plain),
        }
    }
}

//! What is evaluated and saved, and when.

use super::arguments::take;
use crate::{Saving, Training};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Saving")]
pub(super) struct Keeping {
    /// Fraction of the data to hold out; of a text, its end
    #[arg(long, value_name = "F", default_value_t = Training::default().valid_fraction, help_heading = "Data")]
    valid_fraction: f64,
    /// Evaluate every N steps, and not only after each epoch
    #[arg(long, value_name = "N", help_heading = "Training")]
    evaluate_steps: Option<usize>,
    /// Stop after N evaluations in a row without improvement
    #[arg(long, value_name = "N", help_heading = "Training")]
    stop_after: Option<usize>,
    /// Write a checkpoint every N steps
    #[arg(long, value_name = "N")]
    save_steps: Option<usize>,
    /// Write a checkpoint every S seconds
    #[arg(long, value_name = "S", default_value_t = 60.0)]
    save_seconds: f64,
    /// Number of checkpoints to keep
    #[arg(long, value_name = "N", default_value_t = Saving::default().keep)]
    keep: usize,
    /// Also write the figures for TensorBoard
    #[arg(long)]
    tensorboard: bool,
}

impl Keeping {
    pub(super) fn put(&self, typed: &dyn Fn(&str) -> bool, training: &mut Training) {
        take!(self, typed, training, valid_fraction evaluate_steps stop_after tensorboard);
        take!(self, typed, training.saving, keep);
        if typed("save_steps") {
            training.saving.steps = self.save_steps;
        }
        if typed("save_seconds") {
            training.saving.seconds = Some(self.save_seconds);
        }
    }
}

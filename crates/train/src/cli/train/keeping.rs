//! What is evaluated and saved, and when.

use super::arguments::take;
use crate::{Saving, Training};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Evaluating and saving")]
pub(super) struct Keeping {
    /// The part of the data that is held out; of a text, its end
    #[arg(long, value_name = "F", default_value_t = Training::default().valid_fraction)]
    valid_fraction: f64,
    /// Evaluate it after so many steps, too, and not only after each epoch
    #[arg(long, value_name = "N")]
    evaluate_steps: Option<usize>,
    /// End the training after so many evaluations in a row without improvement
    #[arg(long, value_name = "N")]
    stop_after: Option<usize>,
    /// Save the training, to go on from there, after so many steps
    #[arg(long, value_name = "N")]
    save_steps: Option<usize>,
    /// Save it after so many seconds
    #[arg(long, value_name = "S", default_value_t = 60.0)]
    save_seconds: f64,
    /// Checkpoints that stay
    #[arg(long, value_name = "N", default_value_t = Saving::default().keep)]
    keep: usize,
    /// Write the figures as TensorBoard reads them, too
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

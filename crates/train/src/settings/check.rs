//! What makes no sense among the settings, by name.

use std::fmt::Display;

use backdraft_cells::Memory;
use backdraft_data::TextFiles;

use super::{Carrying, Recurrence, Settings, Training};
use crate::{AverageKind, Decay, OptimizerKind, TrainError, noise};

/// 8 GiB of them, in single precision.
const MOST_WEIGHTS: usize = 1 << 31;

impl Settings {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    ///
    /// Names the first setting that is impossible, what would be possible and what it was.
    pub fn check(&self) -> Result<(), TrainError> {
        counts([
            ("the unroll length", self.unroll),
            ("the windows of a step", self.windows.accumulate),
        ])?;
        if let Err(error) = TextFiles::new().with_include(&self.include) {
            return refuse(
                "the files to include",
                "patterns such as `*.txt`",
                &error.to_string(),
            );
        }
        self.lexicon.check()?;
        self.recurrence.check()?;
        self.training.check()?;
        let (stride, unroll) = (self.windows.stride.unwrap_or(self.unroll), self.unroll);
        let expected = format!("1 to {unroll}, the unroll length");
        let fits = (1..=unroll).contains(&stride);
        require("the steps from window to window", &expected, stride, fits)?;
        parts([("label smoothing", self.penalties.label_smoothing)])?;
        weights([
            ("the activation penalty", self.penalties.activation),
            (
                "the temporal activation penalty",
                self.penalties.temporal_activation,
            ),
        ])?;
        self.check_together()
    }

    /// Refuses what would be without effect, or wrong, beside something else.
    fn check_together(&self) -> Result<(), TrainError> {
        let windows = &self.windows;
        let separated = windows
            .separator
            .as_ref()
            .is_some_and(|text| !text.is_empty());
        if (windows.carry == Carrying::Documents) != separated {
            let (expected, found) = match separated {
                false => ("--separator, which tells documents apart", "none"),
                true => ("--carry documents beside --separator", "another"),
            };
            return refuse("what windows continue from", expected, found);
        }
        let regularize = self.recurrence.regularize;
        let a_window = regularize.drop_connect + regularize.recurrent_dropout;
        if windows.recompute && a_window > 0.0 {
            let expected = "no dropout that is drawn for a whole window (drop-connect, recurrent)";
            return refuse("what is computed twice", expected, "one");
        }
        Ok(())
    }
}

impl Recurrence {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    ///
    /// As [`Settings::check`].
    pub fn check(&self) -> Result<(), TrainError> {
        counts([
            ("the number of layers", self.layers),
            ("the hidden size", self.hidden),
            ("the embedding size", self.embedding),
        ])?;
        parts([
            ("dropout", self.dropout),
            ("drop-connect", self.regularize.drop_connect),
            ("recurrent dropout", self.regularize.recurrent_dropout),
            ("candidate dropout", self.regularize.candidate_dropout),
        ])?;
        if !self.cell.looks_back() && self.regularize != Default::default() {
            let expected = format!("none, with {}", self.cell.name());
            return refuse("the regularisers of the recurrence", &expected, "one");
        }
        if !self.cell.has_memory() && self.memory != Memory::AsDrawn {
            let what = "what the keeping gate starts at";
            let expected = "a cell that has one: lstm, gru or janet";
            return refuse(what, expected, &self.cell.name());
        }
        self.check_weights()
    }

    /// Refuses sizes that no machine's memory holds, before anything is allocated.
    fn check_weights(&self) -> Result<(), TrainError> {
        // Four gates a layer, of which each sees the layer below and its own past.
        let first = self
            .hidden
            .saturating_mul(self.hidden.saturating_add(self.embedding));
        let upper = self.hidden.saturating_mul(self.hidden).saturating_mul(2);
        let upper = upper.saturating_mul(self.layers - 1);
        let weights = first.saturating_add(upper).saturating_mul(4);
        let what = "the hidden size, the embedding size and the number of layers";
        let expected = format!("at most {MOST_WEIGHTS} recurrent weights between them");
        require(what, &expected, weights, weights <= MOST_WEIGHTS)
    }
}

impl Training {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    ///
    /// As [`Settings::check`].
    pub fn check(&self) -> Result<(), TrainError> {
        self.check_counts()?;
        self.check_numbers()?;
        self.clipping.check()?;
        self.guard.check()?;
        self.falling.check()?;
        self.averaging.check()?;
        self.check_averaging()
    }

    fn check_counts(&self) -> Result<(), TrainError> {
        counts([
            ("the batch size", self.batch),
            ("the number of epochs", self.epochs.unwrap_or(1)),
            ("the number of steps", self.steps.unwrap_or(1)),
            (
                "the steps between evaluations",
                self.evaluate_steps.unwrap_or(1),
            ),
            (
                "the evaluations without improvement",
                self.stop_after.unwrap_or(1),
            ),
            (
                "the steps between checkpoints",
                self.saving.steps.unwrap_or(1),
            ),
            ("the checkpoints to keep", self.saving.keep),
        ])?;
        let (seed, most) = (self.seed, i64::MAX as u64);
        require("the seed", &format!("at most {most}"), seed, seed <= most)
    }

    fn check_numbers(&self) -> Result<(), TrainError> {
        parts([("the momentum", self.momentum)])?;
        let fraction = self.valid_fraction;
        let holds = fraction > 0.0 && fraction < 1.0;
        require(
            "the held-out fraction",
            "above 0 and below 1",
            fraction,
            holds,
        )?;
        positive([
            ("the learning rate", Some(self.lr)),
            ("the seconds between checkpoints", self.saving.seconds),
        ])?;
        weights([("weight decay", self.weight_decay)])?;
        noise::check(self.gradient_noise)
    }

    fn check_averaging(&self) -> Result<(), TrainError> {
        let nt_asgd = self.averaging.kind == AverageKind::NtAsgd;
        let once =
            self.evaluate_steps.is_none() && self.epochs.unwrap_or(1) == 1 && self.steps.is_none();
        if (self.decay == Decay::Plateau || nt_asgd) && once {
            let expected = "more than one evaluation, by --epochs or --evaluate-steps";
            return refuse("what follows the evaluations", expected, "one, at the end");
        }
        if nt_asgd && self.optimizer == OptimizerKind::Adam {
            let expected = "--optimizer sgd: it averages the steps of stochastic gradient descent";
            return refuse("--average nt-asgd", expected, "adam");
        }
        Ok(())
    }
}

pub(crate) fn counts<const N: usize>(counts: [(&'static str, usize); N]) -> Result<(), TrainError> {
    for (what, count) in counts {
        require(what, "at least 1", count, count > 0)?;
    }
    Ok(())
}

/// Numbers that may not be given.
pub(crate) fn positive<const N: usize>(
    numbers: [(&'static str, Option<f64>); N],
) -> Result<(), TrainError> {
    for (what, number) in numbers {
        let Some(number) = number else { continue };
        let holds = number.is_finite() && number > 0.0;
        require(what, "a finite number above 0", number, holds)?;
    }
    Ok(())
}

/// Parts of a whole that they are not to use up.
pub(crate) fn parts<const N: usize>(parts: [(&'static str, f64); N]) -> Result<(), TrainError> {
    for (what, part) in parts {
        let holds = (0.0..1.0).contains(&part);
        require(what, "at least 0 and below 1", part, holds)?;
    }
    Ok(())
}

pub(crate) fn weights<const N: usize>(weights: [(&'static str, f64); N]) -> Result<(), TrainError> {
    for (what, weight) in weights {
        let holds = weight.is_finite() && weight >= 0.0;
        require(what, "a finite number, at least 0", weight, holds)?;
    }
    Ok(())
}

/// What something is multiplied by that is not to grow.
pub(crate) fn factor(what: &'static str, factor: f64) -> Result<(), TrainError> {
    let holds = factor > 0.0 && factor <= 1.0;
    require(what, "above 0 and at most 1", factor, holds)
}

fn refuse(what: &'static str, expected: &str, found: &str) -> Result<(), TrainError> {
    require(what, expected, found, false)
}

pub(crate) fn require(
    what: &'static str,
    expected: &str,
    found: impl Display,
    holds: bool,
) -> Result<(), TrainError> {
    if holds {
        return Ok(());
    }
    Err(TrainError::Invalid {
        what,
        expected: expected.to_string(),
        found: found.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CellKind;

    #[test]
    fn impossible_settings_are_refused_by_name() {
        let refuse = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        assert!(Settings::default().check().is_ok());
        assert_eq!(
            refuse(|s| s.training.batch = 0),
            "the batch size: expected at least 1, found 0"
        );
        assert_eq!(
            refuse(|s| s.training.lr = f64::NAN),
            "the learning rate: expected a finite number above 0, found NaN"
        );
        assert_eq!(
            refuse(|s| s.windows.stride = Some(65)),
            "the steps from window to window: expected 1 to 64, the unroll length, found 65"
        );
        assert_eq!(
            refuse(|s| s.windows.carry = Carrying::Documents),
            "what windows continue from: expected --separator, which tells documents apart, found none"
        );
        let starts = |change, expected: &str| {
            let found = refuse(change);
            assert!(found.starts_with(expected), "{found}");
        };
        starts(|s| s.recurrence.dropout = 1.0, "dropout");
        starts(
            |s| {
                s.recurrence.cell = CellKind::MinLstm;
                s.recurrence.memory = Memory::ForgetBias(1.0);
            },
            "what the keeping gate starts at: expected a cell that has one: lstm, gru or janet, found min-lstm",
        );
        starts(|s| s.training.valid_fraction = 0.0, "the held-out fraction");
        starts(
            |s| s.training.clipping.norm = Some(-1.0),
            "the norm to clip at",
        );
        starts(|s| s.training.steps = Some(0), "the number of steps");
        starts(
            |s| s.windows.separator = Some("%".to_string()),
            "what windows continue from",
        );
        starts(
            |s| s.training.decay = Decay::Plateau,
            "what follows the evaluations",
        );
        starts(|s| s.training.weight_decay = f64::INFINITY, "weight decay");
        let nt_asgd = |s: &mut Settings| {
            s.training.averaging.kind = AverageKind::NtAsgd;
            s.training.epochs = Some(9);
        };
        starts(nt_asgd, "--average nt-asgd");
        let twice = |s: &mut Settings| {
            s.windows.recompute = true;
            s.recurrence.regularize.drop_connect = 0.5;
        };
        starts(twice, "what is computed twice");
    }
}

//! What makes no sense among the settings. Each is named by its key in a file.

use backdraft_cells::{Memory, Regularizer};
use backdraft_data::TextFiles;

use super::bounds::{MOST, bounded, counts, held_out, parts, positive, require, weights};
use super::{Carrying, NormedWeights, Recurrence, Settings, Training};
use crate::fit::noise;
use crate::{AverageKind, Decay, OptimizerKind, TrainError};

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
            ("unroll", self.unroll),
            ("windows.accumulate", self.windows.accumulate),
        ])?;
        if let Err(error) = TextFiles::new().with_include(&self.include) {
            return refuse("include", "patterns such as `*.txt`", &error.to_string());
        }
        self.lexicon.check()?;
        self.recurrence.check()?;
        self.training.check()?;
        let (stride, unroll) = (self.windows.stride.unwrap_or(self.unroll), self.unroll);
        let expected = format!("1 to {unroll}, the steps of a window");
        let fits = (1..=unroll).contains(&stride);
        require("windows.stride", &expected, stride, fits)?;
        parts([("penalties.label_smoothing", self.penalties.label_smoothing)])?;
        weights([
            ("penalties.activation", self.penalties.activation),
            (
                "penalties.temporal_activation",
                self.penalties.temporal_activation,
            ),
        ])?;
        self.check_softmax()?;
        self.check_windows()
    }

    /// Refuses what the output of the model cannot be.
    fn check_softmax(&self) -> Result<(), TrainError> {
        let (outputs, embedding) = (self.recurrence.output_size(), self.recurrence.embedding);
        let is_adaptive = !self.lexicon.adaptive.is_empty();
        if self.tied && is_adaptive {
            return exclude("tied", "adaptive");
        }
        if self.tied && outputs != embedding {
            let expected = format!("an embedding of {outputs} features, as there are units");
            return require("tied", &expected, format!("one of {embedding}"), false);
        }
        match self.penalties.label_smoothing > 0.0 && is_adaptive {
            true => exclude("penalties.label_smoothing", "adaptive"),
            false => Ok(()),
        }
    }

    /// Refuses what windows cannot be.
    fn check_windows(&self) -> Result<(), TrainError> {
        let windows = &self.windows;
        let separated = windows
            .separator
            .as_ref()
            .is_some_and(|text| !text.is_empty());
        match (windows.carry, separated) {
            (Carrying::Documents, false) => {
                let expected = "the text that separates documents";
                return refuse("windows.separator", expected, "none");
            }
            (Carrying::Always | Carrying::Never, true) => {
                let (setting, with) = ("windows.separator", "--carry documents");
                return Err(TrainError::Idle { setting, with });
            }
            _ => {}
        }
        // What is drawn for a whole window would be drawn again where it is computed again.
        let regularize = self.recurrence.regularize;
        let drawn = [
            ("regularize.drop_connect", regularize.drop_connect),
            ("regularize.recurrent_dropout", regularize.recurrent_dropout),
        ];
        match drawn.into_iter().find(|(_, part)| *part > 0.0) {
            Some((other, _)) if windows.recompute => exclude("windows.recompute", other),
            _ => Ok(()),
        }
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
            ("layers", self.layers),
            ("hidden", self.hidden),
            ("embedding", self.embedding),
        ])?;
        parts([("dropout", self.dropout)])?;
        self.variant.check(self)?;
        self.check_regularizers()?;
        self.check_zoneout()?;
        self.check_memory()?;
        self.check_weights()
    }

    /// Refuses what the cell has no place for.
    fn check_regularizers(&self) -> Result<(), TrainError> {
        let (asked, cell) = (&self.regularize, self.cell.name());
        let dropped = [
            (
                "regularize.drop_connect",
                asked.drop_connect,
                Regularizer::DropConnect,
            ),
            (
                "regularize.recurrent_dropout",
                asked.recurrent_dropout,
                Regularizer::RecurrentDropout,
            ),
            (
                "regularize.candidate_dropout",
                asked.candidate_dropout,
                Regularizer::CandidateDropout,
            ),
        ];
        for (setting, probability, regularizer) in dropped {
            parts([(setting, probability)])?;
            let fits = probability == 0.0 || self.cell.regularizers().contains(&regularizer);
            let expected = format!("0, as {cell} cells do not support it");
            require(setting, &expected, probability, fits)?;
        }
        let normed = asked.weight_norm != NormedWeights::Off;
        let fits = !normed || self.cell.has_weight_norm();
        let expected = format!("off, as {cell} cells do not support it");
        let found = asked.weight_norm.name();
        require("regularize.weight_norm", &expected, found, fits)
    }

    /// Refuses to keep units that the cell does not have.
    fn check_zoneout(&self) -> Result<(), TrainError> {
        let (asked, cell) = (&self.regularize, self.cell.name());
        let kept = [
            (
                "regularize.zoneout",
                asked.zoneout,
                self.cell.has_zoneout(),
                format!("0, as {cell} cells do not support it"),
            ),
            (
                "regularize.zoneout_memory",
                asked.zoneout_memory,
                self.cell.remembers_more(),
                format!("0, as {cell} cells remember nothing beside their output"),
            ),
        ];
        for (setting, probability, fits, expected) in kept {
            parts([(setting, probability)])?;
            require(setting, &expected, probability, fits || probability == 0.0)?;
        }
        Ok(())
    }

    /// Refuses what the gate that keeps cannot start at.
    fn check_memory(&self) -> Result<(), TrainError> {
        let (setting, found) = match self.memory {
            Memory::AsDrawn => return Ok(()),
            Memory::ForgetBias(bias) => ("memory.forget_bias", bias.to_string()),
            Memory::Chrono { longest } => ("memory.chrono.longest", longest.to_string()),
        };
        if !self.cell.has_memory() {
            let expected = "a cell with a gate that keeps: lstm, gru or janet";
            return refuse(setting, expected, &self.cell.name());
        }
        if self.variant.coupled {
            return exclude(setting, "variant.coupled");
        }
        let (expected, holds) = match self.memory {
            Memory::ForgetBias(bias) => ("a finite number", (bias as f32).is_finite()),
            Memory::Chrono { longest } if longest > MOST => return bounded([(setting, longest)]),
            Memory::Chrono { longest } => ("at least 3", longest >= 3),
            Memory::AsDrawn => return Ok(()),
        };
        require(setting, expected, found, holds)
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
        let sizes = [
            ("hidden", self.hidden),
            ("embedding", self.embedding),
            ("layers", self.layers),
        ];
        let largest = sizes.into_iter().max_by_key(|(_, size)| *size);
        let (setting, size) = largest.expect("there are three");
        let expected = format!("a size with at most {MOST_WEIGHTS} weights in all layers");
        let found = format!("{size}, which makes more");
        require(setting, &expected, found, weights <= MOST_WEIGHTS)
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
            ("batch", self.batch),
            ("epochs", self.epochs.unwrap_or(1)),
            ("steps", self.steps.unwrap_or(1)),
            ("evaluate_steps", self.evaluate_steps.unwrap_or(1)),
            ("stop_after", self.stop_after.unwrap_or(1)),
            ("saving.steps", self.saving.steps.unwrap_or(1)),
            ("saving.keep", self.saving.keep),
        ])?;
        bounded([
            ("warmup", self.warmup),
            ("averaging.after", self.averaging.after),
        ])?;
        let (seed, most) = (self.seed, i64::MAX as u64);
        require("seed", &format!("at most {most}"), seed, seed <= most)
    }

    fn check_numbers(&self) -> Result<(), TrainError> {
        parts([("momentum", self.momentum)])?;
        held_out(self.valid_fraction)?;
        positive([
            ("lr", Some(self.lr)),
            ("saving.seconds", self.saving.seconds),
        ])?;
        weights([("weight_decay", self.weight_decay)])?;
        noise::check(self.gradient_noise)
    }

    fn check_averaging(&self) -> Result<(), TrainError> {
        let nt_asgd = self.averaging.kind == AverageKind::NtAsgd;
        let once =
            self.evaluate_steps.is_none() && self.epochs.unwrap_or(1) == 1 && self.steps.is_none();
        let expected = "more than one evaluation: several epochs, or steps between evaluations";
        if self.decay == Decay::Plateau && once {
            return refuse("decay", expected, "one, at the end");
        }
        if nt_asgd && once {
            return refuse("averaging.kind", expected, "one, at the end");
        }
        if nt_asgd && self.optimizer == OptimizerKind::Adam {
            let expected = "sgd as the optimizer, whose steps nt-asgd averages";
            return refuse("averaging.kind", expected, "adam");
        }
        Ok(())
    }
}

fn refuse(setting: &'static str, expected: &str, found: &str) -> Result<(), TrainError> {
    require(setting, expected, found, false)
}

fn exclude(setting: &'static str, other: &'static str) -> Result<(), TrainError> {
    Err(TrainError::Excluded { setting, other })
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use clap::ValueEnum;

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
            "--batch: expected at least 1, found 0"
        );
        assert_eq!(
            refuse(|s| s.training.lr = f64::NAN),
            "--lr: expected a finite number above 0, found NaN"
        );
        assert_eq!(
            refuse(|s| s.windows.stride = Some(65)),
            "--stride: expected 1 to 64, the steps of a window, found 65"
        );
        assert_eq!(
            refuse(|s| s.windows.carry = Carrying::Documents),
            "--separator: expected the text that separates documents, found none"
        );
        let starts = |change, expected: &str| {
            let found = refuse(change);
            assert!(found.starts_with(expected), "{found}");
        };
        starts(|s| s.recurrence.dropout = 1.0, "--dropout: ");
        starts(
            |s| {
                s.recurrence.cell = CellKind::MinLstm;
                s.recurrence.memory = Memory::ForgetBias(1.0);
            },
            "--forget-bias: expected a cell with a gate that keeps: lstm, gru or janet, found min-lstm",
        );
        starts(|s| s.training.valid_fraction = 0.0, "--valid-fraction: ");
        starts(|s| s.training.clipping.norm = Some(-1.0), "--clip-norm: ");
        starts(|s| s.training.steps = Some(0), "--steps: ");
        starts(
            |s| s.windows.separator = Some("%".to_string()),
            "--separator has an effect only with --carry documents",
        );
        starts(|s| s.training.decay = Decay::Plateau, "--decay: ");
        starts(
            |s| s.training.weight_decay = f64::INFINITY,
            "--weight-decay: ",
        );
        let nt_asgd = |s: &mut Settings| {
            s.training.averaging.kind = AverageKind::NtAsgd;
            s.training.epochs = Some(9);
        };
        starts(nt_asgd, "--average: ");
        let twice = |s: &mut Settings| {
            s.windows.recompute = true;
            s.recurrence.regularize.drop_connect = 0.5;
        };
        starts(twice, "--recompute cannot be combined with --drop-connect");
    }

    /// What a cell supports is written here and there; a model refuses what it does not.
    #[test]
    fn a_regularizer_is_refused_where_the_cell_would_refuse_it() {
        let changes: [fn(&mut Settings); 4] = [
            |s| s.recurrence.regularize.drop_connect = 0.5,
            |s| s.recurrence.regularize.recurrent_dropout = 0.5,
            |s| s.recurrence.regularize.candidate_dropout = 0.5,
            |s| s.recurrence.regularize.weight_norm = NormedWeights::Both,
        ];
        for cell in CellKind::value_variants() {
            for (number, change) in changes.iter().enumerate() {
                let mut settings = Settings::default();
                settings.recurrence.cell = *cell;
                settings.recurrence.hidden = 4;
                settings.recurrence.embedding = 4;
                change(&mut settings);
                // Cells without gates that look back: nothing would be dropped there.
                let scanned = matches!(
                    cell,
                    CellKind::IndRnn | CellKind::MinGru | CellKind::MinLstm | CellKind::Lru
                );
                let built = settings.model(5).init(&Device::flex());
                let expected = built.is_ok() && !scanned;
                let found = settings.check();
                assert_eq!(found.is_ok(), expected, "{cell:?}, {number}: {found:?}");
            }
        }
    }

    #[test]
    fn what_the_model_would_refuse_is_refused_by_name() {
        let refuse = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        assert_eq!(
            refuse(|s| s.tied = true),
            "--tied: expected an embedding of 192 features, as there are units, found one of 64"
        );
        assert_eq!(
            refuse(|s| s.lexicon.adaptive = vec![5, 5]),
            "--adaptive: expected rising numbers above 0, found 5,5"
        );
        assert_eq!(
            refuse(|s| s.recurrence.regularize.drop_connect = 2.0),
            "--drop-connect: expected at least 0 and below 1, found 2"
        );
        assert_eq!(
            refuse(|s| s.recurrence.memory = Memory::Chrono { longest: 2 }),
            "--chrono: expected at least 3, found 2"
        );
        assert_eq!(
            refuse(|s| s.training.steps = Some(1 << 63)),
            "--steps: expected at most 9223372036854775807, found 9223372036854775808"
        );
    }
}

//! What makes no sense among the settings that every training has. Each is named by its key in a file.

use backdraft_cells::{Memory, Regularizer};

use super::{NormedWeights, Recurrence, Training};
use crate::bounds::{
    MOST, bounded, counts, exclude, held_out, parts, positive, refuse, require, weights,
};
use crate::update::noise;
use crate::{AverageKind, Decay, OptimizerKind, TrainError};

/// 8 GiB of them, in single precision.
const MOST_WEIGHTS: usize = 1 << 31;

impl Recurrence {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    ///
    /// Names the first setting that is impossible, what would be possible and what it was.
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
    /// Names the first setting that is impossible, what would be possible and what it was.
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
        parts([("momentum", self.momentum), ("rms_decay", self.rms_decay)])?;
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
        if nt_asgd && self.optimizer != OptimizerKind::Sgd {
            let expected = "sgd as the optimizer, whose steps nt-asgd averages";
            return refuse("averaging.kind", expected, &self.optimizer.name());
        }
        Ok(())
    }
}

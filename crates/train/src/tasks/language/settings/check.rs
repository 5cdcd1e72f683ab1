//! What makes no sense among the settings of a language model. Each is named by its key in a file.

use backdraft_data::TextFiles;

use super::{Carrying, LanguageSettings};
use crate::TrainError;
use crate::bounds::{bounded, counts, exclude, parts, refuse, require, weights};

impl LanguageSettings {
    /// Refuses what makes no sense: names the first setting that is impossible, what would be possible and what it was.
    pub(super) fn check_all(&self) -> Result<(), TrainError> {
        counts([
            ("unroll", self.unroll),
            ("windows.accumulate", self.windows.accumulate),
        ])?;
        if let Err(error) = TextFiles::new().with_include(&self.include) {
            return refuse("include", "patterns such as `*.txt`", &error.to_string());
        }
        self.lexicon.check()?;
        self.recurrence.check()?;
        self.check_last()?;
        self.dropping.check(self)?;
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

    /// Refuses what the last layer cannot be: it is checked as any layer is.
    fn check_last(&self) -> Result<(), TrainError> {
        let Some(last) = self.last_hidden else {
            return Ok(());
        };
        counts([("last_hidden", last)])?;
        if self.recurrence.layers == 1 {
            let (setting, with) = ("last_hidden", "--layers 2 or more");
            return Err(TrainError::Idle { setting, with });
        }
        let heads = self.recurrence.variant.heads;
        let expected = format!("a multiple of {heads}, the heads of a layer");
        require("last_hidden", &expected, last, last.is_multiple_of(heads))?;
        bounded([("last_hidden", last)])
    }

    /// Refuses what the output of the model cannot be.
    fn check_softmax(&self) -> Result<(), TrainError> {
        let (outputs, embedding) = (self.output_size(), self.recurrence.embedding);
        let is_adaptive = !self.lexicon.adaptive.is_empty();
        if self.tied && is_adaptive {
            return exclude("tied", "adaptive");
        }
        if self.tied && outputs != embedding {
            let expected = format!("an embedding of {outputs} features, as the last layer has");
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

#[cfg(test)]
mod tests {
    use backdraft_cells::Memory;
    use burn::tensor::Device;
    use clap::ValueEnum;

    use super::*;
    use crate::{Asked, AverageKind, CellKind, Decay, NormedWeights};

    #[test]
    fn impossible_settings_are_refused_by_name() {
        let refuse = |change: fn(&mut LanguageSettings)| {
            let mut settings = LanguageSettings::default();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        assert!(LanguageSettings::default().check().is_ok());
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
        let nt_asgd = |s: &mut LanguageSettings| {
            s.training.averaging.kind = AverageKind::NtAsgd;
            s.training.epochs = Some(9);
        };
        starts(nt_asgd, "--average: ");
        let twice = |s: &mut LanguageSettings| {
            s.windows.recompute = true;
            s.recurrence.regularize.drop_connect = 0.5;
        };
        starts(twice, "--recompute cannot be combined with --drop-connect");
    }

    /// What a cell supports is written here and there; a model refuses what it does not.
    #[test]
    fn a_regularizer_is_refused_where_the_cell_would_refuse_it() {
        let changes: [fn(&mut LanguageSettings); 4] = [
            |s| s.recurrence.regularize.drop_connect = 0.5,
            |s| s.recurrence.regularize.recurrent_dropout = 0.5,
            |s| s.recurrence.regularize.candidate_dropout = 0.5,
            |s| s.recurrence.regularize.weight_norm = NormedWeights::Both,
        ];
        for cell in CellKind::value_variants() {
            for (number, change) in changes.iter().enumerate() {
                let mut settings = LanguageSettings::default();
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
        let refuse = |change: fn(&mut LanguageSettings)| {
            let mut settings = LanguageSettings::default();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        assert_eq!(
            refuse(|s| s.tied = true),
            "--tied: expected an embedding of 192 features, as the last layer has, found one of 64"
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

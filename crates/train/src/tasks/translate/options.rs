//! What is asked of a translation, beside layers and training.

use std::path::{Path, PathBuf};

use backdraft_models::Score;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::bounds::{beam, bounded, counts, parts, require, weights};
use crate::tasks::Idle;
use crate::{Recurrence, TaskOptions, TextUnit, TrainError, Training};

/// What the writer sees of the source at each step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum AttentionKind {
    /// Additive attention (Bahdanau)
    #[default]
    Additive,
    /// Dot product (Luong)
    Dot,
    /// Dot product with a linear map of the source (Luong)
    General,
    /// None: the decoder only starts from the state of the encoder
    Off,
}

impl AttentionKind {
    pub(super) fn score(self) -> Option<Score> {
        match self {
            Self::Additive => Some(Score::Additive),
            Self::Dot => Some(Score::Dot),
            Self::General => Some(Score::General),
            Self::Off => None,
        }
    }
}

/// What is asked of a translation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Data")]
pub struct TranslateOptions {
    /// Symbols of a source: characters, bytes, words, or the pieces of a Hugging Face tokenizer
    #[arg(long, value_name = "char|byte|word|FILE.json", default_value_t = TextUnit::Word)]
    pub source_unit: TextUnit,
    /// Symbols of a target
    #[arg(long, value_name = "char|byte|word|FILE.json", default_value_t = TextUnit::Word)]
    pub target_unit: TextUnit,
    /// Distinguish upper case from lower case in sources; targets always do
    #[arg(long)]
    pub case: bool,
    /// Treat symbols that occur less often as unknown
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub min_count: usize,
    /// Do not train on pairs whose source or target has more than T symbols
    #[arg(long, value_name = "T", default_value_t = 60)]
    pub max_steps: usize,
    /// Column of the sources in a table [default: the first]
    #[arg(long, value_name = "NAME")]
    pub source_column: Option<String>,
    /// Column of the targets in a table [default: the next]
    #[arg(long, value_name = "NAME")]
    pub target_column: Option<String>,
    /// Read sources from the file of --data and targets, line by line, from the file beside it that has this
    /// extension: with --data train.en and EXT es, from train.es [default: both from one table]
    #[arg(long, value_name = "EXT", conflicts_with_all = ["source_column", "target_column"])]
    pub target_extension: Option<String>,
    /// Attention of the decoder to the source
    #[arg(long, value_enum, default_value_t, help_heading = "Model")]
    pub attention: AttentionKind,
    /// Feed the decoder what it saw a step before (Luong); slower in training
    #[arg(long, help_heading = "Model")]
    #[serde(default)]
    pub input_feeding: bool,
    /// Scheduled sampling: probability of feeding the decoder its own symbol in training
    #[arg(
        long,
        value_name = "P",
        default_value_t = 0.0,
        help_heading = "Regularisation"
    )]
    pub scheduled_sampling: f64,
    /// Steps over which scheduled sampling rises from 0
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        help_heading = "Regularisation"
    )]
    pub sampling_steps: usize,
    /// Part of each target that all symbols share in training
    #[arg(
        long,
        value_name = "F",
        default_value_t = 0.0,
        help_heading = "Regularisation"
    )]
    #[serde(default)]
    pub label_smoothing: f64,
    /// Width of the beam search; 1 for a greedy search
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = "Decoding")]
    pub beam: usize,
    /// How much the beam search favours long translations (alpha of Wu et al. 2016)
    #[arg(
        long,
        value_name = "F",
        default_value_t = 0.0,
        help_heading = "Decoding"
    )]
    pub length_penalty: f64,
}

impl Default for TranslateOptions {
    fn default() -> Self {
        Self {
            source_unit: TextUnit::Word,
            target_unit: TextUnit::Word,
            case: false,
            min_count: 1,
            max_steps: 60,
            source_column: None,
            target_column: None,
            target_extension: None,
            attention: AttentionKind::default(),
            input_feeding: false,
            scheduled_sampling: 0.0,
            sampling_steps: 0,
            label_smoothing: 0.0,
            beam: 5,
            length_penalty: 0.0,
        }
    }
}

impl TaskOptions for TranslateOptions {
    const TASK: &'static str = "translate";
    const KEPT: &'static [&'static str] = &["source_unit", "target_unit", "case", "min_count"];
    const SHAPING: &'static [&'static str] = &["attention", "input_feeding"];

    fn full() -> Self {
        Self {
            source_column: Some(String::new()),
            target_column: Some(String::new()),
            target_extension: Some(String::new()),
            ..Self::default()
        }
    }

    fn recurrence() -> Recurrence {
        Recurrence {
            hidden: 256,
            embedding: 64,
            dropout: 0.2,
            ..Recurrence::default()
        }
    }

    fn training() -> Training {
        Training {
            batch: 64,
            epochs: Some(12),
            lr: 2e-3,
            valid_fraction: 0.05,
            ..Training::default()
        }
    }

    fn absolute(self) -> Self {
        Self {
            source_unit: self.source_unit.absolute(),
            target_unit: self.target_unit.absolute(),
            ..self
        }
    }

    fn beside(&self, data: &Path) -> Vec<PathBuf> {
        let extension = self.target_extension.iter();
        let file = |extension: &String| data.with_extension(extension.trim_start_matches('.'));
        extension.map(file).collect()
    }

    fn idle(&self, _data: &Path) -> Vec<Idle> {
        let mut idle = Vec::new();
        if let TextUnit::File(_) = self.source_unit {
            idle.push(("case", "--source-unit char, byte or word"));
        }
        if [&self.source_unit, &self.target_unit] == [&TextUnit::Byte; 2] {
            let with = "units that are not all bytes, of which each is known";
            idle.push(("min_count", with));
        }
        idle
    }

    fn check(&self, recurrence: &Recurrence) -> Result<(), TrainError> {
        counts([("min_count", self.min_count), ("max_steps", self.max_steps)])?;
        beam(self.beam)?;
        let is_fed = self.input_feeding;
        let holds = !is_fed || self.attention != AttentionKind::Off;
        require(
            "input_feeding",
            "a model with attention",
            "--attention off",
            holds,
        )?;
        // Each step would draw masks of its own.
        let regularize = &recurrence.regularize;
        let has_masks = regularize.drop_connect > 0.0 || regularize.recurrent_dropout > 0.0;
        let expected =
            "no drop connect or recurrent dropout, whose masks are those of a whole sequence";
        require("input_feeding", expected, "both", !is_fed || !has_masks)?;
        if let Some(extension) = &self.target_extension {
            let is_name = !extension.is_empty() && !extension.contains(['/', '\\']);
            require(
                "target_extension",
                "an extension, such as `es`",
                format!("{extension:?}"),
                is_name,
            )?;
        }
        let p = self.scheduled_sampling;
        let holds = (0.0..=1.0).contains(&p);
        require("scheduled_sampling", "at least 0 and at most 1", p, holds)?;
        let (steps, expected) = (self.sampling_steps, "0 without scheduled sampling");
        require("sampling_steps", expected, steps, steps == 0 || p > 0.0)?;
        bounded([("sampling_steps", steps)])?;
        parts([("label_smoothing", self.label_smoothing)])?;
        weights([("length_penalty", self.length_penalty)])?;
        let (hidden, expected) = (
            recurrence.hidden,
            "an even number: half of the units read in each direction",
        );
        require("hidden", expected, hidden, hidden.is_multiple_of(2))?;
        let (half, heads) = (hidden / 2, recurrence.variant.heads);
        let expected = format!("a divisor of {half}, the units of the encoder in each direction");
        require(
            "variant.heads",
            &expected,
            heads,
            half.is_multiple_of(heads),
        )
    }
}

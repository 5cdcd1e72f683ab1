//! What is asked of a translation, beside layers and training.

use backdraft_models::Score;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::settings::check::require;
use crate::tasks::sequences::Unit;
use crate::{Recurrence, TaskOptions, TrainError, Training};

/// What the writer sees of the source at each step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum AttentionKind {
    /// What fits best by a layer that sees both (Bahdanau)
    Additive,
    /// What fits best by the dot product (Luong)
    Dot,
    /// What fits best by the dot product with a linear map of the source (Luong)
    #[default]
    General,
    /// Nothing: all that is known of the source is where the writer begins
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
#[command(next_help_heading = "Translation")]
pub struct TranslateOptions {
    /// What the steps of a source are
    #[arg(long, value_enum, default_value_t)]
    pub source_unit: Unit,
    /// What the steps of a target are
    #[arg(long, value_enum, default_value_t)]
    pub target_unit: Unit,
    /// Tell capital letters from small ones in sources; targets always do
    #[arg(long)]
    pub case: bool,
    /// Units that occur less often are unknown
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub min_count: usize,
    /// Steps of a source or a target, at most: longer pairs are passed over in training
    #[arg(long, value_name = "T", default_value_t = 60)]
    pub max_steps: usize,
    /// The column of the sources in a table [default: the first]
    #[arg(long, value_name = "NAME")]
    pub source_column: Option<String>,
    /// The column of the targets in a table [default: the next]
    #[arg(long, value_name = "NAME")]
    pub target_column: Option<String>,
    /// What the writer sees of the source at each step
    #[arg(long, value_enum, default_value_t)]
    pub attention: AttentionKind,
    /// How often the writer learns from a symbol that it drew itself in the place of the right one
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    pub scheduled_sampling: f64,
    /// Steps over which that rises from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub sampling_steps: usize,
    /// Translations that are kept at each step; 1 takes the likeliest symbol each time
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub beam: usize,
    /// What longer translations are favoured by (alpha of Wu et al. 2016)
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    pub length_penalty: f64,
}

impl Default for TranslateOptions {
    fn default() -> Self {
        Self {
            source_unit: Unit::Word,
            target_unit: Unit::Word,
            case: false,
            min_count: 1,
            max_steps: 60,
            source_column: None,
            target_column: None,
            attention: AttentionKind::default(),
            scheduled_sampling: 0.0,
            sampling_steps: 0,
            beam: 5,
            length_penalty: 0.0,
        }
    }
}

impl TaskOptions for TranslateOptions {
    const TASK: &'static str = "translate";

    fn full() -> Self {
        Self {
            source_column: Some(String::new()),
            target_column: Some(String::new()),
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
            epochs: Some(6),
            lr: 2e-3,
            valid_fraction: 0.05,
            ..Training::default()
        }
    }

    fn check(&self) -> Result<(), TrainError> {
        for (what, count) in [
            ("the occurrences of a known unit", self.min_count),
            ("the steps of a pair", self.max_steps),
            ("the width of the beam", self.beam),
        ] {
            require(what, "at least 1", count, count > 0)?;
        }
        let p = self.scheduled_sampling;
        require(
            "the part of the symbols that the writer draws",
            "at least 0 and at most 1",
            p,
            (0.0..=1.0).contains(&p),
        )?;
        let steps = self.sampling_steps;
        require(
            "the steps over which scheduled sampling rises",
            "0 without scheduled sampling",
            steps,
            steps == 0 || p > 0.0,
        )?;
        let alpha = self.length_penalty;
        let holds = alpha.is_finite() && alpha >= 0.0;
        require(
            "the length penalty",
            "a finite number, at least 0",
            alpha,
            holds,
        )
    }
}

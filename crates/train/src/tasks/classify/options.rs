//! What is asked of a classification, beside layers and training.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::settings::check::require;
use crate::tasks::sequences::{TextReader, Unit, Ways};
use crate::{Clipping, Recurrence, TaskOptions, TrainError, Training};

/// How the outputs at all steps become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum PoolingKind {
    /// The output where everything has been read
    Last,
    /// The mean over the steps
    Mean,
    /// The largest value of each feature
    Max,
    /// A mean weighted by how well each step answers a learnt query
    #[default]
    Attention,
}

/// What is asked of a classification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Classification")]
pub struct ClassifyOptions {
    /// What the steps of a text are
    #[arg(long, value_enum, default_value_t)]
    pub unit: Unit,
    /// Tell capital letters from small ones
    #[arg(long)]
    pub case: bool,
    /// Words or characters that occur less often are unknown
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub min_count: usize,
    /// Steps of a text, at most: the rest is not read
    #[arg(long, value_name = "T", default_value_t = 400)]
    pub max_steps: usize,
    /// The column of the class in a table [default: the first]
    #[arg(long, value_name = "NAME")]
    pub label_column: Option<String>,
    /// The column of the text in a table [default: the other]
    #[arg(long, value_name = "NAME")]
    pub text_column: Option<String>,
    /// Which ways the layers read
    #[arg(long, value_enum, default_value_t)]
    pub ways: Ways,
    /// How the outputs at all steps become one vector
    #[arg(long, value_enum, default_value_t)]
    pub pooling: PoolingKind,
    /// The part of each target that all classes share
    #[arg(long, value_name = "F", default_value_t = 0.1)]
    pub label_smoothing: f64,
}

impl ClassifyOptions {
    /// How texts are taken apart.
    pub(super) fn reader(&self) -> TextReader {
        TextReader {
            unit: self.unit,
            case: self.case,
            max_steps: self.max_steps,
        }
    }
}

impl Default for ClassifyOptions {
    fn default() -> Self {
        Self {
            unit: Unit::default(),
            case: false,
            min_count: 2,
            max_steps: 400,
            label_column: None,
            text_column: None,
            ways: Ways::default(),
            pooling: PoolingKind::default(),
            label_smoothing: 0.1,
        }
    }
}

impl TaskOptions for ClassifyOptions {
    const TASK: &'static str = "classify";

    fn full() -> Self {
        Self {
            label_column: Some(String::new()),
            text_column: Some(String::new()),
            ..Self::default()
        }
    }

    fn recurrence() -> Recurrence {
        Recurrence {
            hidden: 96,
            embedding: 64,
            dropout: 0.5,
            ..Recurrence::default()
        }
    }

    fn training() -> Training {
        Training {
            epochs: Some(10),
            lr: 2e-3,
            clipping: Clipping::by_norm(1.0),
            valid_fraction: 0.1,
            ..Training::default()
        }
    }

    fn check(&self) -> Result<(), TrainError> {
        for (what, count) in [
            ("the occurrences of a known word", self.min_count),
            ("the steps of a text", self.max_steps),
        ] {
            require(what, "at least 1", count, count > 0)?;
        }
        let smoothing = self.label_smoothing;
        let holds = (0.0..1.0).contains(&smoothing);
        require(
            "label smoothing",
            "at least 0 and below 1",
            smoothing,
            holds,
        )
    }
}

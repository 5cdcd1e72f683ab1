//! What is asked of a classification, beside layers and training.

use std::path::Path;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::settings::bounds::{counts, parts};
use crate::tasks::Idle;
use crate::tasks::sequences::{TextReader, Unit, Ways, is_arrays};
use crate::{Clipping, Recurrence, TaskOptions, TrainError, Training};

/// How the outputs at all steps become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum PoolingKind {
    /// The last output
    Last,
    /// The mean over the steps
    Mean,
    /// The maximum of each feature
    Max,
    /// A weighted mean, with learned attention
    #[default]
    Attention,
}

/// What is asked of a classification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Data")]
pub struct ClassifyOptions {
    /// Symbols of a text
    #[arg(long, value_enum, default_value_t)]
    pub unit: Unit,
    /// Distinguish upper case from lower case
    #[arg(long)]
    pub case: bool,
    /// Treat symbols that occur less often as unknown
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub min_count: usize,
    /// Read only the first T symbols of a text
    #[arg(long, value_name = "T", default_value_t = 400)]
    pub max_steps: usize,
    /// Column of the class in a table [default: the first]
    #[arg(long, value_name = "NAME")]
    pub label_column: Option<String>,
    /// Column of the text in a table [default: the other]
    #[arg(long, value_name = "NAME")]
    pub text_column: Option<String>,
    /// Directions that the layers read in
    #[arg(long, value_enum, default_value_t, help_heading = "Model")]
    pub ways: Ways,
    /// Pooling of the outputs of all steps into one vector
    #[arg(long, value_enum, default_value_t, help_heading = "Model")]
    pub pooling: PoolingKind,
    /// Label smoothing: the part of each target that is spread over all classes
    #[arg(
        long,
        value_name = "F",
        default_value_t = 0.1,
        help_heading = "Regularisation"
    )]
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

    fn check(&self, _recurrence: &Recurrence) -> Result<(), TrainError> {
        counts([("min_count", self.min_count), ("max_steps", self.max_steps)])?;
        parts([("label_smoothing", self.label_smoothing)])
    }

    fn idle(&self, data: &Path) -> Vec<Idle> {
        let of_texts = [
            "unit",
            "case",
            "min_count",
            "max_steps",
            "label_column",
            "text_column",
            "embedding",
        ];
        match is_arrays(data) {
            true => of_texts.map(|setting| (setting, "texts")).to_vec(),
            false => Vec::new(),
        }
    }
}

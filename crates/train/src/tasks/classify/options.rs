//! What is asked of a classification, beside layers and training.

use std::path::Path;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::bounds::{counts, parts};
use crate::tasks::sequences::{Ways, is_arrays};
use crate::tasks::{Idle, TextReader, VectorOptions};
use crate::{Clipping, Recurrence, TaskOptions, TextUnit, TrainError, Training};

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

/// How much an example of each class counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeighting {
    /// Each example counts the same
    #[default]
    Equal,
    /// Each class counts the same, however many examples it has
    Balanced,
}

/// What is asked of a classification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Data")]
pub struct ClassifyOptions {
    /// Symbols of a text: characters, bytes, words, or the pieces of a Hugging Face tokenizer
    #[arg(long, value_name = "char|byte|word|FILE.json", default_value_t = TextUnit::Word)]
    pub unit: TextUnit,
    /// Distinguish upper case from lower case
    #[arg(long)]
    pub case: bool,
    /// Read each digit as 0
    #[arg(long)]
    pub zero_digits: bool,
    /// Treat symbols that occur less often as unknown
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub min_count: usize,
    /// Know only the N most frequent symbols [default: all]
    #[arg(long, value_name = "N")]
    pub most_words: Option<usize>,
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
    /// Word vectors that the embedding starts from
    #[command(flatten)]
    #[serde(flatten)]
    pub vectors: VectorOptions,
    /// How much an example of each class counts in training
    #[arg(long, value_enum, default_value_t, help_heading = "Training")]
    pub class_weights: ClassWeighting,
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
    pub(super) fn reader(&self) -> Result<TextReader, TrainError> {
        let reader = TextReader::new(&self.unit, self.max_steps)?;
        Ok(reader
            .with_case(self.case)
            .with_zero_digits(self.zero_digits))
    }
}

impl Default for ClassifyOptions {
    fn default() -> Self {
        Self {
            unit: TextUnit::Word,
            case: false,
            zero_digits: false,
            min_count: 2,
            most_words: None,
            max_steps: 400,
            label_column: None,
            text_column: None,
            ways: Ways::default(),
            pooling: PoolingKind::default(),
            vectors: VectorOptions::default(),
            class_weights: ClassWeighting::default(),
            label_smoothing: 0.1,
        }
    }
}

impl TaskOptions for ClassifyOptions {
    const TASK: &'static str = "classify";
    const KEPT: &'static [&'static str] = &[
        "unit",
        "case",
        "zero_digits",
        "min_count",
        "most_words",
        "max_steps",
        "vectors",
        "most_vectors",
    ];
    const SHAPING: &'static [&'static str] = &["ways", "pooling"];

    fn full() -> Self {
        Self {
            label_column: Some(String::new()),
            text_column: Some(String::new()),
            most_words: Some(1),
            vectors: VectorOptions::full(),
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
        counts([
            ("min_count", self.min_count),
            ("most_words", self.most_words.unwrap_or(1)),
            ("max_steps", self.max_steps),
        ])?;
        self.vectors.check()?;
        parts([("label_smoothing", self.label_smoothing)])
    }

    fn paths(&self) -> Vec<(&'static str, &Path)> {
        Vec::from_iter(self.vectors.path())
    }

    fn absolute(self) -> Self {
        Self {
            unit: self.unit.absolute(),
            vectors: self.vectors.absolute(),
            ..self
        }
    }

    fn idle(&self, data: &Path) -> Vec<Idle> {
        if is_arrays(data) {
            // A run keeps its options of texts alone.
            let of_texts = ["label_column", "text_column", "embedding"];
            let of_texts = Self::KEPT.iter().copied().chain(of_texts);
            return of_texts.map(|setting| (setting, "texts")).collect();
        }
        let mut idle = Vec::from_iter(self.vectors.idle());
        if matches!(self.unit, TextUnit::Char | TextUnit::Byte) {
            let with = "--unit word or a tokenizer";
            idle.extend([("vectors", with), ("most_vectors", with)]);
        }
        if self.unit == TextUnit::Byte {
            let with = "--unit char or --unit word, as all bytes are known";
            idle.extend([("min_count", with), ("most_words", with)]);
        }
        if let TextUnit::File(_) = self.unit {
            let with = "--unit char, byte or word";
            idle.extend([("case", with), ("zero_digits", with)]);
        }
        if data.is_dir() {
            let with = "a table of texts";
            idle.extend([("label_column", with), ("text_column", with)]);
        }
        idle
    }
}

//! What is asked of tagging, beside layers and training.

use std::path::Path;

use backdraft_data::{ConllColumns, TaggedSentence};
use backdraft_models::{Decoder, TagScheme};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::bounds::{counts, features, require};
use crate::tasks::normalisation::Normalisation;
use crate::tasks::{Idle, VectorOptions};
use crate::{Recurrence, TaskOptions, TrainError, Training};

/// How tags are told from their scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum DecoderKind {
    /// A conditional random field over the whole sentence
    #[default]
    Crf,
    /// A softmax at each position, independent of the others
    Softmax,
}

impl From<DecoderKind> for Decoder {
    fn from(kind: DecoderKind) -> Self {
        match kind {
            DecoderKind::Crf => Self::Crf,
            DecoderKind::Softmax => Self::Softmax,
        }
    }
}

/// Which sequences of tags are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum SchemeKind {
    /// Those of BIO or BIOES, if all tags of the training data keep to it
    #[default]
    Auto,
    /// Any
    Off,
}

/// What is asked of tagging.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Data")]
pub struct TagOptions {
    /// Column of the word, from 1; 2 in CoNLL-U
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub word_column: usize,
    /// Column of the tag, from 1; 4 in CoNLL-U [default: the last]
    #[arg(long, value_name = "N")]
    pub tag_column: Option<usize>,
    /// Distinguish upper case from lower case in words; their characters always do
    #[arg(long)]
    pub case: bool,
    /// Read each digit of a word as 0; the layer over characters still reads the digits themselves
    #[arg(long)]
    pub zero_digits: bool,
    /// Know words that occur less often only by their characters
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub min_count: usize,
    /// Know only the N most frequent words [default: all]
    #[arg(long, value_name = "N")]
    pub most_words: Option<usize>,
    /// Units in each direction of the layer over characters; 0 for no such layer
    #[arg(long, value_name = "N", default_value_t = 32, help_heading = "Model")]
    pub characters: usize,
    /// Size of the embedding of a character
    #[arg(long, value_name = "N", default_value_t = 24, help_heading = "Model")]
    pub character_embedding: usize,
    /// How tags are decoded from their scores
    #[arg(long, value_enum, default_value_t, help_heading = "Model")]
    pub decoder: DecoderKind,
    /// Word vectors that the embedding of words starts from
    #[command(flatten)]
    #[serde(flatten)]
    pub vectors: VectorOptions,
    /// Which sequences of tags may be predicted
    #[arg(long, value_enum, default_value_t, help_heading = "Decoding")]
    pub scheme: SchemeKind,
}

impl TagOptions {
    /// What predicted tags keep to, as all of these sentences do.
    pub(super) fn scheme(&self, sentences: &[TaggedSentence]) -> Option<TagScheme> {
        match self.scheme {
            SchemeKind::Auto => {
                TagScheme::of(sentences.iter().map(|sentence| sentence.tags.as_slice()))
            }
            SchemeKind::Off => None,
        }
    }

    /// How words are looked up.
    pub(super) fn normalisation(&self) -> Normalisation {
        Normalisation {
            case: self.case,
            zero_digits: self.zero_digits,
        }
    }

    pub(super) fn columns(&self) -> ConllColumns {
        let columns = ConllColumns::new().with_word(self.word_column - 1);
        match self.tag_column {
            Some(column) => columns.with_tag(column - 1),
            None => columns,
        }
    }
}

impl Default for TagOptions {
    fn default() -> Self {
        Self {
            word_column: 1,
            tag_column: None,
            case: false,
            zero_digits: false,
            min_count: 2,
            most_words: None,
            characters: 32,
            character_embedding: 24,
            decoder: DecoderKind::default(),
            vectors: VectorOptions::default(),
            scheme: SchemeKind::default(),
        }
    }
}

impl TaskOptions for TagOptions {
    const TASK: &'static str = "tag";
    const KEPT: &'static [&'static str] = &[
        "case",
        "zero_digits",
        "min_count",
        "most_words",
        "vectors",
        "most_vectors",
    ];
    const SHAPING: &'static [&'static str] = &["characters", "character_embedding", "decoder"];

    fn full() -> Self {
        Self {
            tag_column: Some(2),
            most_words: Some(1),
            vectors: VectorOptions::full(),
            ..Self::default()
        }
    }

    fn recurrence() -> Recurrence {
        Recurrence {
            hidden: 128,
            embedding: 100,
            dropout: 0.3,
            ..Recurrence::default()
        }
    }

    fn training() -> Training {
        Training {
            epochs: Some(4),
            lr: 3e-3,
            valid_fraction: 0.1,
            ..Training::default()
        }
    }

    fn check(&self, _recurrence: &Recurrence) -> Result<(), TrainError> {
        counts([
            ("word_column", self.word_column),
            ("tag_column", self.tag_column.unwrap_or(1)),
            ("min_count", self.min_count),
            ("most_words", self.most_words.unwrap_or(1)),
        ])?;
        self.vectors.check()?;
        features([
            ("characters", self.characters.max(1)),
            ("character_embedding", self.character_embedding),
        ])?;
        let found = self.word_column;
        let expected = "another column than that of the tag";
        let holds = self.tag_column != Some(found);
        require("word_column", expected, found, holds)
    }

    fn paths(&self) -> Vec<(&'static str, &Path)> {
        Vec::from_iter(self.vectors.path())
    }

    fn absolute(self) -> Self {
        Self {
            vectors: self.vectors.absolute(),
            ..self
        }
    }

    fn idle(&self, _data: &Path) -> Vec<Idle> {
        let mut idle = Vec::from_iter(self.vectors.idle());
        if self.characters == 0 {
            idle.push(("character_embedding", "--characters above 0"));
        }
        idle
    }
}

//! Texts given what they are to be about: a tune by its key and its rhythm, a name by a word or by a
//! vector.
//!
//! What is known: the words of the keys, or the mean and spread of their numbers; the units of the
//! texts.

mod author;
mod objective;
mod options;
mod reading;

use std::path::Path;

use backdraft_cells::{Error, Lengths};
use backdraft_data::{Padded, Pieces, Units};
use backdraft_models::{Composer, ComposerConfig, Encoder, Inputs, Sampling};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::TextReader;
use super::sequences::{Reading, Sequence};
use super::{Answer, BatchOf, ExampleTask, Examples, Scores, TaskSettings, not_longer};
use crate::{TextUnit, TrainError};

pub use author::{Author, Writing, Written};
pub use objective::ComposeBatch;
pub use options::{ComposeOptions, ConditioningKind, KeyUnit};

/// Texts given what they are to be about, and what is known of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Compose {
    key_unit: KeyUnit,
    keys: Reading,
    texts: Units,
    /// Symbols of a text that is written, at most.
    limit: usize,
    temperature: f64,
    seed: u64,
}

/// A key, and its text if that is known.
#[derive(Debug, Clone)]
pub struct ComposeExample {
    /// What a text is to be about: words, or one vector.
    pub key: Sequence,
    /// As it was read.
    pub key_text: String,
    /// Its text.
    pub text: Option<String>,
    /// Symbols of its text, where it is learned from or measured on.
    pub steps: usize,
}

type Model = Composer<Encoder>;

impl Compose {
    /// The symbols of a text; nothing of one that is not known, or that the tokenizer cannot take apart.
    fn symbols(&self, example: &ComposeExample) -> Vec<u32> {
        let text = example.text.as_deref().unwrap_or_default();
        self.texts.encode(text).unwrap_or_default()
    }

    /// The tokenizer, if its pieces are the symbols.
    fn pieces(&self) -> Option<&Pieces> {
        match &self.texts {
            Units::Pieces(pieces) => Some(pieces),
            Units::Characters(_) | Units::Bytes | Units::Words(_) | Units::Tokens(_) => None,
        }
    }

    fn keys(&self, examples: &[&ComposeExample], device: &Device) -> (Inputs, Lengths) {
        let keys: Vec<&Sequence> = examples.iter().map(|example| &example.key).collect();
        self.keys.batch(&keys, device)
    }
}

impl ExampleTask for Compose {
    type Options = ComposeOptions;
    type Example = ComposeExample;
    type Model = Model;

    fn read(
        path: &Path,
        options: &ComposeOptions,
        known: Option<&Self>,
    ) -> Result<Examples<ComposeExample>, TrainError> {
        let pieces = match known {
            Some(known) => known.pieces().cloned(),
            None => options.pieces()?,
        };
        let mut rows = reading::read(path, options)?;
        for example in &mut rows.examples {
            let text = example.text.as_deref().unwrap_or_default();
            example.steps = options.steps(text, pieces.as_ref());
        }
        // What a tokenizer cannot take apart is no text of this task.
        let can_be_used = |example: &ComposeExample| example.steps < usize::MAX;
        Examples::of(path, rows.only(can_be_used))
    }

    /// Long texts are not learned from; they are measured on all the same.
    fn learned(
        all: Vec<ComposeExample>,
        settings: &TaskSettings<ComposeOptions>,
    ) -> Result<Vec<ComposeExample>, TrainError> {
        not_longer(all, settings.options.max_steps, |example| example.steps)
    }

    fn of(
        examples: &[ComposeExample],
        settings: &TaskSettings<ComposeOptions>,
    ) -> Result<Self, TrainError> {
        let options = &settings.options;
        let texts = examples.iter().filter_map(|e| e.text.as_deref());
        // Twice what was ever written is more than enough.
        let pieces = options.pieces()?;
        let steps = |text| options.steps(text, pieces.as_ref());
        let longest = texts.clone().map(steps).max().unwrap_or(1);
        // Words of keys are as they are; the reader is never asked.
        let as_they_are = TextReader::new(&TextUnit::Word, usize::MAX)?;
        let keys = examples.iter().map(|example| &example.key);
        Ok(Self {
            key_unit: options.key_unit,
            keys: Reading::of(keys, as_they_are, 1, None)?,
            texts: options.units(&texts.collect::<Vec<_>>(), pieces),
            limit: 2 * longest,
            temperature: options.temperature,
            seed: settings.training.seed,
        })
    }

    fn for_training(
        self,
        _examples: &[ComposeExample],
        settings: &TaskSettings<ComposeOptions>,
    ) -> Self {
        Self {
            temperature: settings.options.temperature,
            seed: settings.training.seed,
            ..self
        }
    }

    fn model(
        &self,
        settings: &TaskSettings<ComposeOptions>,
        device: &Device,
    ) -> Result<Model, Error> {
        let (asked, options) = (&settings.recurrence, &settings.options);
        let key_size = self.keys.features().unwrap_or(options.key_size);
        let beside = match options.condition {
            ConditioningKind::State => 0,
            ConditioningKind::Step | ConditioningKind::Both => key_size,
        };
        let layer = asked.encoder(asked.embedding + beside);
        let symbols = self.texts.len();
        ComposerConfig::new(self.keys.source(), key_size, symbols, layer)
            .with_conditioning(options.condition.into())
            .with_dropout(asked.dropout)
            .init(device)
    }

    fn layers(model: &Model) -> Vec<(&'static str, &Encoder)> {
        vec![("recurrent", &model.recurrent)]
    }

    fn layers_mut(model: &mut Model) -> Vec<(&'static str, &mut Encoder)> {
        vec![("recurrent", &mut model.recurrent)]
    }

    fn lengths(&self, example: &ComposeExample) -> [usize; 2] {
        [self.symbols(example).len(), 0]
    }

    fn batch(&self, examples: &[&ComposeExample], device: &Device) -> BatchOf<Self> {
        let (key, key_lengths) = self.keys(examples, device);
        let texts = examples.iter().map(|example| self.symbols(example));
        let texts = Padded::of(&texts.collect::<Vec<_>>());
        let text_lengths = Lengths::new(texts.lengths.clone());
        // The end of each text is foreseen, too.
        let positions = text_lengths.total() + examples.len();
        let batch = ComposeBatch {
            key,
            key_lengths,
            text: texts.to_tensor(device),
            text_lengths,
        };
        (batch, positions)
    }

    fn score(
        &self,
        model: &Model,
        examples: &[ComposeExample],
        rows: usize,
    ) -> Result<Scores, TrainError> {
        let mut known: Vec<&ComposeExample> =
            examples.iter().filter(|e| e.text.is_some()).collect();
        known.sort_by_key(|example| std::cmp::Reverse(self.lengths(example)));
        let (mut nats, mut positions, mut characters) = (0.0, 0, 0);
        for some in known.chunks(rows) {
            let (batch, count) = self.batch(some, &model.device());
            let (key, text) = (batch.key, batch.text);
            let loss = model.loss(key, &batch.key_lengths, text, &batch.text_lengths)?;
            nats += loss.into_data().iter::<f64>().sum::<f64>();
            positions += count;
            let texts = some.iter().filter_map(|example| example.text.as_ref());
            characters += some.len() + texts.map(|text| text.chars().count()).sum::<usize>();
        }
        let bits = nats / std::f64::consts::LN_2 / characters.max(1) as f64;
        Ok(Scores {
            figures: vec![
                ("perplexity", (nats / positions.max(1) as f64).exp()),
                ("bits_per_character", bits),
            ],
            table: None,
        })
    }

    fn cost(loss: f64, _figures: &[(&'static str, f64)]) -> f64 {
        loss
    }

    fn check(&self, example: &ComposeExample) -> Result<(), String> {
        self.keys.check(&example.key)
    }

    fn questions(
        &self,
        path: &Path,
        options: &ComposeOptions,
    ) -> Result<Examples<ComposeExample>, TrainError> {
        Examples::of(path, reading::read_keys(path, options)?)
    }

    fn question(&self, line: &str) -> Result<ComposeExample, String> {
        let example = ComposeExample {
            key: reading::key(line, self.key_unit)?,
            key_text: line.to_string(),
            text: None,
            steps: 0,
        };
        self.check(&example)?;
        Ok(example)
    }

    /// A draw for each, the same for the same key in the same place of a batch.
    fn answer(
        &self,
        model: &Model,
        examples: &[&ComposeExample],
    ) -> Result<Vec<Answer>, TrainError> {
        let (key, lengths) = self.keys(examples, &model.device());
        let sampling = Sampling::new()
            .with_temperature(self.temperature)
            .with_excluded(Vec::from_iter(self.texts.unknown()));
        let all = model.compose(key, &lengths, &[], self.limit, &sampling, self.seed)?;
        let answers = examples.iter().zip(all).map(|(example, written)| {
            Answer(vec![
                ("text", json!(self.texts.decode(&written.symbols))),
                ("key", json!(example.key_text)),
            ])
        });
        Ok(answers.collect())
    }
}

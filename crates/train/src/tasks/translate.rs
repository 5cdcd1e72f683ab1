//! Sequences given others: sentences in another language, how a word is spoken.
//!
//! What is known: the units of sources and of targets: words, characters or pieces.

mod bleu;
mod objective;
mod options;
mod reading;
mod scheduling;
mod scores;
mod searching;
mod showing;
mod writing;

use std::path::Path;

use backdraft_cells::Error;
use backdraft_data::Pair;
use backdraft_models::{BeamSearch, Encoder, Translator, TranslatorConfig};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::unit_vocabulary::UnitVocabulary;
use super::{
    Answer, BatchOf, Decoding, ExampleTask, Examples, Scores, TaskSettings, TextReader, not_longer,
};
use crate::{Recurrence, Section, TrainError};

pub use objective::PairBatch;
pub use options::{AttentionKind, TranslateOptions};
use reading::read_pairs;
use scheduling::Drawn;
use scores::TranslationScores;
use writing::Translation;

/// Sequences given others, and what is known of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Translate {
    sources: UnitVocabulary,
    targets: UnitVocabulary,
    search: BeamSearch,
    #[serde(default)]
    drawn: Drawn,
    /// Whether words of the source stand for those that are not known; where a run is used.
    #[serde(skip)]
    replace_unknown: bool,
    /// Whether answers are all that were found, with their scores; where a run is used.
    #[serde(skip)]
    tells_all: bool,
}

/// A source, and its target if that is known.
#[derive(Debug, Clone)]
pub struct PairExample {
    /// As it was read.
    pub text: String,
    /// What the source is made of; nothing, if it is an empty line.
    pub source: Vec<String>,
    /// What the target is made of.
    pub target: Option<Vec<String>>,
}

impl PairExample {
    /// Symbols of the source or of the target, whichever has more.
    fn longest(&self) -> usize {
        let target = self.target.as_ref().map_or(0, Vec::len);
        self.source.len().max(target)
    }
}

type Model = Translator<Encoder, Encoder>;

impl TranslateOptions {
    /// How sources and targets are taken apart; targets are written as they were read.
    fn readers(&self) -> Result<[TextReader; 2], TrainError> {
        let reader = |unit| TextReader::new(unit, usize::MAX);
        let source = reader(&self.source_unit)?.with_case(self.case);
        Ok([source, reader(&self.target_unit)?])
    }
}

/// How translations are searched for: up to twice as long as any target was, which is more than enough.
fn search(examples: &[PairExample], options: &TranslateOptions) -> BeamSearch {
    let targets = examples.iter().filter_map(|pair| pair.target.as_ref());
    let longest = targets.map(Vec::len).max().unwrap_or(1);
    BeamSearch::new(2 * longest)
        .with_width(options.beam)
        .with_length_penalty(options.length_penalty)
}

impl Translate {
    /// How sources and targets are taken apart.
    fn readers(&self) -> [&TextReader; 2] {
        [&self.sources.reader, &self.targets.reader]
    }
}

impl ExampleTask for Translate {
    type Options = TranslateOptions;
    type Example = PairExample;
    type Model = Model;

    fn read(
        path: &Path,
        options: &TranslateOptions,
        known: Option<&Self>,
    ) -> Result<Examples<PairExample>, TrainError> {
        let [sources, targets] = match known {
            Some(known) => known.readers().map(TextReader::clone),
            None => options.readers()?,
        };
        let pairs = read_pairs(path, options, [&sources, &targets], true)?;
        Examples::of(path, pairs)
    }

    /// Long pairs are not learned from; they are measured on all the same.
    fn learned(
        all: Vec<PairExample>,
        settings: &TaskSettings<TranslateOptions>,
    ) -> Result<Vec<PairExample>, TrainError> {
        not_longer(all, settings.options.max_steps, PairExample::longest)
    }

    fn of(
        examples: &[PairExample],
        settings: &TaskSettings<TranslateOptions>,
    ) -> Result<Self, TrainError> {
        let options = &settings.options;
        let [sources, targets] = options.readers()?;
        let source = examples.iter().map(|example| example.source.as_slice());
        let target = examples.iter().filter_map(|e| e.target.as_deref());
        Ok(Self {
            sources: UnitVocabulary::of(sources, source, options.min_count),
            targets: UnitVocabulary::of(targets, target, options.min_count),
            search: search(examples, options),
            drawn: Drawn::of(settings),
            replace_unknown: false,
            tells_all: false,
        })
    }

    fn for_training(
        self,
        examples: &[PairExample],
        settings: &TaskSettings<TranslateOptions>,
    ) -> Self {
        Self {
            search: search(examples, &settings.options),
            drawn: Drawn::of(settings),
            ..self
        }
    }

    fn model(
        &self,
        settings: &TaskSettings<TranslateOptions>,
        device: &Device,
    ) -> Result<Model, Error> {
        let asked = &settings.recurrence;
        if !asked.hidden.is_multiple_of(2) {
            let expected = "an even number: half of it reads in each direction";
            return Err(Error::new(
                "Translator",
                "hidden size",
                expected,
                asked.hidden,
            ));
        }
        // What is read in both directions has as many features as what is written.
        let half = Recurrence {
            hidden: asked.hidden / 2,
            ..asked.clone()
        };
        let encoder = half.encoder(asked.embedding).with_both(true);
        let decoder = asked.encoder(asked.embedding);
        let (sources, targets) = (self.sources.vocabulary.len(), self.targets.vocabulary.len());
        TranslatorConfig::new(sources, targets, encoder, decoder)
            .with_attention(settings.options.attention.score())
            .with_input_feeding(settings.options.input_feeding)
            .with_dropout(asked.dropout)
            .with_label_smoothing(settings.options.label_smoothing)
            .init(device)
    }

    fn layers(model: &Model) -> Vec<(&'static str, &Encoder)> {
        vec![("encoder", &model.encoder), ("decoder", &model.decoder)]
    }

    fn layers_mut(model: &mut Model) -> Vec<(&'static str, &mut Encoder)> {
        vec![
            ("encoder", &mut model.encoder),
            ("decoder", &mut model.decoder),
        ]
    }

    fn lengths(&self, example: &PairExample) -> [usize; 2] {
        let target = example.target.as_ref().map_or(0, Vec::len);
        [example.source.len(), target]
    }

    fn batch(&self, examples: &[&PairExample], device: &Device) -> BatchOf<Self> {
        let sources = examples.iter().map(|e| e.source.as_slice());
        let targets = examples.iter().map(|e| e.target.as_deref().unwrap_or(&[]));
        let (source, source_lengths) = self.sources.batch(sources, device);
        let (target, target_lengths) = self.targets.batch(targets, device);
        // The end of each target is foreseen, too.
        let positions = target_lengths.total() + examples.len();
        let batch = PairBatch {
            source,
            source_lengths,
            target,
            target_lengths,
            scheduled: None,
        };
        (batch, positions)
    }

    fn numbered(&self, batch: PairBatch, number: usize) -> PairBatch {
        PairBatch {
            scheduled: self.drawn.at(number),
            ..batch
        }
    }

    fn score(
        &self,
        model: &Model,
        examples: &[PairExample],
        rows: usize,
    ) -> Result<Scores, TrainError> {
        let mut known: Vec<&PairExample> = examples.iter().filter(|e| e.target.is_some()).collect();
        known.sort_by_key(|example| std::cmp::Reverse(example.source.len()));
        let mut scores = TranslationScores::default();
        for some in known.chunks(rows) {
            for (example, found) in some.iter().zip(self.translations(model, some)?) {
                let written = found.first().map_or(&[][..], |best| &best.units);
                let right = example.target.as_deref().unwrap_or_default();
                scores.count(example.source.len(), written, right);
            }
        }
        Ok(scores.told())
    }

    fn shown(
        &self,
        model: &Model,
        examples: &[PairExample],
        _rows: usize,
    ) -> Result<Vec<Section>, TrainError> {
        self.sections(model, examples)
    }

    fn with_decoding(self, asked: &Decoding, model: &Model) -> Result<Self, TrainError> {
        self.searching(asked, model)
    }

    fn questions(
        &self,
        path: &Path,
        options: &TranslateOptions,
    ) -> Result<Examples<PairExample>, TrainError> {
        let pairs = read_pairs(path, options, self.readers(), false)?;
        Examples::of(path, pairs)
    }

    fn question(&self, line: &str) -> Result<PairExample, String> {
        let pair = Pair {
            source: line.trim().to_string(),
            target: String::new(),
        };
        PairExample::of(pair, self.readers()).map_err(|error| error.to_string())
    }

    fn answer(&self, model: &Model, examples: &[&PairExample]) -> Result<Vec<Answer>, TrainError> {
        let all = self.translations(model, examples)?;
        let told = examples.iter().zip(all);
        Ok(told
            .map(|(example, found)| self.told(example, &found))
            .collect())
    }
}

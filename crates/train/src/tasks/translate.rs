//! Sequences given others: sentences in another language, how a word is spoken.
//!
//! What is known: the units of sources and of targets: words, characters or pieces.

mod bleu;
mod objective;
mod options;
mod showing;

use std::path::Path;

use backdraft_cells::Error;
use backdraft_data::{DataError, PairColumns, Pairs, WordVocabulary};
use backdraft_models::{
    BeamSearch, EditScore, Encoder, ScheduledSampling, Translator, TranslatorConfig,
};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::TextReader;
use super::unit_vocabulary::UnitVocabulary;
use super::{Answer, BatchOf, ExampleTask, Examples, Rows, Scores, TaskSettings};
use crate::fit::seed::mix;
use crate::{Recurrence, Section, TrainError};

use bleu::bleu;
pub use objective::PairBatch;
pub use options::{AttentionKind, TranslateOptions};

/// Sequences given others, and what is known of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Translate {
    sources: UnitVocabulary,
    targets: UnitVocabulary,
    search: BeamSearch,
    #[serde(default)]
    drawn: Drawn,
}

/// How often the writer learns from symbols that it drew itself.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Drawn {
    /// In the end.
    probability: f64,
    /// Batches over which that rises from 0.
    steps: usize,
    seed: u64,
}

impl Drawn {
    fn of(settings: &TaskSettings<TranslateOptions>) -> Self {
        Self {
            probability: settings.options.scheduled_sampling,
            steps: settings.options.sampling_steps,
            seed: settings.training.seed,
        }
    }

    /// The same in the batch of that number, and the seed of the draws.
    fn at(self, number: usize) -> Option<(ScheduledSampling, u64)> {
        let risen = match number < self.steps {
            true => number as f64 / self.steps as f64,
            false => 1.0,
        };
        let probability = risen * self.probability;
        let seed = mix(self.seed, number as u64);
        (probability > 0.0).then(|| (ScheduledSampling::new(probability), seed))
    }
}

/// A source, and its target if that is known.
#[derive(Debug, Clone)]
pub struct PairExample {
    /// As it was read.
    pub text: String,
    /// What the source is made of.
    pub source: Vec<String>,
    /// What the target is made of.
    pub target: Option<Vec<String>>,
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

/// Pairs of a table, those alone that can be learned from if `is_learned`; else questions, whose target may not be
/// known.
fn read_pairs(
    path: &Path,
    options: &TranslateOptions,
    [sources, targets]: [&TextReader; 2],
    is_learned: bool,
) -> Result<Rows<PairExample>, TrainError> {
    let mut columns = PairColumns::new();
    if let Some(name) = &options.source_column {
        columns = columns.with_source(name);
    }
    if let Some(name) = &options.target_column {
        columns = columns.with_target(name);
    }
    if !is_learned {
        columns = columns.with_unknown_targets();
    }
    let mut pairs = Pairs::open(path, &columns)?;
    let (mut examples, mut skipped) = (Vec::new(), 0);
    for pair in pairs.by_ref() {
        let pair = pair?;
        let target = (!pair.target.is_empty()).then(|| targets.units(&pair.target));
        match (sources.units(&pair.source), target.transpose()) {
            (Ok(source), Ok(target)) => examples.push(PairExample {
                text: pair.source,
                source,
                target,
            }),
            // What a tokenizer cannot take apart.
            _ => skipped += 1,
        }
    }
    if examples.is_empty() && pairs.skipped() + skipped == 0 {
        return Err(DataError::no_row(path).into());
    }
    Ok(Rows {
        examples,
        skipped: pairs.skipped() + skipped,
        only_column: pairs.only_column().map(str::to_string),
    })
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

    /// The symbols of a right text; what is not known there is no symbol that could be written.
    fn told_from_unknown(&self, target: &[String]) -> Vec<u32> {
        let known = &self.targets.vocabulary;
        let symbols = self.targets.symbols(target).into_iter();
        symbols
            .map(|symbol| match symbol == WordVocabulary::UNKNOWN {
                true => known.len() as u32,
                false => symbol,
            })
            .collect()
    }

    /// Translations of examples, the best of each.
    fn translations(
        &self,
        model: &Model,
        examples: &[&PairExample],
    ) -> Result<Vec<Vec<u32>>, TrainError> {
        let sources = examples.iter().map(|example| example.source.as_slice());
        let device = model.output.weight.val().device();
        let (source, lengths) = self.sources.batch(sources, &device);
        let found = model.beam(source, &lengths, &self.search)?;
        let best = found.into_iter().map(|all| all.into_iter().next());
        Ok(best
            .map(|best| best.map_or_else(Vec::new, |best| best.symbols))
            .collect())
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
        let is_short = |pair: &PairExample| {
            let target = pair.target.as_ref().map_or(0, Vec::len);
            pair.source.len().max(target) <= options.max_steps
        };
        let pairs = read_pairs(path, options, [&sources, &targets], true)?;
        Examples::of(path, pairs.only(is_short))
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
            .with_dropout(asked.dropout)
            .init(device)
    }

    fn layers(model: &Model) -> Vec<&Encoder> {
        vec![&model.encoder, &model.decoder]
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
        let (mut score, mut written, mut right) = (EditScore::new(), Vec::new(), Vec::new());
        for some in known.chunks(rows) {
            for (example, found) in some.iter().zip(self.translations(model, some)?) {
                let target = example.target.as_deref().unwrap_or_default();
                let words = found
                    .iter()
                    .map(|&symbol| self.targets.vocabulary.word(symbol));
                let target_words = target.iter().map(String::as_str);
                score.add(
                    &words.collect::<Vec<_>>(),
                    &target_words.collect::<Vec<_>>(),
                );
                written.push(found);
                right.push(self.told_from_unknown(target));
            }
        }
        let mut figures = vec![
            ("word_accuracy", score.exact_match().unwrap_or(0.0)),
            (
                "symbol_error_rate",
                score.symbol_error_rate().unwrap_or(0.0),
            ),
        ];
        figures.extend(bleu(&written, &right).map(|bleu| ("bleu", bleu)));
        Ok(Scores {
            figures,
            table: None,
        })
    }

    fn shown(
        &self,
        model: &Model,
        examples: &[PairExample],
        _rows: usize,
    ) -> Result<Vec<Section>, TrainError> {
        self.sections(model, examples)
    }

    fn questions(
        &self,
        path: &Path,
        options: &TranslateOptions,
    ) -> Result<Examples<PairExample>, TrainError> {
        Examples::of(path, read_pairs(path, options, self.readers(), false)?)
    }

    fn question(&self, line: &str) -> Result<PairExample, String> {
        let source = self.sources.reader.units(line);
        Ok(PairExample {
            text: line.to_string(),
            source: source.map_err(|error| error.to_string())?,
            target: None,
        })
    }

    fn answer(&self, model: &Model, examples: &[&PairExample]) -> Result<Vec<Answer>, TrainError> {
        let all = self.translations(model, examples)?;
        let answer = |(example, symbols): (&&PairExample, Vec<u32>)| {
            let mut answer = vec![("translation", json!(self.targets.text(&symbols)))];
            if let Some(target) = &example.target {
                let symbols = self.targets.symbols(target);
                answer.push(("expected", json!(self.targets.text(&symbols))));
            }
            answer.push(("source", json!(example.text)));
            Answer(answer)
        };
        Ok(examples.iter().zip(all).map(answer).collect())
    }
}

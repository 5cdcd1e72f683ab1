//! Translations of examples: what a beam search finds, in words.
//!
//! A word that is not known is written as `<UNK>`. It can be replaced by the word of the source that the model attended
//! to most as it wrote it: names and numbers are often the same in both languages. Jean et al. 2015, "On using very large
//! target vocabulary for neural machine translation", arXiv 1412.2007; Luong et al. 2015, arXiv 1410.8206.

use backdraft_data::WordVocabulary;
use backdraft_models::Hypothesis;
use burn::module::Module;

use super::{Model, PairExample, Translate};
use crate::TrainError;

/// A translation.
#[derive(Debug, Clone)]
pub(super) struct Translation {
    /// The symbols, as the model has them.
    pub symbols: Vec<u32>,
    /// What they are.
    pub units: Vec<String>,
    /// `ln p`.
    pub log_p: f64,
    /// What translations are ranked by.
    pub score: f64,
}

impl Translate {
    /// The best translations of each example, the best first; of an empty source there is none.
    pub(super) fn translations(
        &self,
        model: &Model,
        examples: &[&PairExample],
    ) -> Result<Vec<Vec<Translation>>, TrainError> {
        let texts: Vec<&PairExample> = examples
            .iter()
            .copied()
            .filter(|example| !example.source.is_empty())
            .collect();
        if texts.is_empty() {
            return Ok(vec![Vec::new(); examples.len()]);
        }
        let sources = texts.iter().map(|example| example.source.as_slice());
        let device = model.output.weight.val().device();
        let (source, lengths) = self.sources.batch(sources, &device);
        let found = model.beam(source, &lengths, &self.search)?;
        let in_words = |all: Vec<Hypothesis>| all.into_iter().map(|one| self.in_words(one));
        let mut found: Vec<Vec<Translation>> = found
            .into_iter()
            .map(|all| in_words(all).collect())
            .collect();
        if self.replace_unknown {
            self.replace_unknown(model, &texts, &mut found)?;
        }
        let mut found = found.into_iter();
        let of = |example: &&PairExample| match example.source.is_empty() {
            true => Vec::new(),
            false => found.next().unwrap_or_default(),
        };
        Ok(examples.iter().map(of).collect())
    }

    fn in_words(&self, found: Hypothesis) -> Translation {
        let vocabulary = &self.targets.vocabulary;
        let units = found.symbols.iter().map(|&symbol| vocabulary.word(symbol));
        Translation {
            units: units.map(str::to_string).collect(),
            symbols: found.symbols,
            log_p: found.log_p,
            score: found.score,
        }
    }

    /// Puts the words of the sources in the place of those that are not known.
    fn replace_unknown(
        &self,
        model: &Model,
        examples: &[&PairExample],
        found: &mut [Vec<Translation>],
    ) -> Result<(), TrainError> {
        let model = model.valid();
        let device = model.output.weight.val().device();
        for (example, translations) in examples.iter().zip(found) {
            let is_unknown = |symbol: &u32| *symbol == WordVocabulary::UNKNOWN;
            let with_unknown = |one: &&mut Translation| one.symbols.iter().any(is_unknown);
            let mut unknown = translations.iter_mut().filter(with_unknown).peekable();
            if unknown.peek().is_none() {
                continue;
            }
            let words = self.words_of(example);
            for translation in unknown {
                let attended = self.attention(&model, example, &translation.symbols, &device)?;
                let rows = attended.chunks(example.source.len());
                for ((unit, symbol), weights) in translation
                    .units
                    .iter_mut()
                    .zip(&translation.symbols)
                    .zip(rows)
                {
                    let most = |a: &usize, b: &usize| weights[*a].total_cmp(&weights[*b]);
                    if is_unknown(symbol)
                        && let Some(place) = (0..weights.len()).max_by(most)
                    {
                        unit.clone_from(&words[place]);
                    }
                }
            }
        }
        Ok(())
    }

    /// The words of a source as they are written there, if they are the same without regard to upper case.
    fn words_of(&self, example: &PairExample) -> Vec<String> {
        let as_written = self.sources.reader.clone().with_case(true);
        match as_written.units(&example.text) {
            Ok(words) if words.len() == example.source.len() => words,
            _ => example.source.clone(),
        }
    }
}

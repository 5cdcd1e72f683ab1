//! A run whose weights another training begins with.

use std::collections::BTreeMap;
use std::path::Path;

use backdraft_data::{Units, Vocabulary};
use backdraft_models::{Encoder, LanguageModel};
use clap::ValueEnum;

use super::Text;
use super::training::new_model;
use crate::say::say;
use crate::{LanguageSettings, OriginRun, Run, TrainError};

/// Which symbols a training has that begins with the weights of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum VocabularyUse {
    /// Use the symbols of the run, and refuse a text with others
    #[default]
    Same,
    /// Use the symbols of the run, and learn others as the unknown symbol
    Keep,
}

/// Kinds of symbols that a message shows.
const SHOWN: usize = 10;

/// A run whose weights another training begins with: one that has ended, was imported, or was stopped.
#[derive(Debug)]
pub struct Pretrained {
    run: Run,
    settings: LanguageSettings,
    units: Units,
    vocabulary: VocabularyUse,
    made: OriginRun,
}

impl Pretrained {
    /// Opens a run to begin with.
    ///
    /// # Errors
    ///
    /// When it is none of a language model, or its weights cannot be used.
    pub fn open(path: &Path, vocabulary: VocabularyUse) -> Result<Self, TrainError> {
        let (run, description) = Run::open(path)?;
        description.settings.check()?;
        Ok(Self {
            units: run.units()?,
            made: run.as_pretrained()?,
            settings: description.settings,
            run,
            vocabulary,
        })
    }

    /// What was asked of the run.
    pub fn settings(&self) -> &LanguageSettings {
        &self.settings
    }

    pub(super) fn units(&self) -> &Units {
        &self.units
    }

    pub(super) fn made(&self) -> OriginRun {
        self.made.clone()
    }

    /// The model, with the weights of the run.
    pub(super) fn model(
        &self,
        settings: &LanguageSettings,
    ) -> Result<LanguageModel<Encoder>, TrainError> {
        self.run.load_weights(new_model(settings, &self.units)?)
    }

    /// Refuses settings of another model, and a text of other symbols.
    pub(super) fn check(&self, settings: &LanguageSettings, text: &Text) -> Result<(), TrainError> {
        self.check_model(settings)?;
        let unknown = self.unknown(&text.content)?;
        let count: usize = unknown.values().sum();
        match (count, self.vocabulary) {
            (0, _) => Ok(()),
            (_, VocabularyUse::Keep) => {
                say(format_args!(
                    "note: {count} symbols of the text are unknown to {} and are learned as the unknown symbol: {}",
                    self.run.path().display(),
                    shown(&unknown)
                ));
                Ok(())
            }
            (_, VocabularyUse::Same) => Err(TrainError::Invalid {
                setting: "data",
                expected: format!(
                    "symbols that {} knows; --vocabulary keep learns others as the unknown symbol",
                    self.run.path().display()
                ),
                found: format!("{count} others: {}", shown(&unknown)),
            }),
        }
    }

    fn check_model(&self, settings: &LanguageSettings) -> Result<(), TrainError> {
        let values = |settings: &LanguageSettings| {
            let recurrence = &settings.recurrence;
            [
                ("cell", recurrence.cell.name()),
                ("layers", recurrence.layers.to_string()),
                ("hidden", recurrence.hidden.to_string()),
                ("embedding", recurrence.embedding.to_string()),
                (
                    "regularize.weight_norm",
                    recurrence.regularize.weight_norm.name(),
                ),
                ("tied", settings.tied.to_string()),
                ("unit", settings.lexicon.unit.clone().absolute().to_string()),
                ("min_count", settings.lexicon.min_count.to_string()),
                (
                    "most_words",
                    settings
                        .lexicon
                        .most_words
                        .map_or("none".to_string(), |most| most.to_string()),
                ),
                ("adaptive", format!("{:?}", settings.lexicon.adaptive)),
            ]
        };
        let own = values(&self.settings);
        for ((setting, expected), (_, found)) in own.into_iter().zip(values(settings)) {
            if expected != found {
                return Err(TrainError::Invalid {
                    setting,
                    expected: format!("{expected}, as in {}", self.run.path().display()),
                    found,
                });
            }
        }
        Ok(())
    }

    /// What of a text is unknown, and how often it is there.
    fn unknown(&self, text: &str) -> Result<BTreeMap<String, usize>, TrainError> {
        let mut counts = BTreeMap::new();
        let mut count = |name: String| *counts.entry(name).or_insert(0) += 1;
        match &self.units {
            Units::Characters(vocabulary) => {
                let symbols = text.chars().zip(vocabulary.encode(text));
                // U+FFFD is what the unknown symbol is written as.
                let unknown = symbols.filter(|(character, symbol)| {
                    *symbol == Vocabulary::UNKNOWN && *character != Vocabulary::REPLACEMENT
                });
                unknown.for_each(|(character, _)| count(character.escape_debug().to_string()));
            }
            // Among words the unknown one is part of the language: what is rare is learned as it.
            Units::Words(_) => {}
            Units::Pieces(_) => {
                let unknown = self.units.unknown();
                let symbols = self.units.encode(text)?;
                let symbols = symbols
                    .into_iter()
                    .filter(|symbol| Some(*symbol) == unknown);
                symbols.for_each(|_| count("pieces without a symbol".to_string()));
            }
        }
        Ok(counts)
    }
}

fn shown(unknown: &BTreeMap<String, usize>) -> String {
    let names: Vec<&str> = unknown.keys().map(String::as_str).collect();
    let more = match names.len() > SHOWN {
        true => " ..",
        false => "",
    };
    format!("{}{more}", names[..names.len().min(SHOWN)].join(" "))
}

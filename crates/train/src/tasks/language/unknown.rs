//! What of a text the vocabulary of another run does not know.

use std::collections::BTreeMap;
use std::path::Path;

use backdraft_data::{Units, Vocabulary};
use clap::ValueEnum;

use crate::TrainError;
use crate::say::say;

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

impl VocabularyUse {
    /// Refuses a text of other symbols than `units`, which are those of the run `from`, or says how many there are.
    pub(super) fn check(self, units: &Units, text: &str, from: &Path) -> Result<(), TrainError> {
        let unknown = unknown(units, text)?;
        let count: usize = unknown.values().sum();
        match (count, self) {
            (0, _) => Ok(()),
            (_, Self::Keep) => {
                say(format_args!(
                    "note: {count} symbols of the text are unknown to {} and are learned as the unknown symbol: {}",
                    from.display(),
                    shown(&unknown)
                ));
                Ok(())
            }
            (_, Self::Same) => Err(TrainError::Invalid {
                setting: "data",
                expected: format!(
                    "symbols that {} knows; --vocabulary keep learns others as the unknown symbol",
                    from.display()
                ),
                found: format!("{count} others: {}", shown(&unknown)),
            }),
        }
    }
}

/// What of a text is unknown, and how often it is there.
fn unknown(units: &Units, text: &str) -> Result<BTreeMap<String, usize>, TrainError> {
    let mut counts = BTreeMap::new();
    let mut count = |name: String| *counts.entry(name).or_insert(0) += 1;
    match units {
        Units::Characters(vocabulary) => {
            let symbols = text.chars().zip(vocabulary.encode(text));
            // U+FFFD is what the unknown symbol is written as.
            let unknown = symbols.filter(|(character, symbol)| {
                *symbol == Vocabulary::UNKNOWN && *character != Vocabulary::REPLACEMENT
            });
            unknown.for_each(|(character, _)| count(character.escape_debug().to_string()));
        }
        // No byte is unknown; among words the unknown one is part of the language: what is rare is learned as it.
        Units::Bytes | Units::Words(_) | Units::Tokens(_) => {}
        Units::Pieces(_) => {
            let unknown = units.unknown();
            let symbols = units.encode(text)?;
            let symbols = symbols
                .into_iter()
                .filter(|symbol| Some(*symbol) == unknown);
            symbols.for_each(|_| count("pieces without a symbol".to_string()));
        }
    }
    Ok(counts)
}

fn shown(unknown: &BTreeMap<String, usize>) -> String {
    let names: Vec<&str> = unknown.keys().map(String::as_str).collect();
    let more = match names.len() > SHOWN {
        true => " ..",
        false => "",
    };
    format!("{}{more}", names[..names.len().min(SHOWN)].join(" "))
}

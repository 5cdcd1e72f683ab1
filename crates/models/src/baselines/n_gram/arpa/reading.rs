//! N-grams from text.

use std::collections::{BTreeMap, HashMap};

use backdraft_cells::Error;

use super::super::contexts::Contexts;
use super::super::sorted::{BEGIN, code};
use super::super::{Discounting, NAME, NGram, NGramConfig, NGramState};
use super::entries::{Entries, Entry, at};
use super::{BEGIN_NAME, END_NAME, UNKNOWN_NAME, UNTOLD};

/// What an ARPA file tells of a context.
#[derive(Debug, Clone, Default)]
struct Told {
    /// `ln b(h)`, if there is one.
    weight: Option<f64>,
    /// The symbols that follow, and `ln p` of each.
    followers: BTreeMap<u32, f64>,
}

/// The contexts of one length, each by its symbols with the newest first.
type Level = BTreeMap<Vec<u32>, Told>;

impl NGram {
    /// The model of an ARPA file, in which `names[i]` is symbol `i`. N-grams with other words are passed over;
    /// those words have the probability that is missing from the sum of the others. [`Self::arpa_names`] tells
    /// which words a file has. `<unk>` and `</s>` may be names even if the file does not have them: then they are
    /// next to impossible, 10^-100, as to KenLM. What is called `</s>` is the [end](NGramConfig::end) of a sequence.
    ///
    /// It goes on as one that was counted does, but for [`Self::discounts`], which a file does not tell.
    ///
    /// # Errors
    ///
    /// With the number of the line, when it is none of an ARPA file; when a name has no 1-gram, or the file
    /// has n-grams of more than [`NGramConfig::LONGEST`] words or of no known word.
    pub fn from_arpa<S: AsRef<str>>(text: &str, names: &[S]) -> Result<Self, Error> {
        let mut codes: HashMap<&str, u32> = names
            .iter()
            .zip(0..)
            .map(|(name, symbol)| (name.as_ref(), code(symbol)))
            .collect();
        codes.insert(BEGIN_NAME, BEGIN);
        let mut levels: Vec<Level> = Vec::new();
        for entry in Entries::new(text) {
            let Entry {
                line,
                words,
                log_p,
                log_weight,
            } = entry?;
            if words.len() > levels.len() {
                levels.resize(words.len(), Level::new());
            }
            let known: Option<Vec<u32>> =
                words.iter().map(|word| codes.get(word).copied()).collect();
            let Some(mut gram) = known else {
                continue;
            };
            gram.reverse();
            if let Some(weight) = log_weight {
                // Of the longest n-grams, nothing follows.
                if levels.len() == words.len() {
                    levels.push(Level::new());
                }
                levels[words.len()].entry(gram.clone()).or_default().weight = Some(weight);
            }
            let (newest, context) = gram.split_first().expect("an n-gram has a word");
            if *newest == BEGIN {
                continue;
            }
            let context = levels[words.len() - 1].entry(context.to_vec()).or_default();
            if context.followers.insert(*newest, log_p).is_some() {
                let found = format!("{:?} again", words.join(" "));
                return Err(at(line, "each n-gram once", found));
            }
        }
        if let Some(alone) = levels
            .first_mut()
            .and_then(|level| level.get_mut(&Vec::new()))
        {
            for name in [UNKNOWN_NAME, END_NAME] {
                if let Some(code) = codes.get(name) {
                    let untold = UNTOLD * std::f64::consts::LN_10;
                    alone.followers.entry(*code).or_insert(untold);
                }
            }
        }
        Self::from_told(levels, names)
    }

    /// The words of an ARPA file, in its order, without the one that begins sequences: names for
    /// [`Self::from_arpa`].
    ///
    /// # Errors
    ///
    /// When it is no ARPA file.
    pub fn arpa_names(text: &str) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        for entry in Entries::new(text) {
            let words = entry?.words;
            match words[..] {
                [BEGIN_NAME] => {}
                [word] => names.push(word.to_string()),
                _ => break,
            }
        }
        Ok(names)
    }

    fn from_told<S: AsRef<str>>(mut levels: Vec<Level>, names: &[S]) -> Result<Self, Error> {
        prune(&mut levels);
        check_alone(&levels, names)?;
        complete(&mut levels);
        let begin = levels
            .get(1)
            .is_some_and(|level| level.contains_key(&vec![BEGIN]));
        let mut model = Self {
            config: NGramConfig {
                vocabulary_size: names.len(),
                order: levels.len(),
                discounting: Discounting::default(),
                begin,
                end: None,
            },
            levels: Vec::new(),
        };
        for (length, level) in levels.iter().enumerate() {
            let mut contexts = Contexts::default();
            let mut longer = levels
                .get(length + 1)
                .into_iter()
                .flat_map(Level::keys)
                .peekable();
            let mut branches = 0;
            for (context, told) in level {
                let first = branches;
                while longer
                    .next_if(|longer| longer[..length] == context[..])
                    .is_some()
                {
                    branches += 1;
                }
                // The file tells p of every symbol that stands alone.
                let weight = match length {
                    0 => 0.0,
                    _ => told.weight.map_or(1.0, f64::exp),
                };
                let state = NGramState {
                    codes: context.iter().rev().copied().collect(),
                };
                let shares = told.followers.iter().map(|(&code, log_p)| {
                    let shorter = match length {
                        0 => 0.0,
                        _ => model.p(&state, code),
                    };
                    (code, log_p.exp() - weight * shorter)
                });
                let oldest = context.last().copied().unwrap_or(BEGIN);
                contexts.tell(oldest, first, weight, shares);
            }
            contexts.end(branches);
            model.levels.push(contexts);
        }
        let mut symbols = names.iter().zip(0..);
        let end = symbols.find(|(name, _)| name.as_ref() == END_NAME);
        model.config.end = end.map(|(_, symbol)| symbol);
        Ok(model)
    }
}

/// Drops the longest contexts where nothing follows any of them: they tell nothing.
fn prune(levels: &mut Vec<Level>) {
    let is_empty = |level: &Level| level.values().all(|told| told.followers.is_empty());
    while levels.last().is_some_and(is_empty) {
        levels.pop();
    }
}

/// Refuses a file that does not tell how likely each name is by itself.
fn check_alone<S: AsRef<str>>(levels: &[Level], names: &[S]) -> Result<(), Error> {
    let Some(alone) = levels.first().and_then(|level| level.get(&Vec::new())) else {
        let expected = "an ARPA file with a word of the vocabulary";
        return Err(Error::new(NAME, "n-grams", expected, "none"));
    };
    let mut symbols = names.iter().zip(0..);
    match symbols.find(|(_, symbol)| !alone.followers.contains_key(&code(*symbol))) {
        None => Ok(()),
        Some((name, _)) => {
            let expected = "a 1-gram of each word of the vocabulary";
            let found = format!("none of {:?}", name.as_ref());
            Err(Error::new(NAME, "1-grams", expected, found))
        }
    }
}

/// Makes a context of what ends a context: else the longer one would not be found.
fn complete(levels: &mut [Level]) {
    for length in (1..levels.len()).rev() {
        let (shorter, longer) = levels.split_at_mut(length);
        for context in longer[0].keys() {
            shorter[length - 1]
                .entry(context[..length - 1].to_vec())
                .or_default();
        }
    }
}

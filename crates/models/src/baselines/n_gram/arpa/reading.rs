//! N-grams from text.

use std::collections::HashMap;

use backdraft_cells::Error;

use super::super::contexts::Contexts;
use super::super::sorted::{BEGIN, code};
use super::super::{Discounting, NAME, NGram, NGramConfig, NGramState};
use super::entries::{Entries, Entry, at};
use super::levels::{Fact, Level, sorted};
use super::{BEGIN_NAME, END_NAME, UNKNOWN_NAME, UNTOLD};

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
        let mut levels = vec![Level::new(0)];
        for entry in Entries::new(text) {
            let Entry {
                line,
                words,
                log_p,
                log_weight,
            } = entry?;
            while levels.len() < words.len() {
                levels.push(Level::new(levels.len()));
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
                    levels.push(Level::new(levels.len()));
                }
                levels[words.len()].push(&gram, Fact::Weight(weight), line);
            }
            let (newest, context) = gram.split_first().expect("an n-gram has a word");
            if *newest != BEGIN {
                levels[words.len() - 1].push(context, Fact::Follows(*newest, log_p), line);
            }
        }
        let told = levels[0].followers();
        if !told.is_empty() {
            for name in [UNKNOWN_NAME, END_NAME] {
                if let Some(code) = codes.get(name).filter(|code| !told.contains(code)) {
                    let untold = UNTOLD * std::f64::consts::LN_10;
                    levels[0].push(&[], Fact::Follows(*code, untold), 0);
                }
            }
        }
        Self::from_levels(levels, names)
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

    fn from_levels<S: AsRef<str>>(mut levels: Vec<Level>, names: &[S]) -> Result<Self, Error> {
        // The longest contexts that nothing follows tell nothing.
        while levels.last().is_some_and(|level| !level.is_followed()) {
            levels.pop();
        }
        check_alone(&levels, names)?;
        let levels = sorted(levels);
        let begin = levels
            .get(1)
            .is_some_and(|level| level.contexts().any(|context| *context.symbols == [BEGIN]));
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
                .flat_map(Level::contexts)
                .peekable();
            let mut branches = 0;
            for context in level.contexts() {
                let first = branches;
                while longer
                    .next_if(|longer| longer.symbols[..length] == *context.symbols)
                    .is_some()
                {
                    branches += 1;
                }
                if let Some((follower, line)) = context.repeated() {
                    let codes = context.symbols.iter().rev().chain([&follower]);
                    let words: Vec<&str> = codes.map(|code| name(*code, names)).collect();
                    let found = format!("{:?} again", words.join(" "));
                    return Err(at(line, "each n-gram once", found));
                }
                // The file tells p of every symbol that stands alone.
                let weight = match length {
                    0 => 0.0,
                    _ => context.log_weight().map_or(1.0, f64::exp),
                };
                let state = NGramState {
                    codes: context.symbols.iter().rev().copied().collect(),
                };
                let shares = context.followers().map(|(code, log_p)| {
                    let shorter = match length {
                        0 => 0.0,
                        _ => model.p(&state, code),
                    };
                    (code, log_p.exp() - weight * shorter)
                });
                let oldest = context.symbols.last().copied().unwrap_or(BEGIN);
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

/// The name of a code.
fn name<S: AsRef<str>>(code: u32, names: &[S]) -> &str {
    match code {
        BEGIN => BEGIN_NAME,
        code => names[code as usize - 1].as_ref(),
    }
}

/// Refuses a file that does not tell how likely each name is by itself.
fn check_alone<S: AsRef<str>>(levels: &[Level], names: &[S]) -> Result<(), Error> {
    let alone = levels.first().map(Level::followers).unwrap_or_default();
    if alone.is_empty() {
        let expected = "an ARPA file with a word of the vocabulary";
        return Err(Error::new(NAME, "n-grams", expected, "none"));
    }
    let mut symbols = names.iter().zip(0..);
    match symbols.find(|(_, symbol)| !alone.contains(&code(*symbol))) {
        None => Ok(()),
        Some((name, _)) => {
            let expected = "a 1-gram of each word of the vocabulary";
            let found = format!("none of {:?}", name.as_ref());
            Err(Error::new(NAME, "1-grams", expected, found))
        }
    }
}

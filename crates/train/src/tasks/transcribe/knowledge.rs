//! What is known of transcripts beside what is heard: which words there are, and which letters follow each other.

use std::collections::HashSet;
use std::path::Path;

use backdraft_cells::{Error, Lengths};
use backdraft_data::{DataError, Vocabulary, read_text};
use backdraft_models::baselines::{NGram, NGramConfig};
use backdraft_models::{LabelModel, Labeling, PrefixBeam, WordList};
use burn::tensor::Tensor;

use super::Model;
use crate::bounds::{counts, require, weights};
use crate::n_gram::names;
use crate::say::{counted, say};
use crate::tasks::Decoding;
use crate::{NGramFile, TrainError};

/// Letters of an n-gram, and the weight of its probability, if nothing else is asked for.
const ORDER: usize = 4;
const WEIGHT: f64 = 0.5;

/// What is known of transcripts.
#[derive(Debug, Clone)]
pub(super) struct Knowledge {
    model: Facts,
    /// The weight of the n-gram.
    weight: f64,
    /// What a transcript gains with each letter.
    bonus: f64,
}

/// Words, letters that follow each other, or both.
#[derive(Debug, Clone)]
enum Facts {
    Words(WordList),
    Letters(NGram),
    Both(WordList, NGram),
}

impl Knowledge {
    /// What is asked for; nothing if nothing is.
    pub(super) fn of(asked: &Decoding, letters: &Vocabulary) -> Result<Option<Self>, TrainError> {
        asked.needs_language_model()?;
        let lexicon = asked.lexicon.as_deref().map(|path| lexicon(path, letters));
        let order = asked.language_order.unwrap_or(ORDER);
        counts([("language_order", order)])?;
        let longest = NGramConfig::LONGEST;
        let expected = format!("at most {longest}");
        require("language_order", &expected, order, order <= longest)?;
        let language = asked.language_model.as_deref();
        if language.is_some_and(NGramFile::is_named) && asked.language_order.is_some() {
            let (setting, with) = ("language_order", "a --language-model of transcripts");
            return Err(TrainError::Idle { setting, with });
        }
        let language = language.map(|path| match NGramFile::is_named(path) {
            true => arpa(path, letters),
            false => n_gram(path, letters, order),
        });
        let model = match (lexicon.transpose()?, language.transpose()?) {
            (None, None) => return Ok(None),
            (Some(words), None) => Facts::Words(words),
            (None, Some(letters)) => Facts::Letters(letters),
            (Some(words), Some(letters)) => Facts::Both(words, letters),
        };
        let (weight, bonus) = (
            asked.language_weight.unwrap_or(WEIGHT),
            asked.letter_bonus.unwrap_or(0.0),
        );
        weights([("language_weight", weight), ("letter_bonus", bonus)])?;
        Ok(Some(Self {
            model,
            weight,
            bonus,
        }))
    }

    /// The best transcripts of each row.
    pub(super) fn search(
        &self,
        model: &Model,
        (frames, lengths): (Tensor<3>, &Lengths),
        plain: PrefixBeam,
    ) -> Result<Vec<Vec<Labeling>>, Error> {
        fn with<M: LabelModel>(plain: PrefixBeam, known: &Knowledge, model: M) -> PrefixBeam<M> {
            plain
                .with_bonus(known.bonus)
                .with_model(model, known.weight)
        }
        match &self.model {
            Facts::Words(words) => {
                model.transcribe_best(frames, lengths, &with(plain, self, words))
            }
            Facts::Letters(letters) => {
                model.transcribe_best(frames, lengths, &with(plain, self, letters))
            }
            Facts::Both(words, letters) => {
                model.transcribe_best(frames, lengths, &with(plain, self, (words, letters)))
            }
        }
    }
}

/// Texts in letters that are known; the others are passed over, and it is said how many.
fn encoded<'a>(
    path: &Path,
    what: &str,
    texts: impl Iterator<Item = &'a str>,
    letters: &Vocabulary,
) -> Result<Vec<Vec<u32>>, TrainError> {
    let (mut known, mut unknown) = (Vec::new(), 0);
    for text in texts {
        let text = letters.encode(text);
        match text.contains(&Vocabulary::UNKNOWN) {
            true => unknown += 1,
            false => known.push(text),
        }
    }
    let skipped = format!(
        "{} with letters that the run has not learned",
        counted(unknown, what)
    );
    if known.is_empty() {
        return Err(DataError::Empty {
            path: path.to_path_buf(),
            reason: match unknown {
                0 => "nothing but white space".to_string(),
                _ => skipped,
            },
        }
        .into());
    }
    if unknown > 0 {
        say(format_args!("note: {}: skipped {skipped}", path.display()));
    }
    Ok(known)
}

/// The words of a file, between white space. Where transcripts have spaces, they are of several words.
fn lexicon(path: &Path, letters: &Vocabulary) -> Result<WordList, TrainError> {
    let space = letters.encode(" ");
    let separator = space
        .first()
        .copied()
        .filter(|symbol| *symbol != Vocabulary::UNKNOWN);
    let text = read_text(path)?;
    let words = encoded(path, "word", text.split_whitespace(), letters)?;
    Ok(WordList::new(&words, separator)?)
}

/// The n-grams of letters of an ARPA file, in which the symbol that is no letter ends a transcript.
fn arpa(path: &Path, letters: &Vocabulary) -> Result<NGram, TrainError> {
    let text = read_text(path)?;
    let unfit = |reason: Error| TrainError::Damaged {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    };
    let found: HashSet<String> = NGram::arpa_names(&text)
        .map_err(unfit)?
        .into_iter()
        .collect();
    let mut names = vec![names::END.to_string()];
    for symbol in 1..letters.len() as u32 {
        let letter = letters.character(symbol);
        let spellings = match letter {
            ' ' => names::SPACES.map(String::from).to_vec(),
            other => vec![names::of_character(other)],
        };
        let name = spellings.into_iter().find(|name| found.contains(name));
        names.push(name.ok_or_else(|| TrainError::Unfit {
            what: "the ARPA file",
            expected: "n-grams of the letters that the run writes".to_string(),
            found: format!("none of {letter:?} in {}", path.display()),
        })?);
    }
    NGram::from_arpa(&text, &names).map_err(unfit)
}

/// The n-grams of the letters of a file, a transcript on each line, which ends with the symbol that is no letter.
fn n_gram(path: &Path, letters: &Vocabulary, order: usize) -> Result<NGram, TrainError> {
    let text = read_text(path)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut lines = encoded(path, "line", lines, letters)?;
    lines
        .iter_mut()
        .for_each(|line| line.push(Vocabulary::UNKNOWN));
    Ok(NGramConfig::new(letters.len(), order).fit(&lines)?)
}

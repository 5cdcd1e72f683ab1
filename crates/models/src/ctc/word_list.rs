//! The words that there are: labels that begin none are impossible.

use std::collections::BTreeMap;

use backdraft_cells::Error;

use super::{BLANK, LabelModel};

const NAME: &str = "WordList";

/// A set of words, each of some labels, as a [`LabelModel`]: what it allows has `ln p = 0`, all else is
/// impossible.
///
/// ```
/// use backdraft_models::{WordList, PrefixBeam};
///
/// # fn main() -> Result<(), backdraft_cells::Error> {
/// // The words `1 2` and `2 1`; 3 stands between two of them.
/// let words = WordList::new(&[[1, 2], [2, 1]], Some(3))?;
/// let search = PrefixBeam::new(16).with_model(&words, 1.0);
/// let log_p = [0.1_f64, 0.6, 0.2, 0.1, 0.1, 0.5, 0.3, 0.1].map(f64::ln); // two steps of four symbols
/// let found = search.search(&log_p, 4)?;
/// assert_eq!(found[0].labels, [1, 2]); // alone, 1 is likelier
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordList {
    separator: Option<u32>,
    /// Beginnings of words, the first of which has no label.
    beginnings: Vec<Beginning>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Beginning {
    is_word: bool,
    /// Where each label goes on to.
    longer: BTreeMap<u32, usize>,
}

impl WordList {
    /// Of these words, with the label that stands between two of them; without one, a row has one word.
    ///
    /// A word without labels is what a row may have in which nothing is said.
    ///
    /// # Errors
    ///
    /// When there is no word, or one has the blank or the separator in it.
    pub fn new<W: AsRef<[u32]>>(words: &[W], separator: Option<u32>) -> Result<Self, Error> {
        Error::unless_positive(NAME, "words", words.len())?;
        if separator == Some(BLANK) {
            return Err(Error::new(NAME, "separator", "a label", "the blank"));
        }
        let mut beginnings = vec![Beginning::default()];
        for (number, word) in words.iter().enumerate() {
            let mut at = 0;
            for &label in word.as_ref() {
                if label == BLANK || Some(label) == separator {
                    let what = format!("label of word {number}");
                    let found = if label == BLANK {
                        "the blank"
                    } else {
                        "the separator"
                    };
                    return Err(Error::new(NAME, what, "a label", found));
                }
                let new = beginnings.len();
                at = *beginnings[at].longer.entry(label).or_insert(new);
                if at == new {
                    beginnings.push(Beginning::default());
                }
            }
            beginnings[at].is_word = true;
        }
        Ok(Self {
            separator,
            beginnings,
        })
    }
}

impl LabelModel for WordList {
    /// The beginning of a word that the last labels are.
    type State = usize;

    fn check(&self, symbols: usize) -> Result<(), Error> {
        let labels = self.beginnings.iter().flat_map(|at| at.longer.keys());
        let largest = labels.chain(&self.separator).max();
        match largest {
            Some(&label) if label as usize >= symbols => {
                let expected = format!("below {symbols}, the number of symbols");
                Err(Error::new(NAME, "label", expected, label))
            }
            _ => Ok(()),
        }
    }

    fn start(&self) -> usize {
        0
    }

    fn advance(&self, state: &usize, label: u32) -> (f64, usize) {
        let at = &self.beginnings[*state];
        match at.longer.get(&label) {
            Some(&longer) => (0.0, longer),
            None if at.is_word && Some(label) == self.separator => (0.0, 0),
            None => (f64::NEG_INFINITY, *state),
        }
    }

    fn end(&self, state: &usize) -> f64 {
        match self.beginnings[*state].is_word {
            true => 0.0,
            false => f64::NEG_INFINITY,
        }
    }
}

//! What n-grams are fitted by, and how long they are to be.

use backdraft_cells::Error;
use serde::{Deserialize, Serialize};

use super::contexts::Contexts;
use super::sorted::{Sorted, places};
use super::{Discounting, NAME, NGram};

/// Configuration of an [`NGram`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NGramConfig {
    /// The number of symbols, `V`: they are 0 .. `V - 1`.
    pub vocabulary_size: usize,
    /// Symbols of an n-gram, `n`, 1 to 64: the last `n - 1` tell of the next one.
    pub order: usize,
    /// What is taken off the counts; modified by default.
    #[serde(default)]
    pub discounting: Discounting,
    /// Whether n-grams at the beginning of a sequence are distinguished from those in the middle: a special
    /// symbol stands before the first one; it is read and never generated. True by default.
    #[serde(default = "yes")]
    pub begin: bool,
    /// The symbol of the vocabulary that ends a sequence, if one does: a sequence is cut after it, and what
    /// follows begins anew, whether it is counted, read or generated. None by default.
    #[serde(default)]
    pub end: Option<u32>,
}

fn yes() -> bool {
    true
}

impl NGramConfig {
    /// The longest n-grams: a sequence takes the memory of as many symbols more.
    pub const LONGEST: usize = 64;

    /// N-grams of `order` symbols, with modified discounts.
    pub fn new(vocabulary_size: usize, order: usize) -> Self {
        Self {
            vocabulary_size,
            order,
            discounting: Discounting::default(),
            begin: true,
            end: None,
        }
    }

    /// Sets what is taken off the counts.
    #[must_use]
    pub fn with_discounting(mut self, discounting: Discounting) -> Self {
        self.discounting = discounting;
        self
    }

    /// Sets whether what begins a sequence is told from what is amid one.
    #[must_use]
    pub fn with_begin(mut self, begin: bool) -> Self {
        self.begin = begin;
        self
    }

    /// Sets the symbol that ends a sequence.
    #[must_use]
    pub fn with_end(mut self, end: u32) -> Self {
        self.end = Some(end);
        self
    }

    /// Counts the n-grams of sequences, none of which reaches from one into the next.
    ///
    /// # Errors
    ///
    /// When the order is not 1 to 64, there is no vocabulary or no symbol at all, a symbol (or the end) is not of
    /// the vocabulary, or there are 2^32 symbols or more (`n - 1` of each sequence counted in addition).
    pub fn fit<S: AsRef<[u32]>>(&self, sequences: &[S]) -> Result<NGram, Error> {
        if !(1..=Self::LONGEST).contains(&self.order) {
            let expected = format!("1 to {}", Self::LONGEST);
            return Err(Error::new(NAME, "order", expected, self.order));
        }
        Error::unless_positive(NAME, "vocabulary size", self.vocabulary_size)?;
        check_symbols(self.vocabulary_size, self.end.as_slice())?;
        for sequence in sequences {
            check_symbols(self.vocabulary_size, sequence.as_ref())?;
        }
        let sequences: Vec<&[u32]> = sequences
            .iter()
            .flat_map(|sequence| {
                let is_end = |symbol: &u32| self.end == Some(*symbol);
                sequence.as_ref().split_inclusive(is_end)
            })
            .collect();
        let places = places(&sequences, self.order);
        if u32::try_from(places).is_err() {
            return Err(Error::new(NAME, "symbols", "less than 2^32", places));
        }
        if sequences.is_empty() {
            return Err(Error::new(NAME, "symbols", "at least 1", 0));
        }
        let sorted = Sorted::new(&sequences, self.order);
        Ok(NGram {
            levels: Contexts::all(&sorted, self.order, self.begin, self.discounting),
            config: self.clone(),
        })
    }

    /// The model that tells a held-out text best, among those of these `orders`, and the mean nats of a
    /// symbol that each order needed for it. Of orders that are equally good, the first.
    ///
    /// * `training`: as in [`fit`](Self::fit).
    /// * `history`: the text before `held_out`, from where its sequence begins or at least `n - 1`
    ///   symbols; nothing if it begins one.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), with each order; when there are no orders, `held_out` is empty, or a
    /// symbol in either text is not of the vocabulary.
    pub fn choose<S: AsRef<[u32]>>(
        &self,
        orders: impl IntoIterator<Item = usize>,
        training: &[S],
        history: &[u32],
        held_out: &[u32],
    ) -> Result<(NGram, Vec<(usize, f64)>), Error> {
        Error::unless_positive(NAME, "held-out symbols", held_out.len())?;
        let (mut best, mut needed): (Option<(NGram, f64)>, _) = (None, Vec::new());
        for order in orders {
            let config = Self {
                order,
                ..self.clone()
            };
            let model = config.fit(training)?;
            let mut state = model.initial_state();
            model.read(&mut state, history)?;
            let nats: f64 = model.nats_from(&mut state, held_out)?.iter().sum();
            let nats = nats / held_out.len() as f64;
            needed.push((order, nats));
            if best.as_ref().is_none_or(|(_, least)| nats < *least) {
                best = Some((model, nats));
            }
        }
        match best {
            Some((model, _)) => Ok((model, needed)),
            None => Err(Error::new(NAME, "orders", "at least one", "none")),
        }
    }
}

/// Refuses symbols that are not of the vocabulary.
pub(super) fn check_symbols(vocabulary_size: usize, symbols: &[u32]) -> Result<(), Error> {
    // The last number is none of any vocabulary, so that all symbols have a code.
    let size = vocabulary_size.min(u32::MAX as usize);
    match symbols.iter().find(|symbol| **symbol as usize >= size) {
        Some(symbol) => {
            let expected = format!("below {size}, the vocabulary size");
            Err(Error::new(NAME, "symbol", expected, symbol))
        }
        None => Ok(()),
    }
}

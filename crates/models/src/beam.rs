//! Beam search: the likeliest sequences of a model that foresees one symbol after the other.
//!
//! ```text
//! ln p(Y)  = sum_t ln p(y_t | y_1 .. y_{t-1})          the end is one of them
//! score(Y) = ln p(Y) / ((5 + |Y|) / 6)^alpha           |Y|: symbols, without the end
//! ```
//!
//! There are `width` slots. At each step slot i takes the best by ln p of what continues the hypotheses of slots
//! `0 ..= i` and no slot before it took; what ends is complete, and leaves its slot empty for a step. A search
//! is over when no open hypothesis can become one of the best: ln p only falls, and the divisor is at most that of the
//! longest.
//!
//! So the first slots of a wide beam hold what a narrow one holds: the wider never finds worse, which is not so where
//! the best `width` of all continuations are kept, and a beam of one is greedy. Lemons, Linares López, Holte and
//! Ruml 2022, "Beam search: faster and monotonic", arXiv 2204.02929. Length penalty of Wu et al. 2016, arXiv
//! 1609.08144.

use backdraft_cells::{Error, State};
use burn::tensor::{Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use slots::Slots;

use crate::host::numbers;

mod slots;

const NAME: &str = "BeamSearch";

/// Settings of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BeamSearch {
    /// The most symbols of a hypothesis, without the end. One that has as many ends there, and what
    /// the end costs is counted.
    pub limit: usize,
    /// The number of hypotheses that are kept at each step; 5 by default.
    pub width: usize,
    /// `alpha`: 0, the default, ranks by ln p, and above 0 favours what is longer.
    pub length_penalty: f64,
    /// The number of hypotheses that are wanted of each source; 1 by default.
    pub best: usize,
    /// Symbols that are never taken, such as the one that stands for the unknown; none by default. The end always may
    /// be.
    #[serde(default)]
    pub excluded: Vec<u32>,
}

impl BeamSearch {
    /// The best hypothesis of at most `limit` symbols, 5 kept at each step, ranked by ln p.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            width: 5,
            length_penalty: 0.0,
            best: 1,
            excluded: Vec::new(),
        }
    }

    /// Sets the number of hypotheses that are kept at each step.
    #[must_use]
    pub fn with_width(mut self, width: usize) -> Self {
        self.width = width;
        self
    }

    /// Sets `alpha`.
    #[must_use]
    pub fn with_length_penalty(mut self, alpha: f64) -> Self {
        self.length_penalty = alpha;
        self
    }

    /// Sets the number of hypotheses that are wanted of each source.
    #[must_use]
    pub fn with_best(mut self, best: usize) -> Self {
        self.best = best;
        self
    }

    /// Sets the symbols that are never taken.
    #[must_use]
    pub fn with_excluded(mut self, excluded: Vec<u32>) -> Self {
        self.excluded = excluded;
        self
    }

    fn check(&self) -> Result<(), Error> {
        Error::unless_positive(NAME, "limit", self.limit)?;
        Error::unless_positive(NAME, "width", self.width)?;
        Error::unless_positive(NAME, "number of hypotheses wanted", self.best)?;
        if self.best > self.width {
            let expected = format!("at most {}, the width", self.width);
            let what = "number of hypotheses wanted";
            return Err(Error::new(NAME, what, expected, self.best));
        }
        let alpha = self.length_penalty;
        if !(alpha.is_finite() && alpha >= 0.0) {
            let expected = "a finite number of at least 0";
            return Err(Error::new(NAME, "length penalty", expected, alpha));
        }
        Ok(())
    }

    fn score(&self, log_p: f64, length: usize) -> f64 {
        log_p / ((5.0 + length as f64) / 6.0).powf(self.length_penalty)
    }

    /// Searches for `sources` sequences side by side.
    ///
    /// `step` is given the rows of all searches that still go on and their states, and gives the
    /// `ln p` of what comes next, `[rows, symbols]`, and the states after. What is no number, or
    /// minus infinity, is never taken; infinity is certain, as 0 is.
    ///
    /// * `state`: where the sequences begin, one row a source.
    /// * `start`: the symbol that is read first; it is not part of a hypothesis.
    /// * `end`: the symbol that ends a hypothesis, and is not part of it; without one they all have
    ///   `limit` symbols.
    ///
    /// Gives the best hypotheses of each source, the best first: fewer than wanted where there are
    /// not as many.
    ///
    /// # Errors
    ///
    /// When a setting is impossible, or a step fails or does not give `ln p` of each row.
    pub fn search<S: State>(
        &self,
        sources: usize,
        state: S,
        start: u32,
        end: Option<u32>,
        mut step: impl FnMut(&BeamRows, S) -> Result<(Tensor<2>, S), Error>,
    ) -> Result<Vec<Vec<Hypothesis>>, Error> {
        self.check()?;
        let mut searches: Vec<Slots> = (0..sources).map(Slots::new).collect();
        let mut over = Vec::with_capacity(sources);
        let mut parents: Vec<usize> = (0..sources)
            .flat_map(|source| vec![source; self.width])
            .collect();
        let mut state = state;
        let mut length = 0;
        while !searches.is_empty() {
            let rows = BeamRows::of(&searches, self.width, start);
            let (log_p, next) = step(&rows, select(state, &parents))?;
            let [count, symbols] = log_p.dims();
            if count != rows.symbols.len() || symbols == 0 {
                let expected = format!("[{}, at least 1]", rows.symbols.len());
                let found = format!("[{count}, {symbols}]");
                return Err(Error::new(
                    NAME,
                    "ln p of a step [rows, symbols]",
                    expected,
                    found,
                ));
            }
            let log_p: Vec<f64> = numbers(&log_p.into_data());
            parents.clear();
            let mut going_on = Vec::with_capacity(searches.len());
            for (place, mut search) in searches.into_iter().enumerate() {
                let first = place * self.width;
                let rows = log_p[first * symbols..].chunks(symbols);
                search.advance(self, rows, length, end);
                if search.is_over(self, length + 1) {
                    over.push(search);
                } else {
                    parents.extend(search.parents(self.width).map(|slot| first + slot));
                    going_on.push(search);
                }
            }
            searches = going_on;
            state = next;
            length += 1;
        }
        over.sort_by_key(|search| search.source);
        Ok(over.into_iter().map(|search| search.complete).collect())
    }
}

/// What a step of a [`BeamSearch`] is about: `width` rows of each source whose search goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeamRows {
    /// The sources, in the order of their rows.
    pub sources: Vec<usize>,
    /// Rows of each source.
    pub width: usize,
    /// The symbol that each row reads: `sources.len() * width`.
    pub symbols: Vec<u32>,
}

impl BeamRows {
    fn of(searches: &[Slots], width: usize, start: u32) -> Self {
        let symbols = searches
            .iter()
            .flat_map(|search| search.last_symbols(width, start));
        Self {
            sources: searches.iter().map(|search| search.source).collect(),
            width,
            symbols: symbols.collect(),
        }
    }
}

/// A sequence that a model may have meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    /// The symbols, without the end.
    pub symbols: Vec<u32>,
    /// `ln p`, that of the end included.
    pub log_p: f64,
    /// What hypotheses are ranked by.
    pub score: f64,
}

/// The rows of a state at these places, any of them several times.
pub(crate) fn select<S: State>(state: S, rows: &[usize]) -> S {
    let rows: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
    let count = rows.len();
    let rows = TensorData::new(rows, [count]);
    state.map(&mut |tensor| {
        let rows = Tensor::<1, Int>::from_data(rows.clone(), &tensor.device());
        tensor.select(0, rows)
    })
}

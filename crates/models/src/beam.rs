//! Beam search: the likeliest sequences of a model that foresees one symbol after the other.
//!
//! ```text
//! ln p(Y)  = sum_t ln p(y_t | y_1 .. y_{t-1})          the end is one of them
//! score(Y) = ln p(Y) / ((5 + |Y|) / 6)^alpha           |Y|: symbols, without the end
//! ```
//!
//! Of all continuations of the open hypotheses, the best `width` by ln p are kept at each step; those
//! that end are complete. A search is over when no open hypothesis can become one of the best: ln p
//! only falls, and the divisor is at most that of the longest.
//!
//! Length penalty of Wu et al. 2016, arXiv 1609.08144.

use backdraft_cells::{Error, State};
use burn::tensor::{Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

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
    /// Symbols that are never taken, such as the one that stands for the unknown; none by default.
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
    /// When a setting is impossible, or a step fails.
    pub fn search<S: State>(
        &self,
        sources: usize,
        state: S,
        start: u32,
        end: Option<u32>,
        mut step: impl FnMut(&BeamRows, S) -> Result<(Tensor<2>, S), Error>,
    ) -> Result<Vec<Vec<Hypothesis>>, Error> {
        self.check()?;
        let mut searches: Vec<Search> = (0..sources).map(Search::new).collect();
        let mut over = Vec::with_capacity(sources);
        let mut parents: Vec<usize> = (0..sources)
            .flat_map(|source| vec![source; self.width])
            .collect();
        let mut state = state;
        let mut length = 0;
        while !searches.is_empty() {
            let rows = BeamRows::of(&searches, self.width, start);
            let (log_p, next) = step(&rows, select(state, &parents))?;
            let [_, symbols] = log_p.dims();
            let log_p: Vec<f64> = log_p.into_data().iter().collect();
            parents.clear();
            let mut going_on = Vec::with_capacity(searches.len());
            for (place, mut search) in searches.into_iter().enumerate() {
                let first = place * self.width;
                let rows = log_p[first * symbols..].chunks(symbols);
                let from = search.advance(self, rows, length, end);
                if search.is_over(self, length + 1) {
                    over.push(search);
                } else {
                    // Rows that no hypothesis needs carry any state along.
                    let from = from.into_iter().map(|slot| first + slot);
                    parents.extend(from.chain(std::iter::repeat(first)).take(self.width));
                    going_on.push(search);
                }
            }
            searches = going_on;
            state = next;
            length += 1;
        }
        over.sort_by_key(|search| search.source);
        let best = over.into_iter().map(|search| {
            let mut complete = search.complete;
            complete.truncate(self.best);
            complete
        });
        Ok(best.collect())
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
    fn of(searches: &[Search], width: usize, start: u32) -> Self {
        let symbols = searches.iter().flat_map(|search| {
            let last = |open: &Open| open.symbols.last().copied().unwrap_or(start);
            let last = search.open.iter().map(last);
            last.chain(std::iter::repeat(start)).take(width)
        });
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

/// A hypothesis that has not ended.
#[derive(Debug, Clone)]
struct Open {
    symbols: Vec<u32>,
    log_p: f64,
}

/// The search for one source.
struct Search {
    source: usize,
    /// By falling ln p, at most `width`.
    open: Vec<Open>,
    /// By falling score, at most as many as are wanted.
    complete: Vec<Hypothesis>,
}

/// How an open hypothesis may go on.
struct Continuation {
    log_p: f64,
    slot: usize,
    symbol: u32,
}

impl Search {
    fn new(source: usize) -> Self {
        let open = Open {
            symbols: Vec::new(),
            log_p: 0.0,
        };
        Self {
            source,
            open: vec![open],
            complete: Vec::new(),
        }
    }

    /// Goes on by one step from hypotheses of `length` symbols: the slot that each open hypothesis
    /// comes from.
    fn advance<'a>(
        &mut self,
        settings: &BeamSearch,
        rows: impl Iterator<Item = &'a [f64]>,
        length: usize,
        end: Option<u32>,
    ) -> Vec<usize> {
        let mut all: Vec<Continuation> = Vec::new();
        for (slot, (open, row)) in self.open.iter().zip(rows).enumerate() {
            let certain = |log_p: f64| log_p == f64::INFINITY;
            let next = (0..).zip(row).map(|(symbol, log_p)| Continuation {
                log_p: open.log_p + if certain(*log_p) { 0.0 } else { *log_p },
                slot,
                symbol,
            });
            let may_go_on = |symbol: u32| match Some(symbol) == end {
                true => true,
                false => length < settings.limit && !settings.excluded.contains(&symbol),
            };
            let is_possible = |next: &Continuation| next.log_p > f64::NEG_INFINITY;
            all.extend(next.filter(|next| is_possible(next) && may_go_on(next.symbol)));
        }
        let better = |a: &Continuation, b: &Continuation| {
            let order = b.log_p.total_cmp(&a.log_p);
            order
                .then(a.slot.cmp(&b.slot))
                .then(a.symbol.cmp(&b.symbol))
        };
        if all.len() > settings.width {
            all.select_nth_unstable_by(settings.width, better);
            all.truncate(settings.width);
        }
        all.sort_unstable_by(better);

        let mut open = Vec::with_capacity(all.len());
        let mut from = Vec::with_capacity(all.len());
        for Continuation {
            log_p,
            slot,
            symbol,
        } in all
        {
            let mut symbols = self.open[slot].symbols.clone();
            if Some(symbol) == end {
                self.finish(settings, symbols, log_p);
                continue;
            }
            symbols.push(symbol);
            if end.is_none() && symbols.len() == settings.limit {
                self.finish(settings, symbols, log_p);
            } else {
                open.push(Open { symbols, log_p });
                from.push(slot);
            }
        }
        self.open = open;
        from
    }

    fn finish(&mut self, settings: &BeamSearch, symbols: Vec<u32>, log_p: f64) {
        let score = settings.score(log_p, symbols.len());
        let place = self.complete.partition_point(|other| other.score >= score);
        self.complete.insert(
            place,
            Hypothesis {
                symbols,
                log_p,
                score,
            },
        );
        self.complete.truncate(settings.best);
    }

    /// Whether what is open, of `length` symbols, cannot become one of the best.
    fn is_over(&self, settings: &BeamSearch, length: usize) -> bool {
        let Some(open) = self.open.first() else {
            return true;
        };
        let longest = settings.limit.max(length);
        let bound = settings.score(open.log_p, longest);
        let last = self.complete.get(settings.best - 1);
        last.is_some_and(|last| last.score >= bound)
    }
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

//! The hypotheses for one source, and how they go on.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::{BeamSearch, Hypothesis};

/// A hypothesis that has not ended.
#[derive(Debug, Clone)]
struct Open {
    symbols: Vec<u32>,
    log_p: f64,
    /// The slot that it came from.
    parent: usize,
}

/// The search for one source.
pub(super) struct Slots {
    pub source: usize,
    /// At most `width`; empty where a hypothesis has just ended, or there is none to be had.
    open: Vec<Option<Open>>,
    /// By falling score, at most as many as are wanted.
    pub complete: Vec<Hypothesis>,
}

/// How an open hypothesis may go on. The greater is the better; of equals, the one of the earlier slot, then of the
/// smaller symbol.
#[derive(Debug, Clone, Copy)]
struct Continuation {
    log_p: f64,
    slot: usize,
    symbol: u32,
}

impl Ord for Continuation {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.log_p.total_cmp(&other.log_p);
        order
            .then(other.slot.cmp(&self.slot))
            .then(other.symbol.cmp(&self.symbol))
    }
}

impl PartialOrd for Continuation {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Continuation {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Continuation {}

impl Slots {
    pub fn new(source: usize) -> Self {
        let open = Open {
            symbols: Vec::new(),
            log_p: 0.0,
            parent: 0,
        };
        Self {
            source,
            open: vec![Some(open)],
            complete: Vec::new(),
        }
    }

    /// The symbol that each of `width` rows reads; those that no hypothesis needs read any.
    pub fn last_symbols(&self, width: usize, start: u32) -> impl Iterator<Item = u32> {
        let last = move |slot: usize| {
            let open = self.open.get(slot).and_then(Option::as_ref);
            open.and_then(|open| open.symbols.last().copied())
        };
        (0..width).map(move |slot| last(slot).unwrap_or(start))
    }

    /// The slot that each of `width` rows takes its state from; those that no hypothesis needs take any.
    pub fn parents(&self, width: usize) -> impl Iterator<Item = usize> {
        let parent = |slot: usize| self.open.get(slot).and_then(Option::as_ref);
        (0..width).map(move |slot| parent(slot).map_or(0, |open| open.parent))
    }

    /// Goes on by one step from hypotheses of `length` symbols; `rows` has `ln p` of each symbol, slot by slot.
    pub fn advance<'a>(
        &mut self,
        settings: &BeamSearch,
        mut rows: impl Iterator<Item = &'a [f64]>,
        length: usize,
        end: Option<u32>,
    ) {
        let before = std::mem::take(&mut self.open);
        let mut heap = BinaryHeap::new();
        for slot in 0..settings.width {
            let row = rows.next().unwrap_or_default();
            if let Some(open) = before.get(slot).and_then(Option::as_ref) {
                // Of each slot, as many as there are slots left can be taken.
                let left = settings.width - slot;
                heap.extend(continuations(
                    settings,
                    (slot, open),
                    row,
                    length,
                    end,
                    left,
                ));
            }
            let next = heap.pop();
            let next = next.and_then(|next: Continuation| self.taken(settings, &before, next, end));
            self.open.push(next);
        }
    }

    /// What a slot that takes this holds: nothing if it ends.
    fn taken(
        &mut self,
        settings: &BeamSearch,
        before: &[Option<Open>],
        next: Continuation,
        end: Option<u32>,
    ) -> Option<Open> {
        let Continuation {
            log_p,
            slot,
            symbol,
        } = next;
        let parent = before[slot].as_ref()?;
        let mut symbols = parent.symbols.clone();
        if Some(symbol) == end {
            self.finish(settings, symbols, log_p);
            return None;
        }
        symbols.push(symbol);
        if end.is_none() && symbols.len() == settings.limit {
            self.finish(settings, symbols, log_p);
            return None;
        }
        Some(Open {
            symbols,
            log_p,
            parent: slot,
        })
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
    pub fn is_over(&self, settings: &BeamSearch, length: usize) -> bool {
        let open = self.open.iter().flatten().map(|open| open.log_p);
        let Some(likeliest) = open.max_by(f64::total_cmp) else {
            return true;
        };
        let longest = settings.limit.max(length);
        let bound = settings.score(likeliest, longest);
        let last = self.complete.get(settings.best - 1);
        last.is_some_and(|last| last.score >= bound)
    }
}

/// The best `most` of what may continue the hypothesis of a slot.
fn continuations(
    settings: &BeamSearch,
    (slot, open): (usize, &Open),
    row: &[f64],
    length: usize,
    end: Option<u32>,
    most: usize,
) -> Vec<Continuation> {
    let may_go_on = |symbol: u32| match Some(symbol) == end {
        true => true,
        false => length < settings.limit && !settings.excluded.contains(&symbol),
    };
    let is_certain = |log_p: f64| log_p == f64::INFINITY;
    let next = (0..).zip(row).map(|(symbol, log_p)| Continuation {
        log_p: open.log_p + if is_certain(*log_p) { 0.0 } else { *log_p },
        slot,
        symbol,
    });
    let possible = next.filter(|next| next.log_p > f64::NEG_INFINITY && may_go_on(next.symbol));
    // The worst of the best is on top: most symbols of a large vocabulary are compared with it alone.
    let mut best = BinaryHeap::with_capacity(most.min(row.len()) + 1);
    for next in possible {
        if best.len() < most {
            best.push(Reverse(next));
        } else if let Some(mut worst) = best.peek_mut()
            && next > worst.0
        {
            *worst = Reverse(next);
        }
    }
    best.into_iter().map(|Reverse(next)| next).collect()
}

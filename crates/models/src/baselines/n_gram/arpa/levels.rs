//! What an ARPA file tells of contexts, put in the order in which they are kept.
//!
//! ```text
//! contexts     by their symbols, the newest first: those that end alike lie side by side
//! of each      its weight, then what follows it, by code
//! ```

use std::cmp::Ordering;
use std::collections::HashSet;

/// Something told of a context.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fact {
    /// That it ends a longer one.
    EndsLonger,
    /// `ln b(h)`.
    Weight(f64),
    /// A symbol that follows, and its `ln p`.
    Follows(u32, f64),
}

impl Fact {
    /// Where it stands among those of its context.
    fn rank(&self) -> u64 {
        match self {
            Self::EndsLonger => 0,
            Self::Weight(_) => 1,
            Self::Follows(code, _) => 2 + u64::from(*code),
        }
    }
}

/// All that is told of contexts of one length. Of a large file these are millions: they lie in three rows of numbers.
#[derive(Debug)]
pub(super) struct Level {
    length: usize,
    /// `length` symbols of each, the newest first.
    symbols: Vec<u32>,
    facts: Vec<Fact>,
    lines: Vec<usize>,
    /// Their order, once it is known.
    order: Vec<u32>,
}

/// One context, and what is told of it.
pub(super) struct Told<'a> {
    /// The newest first.
    pub symbols: &'a [u32],
    level: &'a Level,
    order: &'a [u32],
}

impl Level {
    pub fn new(length: usize) -> Self {
        Self {
            length,
            symbols: Vec::new(),
            facts: Vec::new(),
            lines: Vec::new(),
            order: Vec::new(),
        }
    }

    pub fn push(&mut self, symbols: &[u32], fact: Fact, line: usize) {
        self.symbols.extend_from_slice(symbols);
        self.facts.push(fact);
        self.lines.push(line);
    }

    /// Whether anything follows any of them.
    pub fn is_followed(&self) -> bool {
        let mut facts = self.facts.iter();
        facts.any(|fact| matches!(fact, Fact::Follows(..)))
    }

    /// All that follows.
    pub fn followers(&self) -> HashSet<u32> {
        let follows = |fact: &Fact| match fact {
            Fact::Follows(code, _) => Some(*code),
            _ => None,
        };
        self.facts.iter().filter_map(follows).collect()
    }

    /// The contexts in order, once they are.
    pub fn contexts(&self) -> impl Iterator<Item = Told<'_>> {
        let groups = self
            .order
            .chunk_by(|a, b| self.context(*a) == self.context(*b));
        groups.map(|order| Told {
            symbols: self.context(order[0]),
            level: self,
            order,
        })
    }

    fn context(&self, index: u32) -> &[u32] {
        let start = index as usize * self.length;
        &self.symbols[start..start + self.length]
    }

    fn sort(&mut self) {
        let mut order: Vec<u32> = (0..self.facts.len() as u32).collect();
        order.sort_unstable_by(|a, b| self.compare(*a, *b));
        self.order = order;
    }

    fn compare(&self, a: u32, b: u32) -> Ordering {
        let rank = |index: u32| self.facts[index as usize].rank();
        let by_symbols = self.context(a).cmp(self.context(b));
        by_symbols.then_with(|| rank(a).cmp(&rank(b)))
    }
}

/// Levels of contexts of 0, 1 .. symbols, each in order. What ends a context becomes one itself: else the longer
/// one would not be found.
pub(super) fn sorted(mut levels: Vec<Level>) -> Vec<Level> {
    for length in (0..levels.len()).rev() {
        levels[length].sort();
        if length == 0 {
            break;
        }
        let (shorter, longer) = levels.split_at_mut(length);
        let shorter = &mut shorter[length - 1];
        let mut last: Option<&[u32]> = None;
        for context in longer[0].contexts() {
            let end = &context.symbols[..length - 1];
            if last != Some(end) {
                shorter.push(end, Fact::EndsLonger, 0);
                last = Some(end);
            }
        }
    }
    levels
}

impl<'a> Told<'a> {
    /// `ln b(h)`, if it is told; the last, if it is told twice.
    pub fn log_weight(&self) -> Option<f64> {
        let weights = self.facts().filter_map(|(fact, _)| match fact {
            Fact::Weight(weight) => Some(weight),
            _ => None,
        });
        weights.last()
    }

    /// What follows, by code.
    pub fn followers(&self) -> impl Iterator<Item = (u32, f64)> + use<'a> {
        self.facts().filter_map(|(fact, _)| match fact {
            Fact::Follows(code, log_p) => Some((code, log_p)),
            _ => None,
        })
    }

    /// A symbol that two lines tell of, and the second of them.
    pub fn repeated(&self) -> Option<(u32, usize)> {
        let mut pairs = self.facts().zip(self.facts().skip(1));
        pairs.find_map(|pair| match pair {
            ((Fact::Follows(a, _), first), (Fact::Follows(b, _), second)) if a == b => {
                Some((a, first.max(second)))
            }
            _ => None,
        })
    }

    fn facts(&self) -> impl Iterator<Item = (Fact, usize)> + use<'a> {
        let (level, order) = (self.level, self.order);
        let index = order.iter().map(|index| *index as usize);
        index.map(|index| (level.facts[index], level.lines[index]))
    }
}

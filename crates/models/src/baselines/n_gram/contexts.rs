//! What is known of all n-grams, counted or told by a file, by context: a tree whose root is the empty context and whose branches are
//! one symbol longer, by one that is older.

use std::ops::Range;

use super::discount::{Discounting, discount};
use super::sorted::{BEGIN, Sorted};

/// The contexts of one length, those that differ in the oldest symbol alone side by side, in its order.
#[derive(Debug, Clone, Default)]
pub(super) struct Contexts {
    /// `D(1), D(2), D(3)`.
    pub discounts: [f64; 3],
    /// Of each context, its oldest symbol.
    oldest: Vec<u32>,
    /// Where the contexts that extend it begin among those of the next length. And the end of all.
    longer: Vec<u32>,
    /// Where what follows it begins in the two below. And the end of all.
    starts: Vec<u32>,
    /// Of each context the symbols `w` that follow it, in order.
    codes: Vec<u32>,
    /// `c(h w)`; nothing where shares were told.
    counts: Vec<u32>,
    /// `c(h)`.
    totals: Vec<u32>,
    /// `g(h)`.
    weights: Vec<f64>,
    /// What the symbols have beside `g(h) p(w | h')`, where a file told it; nothing where they were counted.
    told: Vec<f64>,
}

impl Contexts {
    /// Those of 0, 1 .. `order - 1` symbols; those that begin a sequence among them if `begin`.
    pub fn all(sorted: &Sorted, order: usize, begin: bool, discounting: Discounting) -> Vec<Self> {
        let mut tree = Tree {
            sorted,
            begin,
            levels: vec![Self::default(); order],
            followers: Vec::new(),
        };
        tree.add(BEGIN, 0, sorted.places());
        let mut levels = tree.levels;
        for at in 0..order {
            let longer = levels.get(at + 1).map_or(0, |next| next.oldest.len());
            levels[at].close(longer, discounting);
        }
        levels
    }

    /// Pairs of a context and a symbol.
    pub fn grams(&self) -> usize {
        self.codes.len()
    }

    /// Bytes of all of it.
    pub fn bytes(&self) -> usize {
        let short = [
            &self.oldest,
            &self.longer,
            &self.starts,
            &self.codes,
            &self.counts,
            &self.totals,
        ];
        let short: usize = short.iter().map(|numbers| 4 * numbers.capacity()).sum();
        short + 8 * (self.weights.capacity() + self.told.capacity())
    }

    /// The context, of those of the `next` length, that has `oldest` before this one.
    pub fn longer(&self, context: usize, next: &Self, oldest: u32) -> Option<usize> {
        let [from, to] = [context, context + 1].map(|at| self.longer[at] as usize);
        let found = next.oldest[from..to].binary_search(&oldest).ok()?;
        Some(from + found)
    }

    /// `g(h)`.
    pub fn weight(&self, context: usize) -> f64 {
        self.weights[context]
    }

    /// `(c(h w) - D(c(h w))) / c(h)`; 0 where `w` did not follow.
    pub fn share(&self, context: usize, code: u32) -> f64 {
        let [from, to] = self.followers(context);
        match self.codes[from..to].binary_search(&code) {
            Ok(found) => self.share_of(context, from + found),
            Err(_) => 0.0,
        }
    }

    /// The same of each symbol that followed.
    pub fn shares(&self, context: usize) -> impl Iterator<Item = (u32, f64)> {
        let [from, to] = self.followers(context);
        (from..to).map(move |at| (self.codes[at], self.share_of(context, at)))
    }

    /// The share of the symbol that is the `at`-th of all.
    fn share_of(&self, context: usize, at: usize) -> f64 {
        if let Some(share) = self.told.get(at) {
            return *share;
        }
        let count = self.counts[at];
        (f64::from(count) - discount(&self.discounts, count)) / f64::from(self.totals[context])
    }

    /// The contexts of the next length that end with this one.
    pub fn branches(&self, context: usize) -> Range<usize> {
        self.longer[context] as usize..self.longer[context + 1] as usize
    }

    /// The oldest symbol of a context.
    pub fn oldest(&self, context: usize) -> u32 {
        self.oldest[context]
    }

    /// Adds a context as a file tells it: the first context of the next length that ends with it, `g(h)`,
    /// and the symbols that follow, in order, with their shares.
    pub fn tell(
        &mut self,
        oldest: u32,
        longer: usize,
        weight: f64,
        shares: impl Iterator<Item = (u32, f64)>,
    ) {
        self.oldest.push(oldest);
        self.longer.push(longer as u32);
        self.starts.push(self.codes.len() as u32);
        self.weights.push(weight);
        for (code, share) in shares {
            self.codes.push(code);
            self.told.push(share);
        }
    }

    /// All contexts have been told, and so many are there of the next length.
    pub fn end(&mut self, longer: usize) {
        self.longer.push(longer as u32);
        self.starts.push(self.codes.len() as u32);
    }

    fn followers(&self, context: usize) -> [usize; 2] {
        [context, context + 1].map(|at| self.starts[at] as usize)
    }

    /// All contexts are there: discounts, and what depends on them.
    fn close(&mut self, longer: usize, discounting: Discounting) {
        self.longer.push(longer as u32);
        self.starts.push(self.codes.len() as u32);
        self.discounts = discounting.of(&self.counts);
        for pair in self.starts.windows(2) {
            let counts = &self.counts[pair[0] as usize..pair[1] as usize];
            let total: u32 = counts.iter().sum();
            let left = counts.iter().map(|count| discount(&self.discounts, *count));
            self.weights.push(left.sum::<f64>() / f64::from(total));
            self.totals.push(total);
        }
        for numbers in [
            &mut self.oldest,
            &mut self.longer,
            &mut self.starts,
            &mut self.codes,
            &mut self.counts,
        ] {
            numbers.shrink_to_fit();
        }
    }

    /// Adds a symbol that follows the context which is being added.
    fn follow(&mut self, code: u32, count: u32) {
        self.codes.push(code);
        self.counts.push(count);
    }
}

/// The tree as it grows.
struct Tree<'a> {
    sorted: &'a Sorted,
    begin: bool,
    levels: Vec<Contexts>,
    /// The symbols that follow the branches of one context, those of each branch in order.
    followers: Vec<u32>,
}

impl Tree<'_> {
    /// Adds a context of `length` symbols, which precedes these places, and all that are longer.
    fn add(&mut self, oldest: u32, length: usize, places: &[u32]) {
        let is_whole = length + 1 == self.levels.len() || (length > 0 && oldest == BEGIN);
        let branches = self
            .levels
            .get(length + 1)
            .map_or(0, |next| next.oldest.len());
        let level = &mut self.levels[length];
        level.oldest.push(oldest);
        level.longer.push(branches as u32);
        level.starts.push(level.codes.len() as u32);
        if is_whole {
            // Of what is in order by all symbols before, the symbols that follow are in order, too.
            let sorted = self.sorted;
            let follows = |place: &u32| sorted.code(*place, 0);
            for equal in places.chunk_by(|a, b| follows(a) == follows(b)) {
                level.follow(follows(&equal[0]), equal.len() as u32);
            }
            return;
        }
        let sorted = self.sorted;
        let older = |place: &u32| sorted.code(*place, length + 1);
        let first = self.levels[length + 1].codes.len();
        let mut at_begin = Vec::new();
        for branch in places.chunk_by(|a, b| older(a) == older(b)) {
            let oldest = older(&branch[0]);
            self.add(oldest, length + 1, branch);
            if oldest == BEGIN && !self.begin {
                at_begin = self.levels[length + 1].take_from(first);
            }
        }
        // What follows several branches is counted once for each.
        let mut followers = std::mem::take(&mut self.followers);
        followers.clear();
        followers.extend_from_slice(&self.levels[length + 1].codes[first..]);
        followers.append(&mut at_begin);
        followers.sort_unstable();
        for equal in followers.chunk_by(u32::eq) {
            self.levels[length].follow(equal[0], equal.len() as u32);
        }
        self.followers = followers;
    }
}

impl Contexts {
    /// Removes the context that was added last, whose symbols begin at `first`: these.
    fn take_from(&mut self, first: usize) -> Vec<u32> {
        self.oldest.pop();
        self.longer.pop();
        self.starts.pop();
        self.counts.truncate(first);
        self.codes.split_off(first)
    }
}

//! Where the rows of some time steps lie when they are put together, without what is padding.
//!
//! What is summed over all steps is summed over some of them at a time, while what backward has
//! computed for them is still in the cache.

use std::ops::Range;

use super::schedule::{present, sorted_rows};
use crate::recurrence::{Sizes, Walk};

/// Rows that are put together, about: enough for a product to run at full speed.
const ROWS: usize = 1024;

/// Numbers of gates, at most: what goes into the caches of the cores.
const GATES: usize = 1 << 21;

/// A place for each row of each of some time steps.
pub(super) struct Slots {
    times: Range<usize>,
    /// Of each row, which it is among the rows of a step, longest first.
    rank: Vec<usize>,
    /// Of each step, where its first row is.
    first: Vec<usize>,
    count: usize,
}

impl Slots {
    /// All of time in parts, in the order in which backward goes through them.
    ///
    /// The parts do not depend on the number of threads, and so neither does what is summed.
    pub fn parts(walk: &Walk, sizes: Sizes, packed: usize) -> impl Iterator<Item = Self> {
        let Sizes { time, batch, .. } = sizes;
        let sorted = sorted_rows(walk, sizes);
        let mut rank = vec![0; batch];
        for (index, &row) in sorted.iter().enumerate() {
            rank[row] = index;
        }
        let at_once = Self::steps(sizes, packed);
        let order = walk.direction.through(0..time.div_ceil(at_once)).rev();
        order.map(move |part| {
            let times = part * at_once..time.min((part + 1) * at_once);
            let mut first = Vec::with_capacity(times.len());
            let mut count = 0;
            for t in times.clone() {
                first.push(count);
                count += present(walk, &sorted, t).len();
            }
            Self {
                times,
                rank: rank.clone(),
                first,
                count,
            }
        })
    }

    /// Places that no part exceeds.
    pub fn most(sizes: Sizes, packed: usize) -> usize {
        Self::steps(sizes, packed) * sizes.batch
    }

    fn steps(sizes: Sizes, packed: usize) -> usize {
        let rows = ROWS.min(GATES / packed);
        (rows / sizes.batch).clamp(1, sizes.time)
    }

    /// The time steps.
    pub fn times(&self) -> Range<usize> {
        self.times.clone()
    }

    /// How many places are taken.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The place of a row that is there at step `t`.
    #[inline(always)]
    pub fn of(&self, t: usize, row: usize) -> usize {
        self.first[t - self.times.start] + self.rank[row]
    }
}

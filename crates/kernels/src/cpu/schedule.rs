//! Who computes what: rows over threads, or units over threads.
//!
//! Rows of a batch never talk to each other, so each thread takes some of them through all time
//! steps by itself, without waiting for anybody. A batch of few rows does not keep the threads
//! busy; then, where a step is long enough to be worth the meeting after it, all threads work on
//! the same rows and split the units.

use std::ops::Range;

use crate::recurrence::{Sizes, Walk};

/// Numbers of recurrent weights from which on a time step is worth splitting: a megabyte of them,
/// which is more than a core reads in the time in which threads meet.
const WORTH_SPLITTING: usize = 1 << 18;

/// A division of the work.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Division {
    /// Each part is a thread's: its rows, longest first, through all of time.
    Rows(Vec<Vec<usize>>),
    /// All rows, longest first; at each step, so many threads take some units each.
    Units(Vec<usize>, usize),
}

impl Division {
    pub fn new(walk: &Walk, sizes: Sizes, weights: usize, threads: usize) -> Self {
        let rows = sorted_rows(walk, sizes);
        if threads > 1 && rows.len() < 4 * threads && weights >= WORTH_SPLITTING {
            return Self::Units(rows, threads);
        }
        Self::Rows(rows_of_threads(walk, sizes, threads))
    }

    /// Whether there is work for more than one thread.
    pub fn is_shared(&self) -> bool {
        match self {
            Self::Rows(parts) => parts.len() > 1,
            Self::Units(..) => true,
        }
    }
}

/// Of each thread its rows, longest first.
pub(super) fn rows_of_threads(walk: &Walk, sizes: Sizes, threads: usize) -> Vec<Vec<usize>> {
    let rows = sorted_rows(walk, sizes);
    let threads = threads.min(rows.len());
    let part = |index: usize| match walk.lengths {
        // Long and short ones for everybody.
        Some(_) => rows[index..].iter().copied().step_by(threads).collect(),
        // Neighbours in memory.
        None => rows[index * rows.len() / threads..(index + 1) * rows.len() / threads].to_vec(),
    };
    (0..threads).map(part).collect()
}

/// Numbers of a projection that a thread computes before it runs the steps that read them: half a
/// megabyte, which stays in a core's own cache until then.
const PROJECTED_AT_ONCE: usize = 1 << 15;

/// Rows and steps, at least: the input weights are read once for them all.
const ROWS_AT_ONCE: usize = 48;

/// Numbers of input weights that are read for each row and step, at most: what no cache holds
/// should be read seldom.
const READ_A_ROW: usize = 1 << 14;

/// Steps whose projection, `[T, B, G H]`, is computed at once, of so many features.
pub(super) fn steps_at_once(
    threads: usize,
    [time, batch, packed]: [usize; 3],
    features: usize,
) -> usize {
    let rows = batch.div_ceil(threads);
    let fit = PROJECTED_AT_ONCE / (rows * packed);
    let least = ROWS_AT_ONCE.max(packed * features / READ_A_ROW);
    fit.max(least.div_ceil(rows)).min(time)
}

/// The part of `count` things that is the `index`-th of `parts`.
pub(super) fn share(count: usize, index: usize, parts: usize) -> Range<usize> {
    index * count / parts..(index + 1) * count / parts
}

/// The rows that have any step, longest first.
pub(super) fn sorted_rows(walk: &Walk, sizes: Sizes) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..sizes.batch).collect();
    if let Some(lengths) = &walk.lengths {
        rows.retain(|&row| lengths[row] > 0);
        rows.sort_by_key(|&row| std::cmp::Reverse(lengths[row]));
    }
    rows
}

/// Those of `rows`, longest first, that are there at step `time`.
pub(super) fn present<'a>(walk: &Walk, rows: &'a [usize], time: usize) -> &'a [usize] {
    match &walk.lengths {
        Some(lengths) => &rows[..rows.partition_point(|&row| lengths[row] > time)],
        None => rows,
    }
}

/// The step before step `time` of a row, or nothing if that is the row's first.
#[inline(always)]
pub(super) fn before(walk: &Walk, sizes: Sizes, row: usize, time: usize) -> Option<usize> {
    use crate::recurrence::Direction::{Forward, Reverse};
    match walk.direction {
        Forward => time.checked_sub(1),
        Reverse => Some(time + 1).filter(|&next| next < length(walk, sizes, row)),
    }
}

/// The valid steps of a row.
#[inline(always)]
pub(super) fn length(walk: &Walk, sizes: Sizes, row: usize) -> usize {
    walk.lengths
        .as_ref()
        .map_or(sizes.time, |lengths| lengths[row])
}

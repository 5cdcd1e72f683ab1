//! Where a sequence is cut.

use std::ops::Range;

use crate::Direction;

/// The steps of each piece, in the order in which `direction` comes to them; as even as whole cycles allow.
pub(super) fn cut(
    time: usize,
    pieces: Option<usize>,
    cycle: usize,
    direction: Direction,
) -> Vec<Range<usize>> {
    let cycles = time.div_ceil(cycle);
    let pieces = pieces.unwrap_or_else(|| root(time)).min(cycles);
    let at = |piece: usize| {
        let whole = piece as u128 * cycles as u128 / pieces as u128;
        time.min(whole as usize * cycle)
    };
    let piece = |piece: usize| at(piece)..at(piece + 1);
    direction.order(pieces).map(piece).collect()
}

/// The square root, rounded up.
fn root(time: usize) -> usize {
    let root = time.isqrt();
    root + usize::from(root * root < time)
}

/// The least common multiple: a cycle of what has each of these cycles.
pub(crate) fn common_cycle(cycles: impl IntoIterator<Item = usize>) -> usize {
    cycles.into_iter().fold(1, |all, cycle| {
        let (mut divisor, mut rest) = (all, cycle);
        while rest > 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        all / divisor * cycle
    })
}

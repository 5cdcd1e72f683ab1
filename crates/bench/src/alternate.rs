//! Two contenders, by turns.

use crate::statistics::{median, pairwise_ratios, quartiles};
use crate::{BenchError, Contender, Work};

/// A turn lasts about this long, in milliseconds: what is shorter is run several times in it. Threads
/// that slept during the other's turn may need tens of milliseconds until each has its own core.
const TURN: f64 = 200.0;

/// No turn runs more often than this.
const MOST_TIMES: usize = 200;

/// Time to spend, in milliseconds, as far as [`FEWEST`] and [`MOST`] allow.
const BUDGET: f64 = 8_000.0;

/// Rounds that a verdict needs, however long they take.
const FEWEST: usize = 5;

/// Rounds after which a verdict does not change any more.
const MOST: usize = 25;

/// What running two contenders by turns gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Milliseconds of each turn of the first.
    pub ours: Vec<f64>,
    /// Milliseconds of each turn of the second.
    pub theirs: Vec<f64>,
}

impl Comparison {
    /// The median of the first, in milliseconds.
    pub fn ms(&self) -> f64 {
        median(&self.ours)
    }

    /// The median of the second, in milliseconds.
    pub fn against_ms(&self) -> f64 {
        median(&self.theirs)
    }

    /// The median over the pairs of how many times as fast the first is as the second.
    pub fn ratio(&self) -> f64 {
        median(&pairwise_ratios(&self.ours, &self.theirs))
    }

    /// What half of the pairs' ratios lie between.
    pub fn ratio_quartiles(&self) -> [f64; 2] {
        quartiles(&pairwise_ratios(&self.ours, &self.theirs))
    }

    /// How many pairs there are.
    pub fn pairs(&self) -> usize {
        self.ours.len()
    }
}

/// Runs `work` by turns, A B A B .., after both have warmed up.
///
/// `pairs`: how many; `None` is as many as a few seconds hold, within 5 and 25.
///
/// # Errors
///
/// When a contender cannot run.
pub fn alternate(
    ours: &mut dyn Contender,
    theirs: &mut dyn Contender,
    work: Work,
    pairs: Option<usize>,
) -> Result<Comparison, BenchError> {
    let mut turns = in_turns(&mut [ours, theirs], work, pairs)?.into_iter();
    let mut next = || turns.next().expect("as many as contenders");
    Ok(Comparison {
        ours: next(),
        theirs: next(),
    })
}

/// Runs `work` of each contender in turn, round by round; the milliseconds of their turns.
pub(crate) fn in_turns(
    contenders: &mut [&mut dyn Contender],
    work: Work,
    rounds: Option<usize>,
) -> Result<Vec<Vec<f64>>, BenchError> {
    let mut times = Vec::new();
    let mut round = 0.0;
    for contender in contenders.iter_mut() {
        // The first run builds what later runs find ready: buffers, threads, compiled kernels.
        contender.run(work, 1)?;
        let once = contender.run(work, 1)?[0];
        let fit = ((TURN / once) as usize).clamp(1, MOST_TIMES);
        round += once * fit as f64;
        times.push(fit);
        std::thread::sleep(contender.lingers());
    }
    let rounds = rounds.unwrap_or_else(|| ((BUDGET / round) as usize).clamp(FEWEST, MOST));

    let mut turns = vec![Vec::with_capacity(rounds); contenders.len()];
    for _ in 0..rounds {
        for (index, contender) in contenders.iter_mut().enumerate() {
            turns[index].push(median(&contender.run(work, times[index])?));
            std::thread::sleep(contender.lingers());
        }
    }
    Ok(turns)
}

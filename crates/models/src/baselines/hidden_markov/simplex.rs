//! Rows of probabilities.
//!
//! The likeliest row of counts `c`, none of which may be below the floor `e`:
//!
//! ```text
//! max sum_i c_i ln p_i    where sum_i p_i = 1, p_i >= e
//! p_i = max(e, c_i / l)   l: such that the sum is 1
//! ```
//!
//! Levinson, Rabiner and Sondhi 1983, "An introduction to the application of the theory of
//! probabilistic functions of a Markov process to automatic speech recognition", section on constraints.

use backdraft_cells::Error;
use rand::{Rng, RngExt as _};

use super::HMM;

/// By how much the sum of a row may differ from 1.
const TOLERANCE: f64 = 1e-6;

/// Refuses what is no distribution.
pub(super) fn check(what: &str, row: &[f64]) -> Result<(), Error> {
    if let Some(p) = row.iter().find(|p| !(0.0..=1.0 + TOLERANCE).contains(*p)) {
        return Err(Error::new(HMM, what, "0 to 1", p));
    }
    let sum: f64 = row.iter().sum();
    if (sum - 1.0).abs() > TOLERANCE {
        return Err(Error::new(HMM, what, "a sum of 1", sum));
    }
    Ok(())
}

/// Refuses a floor that `size` probabilities cannot all keep.
pub(super) fn check_floor(what: &str, floor: f64, size: usize) -> Result<(), Error> {
    if floor >= 0.0 && floor * size as f64 <= 1.0 {
        return Ok(());
    }
    let expected = format!("0 to 1 / {size}");
    Err(Error::new(HMM, what, expected, floor))
}

/// The likeliest probabilities; none if nothing was counted.
pub(super) fn likeliest(counts: &[f64], floor: f64) -> Option<Vec<f64>> {
    let total: f64 = counts.iter().sum();
    // So too where it is not a number.
    if total.is_nan() || total <= 0.0 {
        return None;
    }
    // What is below the floor is raised to it and the rest made smaller, which may bring more below.
    let mut is_raised = vec![false; counts.len()];
    loop {
        let raised = is_raised.iter().filter(|raised| **raised).count();
        let free = counts
            .iter()
            .zip(&is_raised)
            .filter(|(_, raised)| !**raised);
        let free: f64 = free.map(|(count, _)| count).sum();
        let mass = 1.0 - floor * raised as f64;
        let p = |count: f64| count / free * mass;
        let row = counts
            .iter()
            .zip(&is_raised)
            .map(|(count, raised)| match raised {
                true => floor,
                false => p(*count),
            });
        let row: Vec<f64> = row.collect();
        if row.iter().all(|p| *p >= floor) {
            return Some(row);
        }
        for (raised, p) in is_raised.iter_mut().zip(&row) {
            *raised |= *p < floor;
        }
    }
}

/// The index that is drawn of a row.
pub(super) fn draw(row: &[f64], random: &mut impl Rng) -> usize {
    let mut left: f64 = random.random();
    // The last that is possible, where rounding leaves something over.
    let mut drawn = 0;
    for (i, p) in row.iter().enumerate().filter(|(_, p)| **p > 0.0) {
        drawn = i;
        left -= p;
        if left < 0.0 {
            break;
        }
    }
    drawn
}

/// Weights that are independent and distributed exponentially: normalised, a row of them is uniform
/// over all distributions.
pub(super) fn exponential(size: usize, random: &mut impl Rng) -> Vec<f64> {
    let one = |_| -(1.0 - random.random::<f64>()).max(f64::MIN_POSITIVE).ln();
    (0..size).map(one).collect()
}

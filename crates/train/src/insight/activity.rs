//! How open gates are, and how far units are from 0.
//!
//! ```text
//! left-saturated    the share of time in which a unit's gate is below 0.1: shut
//! right-saturated   the share of time in which it is above 0.9: open
//! ```
//!
//! A unit whose forget gate is right-saturated all the time keeps what it has; one whose gate is
//! left-saturated all the time works without memory. Of what a layer puts out, the bounds are -0.9
//! and 0.9: there, the tanh of a simple recurrent network passes hardly a gradient.
//!
//! Karpathy, Johnson and Li 2015, "Visualizing and understanding recurrent networks", arXiv
//! 1506.02078, section 4.2.

use serde::Serialize;

/// Bars of a histogram.
const BARS: usize = 20;

/// How the units of a gate, or of what a layer puts out, spend their time.
#[derive(Debug, Clone, Serialize)]
pub struct UnitActivity {
    /// The layer, from 1.
    pub layer: usize,
    /// The gate; `hidden` is what the layer puts out.
    pub name: String,
    /// The least and the greatest value of the histogram: 0 and 1 of gates. What is beyond them is
    /// in the outermost bars.
    pub range: [f32; 2],
    /// A unit is left-saturated below the first, right-saturated above the second.
    pub bounds: [f32; 2],
    /// The mean of all units at all times.
    pub mean: f64,
    /// The share of all values in each of equal parts of the range.
    pub histogram: Vec<f64>,
    /// Of each unit, the share of time in which it is left-saturated.
    pub left: Vec<f64>,
    /// Of each unit, the share of time in which it is right-saturated.
    pub right: Vec<f64>,
}

impl UnitActivity {
    /// The share of all units and times that are left-saturated, and right-saturated.
    pub fn saturated(&self) -> [f64; 2] {
        let mean = |shares: &[f64]| shares.iter().sum::<f64>() / shares.len().max(1) as f64;
        [mean(&self.left), mean(&self.right)]
    }

    /// Units that are saturated, on either side, more than nine tenths of the time.
    pub fn stuck(&self) -> usize {
        let shares = self.left.iter().zip(&self.right);
        shares.filter(|(left, right)| *left + *right > 0.9).count()
    }
}

/// The same while it is counted.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    layer: usize,
    name: String,
    range: [f32; 2],
    bounds: [f32; 2],
    sum: f64,
    bars: [u64; BARS],
    left: Vec<u64>,
    right: Vec<u64>,
    times: u64,
}

impl Counts {
    /// Of a gate, between 0 and 1.
    pub(super) fn of_gate(layer: usize, name: &str) -> Self {
        Self::new(layer, name, [0.0, 1.0], [0.1, 0.9])
    }

    /// Of what a layer puts out.
    pub(super) fn of_outputs(layer: usize) -> Self {
        Self::new(layer, "hidden", [-1.0, 1.0], [-0.9, 0.9])
    }

    fn new(layer: usize, name: &str, range: [f32; 2], bounds: [f32; 2]) -> Self {
        Self {
            layer,
            name: name.to_string(),
            range,
            bounds,
            sum: 0.0,
            bars: [0; BARS],
            left: Vec::new(),
            right: Vec::new(),
            times: 0,
        }
    }

    /// More values, those of `units` units for each time.
    pub(super) fn add(&mut self, values: impl IntoIterator<Item = f32>, units: usize) {
        self.left.resize(units, 0);
        self.right.resize(units, 0);
        let [low, high] = self.range;
        for (index, value) in values.into_iter().enumerate() {
            let unit = index % units;
            let bar = (value - low) / (high - low) * BARS as f32;
            self.bars[(bar.max(0.0) as usize).min(BARS - 1)] += 1;
            self.left[unit] += u64::from(value < self.bounds[0]);
            self.right[unit] += u64::from(value > self.bounds[1]);
            self.sum += f64::from(value);
            self.times += u64::from(unit == 0);
        }
    }

    pub(super) fn finish(self) -> UnitActivity {
        let times = self.times.max(1) as f64;
        let all = times * self.left.len().max(1) as f64;
        let shares = |counts: &[u64], of: f64| counts.iter().map(|&n| n as f64 / of).collect();
        UnitActivity {
            layer: self.layer,
            range: self.range,
            bounds: self.bounds,
            mean: self.sum / all,
            histogram: shares(&self.bars, all),
            left: shares(&self.left, times),
            right: shares(&self.right, times),
            name: self.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_time_are_counted_unit_by_unit() {
        let mut counts = Counts::of_gate(2, "forget");
        // Three units: one shut half the time, one always open, one between; in two parts.
        counts.add([0.05, 0.95, 0.5, 0.5, 1.0, 0.5], 3);
        counts.add([0.0, 0.91, 0.5, 0.1, 0.99, 0.9], 3);
        let found = counts.finish();
        assert_eq!(found.left, [0.5, 0.0, 0.0]);
        assert_eq!(found.right, [0.0, 1.0, 0.0]);
        assert_eq!(found.saturated(), [0.5 / 3.0, 1.0 / 3.0]);
        assert_eq!(found.stuck(), 1);
        let sum = 0.05 + 0.95 + 0.5 + 0.5 + 1.0 + 0.5 + 0.91 + 0.5 + 0.1 + 0.99 + 0.9;
        assert!((found.mean - sum / 12.0).abs() < 1e-7);
        assert!((found.histogram.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        // 0.95, 0.99 and 1.0 are in the last twentieth; 0.5 begins the eleventh.
        assert!((found.histogram[19] - 3.0 / 12.0).abs() < 1e-12);
        assert!((found.histogram[10] - 4.0 / 12.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_beyond_the_range_is_in_the_outermost_bars() {
        let mut counts = Counts::of_outputs(1);
        counts.add([-7.0, 7.0, 0.0, -0.95], 1);
        let found = counts.finish();
        assert_eq!((found.histogram[0], found.histogram[19]), (0.5, 0.25));
        assert_eq!((found.left[0], found.right[0]), (0.5, 0.25));
    }
}

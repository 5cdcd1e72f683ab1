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

use std::collections::BTreeMap;

use backdraft_cells::{WatchedStep, Watcher};
use burn::module::Module;
use burn::tensor::Tensor;
use serde::Serialize;

use super::gradient_through_time::{LONGEST, longest};
use super::layer_name::LayerName;
use super::watching::{Watching, valid_rows};
use crate::{ExampleTask, Objective, TrainError};

/// Bars of a histogram.
const BARS: usize = 20;
/// Examples that are read side by side, at most, and positions of them, all of which are kept for a moment.
const ROWS: usize = 32;
const POSITIONS: usize = 20_000;
/// Steps of all layers after which no more examples are read, and the products of a weight with something: together as
/// many as take some seconds on two cores.
const STEPS: usize = 2000;
const PRODUCTS: usize = 50_000_000_000;

/// How the units of a gate, or of what a layer puts out, spend their time.
#[derive(Debug, Clone, Serialize)]
pub struct UnitActivity {
    /// The layer.
    #[serde(flatten)]
    pub of: LayerName,
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

/// The same of the gates of a layer, and of what it puts out, while it is counted.
#[derive(Debug, Clone)]
pub(super) struct LayerCounts {
    gates: Vec<Counts>,
    outputs: Counts,
}

impl LayerCounts {
    /// Of a layer of which nothing was seen yet.
    pub(super) fn new(of: &LayerName, steps: &[WatchedStep]) -> Self {
        let gates = steps.first().map_or(&[][..], |step| &step.gates);
        Self {
            gates: gates
                .iter()
                .map(|(name, _)| Counts::of_gate(of, name))
                .collect(),
            outputs: Counts::of_outputs(of),
        }
    }

    /// More steps of the layer, but for padding.
    pub(super) fn add(&mut self, steps: &[WatchedStep]) {
        for step in steps {
            let valid = valid_rows(step);
            let gates = step.gates.iter().map(|(_, values)| values);
            let counts = self.gates.iter_mut().zip(gates);
            for (counts, values) in counts.chain([(&mut self.outputs, &step.output)]) {
                counts.add(of_rows(values, &valid), values.dims()[1]);
            }
        }
    }

    /// What was found: the gates first.
    pub(super) fn finish(self) -> impl Iterator<Item = UnitActivity> {
        let counts = self.gates.into_iter().chain([self.outputs]);
        counts.map(Counts::finish)
    }
}

/// The values of the rows that are asked for.
fn of_rows(values: &Tensor<2>, valid: &[bool]) -> Vec<f32> {
    let units = values.dims()[1];
    let values: Vec<f32> = values.to_data().iter::<f32>().collect();
    let rows = values.chunks(units).zip(valid);
    rows.filter(|(_, valid)| **valid)
        .flat_map(|(row, _)| row)
        .copied()
        .collect()
}

/// The activity of the layers of a model as it reads examples: of some of them, as many as take some seconds.
pub(crate) fn of_examples<T: ExampleTask>(
    task: &T,
    model: &T::Model,
    examples: &[T::Example],
) -> Result<Vec<UnitActivity>, TrainError> {
    let mut model = model.valid();
    let device = model.devices()[0].clone();
    let watching = Watching::of(T::layers_mut(&mut model), Watcher::new);
    let parameters = model.num_params();
    let mut layers: Vec<LayerCounts> = Vec::new();
    let (mut steps, mut products) = (0, 0);
    for batch in of_one_length(task, examples) {
        let (batch, _) = task.batch(&batch, &device);
        model.loss(batch, None)?;
        for (index, (name, watched)) in watching.take().enumerate() {
            if index == layers.len() {
                layers.push(LayerCounts::new(name, &watched));
            }
            layers[index].add(&watched);
            steps += watched.len();
            let rows = watched.first().map_or(0, |step| step.output.dims()[0]);
            products += watched.len() * rows * parameters;
        }
        if steps > STEPS || products > PRODUCTS {
            break;
        }
    }
    Ok(layers.into_iter().flat_map(LayerCounts::finish).collect())
}

/// Batches of examples of the same length, which need no padding to it, the fullest first. Those that are too long to be
/// looked at are left out.
fn of_one_length<'a, T: ExampleTask>(
    task: &T,
    examples: &'a [T::Example],
) -> Vec<Vec<&'a T::Example>> {
    let mut by_length = BTreeMap::new();
    let length = |example: &T::Example| longest(task, example);
    for example in examples.iter().filter(|example| length(example) <= LONGEST) {
        let of_length: &mut Vec<_> = by_length.entry(task.lengths(example)).or_default();
        of_length.push(example);
    }
    let of_length = by_length.into_values().map(|all| {
        let rows = POSITIONS / all.first().map_or(0, |example| length(example)).max(1);
        (all, rows.clamp(1, ROWS))
    });
    let mut batches: Vec<Vec<_>> = of_length
        .flat_map(|(all, rows)| all.chunks(rows).map(<[_]>::to_vec).collect::<Vec<_>>())
        .collect();
    batches.sort_by_key(|batch| std::cmp::Reverse(batch.len()));
    batches
}

/// Values of one kind while they are counted.
#[derive(Debug, Clone)]
struct Counts {
    of: LayerName,
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
    fn of_gate(of: &LayerName, name: &str) -> Self {
        Self::new(of, name, [0.0, 1.0], [0.1, 0.9])
    }

    /// Of what a layer puts out.
    fn of_outputs(of: &LayerName) -> Self {
        Self::new(of, "hidden", [-1.0, 1.0], [-0.9, 0.9])
    }

    fn new(of: &LayerName, name: &str, range: [f32; 2], bounds: [f32; 2]) -> Self {
        Self {
            of: of.clone(),
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
    fn add(&mut self, values: impl IntoIterator<Item = f32>, units: usize) {
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

    fn finish(self) -> UnitActivity {
        let times = self.times.max(1) as f64;
        let all = times * self.left.len().max(1) as f64;
        let shares = |counts: &[u64], of: f64| counts.iter().map(|&n| n as f64 / of).collect();
        UnitActivity {
            of: self.of,
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
        let mut counts = Counts::of_gate(&LayerName::layer(2), "forget");
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
        let mut counts = Counts::of_outputs(&LayerName::layer(1));
        counts.add([-7.0, 7.0, 0.0, -0.95], 1);
        let found = counts.finish();
        assert_eq!((found.histogram[0], found.histogram[19]), (0.5, 0.25));
        assert_eq!((found.left[0], found.right[0]), (0.5, 0.25));
    }
}

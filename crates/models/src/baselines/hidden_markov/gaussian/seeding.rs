//! Means to begin with: points of the data that lie apart.
//!
//! ```text
//! the first    any point
//! each other   a point x with a probability in proportion to min_i |x - mu_i|^2
//! ```
//!
//! Arthur and Vassilvitskii 2007, "k-means++: the advantages of careful seeding". Distances are in
//! units of each feature's deviation; what is missing is taken to be the feature's mean.

use rand::{RngExt as _, rngs::StdRng};

use crate::baselines::hidden_markov::simplex;

/// The data, as points.
#[derive(Debug, Clone)]
pub(super) struct Seeding {
    /// The variance of each feature, 1 where it never varies.
    pub variances: Vec<f64>,
    means: Vec<f64>,
    /// Those observed at all, in units of each feature's deviation from its mean.
    points: Vec<Vec<f64>>,
    states: usize,
}

impl Seeding {
    pub fn new(features: usize, states: usize, sequences: &[Vec<Vec<Option<f64>>>]) -> Self {
        let column = |d: usize| sequences.iter().flatten().filter_map(move |step| step[d]);
        let mean = |d: usize| column(d).sum::<f64>() / column(d).count().max(1) as f64;
        let means: Vec<f64> = (0..features).map(mean).collect();
        let variance = |d: usize| {
            let squares = column(d).map(|x| (x - means[d]) * (x - means[d]));
            let variance = squares.sum::<f64>() / column(d).count().max(1) as f64;
            // What is left of a constant is rounding.
            match variance > 1e-24 * means[d] * means[d] {
                true => variance,
                false => 1.0,
            }
        };
        let variances: Vec<f64> = (0..features).map(variance).collect();
        let seen = sequences.iter().flatten();
        let seen = seen.filter(|step| step.iter().any(Option::is_some));
        let point = |step: &Vec<Option<f64>>| {
            let scaled = |(d, x): (usize, &Option<f64>)| {
                x.map_or(0.0, |x| (x - means[d]) / variances[d].sqrt())
            };
            step.iter().enumerate().map(scaled).collect()
        };
        Self {
            points: seen.map(point).collect(),
            variances,
            means,
            states,
        }
    }

    /// One mean a state.
    pub fn means(&self, random: &mut StdRng) -> Vec<Vec<f64>> {
        let mut distances = vec![f64::INFINITY; self.points.len()];
        let mean = |_| {
            let total: f64 = distances.iter().sum();
            let drawn = match total.is_finite() && total > 0.0 {
                true => {
                    let row: Vec<f64> = distances.iter().map(|d| d / total).collect();
                    simplex::draw(&row, random)
                }
                false if self.points.is_empty() => return self.means.clone(),
                false => random.random_range(0..self.points.len()),
            };
            let drawn = &self.points[drawn];
            for (distance, point) in distances.iter_mut().zip(&self.points) {
                let square = |(a, b): (&f64, &f64)| (a - b) * (a - b);
                let from: f64 = point.iter().zip(drawn).map(square).sum();
                *distance = distance.min(from);
            }
            let features = self.means.iter().zip(&self.variances).zip(drawn);
            features
                .map(|((mean, variance), x)| mean + variance.sqrt() * x)
                .collect()
        };
        (0..self.states).map(mean).collect()
    }
}

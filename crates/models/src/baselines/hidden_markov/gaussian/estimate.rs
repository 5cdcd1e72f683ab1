//! Learning normal distributions from observations whose states are known in probability.
//!
//! ```text
//! mu_i = sum_t gamma_{t,i} x_t / n_i                          n_i = sum_t gamma_{t,i}
//! S_i  = sum_t gamma_{t,i} (x_t - mu_i)(x_t - mu_i)' / n_i
//! ```
//!
//! Sums are of `x - mu` by the mean so far, which loses no digits where a mean is far from 0. Of a
//! diagonal covariance, each feature has its own sums over the steps at which it is observed. Of a full
//! one, what is missing is replaced by what it is like given the rest of its step, and its covariance
//! added (Dempster, Laird and Rubin 1977, section 4.1.3; Ghahramani and Jordan 1994).

use backdraft_cells::Error;
use rand::rngs::StdRng;

use super::covariance::{conditional, diagonal, floored};
use super::seeding::Seeding;
use super::{Covariance, Covariances, Gaussian, GaussianConfig, HMM, indices};
use crate::baselines::hidden_markov::emission::Estimate;

/// Sums over observations, for each state.
#[derive(Debug, Clone)]
pub struct GaussianEstimate {
    /// What no variance may be below, of each feature.
    floor: Vec<f64>,
    covariance: Covariance,
    seeding: Seeding,
    sums: Vec<Sums>,
}

/// Those of one state.
#[derive(Debug, Clone)]
struct Sums {
    /// `sum gamma` of each feature; the same of all where the covariance is full.
    weights: Vec<f64>,
    /// `sum gamma e`, `e = x - mu`.
    errors: Vec<f64>,
    /// `sum gamma e e'`; of a diagonal covariance only its diagonal.
    squares: Vec<Vec<f64>>,
}

impl Sums {
    fn new(features: usize, covariance: Covariance) -> Self {
        let rows = match covariance {
            Covariance::Diagonal => 1,
            Covariance::Full => features,
        };
        Self {
            weights: vec![0.0; features],
            errors: vec![0.0; features],
            squares: vec![vec![0.0; features]; rows],
        }
    }

    /// Adds an observation of weight `gamma` to those of a diagonal covariance.
    fn add_observed(&mut self, gamma: f64, observation: &[Option<f64>], mean: &[f64]) {
        for (d, x) in observation.iter().enumerate() {
            if let Some(x) = x {
                let error = x - mean[d];
                self.weights[d] += gamma;
                self.errors[d] += gamma * error;
                self.squares[0][d] += gamma * error * error;
            }
        }
    }

    /// Adds it to those of a full covariance, which so far is `matrix`.
    fn add_completed(
        &mut self,
        gamma: f64,
        observation: &[Option<f64>],
        mean: &[f64],
        matrix: &[Vec<f64>],
    ) {
        let [missing, observed] = [false, true].map(|is| indices(observation, is));
        if observed.is_empty() {
            return;
        }
        let error = |d: usize| observation[d].map_or(0.0, |x| x - mean[d]);
        let mut errors: Vec<f64> = (0..mean.len()).map(error).collect();
        if !missing.is_empty() {
            let known = observed.iter().map(|d| errors[*d]).collect();
            let (expected, rest) = conditional(matrix, [&missing, &observed], known);
            for ((i, expected), row) in missing.iter().zip(expected).zip(rest) {
                errors[*i] = expected;
                for (j, value) in missing.iter().zip(row) {
                    self.squares[*i][*j] += gamma * value;
                }
            }
        }
        for (i, row) in self.squares.iter_mut().enumerate() {
            self.weights[i] += gamma;
            self.errors[i] += gamma * errors[i];
            for (sum, error) in row.iter_mut().zip(&errors) {
                *sum += gamma * errors[i] * error;
            }
        }
    }
}

impl GaussianEstimate {
    pub(super) fn new(
        config: &GaussianConfig,
        states: usize,
        sequences: &[Vec<Vec<Option<f64>>>],
    ) -> Self {
        let seeding = Seeding::new(config.features, states, sequences);
        let floor = seeding
            .variances
            .iter()
            .map(|variance| config.floor * variance);
        Self {
            floor: floor.collect(),
            covariance: config.covariance,
            seeding,
            sums: vec![Sums::new(config.features, config.covariance); states],
        }
    }

    /// The mean and the covariance of a state, so far `mean` and `matrix`.
    fn moments(
        &self,
        sums: &Sums,
        mean: &[f64],
        so_far: (usize, &Covariances),
    ) -> (Vec<f64>, Vec<Vec<f64>>) {
        let shift = |d: usize| sums.errors[d] / sums.weights[d];
        let is_known = |d: usize| sums.weights[d] > 0.0;
        let moved = mean.iter().enumerate();
        let moved = moved.map(|(d, mean)| match is_known(d) {
            true => mean + shift(d),
            false => *mean,
        });
        let (state, covariances) = so_far;
        let covariance = match covariances {
            Covariances::Diagonal(variances) => {
                let variance = |d: usize| match is_known(d) {
                    true => sums.squares[0][d] / sums.weights[d] - shift(d) * shift(d),
                    false => variances[state][d],
                };
                vec![
                    (0..mean.len())
                        .map(|d| variance(d).max(self.floor[d]))
                        .collect(),
                ]
            }
            Covariances::Full(matrices) if !is_known(0) => matrices[state].clone(),
            Covariances::Full(_) => {
                // Of the same numbers on both sides of the diagonal.
                let at = |i: usize, j: usize| {
                    let (i, j) = (i.max(j), i.min(j));
                    sums.squares[i][j] / sums.weights[i] - shift(i) * shift(j)
                };
                let row = |i: usize| (0..mean.len()).map(|j| at(i, j)).collect();
                floored((0..mean.len()).map(row).collect(), &self.floor)
            }
        };
        (moved.collect(), covariance)
    }
}

impl Estimate for GaussianEstimate {
    type Emission = Gaussian;

    /// Means by the seeding of k-means++, all covariances that of all the data, diagonal.
    fn begin(&self, random: &mut StdRng) -> Gaussian {
        let variances = &self.seeding.variances;
        let states = self.sums.len();
        let covariances = match self.covariance {
            Covariance::Diagonal => Covariances::Diagonal(vec![variances.clone(); states]),
            Covariance::Full => Covariances::Full(vec![diagonal(variances); states]),
        };
        let means = self.seeding.means(random);
        Gaussian::new(means, covariances).expect("variances are above 0")
    }

    fn check(&self, emission: &Gaussian) -> Result<(), Error> {
        let kind = match emission.covariances() {
            Covariances::Diagonal(_) => Covariance::Diagonal,
            Covariances::Full(_) => Covariance::Full,
        };
        let expected = (self.floor.len(), self.covariance);
        let found = (emission.features(), kind);
        if expected != found {
            let of = |(features, kind)| format!("{features}, {kind:?}");
            let what = "features and covariance of the model";
            return Err(Error::new(HMM, what, of(expected), of(found)));
        }
        Ok(())
    }

    fn gather(&mut self, so_far: &Gaussian, observation: &Vec<Option<f64>>, posterior: &[f64]) {
        let states = self.sums.iter_mut().zip(posterior).enumerate();
        for (state, (sums, gamma)) in states.filter(|(_, (_, gamma))| **gamma > 0.0) {
            let mean = &so_far.means()[state];
            match so_far.covariances() {
                Covariances::Diagonal(_) => sums.add_observed(*gamma, observation, mean),
                Covariances::Full(matrices) => {
                    sums.add_completed(*gamma, observation, mean, &matrices[state]);
                }
            }
        }
    }

    fn maximise(&mut self, so_far: &Gaussian) -> Result<Gaussian, Error> {
        let covariances = so_far.covariances();
        let states = self.sums.iter().zip(so_far.means()).enumerate();
        let moments =
            states.map(|(state, (sums, mean))| self.moments(sums, mean, (state, covariances)));
        let (means, found): (Vec<_>, Vec<_>) = moments.unzip();
        let covariances = match self.covariance {
            Covariance::Diagonal => Covariances::Diagonal(found.concat()),
            Covariance::Full => Covariances::Full(found),
        };
        let features = self.floor.len();
        self.sums.fill(Sums::new(features, self.covariance));
        Gaussian::new(means, covariances)
    }
}

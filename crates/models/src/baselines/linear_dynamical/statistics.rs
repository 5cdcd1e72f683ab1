//! What EM sums over all steps.
//!
//! ```text
//! y = M xi + e            xi = [z_{t-1}; u_t], y = z_t        M = [A, B]
//!                         xi = [z_t; u_t],     y = x_t        M = [C, D]
//! M = (sum E[y xi']) (sum E[xi xi'])^-1
//!
//! of what is missing (m) of x, given what is not (o):         G = R_mo R_oo^-1
//! E[x_m | z] = (C_m - G C_o) z + G x_o + (D_m - G D_o) u      Cov(x_m | z) = R_mm - G R_om
//! ```

use super::{Gaussian, LinearDynamics};
use crate::baselines::cholesky::Cholesky;
use crate::baselines::matrix::{Matrix, difference, sum};

/// The sums of a linear regression on a state (`N`) and controls (`K`).
pub(super) struct Regression {
    /// `sum E[y xi']`.
    targets: Matrix,
    /// `sum E[xi xi']`.
    inputs: Matrix,
    latent: usize,
}

impl Regression {
    pub fn new(outputs: usize, latent: usize, controls: usize) -> Self {
        Self {
            targets: Matrix::zeros(outputs, latent + controls),
            inputs: Matrix::zeros(latent + controls, latent + controls),
            latent,
        }
    }

    /// Adds a step: the mean of `y`, the state, the controls, and `Cov(y, z)`.
    pub fn add(&mut self, y: &[f64], state: &Gaussian, u: &[f64], covariance: &Matrix) {
        let xi = [&state.mean, u].concat();
        self.targets.add_scaled(1.0, &Matrix::outer(y, &xi));
        self.inputs.add_scaled(1.0, &Matrix::outer(&xi, &xi));
        for j in 0..self.latent {
            for i in 0..y.len() {
                self.targets[(i, j)] += covariance[(i, j)];
            }
            for i in 0..self.latent {
                self.inputs[(i, j)] += state.covariance[(i, j)];
            }
        }
    }

    /// The best `M`, in two: what the state is multiplied by, and what the controls are. What is not
    /// `learned` stays as it is, and the rest is the best beside it.
    pub fn solve(&self, current: [&Matrix; 2], learned: [bool; 2]) -> [Matrix; 2] {
        let [outputs, width] = self.targets.shape();
        let is_state = |j: usize| j < self.latent;
        let is_free = |j: &usize| if is_state(*j) { learned[0] } else { learned[1] };
        let (free, fixed): (Vec<usize>, Vec<usize>) = (0..width).partition(is_free);
        let mut all = Matrix::from_fn([outputs, width], |i, j| match is_state(j) {
            true => current[0][(i, j)],
            false => current[1][(i, j - self.latent)],
        });
        let rows: Vec<usize> = (0..outputs).collect();
        let told = all
            .select(&rows, &fixed)
            .times(&self.inputs.select(&fixed, &free));
        let rest = self.targets.select(&rows, &free).minus(&told);
        // Singular where inputs hang together, as controls that never change; any solution is best.
        if let Some(factor) = Cholesky::new(&self.inputs.select(&free, &free)) {
            let solved = factor.solve_rows(&rest);
            for i in 0..outputs {
                for (at, j) in free.iter().enumerate() {
                    all[(i, *j)] = solved[(i, at)];
                }
            }
        }
        let states: Vec<usize> = (0..self.latent).collect();
        let controls: Vec<usize> = (self.latent..width).collect();
        [all.select(&rows, &states), all.select(&rows, &controls)]
    }
}

/// `x_t` as a function of the state, what is missing of it filled in.
pub(super) struct Completed {
    /// `E[x_t]`.
    pub mean: Vec<f64>,
    /// What the state is multiplied by: zero in the rows of what was observed.
    pub map: Matrix,
    /// `Cov(x_t | z_t)`: zero in the rows of what was observed.
    pub covariance: Matrix,
}

/// Nothing where nothing was observed: such a step says nothing about `C`, `D` and `R`.
pub(super) fn complete(
    system: &LinearDynamics,
    x: &[Option<f64>],
    u: &[f64],
    state: &Gaussian,
) -> Option<Completed> {
    let (seen, missing): (Vec<usize>, Vec<usize>) = (0..x.len()).partition(|i| x[*i].is_some());
    let (features, latent) = (x.len(), state.mean.len());
    let mut found = Completed {
        mean: x.iter().map(|x| x.unwrap_or(0.0)).collect(),
        map: Matrix::zeros(features, latent),
        covariance: Matrix::zeros(features, features),
    };
    if seen.is_empty() || missing.is_empty() {
        return (!seen.is_empty()).then_some(found);
    }
    let noise = &system.emission_noise;
    let factor = Cholesky::definite(&noise.select(&seen, &seen))?;
    let gain = factor.solve_rows(&noise.select(&missing, &seen));
    let states: Vec<usize> = (0..latent).collect();
    let emission = |rows: &[usize]| system.emission.select(rows, &states);
    let map = emission(&missing).minus(&gain.times(&emission(&seen)));
    let covariance = noise
        .select(&missing, &missing)
        .minus(&gain.times(&noise.select(&seen, &missing)))
        .symmetric();

    let expected = sum(
        &system.emission.apply(&state.mean),
        &system.feedthrough.apply(u),
    );
    let errors = difference(&found.mean, &expected);
    let errors: Vec<f64> = seen.iter().map(|i| errors[*i]).collect();
    for (at, (i, error)) in missing.iter().zip(gain.apply(&errors)).enumerate() {
        found.mean[*i] = expected[*i] + error;
        for j in 0..latent {
            found.map[(*i, j)] = map[(at, j)];
        }
        for (other, j) in missing.iter().enumerate() {
            found.covariance[(*i, *j)] = covariance[(at, other)];
        }
    }
    Some(found)
}

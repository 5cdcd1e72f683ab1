//! The covariances that EM finds, and those that it may.
//!
//! ```text
//! Q = mean of e e' + (I - A J) V_t (I - A J)' + A W_{t-1} A'    e = m^_t - A m^_{t-1} - B u_t
//! R = mean of e e' + (H - C) V_t (H - C)' + S                   e = E[x_t] - C m^_t - D u_t
//! ```
//!
//! `J`, `V`, `W` are the smoother's, found with the parameters before; `H` and `S` are how the state
//! tells what is missing of `x_t`, and its covariance. Each is a sum of squares.

use backdraft_cells::Error;
use faer::Side;

use super::config::moving;
use super::statistics::complete;
use super::{Covariance, LinearDynamics, NAME, Observations, Smoothed};
use crate::baselines::cholesky::Cholesky;
use crate::baselines::matrix::{Matrix, difference, sum};

/// A sequence, and what is known of its states.
pub(super) type Whole<'a> = (&'a Observations, &'a Smoothed);

/// Each step but the first of each sequence.
pub(super) fn transitions<'a>(
    whole: &'a [Whole<'a>],
) -> impl Iterator<Item = (usize, &'a Whole<'a>)> {
    let steps = |one: &'a Whole<'a>| (1..one.1.states.len()).map(move |t| (t, one));
    whole.iter().flat_map(steps)
}

/// The best `Q` beside `A` and `B`; nothing where no sequence has two steps.
pub(super) fn transition_noise(next: &LinearDynamics, whole: &[Whole]) -> Option<Matrix> {
    let latent = next.initial_mean.len();
    let (mut total, mut count) = (Matrix::zeros(latent, latent), 0.0);
    for (t, (sequence, found)) in transitions(whole) {
        let (before, now) = (&found.states[t - 1], &found.states[t]);
        let moved = sum(
            &next.transition.apply(&before.mean),
            &next.control.apply(sequence.control(t)),
        );
        let error = difference(&now.mean, &moved);
        let turned = next.transition.times(&found.gains[t - 1]);
        let own = Matrix::identity(latent).minus(&turned);
        total.add_scaled(1.0, &Matrix::outer(&error, &error));
        total.add_scaled(1.0, &own.quadratic(&now.covariance));
        let rest = next.transition.quadratic(&found.given_next[t - 1]);
        total.add_scaled(1.0, &rest);
        count += 1.0;
    }
    (count > 0.0).then(|| total.scaled(1.0 / count))
}

/// The best `R` beside `C` and `D`; `system` is what the states were found with.
pub(super) fn emission_noise(
    system: &LinearDynamics,
    next: &LinearDynamics,
    whole: &[Whole],
) -> Option<Matrix> {
    let features = next.emission.shape()[0];
    let (mut total, mut count) = (Matrix::zeros(features, features), 0.0);
    for (sequence, found) in whole {
        for ((x, u), state) in sequence.steps().zip(&found.states) {
            let Some(x) = complete(system, x, u, state) else {
                continue;
            };
            let seen = sum(
                &next.emission.apply(&state.mean),
                &next.feedthrough.apply(u),
            );
            let error = difference(&x.mean, &seen);
            let rest = x.map.minus(&next.emission);
            total.add_scaled(1.0, &Matrix::outer(&error, &error));
            total.add_scaled(1.0, &rest.quadratic(&state.covariance));
            total.add_scaled(1.0, &x.covariance);
            count += 1.0;
        }
    }
    (count > 0.0).then(|| total.scaled(1.0 / count))
}

pub(super) fn structured(covariance: Covariance, noise: &Matrix) -> Matrix {
    match covariance {
        Covariance::Full => noise.clone(),
        Covariance::Diagonal => Matrix::diagonal(&noise.diagonal_values()),
    }
}

/// Without what rounding has given to states that have no noise.
pub(super) fn without_still(noise: Matrix, before: &Matrix) -> Matrix {
    let moving = moving(before);
    let is_moving = |i| moving.contains(&i);
    Matrix::from_fn(noise.shape(), |i, j| match is_moving(i) && is_moving(j) {
        true => noise[(i, j)],
        false => 0.0,
    })
}

/// The covariance nearest in likelihood whose variance is nowhere below `least`: in units of `least`,
/// eigenvalues below 1 become 1.
pub(super) fn raised(noise: Matrix, least: &[f64]) -> Result<Matrix, Error> {
    let unit: Vec<f64> = least.iter().map(|least| least.sqrt()).collect();
    let scaled = Matrix::from_fn(noise.shape(), |i, j| noise[(i, j)] / (unit[i] * unit[j]));
    let identity = Matrix::identity(unit.len());
    if Cholesky::definite(&scaled.clone().minus(&identity)).is_some() {
        return Ok(noise);
    }
    let Ok(found) = scaled.view().self_adjoint_eigen(Side::Lower) else {
        let expected = "finite numbers, that have eigenvalues";
        return Err(Error::new(NAME, "R", expected, "others"));
    };
    let (vectors, values) = (found.U(), found.S());
    let size = unit.len();
    let lifted = |i: usize, j: usize| -> f64 {
        let part = |k| vectors[(i, k)] * f64::max(values[k], 1.0) * vectors[(j, k)];
        (0..size).map(part).sum::<f64>() * unit[i] * unit[j]
    };
    Ok(Matrix::from_fn([size, size], lifted).symmetric())
}

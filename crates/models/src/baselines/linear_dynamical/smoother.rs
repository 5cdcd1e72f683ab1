//! What is known of the state from a whole sequence (Rauch, Tung and Striebel 1965).
//!
//! ```text
//! J_t   = P_t A' (P-_{t+1})^-1
//! m^_t  = m_t + J_t (m^_{t+1} - m-_{t+1})
//! W_t   = (I - J_t A) P_t (I - J_t A)' + J_t Q J_t'       of z_t given z_{t+1}
//! V_t   = W_t + J_t V_{t+1} J_t'                          of z_t
//! Cov(z_{t+1}, z_t) = V_{t+1} J_t'
//! ```
//!
//! `m`, `P` are those of the filter, `-` marks what it had before the step. `P_t + J (V - P-) J'`, as it
//! is often written, is the same number as a difference; this is a sum of squares.

use backdraft_cells::Error;

use super::{Belief, Filtered, Gaussian, LinearDynamicalSystem, NAME, Observations};
use crate::baselines::cholesky::Cholesky;
use crate::baselines::matrix::{Matrix, difference, sum};

/// What is known of each state of a sequence, given all of it.
#[derive(Debug, Clone)]
pub struct Smoothed {
    /// `p(z_t | x_1 .. x_T)`.
    pub states: Vec<Gaussian>,
    /// What the filter knew after the last step, with the log-likelihood of all.
    pub belief: Belief,
    /// `J_t`: one less than there are steps, as of the next.
    pub(super) gains: Vec<Matrix>,
    /// `W_t`.
    pub(super) given_next: Vec<Matrix>,
}

impl Smoothed {
    /// `Cov(z_{t+1}, z_t | x_1 .. x_T)`, counted from 0: `[N, N]`. Nothing for the last step.
    pub fn lag_one(&self, t: usize) -> Option<Matrix> {
        let (gain, next) = (self.gains.get(t)?, self.states.get(t + 1)?);
        Some(next.covariance.times_transposed(gain))
    }
}

impl LinearDynamicalSystem {
    /// What is known of each state of a sequence, given all of it.
    ///
    /// # Errors
    ///
    /// As [`filter`](Self::filter).
    pub fn smooth(&self, observations: &Observations) -> Result<Smoothed, Error> {
        let Filtered {
            predicted,
            filtered,
            belief,
            ..
        } = self.filter(observations)?;
        let (transition, noise) = (&self.0.transition, &self.0.transition_noise);
        let identity = Matrix::identity(self.latent());
        let mut found = Smoothed {
            states: filtered.last().cloned().into_iter().collect(),
            belief,
            gains: Vec::new(),
            given_next: Vec::new(),
        };
        // From the last step to the first; turned round at the end.
        for (known, before) in filtered.iter().zip(predicted.iter().skip(1)).rev() {
            let Some(factor) = Cholesky::new(&before.covariance) else {
                let what = "covariance of a predicted state";
                return Err(Error::new(NAME, what, "positive semidefinite", "another"));
            };
            let gain = factor.solve_rows(&known.covariance.times_transposed(transition));
            let next = &found.states[found.states.len() - 1];
            let kept = identity.clone().minus(&gain.times(transition));
            let rest = kept
                .quadratic(&known.covariance)
                .plus(&gain.quadratic(noise));
            let state = Gaussian {
                mean: sum(
                    &known.mean,
                    &gain.apply(&difference(&next.mean, &before.mean)),
                ),
                covariance: gain.quadratic(&next.covariance).plus(&rest),
            };
            found.states.push(state);
            found.gains.push(gain);
            found.given_next.push(rest);
        }
        found.states.reverse();
        found.gains.reverse();
        found.given_next.reverse();
        Ok(found)
    }
}

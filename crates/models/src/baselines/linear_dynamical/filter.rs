//! What is known of the state from what was observed so far (Kalman 1960).
//!
//! ```text
//! m- = A m + B u                P- = A P A' + Q                    of z_t before x_t; m_1, P_1 at first
//! e  = x - C m- - D u           S  = C P- C' + R                   of x_t before it is there
//! K  = P- C' S^-1
//! m  = m- + K e                 P  = (I - K C) P- (I - K C)' + K R K'
//!
//! ln p(x_t | x_1 .. x_{t-1}) = -(F ln 2 pi + ln |S| + e' S^-1 e) / 2
//! ```
//!
//! Of what is missing, the rows of `C`, `D` and `R` are left out. Written so (Joseph's form), `P` is a
//! sum of squares: it stays a covariance, whatever the number of steps.

use backdraft_cells::Error;
use serde::{Deserialize, Serialize};

use super::observations::{check_controls, check_step};
use super::{Gaussian, LinearDynamicalSystem, NAME, Observations};
use crate::baselines::cholesky::Cholesky;
use crate::baselines::matrix::{Matrix, difference, sum};

/// What is known of the state after some steps; of constant size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Belief {
    /// The state of the last step; before any step, that of the first.
    pub latent: Gaussian,
    /// Steps that were read.
    pub steps: usize,
    /// Of those steps, in nats.
    pub log_likelihood: f64,
}

/// What was known at each step of a sequence.
#[derive(Debug, Clone)]
pub struct Filtered {
    /// `p(x_t | x_1 .. x_{t-1})`: what was said of each step before it came.
    pub predictives: Vec<Gaussian>,
    /// `p(z_t | x_1 .. x_{t-1})`.
    pub predicted: Vec<Gaussian>,
    /// `p(z_t | x_1 .. x_t)`.
    pub filtered: Vec<Gaussian>,
    /// What is known after the last step, with the log-likelihood of all.
    pub belief: Belief,
}

/// One step: of `x_t` and of `z_t` before it came.
struct Step {
    predictive: Gaussian,
    predicted: Gaussian,
}

impl LinearDynamicalSystem {
    /// What is known before any step.
    pub fn begin(&self) -> Belief {
        Belief {
            latent: Gaussian {
                mean: self.0.initial_mean.clone(),
                covariance: self.0.initial_covariance.clone(),
            },
            steps: 0,
            log_likelihood: 0.0,
        }
    }

    /// Reads one step, and gives what was said of it before: `p(x_t | x_1 .. x_{t-1})`.
    ///
    /// # Errors
    ///
    /// When `x` or `u` is not of the system's size or not finite, or the belief is of another system.
    pub fn observe(
        &self,
        belief: &mut Belief,
        x: &[Option<f64>],
        u: &[f64],
    ) -> Result<Gaussian, Error> {
        check_step(NAME, x, u, [self.features(), self.controls()])?;
        self.check_belief(belief)?;
        Ok(self.step(belief, x, u)?.predictive)
    }

    /// What is known after a sequence, and its log-likelihood; in constant memory.
    ///
    /// # Errors
    ///
    /// As [`filter`](Self::filter).
    pub fn log_likelihood(&self, observations: &Observations) -> Result<Belief, Error> {
        observations.check(NAME, self.features(), self.controls())?;
        let mut belief = self.begin();
        for (x, u) in observations.steps() {
            self.step(&mut belief, x, u)?;
        }
        Ok(belief)
    }

    /// What was known at each step of a sequence.
    ///
    /// # Errors
    ///
    /// When the sequence is not of the system's size or not finite, or the state grows beyond all
    /// numbers.
    pub fn filter(&self, observations: &Observations) -> Result<Filtered, Error> {
        observations.check(NAME, self.features(), self.controls())?;
        let mut found = Filtered {
            predictives: Vec::new(),
            predicted: Vec::new(),
            filtered: Vec::new(),
            belief: self.begin(),
        };
        for (x, u) in observations.steps() {
            let step = self.step(&mut found.belief, x, u)?;
            found.predictives.push(step.predictive);
            found.predicted.push(step.predicted);
            found.filtered.push(found.belief.latent.clone());
        }
        Ok(found)
    }

    /// Of each step, the distribution of its features before they came.
    ///
    /// # Errors
    ///
    /// As [`filter`](Self::filter).
    pub fn one_step(&self, observations: &Observations) -> Result<Vec<Gaussian>, Error> {
        Ok(self.filter(observations)?.predictives)
    }

    pub(super) fn check_belief(&self, belief: &Belief) -> Result<(), Error> {
        let (latent, known) = (self.latent(), &belief.latent);
        let mean = Matrix::outer(&known.mean, &[1.0]);
        mean.check(NAME, "mean of the belief", [latent, 1])?;
        let what = "covariance of the belief";
        known.covariance.check(NAME, what, [latent, latent])
    }

    /// `p(z_t)` of the step after those that were read.
    pub(super) fn predict(&self, belief: &Belief, u: &[f64]) -> Gaussian {
        let known = &belief.latent;
        if belief.steps == 0 {
            return known.clone();
        }
        let transition = &self.0.transition;
        let moved = transition.quadratic(&known.covariance);
        Gaussian {
            mean: sum(&transition.apply(&known.mean), &self.0.control.apply(u)),
            covariance: moved.plus(&self.0.transition_noise),
        }
    }

    /// `p(x_t)` of what is said of `z_t`.
    pub(super) fn emit(&self, latent: &Gaussian, u: &[f64]) -> Gaussian {
        let emission = &self.0.emission;
        let seen = emission.quadratic(&latent.covariance);
        Gaussian {
            mean: sum(&emission.apply(&latent.mean), &self.0.feedthrough.apply(u)),
            covariance: seen.plus(&self.0.emission_noise),
        }
    }

    fn step(&self, belief: &mut Belief, x: &[Option<f64>], u: &[f64]) -> Result<Step, Error> {
        let predicted = self.predict(belief, u);
        let predictive = self.emit(&predicted, u);
        let observed: Vec<usize> = (0..x.len()).filter(|i| x[*i].is_some()).collect();
        belief.latent = predicted.clone();
        belief.steps += 1;
        if !observed.is_empty() {
            let s = predictive.covariance.select(&observed, &observed);
            let Some(s) = Cholesky::definite(&s) else {
                let what = format!("variance of step {}", belief.steps - 1);
                let expected = "finite, and definite beyond rounding";
                let found = format!("{:?}", predictive.variances());
                return Err(Error::new(NAME, what, expected, found));
            };
            let values: Vec<f64> = x.iter().flatten().copied().collect();
            let expected: Vec<f64> = observed.iter().map(|i| predictive.mean[*i]).collect();
            let error = difference(&values, &expected);
            belief.log_likelihood += s.log_density(&error);
            belief.latent = self.corrected(&predicted, &observed, &s, &error);
        }
        Ok(Step {
            predictive,
            predicted,
        })
    }

    /// `p(z_t)` given the observed features of `x_t`.
    fn corrected(
        &self,
        predicted: &Gaussian,
        observed: &[usize],
        s: &Cholesky,
        error: &[f64],
    ) -> Gaussian {
        let states: Vec<usize> = (0..self.latent()).collect();
        let emission = self.0.emission.select(observed, &states);
        let noise = self.0.emission_noise.select(observed, observed);
        let gain = s.solve_rows(&predicted.covariance.times_transposed(&emission));
        let kept = Matrix::identity(states.len()).minus(&gain.times(&emission));
        let covariance = kept.quadratic(&predicted.covariance);
        Gaussian {
            mean: sum(&predicted.mean, &gain.apply(error)),
            covariance: covariance.plus(&gain.quadratic(&noise)),
        }
    }

    /// The controls of a step, or none where the system has none.
    pub(super) fn controls_at<'a>(
        &self,
        controls: &'a [Vec<f64>],
        t: usize,
    ) -> Result<&'a [f64], Error> {
        let u = controls.get(t).map_or(&[][..], Vec::as_slice);
        check_controls(NAME, u, self.controls())
            .map_err(|error| error.within(format!("step {t} to come")))?;
        Ok(u)
    }
}

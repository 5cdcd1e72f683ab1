//! Learning by expectation maximisation (Shumway and Stoffer 1982; Ghahramani and Hinton 1996).
//!
//! ```text
//! E    p(z_1 .. z_T | x_1 .. x_T) of each sequence, by the smoother
//! M    [A, B], [C, D]    by least squares, in expectation
//!      Q   = mean E[(z_t - A z_{t-1} - B u_t) (..)']             over steps but the first
//!      R   = mean E[(x_t - C z_t - D u_t) (..)']                 over steps with an observation
//!      m_1 = mean E[z_1]      P_1 = mean E[(z_1 - m_1) (..)']    over sequences
//! ```
//!
//! No step lowers the likelihood.

use backdraft_cells::Error;
use serde::{Deserialize, Serialize};

use super::noise::{
    Whole, emission_noise, raised, structured, transition_noise, transitions, without_still,
};
use super::statistics::{Regression, complete};
use super::{LinearDynamicalConfig, LinearDynamicalSystem, NAME, Observations, Smoothed};
use crate::baselines::matrix::{Matrix, difference, sum};

/// How learning went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmHistory {
    /// The log-likelihood of all sequences, in nats: of the start, then after each step of EM.
    pub log_likelihoods: Vec<f64>,
    /// Whether it ended because nothing was to be gained.
    pub converged: bool,
    /// The numbers that were learned.
    pub parameters: usize,
}

impl LinearDynamicalConfig {
    /// The system that EM finds from `start`, and how likely it was on the way. The config's own
    /// start is not used. `Q` and `R` of `start` are first made such as may be learned.
    ///
    /// # Errors
    ///
    /// When the config or a sequence is refused, nothing is observed, or the likelihood is not finite.
    pub fn learn(
        &self,
        start: &LinearDynamicalSystem,
        sequences: &[Observations],
    ) -> Result<(LinearDynamicalSystem, EmHistory), Error> {
        self.check()?;
        let observed: usize = sequences.iter().map(Observations::observed).sum();
        Error::unless_positive(NAME, "observed values", observed)?;
        let least = self.least(start.features(), sequences);
        let mut system = start.0.clone();
        if self.learned.transition_noise {
            system.transition_noise = structured(self.transition_noise, &system.transition_noise);
        }
        if self.learned.emission_noise {
            let noise = structured(self.emission_noise, &system.emission_noise);
            system.emission_noise = raised(noise, &least)?;
        }
        let mut system = LinearDynamicalSystem::new(system)?;
        let (mut smoothed, mut likelihood) = expect(&system, sequences)?;
        let mut history = EmHistory {
            log_likelihoods: vec![likelihood],
            converged: false,
            parameters: self.parameters(&system),
        };
        for _ in 0..self.iterations {
            let next = self.maximise(&system, sequences, &smoothed, &least)?;
            let (states, reached) = expect(&next, sequences)?;
            let gain = reached - likelihood;
            // What rounding takes is no step.
            if gain >= 0.0 {
                (system, smoothed, likelihood) = (next, states, reached);
                history.log_likelihoods.push(likelihood);
            }
            if gain <= self.tolerance * observed as f64 {
                history.converged = true;
                break;
            }
        }
        Ok((system, history))
    }

    /// The least variance of each feature's noise.
    pub(super) fn least(&self, features: usize, sequences: &[Observations]) -> Vec<f64> {
        let values = |i: usize| {
            let steps = sequences.iter().flat_map(|sequence| &sequence.values);
            steps.filter_map(move |x| *x.get(i)?)
        };
        let mean = |i, of: &dyn Fn(f64) -> f64| {
            let (sum, count) = values(i).fold((0.0, 0.0), |(sum, n), x| (sum + of(x), n + 1.0));
            sum / f64::max(count, 1.0)
        };
        let variance = |i| {
            let centre = mean(i, &|x| x);
            mean(i, &|x| (x - centre).powi(2))
        };
        let least = |variance| if variance > 0.0 { variance } else { 1.0 };
        (0..features)
            .map(|i| self.least_noise * least(variance(i)))
            .collect()
    }

    fn maximise(
        &self,
        system: &LinearDynamicalSystem,
        sequences: &[Observations],
        smoothed: &[Smoothed],
        least: &[f64],
    ) -> Result<LinearDynamicalSystem, Error> {
        let mut next = system.0.clone();
        let learned = self.learned;
        let whole: Vec<Whole> = sequences.iter().zip(smoothed).collect();

        if learned.transition || learned.control {
            let mut sums = Regression::new(system.latent(), system.latent(), system.controls());
            for (t, (sequence, found)) in transitions(&whole) {
                let (before, now) = (&found.states[t - 1], &found.states[t]);
                let together = now.covariance.times_transposed(&found.gains[t - 1]);
                sums.add(&now.mean, before, sequence.control(t), &together);
            }
            let current = [&next.transition, &next.control];
            [next.transition, next.control] =
                sums.solve(current, [learned.transition, learned.control]);
        }
        if learned.emission || learned.feedthrough {
            let mut sums = Regression::new(system.features(), system.latent(), system.controls());
            for (sequence, found) in &whole {
                for ((x, u), state) in sequence.steps().zip(&found.states) {
                    if let Some(x) = complete(&system.0, x, u, state) {
                        sums.add(&x.mean, state, u, &x.map.times(&state.covariance));
                    }
                }
            }
            let current = [&next.emission, &next.feedthrough];
            [next.emission, next.feedthrough] =
                sums.solve(current, [learned.emission, learned.feedthrough]);
        }
        if learned.transition_noise
            && let Some(noise) = transition_noise(&next, &whole)
        {
            let noise = structured(self.transition_noise, &noise);
            next.transition_noise = without_still(noise, &system.0.transition_noise);
        }
        if learned.emission_noise
            && let Some(noise) = emission_noise(&system.0, &next, &whole)
        {
            next.emission_noise = raised(structured(self.emission_noise, &noise), least)?;
        }
        let first: Vec<_> = smoothed.iter().filter_map(|s| s.states.first()).collect();
        let share = (first.len() as f64).recip();
        if learned.initial_mean {
            let zero = vec![0.0; system.latent()];
            let total = first.iter().fold(zero, |total, z| sum(&total, &z.mean));
            next.initial_mean = total.iter().map(|sum| sum * share).collect();
        }
        if learned.initial_covariance {
            let mut total = Matrix::zeros(system.latent(), system.latent());
            for z in first {
                let error = difference(&z.mean, &next.initial_mean);
                total.add_scaled(share, &z.covariance);
                total.add_scaled(share, &Matrix::outer(&error, &error));
            }
            next.initial_covariance = total;
        }
        LinearDynamicalSystem::new(next).map_err(|error| error.within("a step of EM"))
    }
}

/// The states of each sequence, and the log-likelihood of all.
fn expect(
    system: &LinearDynamicalSystem,
    sequences: &[Observations],
) -> Result<(Vec<Smoothed>, f64), Error> {
    let smooth = |(row, sequence)| {
        let found = system.smooth(sequence);
        found.map_err(|error| error.within(format!("sequence {row}")))
    };
    let found: Result<Vec<Smoothed>, Error> = sequences.iter().enumerate().map(smooth).collect();
    let found = found?;
    let total: f64 = found.iter().map(|found| found.belief.log_likelihood).sum();
    if !total.is_finite() {
        return Err(Error::new(NAME, "log-likelihood", "a finite number", total));
    }
    Ok((found, total))
}

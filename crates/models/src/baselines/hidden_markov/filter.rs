//! Reading step by step, and what is known of the steps to come.
//!
//! ```text
//! q_{1,i} = pi_i        q_{t+1,j} = sum_i f_{t,i} A_{ij}              p(s_t = i | x_1 .. x_{t-1})
//! f_{t,i} = q_{t,i} p(x_t | i) / p(x_t | x_1 .. x_{t-1})              p(s_t = i | x_1 .. x_t)
//! p(x_t | x_1 .. x_{t-1}) = sum_i q_{t,i} p(x_t | i)
//! p(s_{t+h} | x_1 .. x_t) = q_{t+1} A^{h-1}
//! ```
//!
//! All in logarithms. The states' distribution is all that is carried on: memory does not grow.

use backdraft_cells::Error;
use serde::{Deserialize, Serialize};

use super::{Categorical, Emission, Gaussian, GaussianMixture, HMM, Hmm};
use crate::crf::chain::log_sum_exp;

/// What is known of the states after the observations so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct HmmState {
    /// `ln q` of the step to come.
    predicted: Vec<f64>,
    /// `ln f` of the last step; nothing before the first.
    filtered: Option<Vec<f64>>,
}

impl HmmState {
    /// The states' probabilities at the last observation, given all up to it, `f`; none before the
    /// first.
    pub fn filtered(&self) -> Option<Vec<f64>> {
        self.filtered.as_deref().map(exp)
    }

    /// The states' probabilities at the step to come, `q`.
    pub fn predicted(&self) -> Vec<f64> {
        exp(&self.predicted)
    }
}

impl<E: Emission> Hmm<E> {
    /// The state before the first observation.
    pub fn state(&self) -> HmmState {
        HmmState {
            predicted: self.start.iter().map(|p| p.ln()).collect(),
            filtered: None,
        }
    }

    /// Reads an observation: `-ln p(x_t | x_1 .. x_{t-1})`, in nats, and `state` after it.
    ///
    /// One that is impossible is infinitely many nats; of the states it then says as little as a
    /// missing one, which is 0 nats.
    ///
    /// # Errors
    ///
    /// When it is no observation of the emissions, or the state is one of another model.
    pub fn observe(
        &self,
        state: &mut HmmState,
        observation: &E::Observation,
    ) -> Result<f64, Error> {
        self.check_state(state)?;
        self.emission.check(observation)?;
        let densities = self.emission.log_densities(observation);
        let joint = state.predicted.iter().zip(densities);
        let joint: Vec<f64> = joint.map(|(q, density)| q + density).collect();
        let log_p = log_sum_exp(joint.clone());
        let filtered = match log_p == f64::NEG_INFINITY {
            true => state.predicted.clone(),
            false => joint.into_iter().map(|log| log - log_p).collect(),
        };
        state.predicted = self.chain.through(&filtered);
        state.filtered = Some(filtered);
        Ok(-log_p)
    }

    /// What [`observe`](Self::observe) gives of each step of a sequence: their sum is
    /// `-ln p(x)`.
    ///
    /// # Errors
    ///
    /// As [`observe`](Self::observe).
    pub fn step_nats(&self, sequence: &[E::Observation]) -> Result<Vec<f64>, Error> {
        let mut state = self.state();
        let steps = sequence.iter().enumerate();
        steps
            .map(|(step, observation)| {
                let nats = self.observe(&mut state, observation);
                nats.map_err(|error| error.within(format!("step {step}")))
            })
            .collect()
    }

    /// The states' probabilities of each of the `horizon` steps to come: `[horizon][states]`.
    ///
    /// # Errors
    ///
    /// When the state is one of another model.
    pub fn states_ahead(&self, state: &HmmState, horizon: usize) -> Result<Vec<Vec<f64>>, Error> {
        self.check_state(state)?;
        let next = |logs: &Vec<f64>| Some(self.chain.through(logs));
        let steps = std::iter::successors(Some(state.predicted.clone()), next);
        Ok(steps.take(horizon).map(|logs| exp(&logs)).collect())
    }

    fn check_state(&self, state: &HmmState) -> Result<(), Error> {
        let states = self.states();
        let fits = state.predicted.iter().all(|log| *log < f64::INFINITY);
        if state.predicted.len() != states || !fits {
            let expected = format!("probabilities of {states} states");
            let found = format!("ln p: {:?}", state.predicted);
            return Err(Error::new(HMM, "state", expected, found));
        }
        Ok(())
    }
}

impl Hmm<Categorical> {
    /// `-ln p` of each symbol given those before it, in nats: the model as one of language.
    ///
    /// # Errors
    ///
    /// When a symbol is out of range.
    pub fn next_symbol_nats(&self, symbols: &[u32]) -> Result<Vec<f64>, Error> {
        let symbols: Vec<Option<u32>> = symbols.iter().copied().map(Some).collect();
        self.step_nats(&symbols)
    }

    /// The symbols' probabilities at each of the `horizon` steps to come: `[horizon][symbols]`.
    ///
    /// # Errors
    ///
    /// When the state is one of another model.
    pub fn symbols_ahead(&self, state: &HmmState, horizon: usize) -> Result<Vec<Vec<f64>>, Error> {
        let mixed = |weights: Vec<f64>| {
            let mut mixed = vec![0.0; self.emission.symbols()];
            for (weight, row) in weights.iter().zip(self.emission.probabilities()) {
                mixed
                    .iter_mut()
                    .zip(row)
                    .for_each(|(sum, p)| *sum += weight * p);
            }
            mixed
        };
        let ahead = self.states_ahead(state, horizon)?;
        Ok(ahead.into_iter().map(mixed).collect())
    }
}

impl Hmm<Gaussian> {
    /// The distribution of each of the `horizon` steps to come.
    ///
    /// # Errors
    ///
    /// When the state is one of another model.
    pub fn forecast(
        &self,
        state: &HmmState,
        horizon: usize,
    ) -> Result<Vec<GaussianMixture<'_>>, Error> {
        let ahead = self.states_ahead(state, horizon)?;
        let mixture = |weights| GaussianMixture::new(weights, &self.emission);
        Ok(ahead.into_iter().map(mixture).collect())
    }

    /// The distribution of each step of a series given those before it.
    ///
    /// # Errors
    ///
    /// When an observation is none of the emissions.
    pub fn one_step_ahead(
        &self,
        series: &[Vec<Option<f64>>],
    ) -> Result<Vec<GaussianMixture<'_>>, Error> {
        let mut state = self.state();
        let steps = series.iter().enumerate();
        steps
            .map(|(step, observation)| {
                let mixture = GaussianMixture::new(state.predicted(), &self.emission);
                let read = self.observe(&mut state, observation);
                read.map_err(|error| error.within(format!("step {step}")))?;
                Ok(mixture)
            })
            .collect()
    }
}

/// A state as it is stored: nothing where a logarithm is minus infinity, which JSON does not have.
#[derive(Serialize, Deserialize)]
#[serde(rename = "HmmState")]
struct Stored {
    predicted: Vec<Option<f64>>,
    filtered: Option<Vec<Option<f64>>>,
}

impl From<HmmState> for Stored {
    fn from(state: HmmState) -> Self {
        let of = |logs: Vec<f64>| {
            let finite = logs
                .into_iter()
                .map(|log| Some(log).filter(|log| log.is_finite()));
            finite.collect()
        };
        Self {
            predicted: of(state.predicted),
            filtered: state.filtered.map(of),
        }
    }
}

impl From<Stored> for HmmState {
    fn from(stored: Stored) -> Self {
        let of = |logs: Vec<Option<f64>>| {
            let logs = logs.into_iter().map(|log| log.unwrap_or(f64::NEG_INFINITY));
            logs.collect()
        };
        Self {
            predicted: of(stored.predicted),
            filtered: stored.filtered.map(of),
        }
    }
}

fn exp(logs: &[f64]) -> Vec<f64> {
    logs.iter().map(|log| log.exp()).collect()
}

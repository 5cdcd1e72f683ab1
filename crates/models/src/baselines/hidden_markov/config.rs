//! What a user asks for.

use backdraft_cells::Error;
use rand::{SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};

use super::emission::{Emission, EmissionConfig, Estimate};
use super::{CategoricalConfig, GaussianConfig, HMM, Hmm, simplex};

/// Configuration of an [`Hmm`] and of how it is learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HmmConfig<C> {
    /// The number of states, `K`.
    pub states: usize,
    /// What they emit.
    pub emission: C,
    /// A lower bound on the initial and the transition probabilities. Default: 0, so that probabilities of 0
    /// stay 0, as in a left-to-right model.
    pub transition_floor: f64,
    /// Steps of Baum-Welch, at most. Default: 200.
    pub iterations: usize,
    /// It ends where a step gains less than this, in nats an observation. Default: 1e-5.
    pub tolerance: f64,
    /// The same seed begins at the same model. Default: 0.
    pub seed: u64,
}

impl HmmConfig<CategoricalConfig> {
    /// `states` states that emit one of `symbols` symbols.
    pub fn categorical(states: usize, symbols: usize) -> Self {
        Self::new(states, CategoricalConfig::new(symbols))
    }
}

impl HmmConfig<GaussianConfig> {
    /// `states` states that emit `features` numbers, of diagonal covariance.
    pub fn gaussian(states: usize, features: usize) -> Self {
        Self::new(states, GaussianConfig::new(features))
    }
}

impl<C> HmmConfig<C> {
    /// `states` states that emit `emission`.
    pub fn new(states: usize, emission: C) -> Self {
        Self {
            states,
            emission,
            transition_floor: 0.0,
            iterations: 200,
            tolerance: 1e-5,
            seed: 0,
        }
    }

    /// Sets what the states emit.
    #[must_use]
    pub fn with_emission(mut self, emission: C) -> Self {
        self.emission = emission;
        self
    }

    /// Sets what no probability of beginning or of a transition may be below.
    #[must_use]
    pub fn with_transition_floor(mut self, floor: f64) -> Self {
        self.transition_floor = floor;
        self
    }

    /// Sets the steps of Baum-Welch, at most.
    #[must_use]
    pub fn with_iterations(mut self, iterations: usize) -> Self {
        self.iterations = iterations;
        self
    }

    /// Sets the gain, in nats an observation, below which it ends. At 0 it goes on while it gains.
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Sets the seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

impl<C: EmissionConfig> HmmConfig<C> {
    /// The model that [`fit`](Self::fit) begins at: each row of `pi` and `A` uniform over all
    /// distributions, the emissions drawn near the data.
    ///
    /// # Errors
    ///
    /// When the configuration describes no model, or an observation is none of it.
    pub fn init(
        &self,
        sequences: &[Vec<<C::Emission as Emission>::Observation>],
    ) -> Result<Hmm<C::Emission>, Error> {
        self.check()?;
        self.begin(&self.emission.estimate(self.states, sequences)?)
    }

    pub(super) fn begin(&self, estimate: &C::Estimate) -> Result<Hmm<C::Emission>, Error> {
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut row = || {
            let weights = simplex::exponential(self.states, &mut random);
            simplex::likeliest(&weights, self.transition_floor)
                .unwrap_or_else(|| vec![1.0 / self.states as f64; self.states])
        };
        let start = row();
        let transitions = (0..self.states).map(|_| row()).collect();
        Hmm::new(start, transitions, estimate.begin(&mut random))
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        Error::unless_positive(HMM, "states", self.states)?;
        simplex::check_floor("floor of transitions", self.transition_floor, self.states)?;
        if self.tolerance.is_nan() || self.tolerance < 0.0 {
            return Err(Error::new(HMM, "tolerance", "at least 0", self.tolerance));
        }
        Ok(())
    }
}

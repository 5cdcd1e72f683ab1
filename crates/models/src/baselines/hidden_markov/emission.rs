//! What a state emits, and how it is learned. An own kind of emission is a type that implements these.

use backdraft_cells::Error;
use rand::rngs::StdRng;

/// A distribution of observations for each state.
pub trait Emission {
    /// What is observed at a step, missing or not.
    type Observation;

    /// The number of states, `K`.
    fn states(&self) -> usize;

    /// Free parameters of all states together.
    fn parameters(&self) -> usize;

    /// Refuses what is no observation.
    ///
    /// # Errors
    ///
    /// When it is out of range.
    fn check(&self, observation: &Self::Observation) -> Result<(), Error>;

    /// `ln p(x | i)` of each state: below infinity, minus infinity where it is impossible, and 0 of
    /// what is missing.
    fn log_densities(&self, observation: &Self::Observation) -> Vec<f64>;

    /// An observation of `state`.
    fn draw(&self, state: usize, random: &mut StdRng) -> Self::Observation;
}

/// What emissions a user asks for.
pub trait EmissionConfig {
    /// What is made of it.
    type Emission: Emission;
    /// How it is learned.
    type Estimate: Estimate<Emission = Self::Emission>;

    /// How emissions of `states` states are learned from these sequences.
    ///
    /// # Errors
    ///
    /// When the configuration describes no emissions, or an observation is none of theirs.
    fn estimate(
        &self,
        states: usize,
        sequences: &[Vec<<Self::Emission as Emission>::Observation>],
    ) -> Result<Self::Estimate, Error>;
}

/// Statistics of observations, each with the probabilities of the states that may have emitted it.
pub trait Estimate {
    /// What is learned.
    type Emission: Emission;

    /// Emissions to begin with: drawn, so that the states differ.
    fn begin(&self, random: &mut StdRng) -> Self::Emission;

    /// Refuses emissions that are not of this configuration.
    ///
    /// # Errors
    ///
    /// When a size, or their kind, is another one.
    fn check(&self, emission: &Self::Emission) -> Result<(), Error>;

    /// Adds an observation, whose states have these probabilities under the emissions so far.
    fn gather(
        &mut self,
        so_far: &Self::Emission,
        observation: &<Self::Emission as Emission>::Observation,
        posterior: &[f64],
    );

    /// The likeliest emissions, given what was gathered, which is then forgotten. A state without
    /// observations stays as it was.
    ///
    /// # Errors
    ///
    /// When there are none, as where a variance is 0.
    fn maximise(&mut self, so_far: &Self::Emission) -> Result<Self::Emission, Error>;
}

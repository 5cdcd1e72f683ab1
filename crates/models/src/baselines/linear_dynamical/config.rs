//! What a linear dynamical system is learned from, and which of its numbers are learned.

use backdraft_cells::Error;
use serde::{Deserialize, Serialize};

use super::likeliest::likeliest;
use super::{EmHistory, LinearDynamicalSystem, Matrix, NAME, Observations, Structure};

/// Which covariances a noise may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covariance {
    /// Any.
    #[default]
    Full,
    /// Of features that are independent of each other.
    Diagonal,
}

/// Where learning begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LearningStart {
    /// The state is the `latent` principal components of the last steps, `[x_t, x_{t-1} ..]`, as many as
    /// make up so many numbers that do not hang together, in units of 1; `A`, `B`, `C`, `D` by least squares.
    Delays {
        /// `N`.
        latent: usize,
    },
    /// `A` is 0.9 of an orthogonal matrix, `C` is drawn from a normal distribution, the state's variance is 1; `D` by
    /// least squares, `B` is 0.
    Random {
        /// `N`.
        latent: usize,
        /// The same seed draws the same.
        seed: u64,
    },
    /// A level, a slope and a season of one feature; guessed from the sequence that says most, with the variances that
    /// are likeliest in a coarse search.
    Structure(Structure),
}

/// Which numbers EM learns; the others stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// `A`.
    pub transition: bool,
    /// `B`.
    pub control: bool,
    /// `C`.
    pub emission: bool,
    /// `D`.
    pub feedthrough: bool,
    /// `Q`.
    pub transition_noise: bool,
    /// `R`.
    pub emission_noise: bool,
    /// `m_1`.
    pub initial_mean: bool,
    /// `P_1`.
    pub initial_covariance: bool,
}

impl Learned {
    /// All of them.
    pub fn all() -> Self {
        Self {
            transition: true,
            control: true,
            emission: true,
            feedthrough: true,
            transition_noise: true,
            emission_noise: true,
            initial_mean: true,
            initial_covariance: true,
        }
    }

    /// None of them.
    pub fn none() -> Self {
        Self {
            transition: false,
            control: false,
            emission: false,
            feedthrough: false,
            transition_noise: false,
            emission_noise: false,
            initial_mean: false,
            initial_covariance: false,
        }
    }

    /// `Q` and `R`.
    pub fn noises() -> Self {
        Self {
            transition_noise: true,
            emission_noise: true,
            ..Self::none()
        }
    }
}

/// Configuration of what learns a [`LinearDynamicalSystem`] by EM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearDynamicalConfig {
    /// Where learning begins.
    pub start: LearningStart,
    /// What is learned.
    pub learned: Learned,
    /// Which `Q` may be learned. A state that has no noise at first keeps none.
    pub transition_noise: Covariance,
    /// Which `R` may be learned.
    pub emission_noise: Covariance,
    /// A lower bound on `R`, as a fraction of each feature's variance: without it the likelihood is unbounded if
    /// the state determines a feature exactly. 1e-6 by default.
    pub least_noise: f64,
    /// Steps of EM at most; 0 gives the start itself. 100 by default.
    pub iterations: usize,
    /// Ends when a step gains less than this, in nats for each observed number. 1e-6 by default.
    pub tolerance: f64,
}

impl LinearDynamicalConfig {
    /// A state of `latent` numbers, begun from delays; everything is learned.
    pub fn new(latent: usize) -> Self {
        Self {
            start: LearningStart::Delays { latent },
            learned: Learned::all(),
            transition_noise: Covariance::Full,
            emission_noise: Covariance::Full,
            least_noise: 1e-6,
            iterations: 100,
            tolerance: 1e-6,
        }
    }

    /// A level, slope and season, of which the variances are learned.
    pub fn structural(structure: Structure) -> Self {
        Self {
            start: LearningStart::Structure(structure),
            learned: Learned::noises(),
            transition_noise: Covariance::Diagonal,
            emission_noise: Covariance::Diagonal,
            ..Self::new(1)
        }
    }

    /// Sets where learning begins.
    #[must_use]
    pub fn with_start(mut self, start: LearningStart) -> Self {
        self.start = start;
        self
    }

    /// Sets what is learned.
    #[must_use]
    pub fn with_learned(mut self, learned: Learned) -> Self {
        self.learned = learned;
        self
    }

    /// Sets which `Q` and which `R` may be learned.
    #[must_use]
    pub fn with_noises(mut self, transition: Covariance, emission: Covariance) -> Self {
        self.transition_noise = transition;
        self.emission_noise = emission;
        self
    }

    /// Sets the least of `R`, as a part of each feature's variance.
    #[must_use]
    pub fn with_least_noise(mut self, part: f64) -> Self {
        self.least_noise = part;
        self
    }

    /// Sets the steps of EM at most.
    #[must_use]
    pub fn with_iterations(mut self, iterations: usize) -> Self {
        self.iterations = iterations;
        self
    }

    /// Sets the gain, in nats for each observed number, below which EM ends.
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The system that EM finds from where it begins, and how likely it was on the way.
    ///
    /// # Errors
    ///
    /// As [`LinearDynamicalConfig::learn`]; when a start has no state, or a structure is asked of more
    /// than one feature.
    pub fn fit(
        &self,
        sequences: &[Observations],
    ) -> Result<(LinearDynamicalSystem, EmHistory), Error> {
        self.check()?;
        let mut start = self.start.system(sequences)?;
        if matches!(self.start, LearningStart::Structure(_)) && self.learned == Learned::noises() {
            let least = self.least(start.features(), sequences)[0];
            start = likeliest(start, sequences, least);
        }
        self.learn(&start, sequences)
    }

    /// The numbers that are learned of such a system, less what the choice of a basis of the state leaves
    /// open: `N^2`, if everything that it changes is learned.
    pub fn parameters(&self, system: &LinearDynamicalSystem) -> usize {
        let (n, f, k) = (system.latent(), system.features(), system.controls());
        let triangle = |size: usize| size * (size + 1) / 2;
        let noise = |covariance, size| match covariance {
            Covariance::Full => triangle(size),
            Covariance::Diagonal => size,
        };
        let moving = moving(&system.dynamics().transition_noise).len();
        let learned = self.learned;
        let counts = [
            (learned.transition, n * n),
            (learned.control, n * k),
            (learned.emission, f * n),
            (learned.feedthrough, f * k),
            (
                learned.transition_noise,
                noise(self.transition_noise, moving),
            ),
            (learned.emission_noise, noise(self.emission_noise, f)),
            (learned.initial_mean, n),
            (learned.initial_covariance, triangle(n)),
        ];
        let count: usize = counts.iter().filter(|(on, _)| *on).map(|(_, n)| n).sum();
        let any_basis = learned.transition
            && (learned.control || k == 0)
            && learned.emission
            && learned.transition_noise
            && self.transition_noise == Covariance::Full
            && learned.initial_mean
            && learned.initial_covariance;
        if any_basis { count - n * n } else { count }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if !(self.tolerance.is_finite() && self.tolerance >= 0.0) {
            let expected = "a finite number, at least 0";
            return Err(Error::new(NAME, "tolerance", expected, self.tolerance));
        }
        if !(self.least_noise > 0.0 && self.least_noise <= 1.0) {
            let expected = "above 0, at most 1";
            return Err(Error::new(NAME, "least noise", expected, self.least_noise));
        }
        Ok(())
    }
}

/// The states that have noise.
pub(super) fn moving(noise: &Matrix) -> Vec<usize> {
    let [size, _] = noise.shape();
    (0..size).filter(|i| noise[(*i, *i)] > 0.0).collect()
}

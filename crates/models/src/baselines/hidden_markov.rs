//! A hidden Markov model: a chain of states that are not seen, each of which emits what is seen.
//!
//! ```text
//! p(s, x) = pi_{s_1} p(x_1 | s_1) prod_{t>1} A_{s_{t-1},s_t} p(x_t | s_t)
//! p(x)    = sum over all s of p(s, x)
//!
//! gamma_{t,i} = p(s_t = i | x)
//! xi_{ij}     = sum_{t>1} p(s_{t-1} = i, s_t = j | x)
//! ```
//!
//! It is the linear-chain field whose scores are `a = ln pi`, `A = ln A`, `E_{t,i} = ln p(x_t | i)` and
//! `b = 0`: the recursions are those of [`Crf`](crate::Crf), in logarithms. A missing observation has
//! `p(x_t | i) = 1`. Rabiner 1989, "A tutorial on hidden Markov models and selected applications in
//! speech recognition".

mod baum_welch;
mod categorical;
mod config;
mod differentiable;
mod emission;
mod filter;
mod gaussian;
mod mixture;
mod simplex;
mod tagged;

use backdraft_cells::Error;
use rand::{SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};

use crate::crf::chain::Chain;

pub use baum_welch::BaumWelch;
pub use categorical::{Categorical, CategoricalConfig, CategoricalEstimate};
pub use config::HmmConfig;
pub use differentiable::{CategoricalLogits, DifferentiableHmm, GaussianParameters};
pub use emission::{Emission, EmissionConfig, Estimate};
pub use filter::HmmState;
pub use gaussian::{Covariance, Covariances, Gaussian, GaussianConfig, GaussianEstimate};
pub use mixture::{GaussianMixture, NormalMixture};
pub use tagged::CountSmoothing;

/// A hidden Markov model, whose states emit `E`: a [`Categorical`] or a [`Gaussian`].
///
/// ```
/// use backdraft_models::baselines::hidden_markov::HmmConfig;
///
/// # fn main() -> Result<(), backdraft_models::Error> {
/// // Two symbols that take turns; two states learn to.
/// let sequence: Vec<Option<u32>> = (0..40).map(|step| Some(step % 2)).collect();
/// let (model, history) = HmmConfig::categorical(2, 2).fit(&[sequence])?;
/// assert!(history.has_converged);
/// assert!(model.next_symbol_nats(&[0, 1, 0])?[2] < 0.01);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(
    try_from = "Unchecked<E>",
    into = "Unchecked<E>",
    bound(
        serialize = "E: Clone + Serialize",
        deserialize = "E: Emission + Deserialize<'de>"
    )
)]
pub struct Hmm<E> {
    start: Vec<f64>,
    transitions: Vec<Vec<f64>>,
    emission: E,
    /// The logarithms of both.
    chain: Chain,
}

/// The states of a sequence that are likeliest together.
#[derive(Debug, Clone, PartialEq)]
pub struct StatePath {
    /// `s`, one a step.
    pub states: Vec<usize>,
    /// `ln p(s, x)`, in nats. Minus infinity if no states can have emitted the sequence: then the
    /// path says nothing.
    pub log_p: f64,
}

/// What the states of a sequence were, given all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Posteriors {
    /// `ln p(x)`, in nats.
    pub log_likelihood: f64,
    /// `gamma`: `[time][states]`.
    pub states: Vec<Vec<f64>>,
    /// `xi`, from row to column: `[states][states]`.
    pub transitions: Vec<Vec<f64>>,
}

impl<E: Emission> Hmm<E> {
    /// A model that begins in state `i` with the probability `start[i]`, goes from `i` to `j` with
    /// `transitions[i][j]` and emits `emission`.
    ///
    /// # Errors
    ///
    /// When the sizes do not fit, or a row is not one of probabilities whose sum is 1, to 1e-6.
    pub fn new(start: Vec<f64>, transitions: Vec<Vec<f64>>, emission: E) -> Result<Self, Error> {
        let states = emission.states();
        Error::unless_positive(HMM, "states", states)?;
        let check = |what: &str, row: &[f64]| match row.len() == states {
            true => simplex::check(what, row),
            false => Err(Error::new(
                HMM,
                what,
                format!("{states} of them"),
                row.len(),
            )),
        };
        check("probabilities of beginning", &start)?;
        if transitions.len() != states {
            let what = "rows of the transitions";
            return Err(Error::new(HMM, what, states, transitions.len()));
        }
        for (i, row) in transitions.iter().enumerate() {
            check(&format!("probabilities of leaving state {i}"), row)?;
        }
        let ln = |row: &[f64]| row.iter().map(|p| p.ln()).collect::<Vec<f64>>();
        let chain = Chain::new(ln(&transitions.concat()), ln(&start), vec![0.0; states]);
        Ok(Self {
            start,
            transitions,
            emission,
            chain,
        })
    }

    /// The number of states.
    pub fn states(&self) -> usize {
        self.start.len()
    }

    /// `pi`.
    pub fn start(&self) -> &[f64] {
        &self.start
    }

    /// `A`, from row to column.
    pub fn transitions(&self) -> &[Vec<f64>] {
        &self.transitions
    }

    /// What the states emit.
    pub fn emission(&self) -> &E {
        &self.emission
    }

    /// Free parameters: `K - 1` of `pi`, `K (K - 1)` of `A`, and those of the emissions.
    pub fn parameters(&self) -> usize {
        let states = self.states();
        states - 1 + states * (states - 1) + self.emission.parameters()
    }

    /// `ln p(x)`, in nats: minus infinity of a sequence that the model cannot emit, 0 of an empty one.
    ///
    /// # Errors
    ///
    /// When an observation is none that the emissions are of.
    pub fn log_likelihood(&self, sequence: &[E::Observation]) -> Result<f64, Error> {
        Ok(self.chain.log_z(&self.log_densities(sequence)?))
    }

    /// What the states were, by forward and backward recursion.
    ///
    /// # Errors
    ///
    /// As [`log_likelihood`](Self::log_likelihood), and when the model cannot emit the sequence.
    pub fn posteriors(&self, sequence: &[E::Observation]) -> Result<Posteriors, Error> {
        let found = self.chain.forward_backward(&self.log_densities(sequence)?);
        if found.log_z == f64::NEG_INFINITY {
            let expected = "one that the model can emit";
            return Err(Error::new(HMM, "sequence", expected, "an impossible one"));
        }
        let rows = |flat: Vec<f64>| flat.chunks(self.states()).map(<[f64]>::to_vec).collect();
        Ok(Posteriors {
            log_likelihood: found.log_z,
            states: rows(found.steps),
            transitions: rows(found.pairs),
        })
    }

    /// The likeliest states, by Viterbi's recursion: the tags, where states are tags.
    ///
    /// # Errors
    ///
    /// As [`log_likelihood`](Self::log_likelihood).
    pub fn viterbi(&self, sequence: &[E::Observation]) -> Result<StatePath, Error> {
        let densities = self.log_densities(sequence)?;
        let states = self.chain.viterbi(&densities);
        let log_p = self.chain.score(&densities, &states);
        Ok(StatePath { states, log_p })
    }

    /// A sequence of `steps` steps and the states that emitted it, drawn from the model.
    pub fn sample(&self, steps: usize, seed: u64) -> (Vec<usize>, Vec<E::Observation>) {
        let mut random = StdRng::seed_from_u64(seed);
        let mut next = &self.start;
        let step = |_| {
            let state = simplex::draw(next, &mut random);
            next = &self.transitions[state];
            (state, self.emission.draw(state, &mut random))
        };
        (0..steps).map(step).unzip()
    }

    /// `ln p(x_t | i)`: `[time, states]`.
    fn log_densities(&self, sequence: &[E::Observation]) -> Result<Vec<f64>, Error> {
        let mut densities = Vec::with_capacity(sequence.len() * self.states());
        for (step, observation) in sequence.iter().enumerate() {
            let of = |error: Error| error.within(format!("step {step}"));
            self.emission.check(observation).map_err(of)?;
            densities.extend(self.emission.log_densities(observation));
        }
        Ok(densities)
    }
}

/// What errors call it.
const HMM: &str = "Hmm";

/// A model as it is stored.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename = "Hmm")]
struct Unchecked<E> {
    start: Vec<f64>,
    transitions: Vec<Vec<f64>>,
    emission: E,
}

impl<E> From<Hmm<E>> for Unchecked<E> {
    fn from(model: Hmm<E>) -> Self {
        Self {
            start: model.start,
            transitions: model.transitions,
            emission: model.emission,
        }
    }
}

impl<E: Emission> TryFrom<Unchecked<E>> for Hmm<E> {
    type Error = Error;

    fn try_from(stored: Unchecked<E>) -> Result<Self, Error> {
        Self::new(stored.start, stored.transitions, stored.emission)
    }
}

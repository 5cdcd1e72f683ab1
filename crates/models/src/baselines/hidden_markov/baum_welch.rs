//! Learning by expectation and maximisation, which never makes the data less likely.
//!
//! ```text
//! E   gamma, xi of every sequence, by the model so far
//! M   pi_i   = sum gamma_{1,i} / sequences
//!     A_{ij} = sum xi_{ij} / sum_j xi_{ij}
//!     emissions: see each of them, weighted by gamma
//! ```
//!
//! Baum, Petrie, Soules and Weiss 1970, "A maximization technique occurring in the statistical analysis
//! of probabilistic functions of Markov chains". Floors are kept by maximising under them, so that the
//! likelihood goes on rising.

use backdraft_cells::Error;

use super::emission::{Emission, EmissionConfig, Estimate};
use super::{HMM, Hmm, HmmConfig, simplex};

/// How learning went.
#[derive(Debug, Clone, PartialEq)]
pub struct BaumWelch {
    /// `ln p` of all sequences, in nats: of the model it began at, and after each step. The last is
    /// that of the model that was learned.
    pub log_likelihoods: Vec<f64>,
    /// Whether the last step gained less than the tolerance; else it was the last that was allowed.
    pub has_converged: bool,
}

type Sequence<C> = Vec<<<C as EmissionConfig>::Emission as Emission>::Observation>;

impl<C: EmissionConfig> HmmConfig<C> {
    /// The model that was learned from sequences, which may be of different lengths, and how it went.
    ///
    /// # Errors
    ///
    /// As [`init`](Self::init), and when there is no step at all, or a covariance collapses whose
    /// floor is 0.
    pub fn fit(&self, sequences: &[Sequence<C>]) -> Result<(Hmm<C::Emission>, BaumWelch), Error> {
        self.check()?;
        let estimate = self.emission.estimate(self.states, sequences)?;
        self.climb(self.begin(&estimate)?, estimate, sequences)
    }

    /// The same, from `model` on instead of a drawn one. If it is below a floor, the first step may
    /// lose likelihood.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), and when the model is not of this configuration, or cannot emit a
    /// sequence.
    pub fn fit_from(
        &self,
        model: Hmm<C::Emission>,
        sequences: &[Sequence<C>],
    ) -> Result<(Hmm<C::Emission>, BaumWelch), Error> {
        self.check()?;
        if model.states() != self.states {
            return Err(Error::new(
                HMM,
                "states of the model",
                self.states,
                model.states(),
            ));
        }
        let estimate = self.emission.estimate(self.states, sequences)?;
        estimate.check(model.emission())?;
        self.climb(model, estimate, sequences)
    }

    fn climb(
        &self,
        mut model: Hmm<C::Emission>,
        mut estimate: C::Estimate,
        sequences: &[Sequence<C>],
    ) -> Result<(Hmm<C::Emission>, BaumWelch), Error> {
        let steps: usize = sequences.iter().map(Vec::len).sum();
        Error::unless_positive(HMM, "steps of all sequences", steps)?;
        let least = self.tolerance * steps as f64;
        let mut log_likelihoods = Vec::new();
        loop {
            let counts = expect(&model, &mut estimate, sequences)?;
            let gain = log_likelihoods
                .last()
                .map(|last| counts.log_likelihood - last);
            log_likelihoods.push(counts.log_likelihood);
            let has_converged = gain.is_some_and(|gain: f64| gain <= least);
            if has_converged || log_likelihoods.len() > self.iterations {
                let history = BaumWelch {
                    log_likelihoods,
                    has_converged,
                };
                return Ok((model, history));
            }
            model = self.maximise(&model, &mut estimate, &counts)?;
        }
    }

    fn maximise(
        &self,
        model: &Hmm<C::Emission>,
        estimate: &mut C::Estimate,
        counts: &Counts,
    ) -> Result<Hmm<C::Emission>, Error> {
        let row = |counts: &[f64], so_far: &[f64]| {
            simplex::likeliest(counts, self.transition_floor).unwrap_or_else(|| so_far.to_vec())
        };
        let pairs = counts.transitions.chunks(self.states);
        let transitions = pairs.zip(model.transitions());
        let transitions = transitions.map(|(pairs, so_far)| row(pairs, so_far));
        Hmm::new(
            row(&counts.start, model.start()),
            transitions.collect(),
            estimate.maximise(model.emission())?,
        )
    }
}

/// What is expected of all sequences.
struct Counts {
    log_likelihood: f64,
    /// `sum gamma_{1,i}`.
    start: Vec<f64>,
    /// `sum xi_{ij}`: `[states, states]`.
    transitions: Vec<f64>,
}

fn expect<T: Estimate>(
    model: &Hmm<T::Emission>,
    estimate: &mut T,
    sequences: &[Vec<<T::Emission as Emission>::Observation>],
) -> Result<Counts, Error> {
    let states = model.states();
    let mut counts = Counts {
        log_likelihood: 0.0,
        start: vec![0.0; states],
        transitions: vec![0.0; states * states],
    };
    for (index, sequence) in sequences.iter().enumerate() {
        let of = |error: Error| error.within(format!("sequence {index}"));
        let found = model
            .chain
            .forward_backward(&model.log_densities(sequence).map_err(of)?);
        if found.log_z == f64::NEG_INFINITY {
            let expected = "one that the model can emit";
            let what = format!("sequence {index}");
            return Err(Error::new(HMM, what, expected, "an impossible one"));
        }
        counts.log_likelihood += found.log_z;
        add(&mut counts.transitions, &found.pairs);
        let posteriors = found.steps.chunks(states);
        for (step, (observation, posterior)) in sequence.iter().zip(posteriors).enumerate() {
            if step == 0 {
                add(&mut counts.start, posterior);
            }
            estimate.gather(model.emission(), observation, posterior);
        }
    }
    Ok(counts)
}

fn add(sums: &mut [f64], more: &[f64]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += more;
    }
}

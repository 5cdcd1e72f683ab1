//! The numbers of hmmlearn 0.3.3, as recorded by `against_hmmlearn.py`.

use backdraft_models::baselines::hidden_markov::{
    Categorical, CategoricalConfig, Covariance, Covariances, Emission, EmissionConfig, Gaussian,
    GaussianConfig, Hmm, HmmConfig,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::assert_close;

#[derive(Deserialize)]
#[serde(bound = "E: Emission + DeserializeOwned, S: DeserializeOwned")]
struct Recorded<E, S> {
    model: Hmm<E>,
    sequences: Vec<Vec<S>>,
    log_likelihoods: Vec<f64>,
    posteriors: Vec<Vec<Vec<f64>>>,
    viterbi_log_p: Vec<f64>,
    viterbi: Vec<Vec<usize>>,
    after_one_step: Hmm<E>,
    after_all_steps: Hmm<E>,
    history: Vec<f64>,
}

#[derive(Deserialize)]
struct All {
    categorical: Recorded<Categorical, Option<u32>>,
    diagonal: Recorded<Gaussian, Vec<Option<f64>>>,
    full: Recorded<Gaussian, Vec<Option<f64>>>,
}

fn recorded() -> All {
    serde_json::from_str(include_str!("against_hmmlearn.json")).unwrap()
}

const TOLERANCE: f64 = 1e-8;

fn check<C>(
    recorded: Recorded<C::Emission, <C::Emission as Emission>::Observation>,
    config: C,
    numbers: impl Fn(&C::Emission) -> Vec<f64>,
) where
    C: EmissionConfig + Clone,
    C::Emission: Clone,
{
    let model = recorded.model;
    for (index, sequence) in recorded.sequences.iter().enumerate() {
        let found = model.posteriors(sequence).unwrap();
        let expected = [recorded.log_likelihoods[index]];
        assert_close(&[found.log_likelihood], &expected, TOLERANCE, "ln p");
        let expected = recorded.posteriors[index].concat();
        assert_close(&found.states.concat(), &expected, TOLERANCE, "gamma");
        let found = model.viterbi(sequence).unwrap();
        assert_eq!(found.states, recorded.viterbi[index]);
        let expected = [recorded.viterbi_log_p[index]];
        assert_close(&[found.log_p], &expected, TOLERANCE, "ln p of the path");
    }
    let config = HmmConfig::new(model.states(), config).with_tolerance(0.0);
    let steps = recorded.history.len();
    let learned = [
        (1, recorded.after_one_step),
        (steps, recorded.after_all_steps),
    ];
    for (iterations, expected) in learned {
        let config = config.clone().with_iterations(iterations);
        let (found, history) = config.fit_from(model.clone(), &recorded.sequences).unwrap();
        assert_close(found.start(), expected.start(), TOLERANCE, "pi");
        let [a, b] = [&found, &expected].map(|model| model.transitions().concat());
        assert_close(&a, &b, TOLERANCE, "A");
        let [a, b] = [&found, &expected].map(|model| numbers(model.emission()));
        assert_close(&a, &b, TOLERANCE, "emission");
        // Its history ends before the last step.
        let (last, before) = history.log_likelihoods.split_last().unwrap();
        assert_close(
            before,
            &recorded.history[..iterations],
            TOLERANCE,
            "history",
        );
        assert!(last > before.last().unwrap());
    }
}

fn gaussian(emission: &Gaussian) -> Vec<f64> {
    let mut numbers = emission.means().concat();
    numbers.extend(match emission.covariances() {
        Covariances::Diagonal(variances) => variances.concat(),
        Covariances::Full(matrices) => matrices.concat().concat(),
    });
    numbers
}

#[test]
fn symbols() {
    let config = CategoricalConfig::new(4).with_floor(0.0);
    check(recorded().categorical, config, |emission| {
        emission.probabilities().concat()
    });
}

#[test]
fn numbers_of_diagonal_covariance() {
    let config = GaussianConfig::new(2).with_floor(0.0);
    check(recorded().diagonal, config, gaussian);
}

#[test]
fn numbers_of_full_covariance() {
    let config = GaussianConfig::new(2).with_floor(0.0);
    let config = config.with_covariance(Covariance::Full);
    check(recorded().full, config, gaussian);
}

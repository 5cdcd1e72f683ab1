//! What is refused, and how it is told.

use backdraft_models::baselines::hidden_markov::{
    Categorical, CategoricalConfig, CountSmoothing, Covariance, Covariances, Gaussian,
    GaussianConfig, Hmm, HmmConfig,
};

use super::models::{categorical, gaussian};

#[track_caller]
fn refused<T, E: std::fmt::Display>(result: Result<T, E>, expected: &str) {
    let found = result.err().expect("it is refused").to_string();
    assert!(found.contains(expected), "{found}");
}

fn symbols() -> Categorical {
    Categorical::new(vec![vec![0.5, 0.5]; 2]).unwrap()
}

#[test]
fn models_that_are_none() {
    let half = || vec![0.5, 0.5];
    let of = |start, transitions| Hmm::new(start, transitions, symbols());
    refused(
        of(vec![0.5, 0.6], vec![half(), half()]),
        "Hmm: probabilities of beginning: expected a sum of 1, found 1.1",
    );
    refused(
        of(vec![1.0], vec![half(), half()]),
        "probabilities of beginning: expected 2 of them, found 1",
    );
    refused(
        of(half(), vec![half()]),
        "rows of the transitions: expected 2, found 1",
    );
    refused(
        of(half(), vec![half(), vec![1.5, -0.5]]),
        "probabilities of leaving state 1: expected 0 to 1, found 1.5",
    );
    refused(
        of(half(), vec![half(), vec![f64::NAN, 0.5]]),
        "probabilities of leaving state 1: expected 0 to 1, found NaN",
    );
    refused(Categorical::new(vec![]), "states: expected at least 1");
    refused(
        Categorical::new(vec![vec![]]),
        "symbols: expected at least 1",
    );
    refused(
        Categorical::new(vec![half(), vec![1.0]]),
        "symbols of state 1: expected 2 of them, found 1",
    );
    let diagonal =
        |variance| Gaussian::new(vec![vec![0.0]], Covariances::Diagonal(vec![vec![variance]]));
    refused(
        diagonal(0.0),
        "covariance of state 0: expected 1 finite variances above 0",
    );
    refused(diagonal(f64::INFINITY), "covariance of state 0");
    let full = |matrix: [[f64; 2]; 2]| {
        let matrix = matrix.map(|row| row.to_vec()).to_vec();
        Gaussian::new(vec![vec![0.0, 0.0]], Covariances::Full(vec![matrix]))
    };
    refused(
        full([[1.0, 2.0], [2.0, 1.0]]),
        "expected a positive-definite matrix",
    );
    refused(
        full([[1.0, 0.2], [0.1, 1.0]]),
        "expected a symmetric matrix",
    );
    refused(
        full([[1.0, f64::NAN], [f64::NAN, 1.0]]),
        "expected a symmetric matrix",
    );
    refused(
        Gaussian::new(vec![vec![0.0]], Covariances::Full(vec![])),
        "covariances: expected 1, found 0",
    );
    refused(
        Gaussian::new(vec![vec![f64::NAN]], Covariances::Diagonal(vec![vec![1.0]])),
        "mean of state 0: expected 1 finite numbers",
    );
}

#[test]
fn files_that_hold_none() {
    let stored = |model: &str| serde_json::from_str::<Hmm<Categorical>>(model);
    let good = r#"{"start": [1.0], "transitions": [[1.0]], "emission": [[0.25, 0.75]]}"#;
    assert_eq!(stored(good).unwrap().parameters(), 1);
    refused(stored(&good.replace("0.75", "0.7")), "expected a sum of 1");
    refused(
        stored(&good.replace("[[1.0]]", "[[0.9]]")),
        "leaving state 0: expected a sum of 1",
    );
    let stored = |model: &str| serde_json::from_str::<Hmm<Gaussian>>(model);
    let good = r#"{"start": [1.0], "transitions": [[1.0]],
        "emission": {"means": [[0.0]], "covariances": {"full": [[[2.0]]]}}}"#;
    assert!(stored(good).is_ok());
    refused(
        stored(&good.replace("2.0", "-2.0")),
        "covariance of state 0",
    );
}

#[test]
fn configurations_and_data_that_do_not_fit() {
    let config = HmmConfig::categorical(2, 3);
    let data = [vec![Some(0), Some(2)]];
    refused(
        HmmConfig::categorical(0, 3).fit(&data),
        "states: expected at least 1",
    );
    refused(
        HmmConfig::categorical(2, 0).fit(&data),
        "symbols: expected at least 1",
    );
    refused(
        config.fit(&[vec![], vec![]]),
        "steps of all sequences: expected at least 1",
    );
    refused(
        config.fit(&[vec![], vec![Some(1), Some(3)]]),
        "sequence 1: step 1: Hmm: symbol: expected below 3, found 3",
    );
    refused(
        config.clone().with_transition_floor(0.6).fit(&data),
        "floor of transitions: expected 0 to 1 / 2, found 0.6",
    );
    let emission = CategoricalConfig::new(3).with_floor(-1.0);
    refused(
        config.clone().with_emission(emission).fit(&data),
        "floor of symbols",
    );
    refused(
        config.clone().with_tolerance(f64::NAN).fit(&data),
        "tolerance",
    );
    refused(
        config.fit_from(categorical(1), &data),
        "states of the model: expected 2, found 3",
    );
    let config = HmmConfig::categorical(3, 3);
    refused(
        config.fit_from(categorical(1), &data),
        "symbols of the model: expected 3, found 4",
    );
    let certain = Categorical::new(vec![vec![1.0, 0.0, 0.0]]).unwrap();
    let model = Hmm::new(vec![1.0], vec![vec![1.0]], certain).unwrap();
    refused(
        HmmConfig::categorical(1, 3).fit_from(model, &data),
        "sequence 0: expected one that the model can emit",
    );
    let model = categorical(1);
    refused(
        model.log_likelihood(&[Some(0), Some(4)]),
        "step 1: Hmm: symbol: expected below 4",
    );
    refused(
        model.next_symbol_nats(&[9]),
        "symbol: expected below 4, found 9",
    );
}

#[test]
fn numbers_that_do_not_fit() {
    let config = HmmConfig::gaussian(3, 3);
    refused(
        config.fit(&[vec![vec![Some(1.0)]]]),
        "sequence 0: step 0: Hmm: observation: expected 3 finite numbers, or none of each",
    );
    refused(
        config.fit(&[vec![vec![Some(1.0), None, Some(f64::NAN)]]]),
        "observation",
    );
    let step = vec![Some(1.0), Some(2.0), None];
    refused(
        config.fit_from(gaussian(1, true), &[vec![step.clone()]]),
        "features and covariance of the model: expected 3, Diagonal, found 3, Full",
    );
    let emission = GaussianConfig::new(3).with_floor(f64::NAN);
    refused(
        config
            .clone()
            .with_emission(emission)
            .fit(&[vec![step.clone()]]),
        "floor of variances",
    );
    // Two points and two states: without a floor each settles on one of them.
    let point = |t: usize| vec![Some(if t.is_multiple_of(2) { 0.0 } else { 9.0 })];
    let points = [(0..40).map(point).collect()];
    for covariance in [Covariance::Diagonal, Covariance::Full] {
        let emission = GaussianConfig::new(1).with_covariance(covariance);
        let config = HmmConfig::new(2, emission.clone().with_floor(0.0));
        refused(config.fit(&points), "covariance of state");
        let config = HmmConfig::new(2, emission);
        assert!(config.fit(&points).unwrap().1.has_converged);
    }
    // What never varies is as good as any other data with a floor.
    let constant = [vec![vec![Some(5.0)]; 10]];
    let (model, _) = HmmConfig::gaussian(2, 1).fit(&constant).unwrap();
    assert!((model.emission().means()[0][0] - 5.0).abs() < 1e-9);
    // And where nothing is seen at all, nothing is learned.
    let nothing = [vec![vec![None]; 10]];
    let (model, history) = HmmConfig::gaussian(2, 1).fit(&nothing).unwrap();
    assert_eq!(model.emission().means(), [[0.0], [0.0]]);
    assert!(history.log_likelihoods.iter().all(|nats| nats.abs() < 1e-9));
}

#[test]
fn tags_that_do_not_fit() {
    let fit = |words: Vec<Option<u32>>, tags: Vec<usize>, symbols| {
        let smoothing = CountSmoothing {
            symbols,
            ..Default::default()
        };
        Hmm::fit_tagged([2, 3], &[(words, tags)], smoothing)
    };
    refused(
        fit(vec![Some(0)], vec![], 1.0),
        "sequence 0: Hmm: tags: expected 1, found 0",
    );
    refused(
        fit(vec![Some(0)], vec![2], 1.0),
        "tag: expected below 2, found 2",
    );
    refused(
        fit(vec![Some(3)], vec![1], 1.0),
        "symbol: expected below 3, found 3",
    );
    refused(
        fit(vec![Some(0)], vec![1], -1.0),
        "smoothing: expected at least 0, found -1",
    );
}

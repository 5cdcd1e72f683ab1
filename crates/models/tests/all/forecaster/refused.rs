//! Models and series that there cannot be.

use super::*;

#[test]
fn impossible_models_are_refused() {
    let device = &cpus()[0];
    let refused = |config: Config| config.init(device).unwrap_err().to_string();
    assert_eq!(
        refused(config(0).with_output(Output::Quantiles(vec![0.9, 0.1]))),
        "Forecaster: levels of the quantiles: expected at least one, above 0, below 1 and \
         ascending, found [0.9, 0.1]"
    );
    let narrow = RecurrentConfig::new(GruConfig::new(1, 4));
    assert_eq!(
        refused(ForecasterConfig::new(narrow)),
        "Forecaster: input size: expected at least 2: the value before, whether it was observed, \
         covariates, and features of categories, found 1"
    );
    let moved = config(0)
        .with_output(Output::NegativeBinomial)
        .with_scaling(Scaling::Standard);
    assert_eq!(
        refused(moved),
        "Forecaster: scaling: expected none or mean absolute, as the distribution is one of \
         counts, found standard"
    );
    let both = BidirectionalConfig::new(GruConfig::new(2, 4));
    let error = ForecasterConfig::new(both).init(device).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Forecaster: direction of the layer: expected Forward, found both"
    );
    let none = RecurrentConfig::new(GruConfig::new(2, 0));
    assert!(refused(ForecasterConfig::new(none)).starts_with("Forecaster: "));
}

#[test]
fn impossible_series_are_refused() {
    let device = &cpus()[0];
    let model = built(&config(1), 11, device);
    let refused = |series: &[Series]| model.loss(series, None).unwrap_err().to_string();
    let of = |values: &[Option<f64>], covariates: &[&[f64]]| {
        let covariates: Vec<_> = covariates.iter().map(|row| row.to_vec()).collect();
        [Series::new(values.to_vec()).with_covariates(covariates)]
    };
    let cases = [
        (
            refused(&[]),
            "number of series: expected at least 1, found 0",
        ),
        (
            refused(&of(&[], &[])),
            "steps of the longest series: expected at least 1, found 0",
        ),
        (
            refused(&of(&[None], &[&[0.0]])),
            "number of observed values: expected at least 1, found 0",
        ),
        (
            refused(&of(&[Some(1.0), Some(f64::NAN)], &[&[0.0], &[0.0]])),
            "value of series 0 at step 1: expected a finite number, or none, found NaN",
        ),
        (
            refused(&of(&[Some(1.0)], &[])),
            "steps of the covariates of series 0: expected 1, found 0",
        ),
        (
            refused(&of(&[Some(1.0)], &[&[0.0, 1.0]])),
            "covariates of series 0 at step 0: expected 1, found 2",
        ),
        (
            refused(&of(&[Some(1.0)], &[&[f64::INFINITY]])),
            "covariate of series 0 at step 0: expected a finite number, found inf",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, format!("Forecaster: {expected}"));
    }

    let counts = built(&config(0).with_output(Output::NegativeBinomial), 11, device);
    for wrong in [-1.0, 0.5] {
        let error = counts
            .loss(&[Series::new([Some(wrong)])], None)
            .unwrap_err();
        let expected = format!(
            "Forecaster: value of series 0 at step 0: expected a count, as the distribution is \
             one of counts, found {wrong}"
        );
        assert_eq!(error.to_string(), expected);
    }

    let one = of(&[Some(1.0)], &[&[0.0]]);
    let two = model.initial_state(vec![Scale::default(); 2]);
    let error = model.loss(&one, Some(two)).unwrap_err().to_string();
    let expected = "Forecaster: state: number of last values: expected 1, one for each series, \
                    found 2";
    assert_eq!(error, expected);

    let mut random = StdRng::seed_from_u64(0);
    let mut forecast = |future: &[Vec<Vec<f64>>], horizon, samples| {
        let found = model.forecast(&one, future, horizon, samples, &mut random);
        found.unwrap_err().to_string()
    };
    let cases = [
        (
            forecast(&[vec![]], 0, 1),
            "horizon: expected at least 1, found 0",
        ),
        (
            forecast(&[vec![vec![0.0]]], 1, 0),
            "number of samples: expected at least 1, found 0",
        ),
        (
            forecast(&[], 1, 1),
            "future covariates: expected 1, one for each series, found 0",
        ),
        (
            forecast(&[vec![vec![0.0]]], 2, 1),
            "steps of the covariates of series 0: expected 2, found 1",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, format!("Forecaster: {expected}"));
    }
}

//! Scores of forecasts against numbers worked out by hand.

use backdraft_models::{
    Output, Predictive, coverage, crps, crps_of_samples, mase, naive_error, naive_forecast, rmse,
    seasonal_naive_forecast, smape, weighted_quantile_loss,
};

fn observed(values: &[f64]) -> Vec<Option<f64>> {
    values
        .iter()
        .map(|value| (!value.is_nan()).then_some(*value))
        .collect()
}

fn close(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 1e-9,
        "{found} against {expected}"
    );
}

const MISSING: f64 = f64::NAN;

#[test]
fn the_naive_forecast_is_the_last_value() {
    assert_eq!(
        naive_forecast(&observed(&[1.0, 5.0, 3.0]), 2),
        Some(vec![3.0, 3.0])
    );
    assert_eq!(
        naive_forecast(&observed(&[1.0, 5.0, MISSING]), 1),
        Some(vec![5.0])
    );
    assert_eq!(naive_forecast(&observed(&[MISSING]), 1), None);
}

#[test]
fn the_seasonal_naive_forecast_is_the_last_season() {
    let history = observed(&[1.0, 2.0, 3.0, 4.0, MISSING, 6.0, 7.0]);
    let forecast = seasonal_naive_forecast(&history, 3, 5);
    assert_eq!(forecast, Some(vec![2.0, 6.0, 7.0, 2.0, 6.0]));
    assert_eq!(seasonal_naive_forecast(&history, 8, 1), None);
    assert_eq!(seasonal_naive_forecast(&history, 0, 1), None);
}

#[test]
fn mase_is_in_units_of_the_seasonal_naive_error() {
    // |3 - 1|, |5 - 2| and |4 - 3|: 2 on average. Errors of 1 and 4: 2.5.
    let history = observed(&[1.0, 2.0, 3.0, 5.0, 4.0]);
    close(
        mase(&history, 2, &observed(&[4.0, 6.0]), &[5.0, 2.0]).unwrap(),
        1.25,
    );
    // Without 3, only |5 - 2| is left; without 6, only the error of 1.
    let history = observed(&[1.0, 2.0, MISSING, 5.0, 4.0]);
    close(
        mase(&history, 2, &observed(&[4.0, MISSING]), &[5.0, 2.0]).unwrap(),
        1.0 / 3.0,
    );

    let error = mase(&observed(&[2.0, 2.0]), 1, &observed(&[1.0]), &[1.0]).unwrap_err();
    let expected = "MASE: error of the naive forecast: expected above 0, so that errors can be told in \
                    units of it, found 0";
    assert_eq!(error.to_string(), expected);
    assert_eq!(naive_error(&observed(&[2.0, 2.0]), 1), None);
    assert_eq!(naive_error(&observed(&[2.0, MISSING]), 1), None);
    assert_eq!(naive_error(&observed(&[2.0, 5.0, 4.0]), 1), Some(2.0));
    let error = mase(&history, 2, &observed(&[1.0]), &[1.0, 2.0]).unwrap_err();
    let expected = "MASE: number of forecasts: expected 1, one for each value, found 2";
    assert_eq!(error.to_string(), expected);
    assert!(mase(&history, 0, &observed(&[1.0]), &[1.0]).is_err());
}

#[test]
fn smape_is_in_per_cent_of_both_sizes() {
    // 200 * 1 / 3, 0 of two zeros, and 200 of what has the wrong sign.
    let values = observed(&[1.0, 0.0, -2.0, MISSING]);
    close(
        smape(&values, &[2.0, 0.0, 2.0, 9.0]).unwrap(),
        (200.0 / 3.0 + 0.0 + 200.0) / 3.0,
    );
    assert!(smape(&observed(&[MISSING]), &[1.0]).is_err());
}

#[test]
fn coverage_counts_what_is_within() {
    let values = observed(&[1.0, 2.0, 3.0, 4.0, MISSING]);
    let (lower, upper) = ([0.0, 2.5, 2.0, 4.0, 0.0], [0.5, 3.0, 3.0, 4.0, 0.0]);
    close(coverage(&values, &lower, &upper).unwrap(), 0.5);
}

#[test]
fn crps_of_a_gaussian_is_that_of_the_integral() {
    for (mean, deviation, value) in [(0.0, 1.0, 0.0), (1.0, 2.0, 4.0), (-1.0, 0.5, -3.0)] {
        let gaussian = Predictive::Gaussian { mean, deviation };
        // F at the middle of thin slices, by inversion: where each of many levels is reached.
        let slices = 200_000;
        let integral: f64 = (0..slices)
            .map(|index| {
                let level = (f64::from(index) + 0.5) / f64::from(slices);
                let error = value - gaussian.quantile(level);
                2.0 * f64::max(level * error, (level - 1.0) * error) / f64::from(slices)
            })
            .sum();
        let found = crps(&gaussian, value);
        assert!(
            (found - integral).abs() < 1e-4,
            "{found} against {integral}"
        );
    }
    // At the centre: sigma (sqrt(2) - 1) / sqrt(pi).
    let normal = Predictive::Gaussian {
        mean: 3.0,
        deviation: 2.0,
    };
    close(
        crps(&normal, 3.0),
        2.0 * (2f64.sqrt() - 1.0) / std::f64::consts::PI.sqrt(),
    );
    // Far out, what is left is the distance, less E|x - x'| / 2.
    close(
        crps(&normal, 103.0),
        100.0 - 2.0 / std::f64::consts::PI.sqrt(),
    );
}

#[test]
fn crps_of_a_point_is_its_error_and_of_quantiles_their_pinball_loss() {
    close(crps(&Predictive::Point(3.0), 1.0), 2.0);
    // 0.25 * 2 and 0.25 * 1, twice their mean.
    let told = Output::Quantiles(vec![0.25, 0.75]).predictive(&[1.0, 4.0]);
    close(crps(&told, 3.0), 0.75);
}

#[test]
fn crps_of_samples_is_that_of_all_pairs() {
    let (samples, value) = ([4.0, -1.0, 2.5, 2.5, 7.0], 3.0);
    let near: f64 = samples.iter().map(|x: &f64| (x - value).abs()).sum::<f64>() / 5.0;
    let pairs = samples.iter().flat_map(|x| samples.map(|y| (x - y).abs()));
    close(
        crps_of_samples(&samples, value),
        near - pairs.sum::<f64>() / 50.0,
    );
    close(crps_of_samples(&[2.0], 5.0), 3.0);
}

#[test]
fn crps_of_counts_is_that_of_their_samples() {
    let counts = Predictive::NegativeBinomial {
        mean: 3.0,
        dispersion: 0.4,
    };
    // A sample at each of many levels stands for the distribution.
    let samples: Vec<f64> = (0..20_000)
        .map(|index| counts.quantile((f64::from(index) + 0.5) / 20_000.0))
        .collect();
    for value in [0.0, 2.0, 9.0, 500.0] {
        let (found, expected) = (crps(&counts, value), crps_of_samples(&samples, value));
        assert!(
            (found - expected).abs() < 1e-3,
            "{found} against {expected}"
        );
    }
}

/// Integrals of `scipy.stats.t`'s `cdf` and its complement, squared, by `scipy.integrate.quad`.
#[test]
fn crps_of_students_t_is_that_of_the_integral() {
    for (value, mean, deviation, freedom, expected) in [
        (0.5, 0.0, 1.0, 3.0, 0.3651206352219294),
        (9.0, -1.0, 2.0, 5.5, 8.653288284032428),
        (2.0, 2.0, 0.3, 40.0, 0.07090446694372024),
    ] {
        let told = Predictive::StudentT {
            mean,
            deviation,
            freedom,
        };
        let found = crps(&told, value);
        assert!((found - expected).abs() < 1e-8, "{found} for {expected}");
    }
}

#[test]
fn errors_are_squared_and_quantiles_weighted() {
    let values = observed(&[1.0, MISSING, 3.0]);
    close(rmse(&values, &[2.0, 9.0, 5.0]).unwrap(), 2.5_f64.sqrt());
    assert!(rmse(&values, &[1.0]).is_err());
    // A point is all its quantiles: each error counts 2 q above it and 2 (1 - q) below, 1 in the mean.
    let points = [0.0, 9.0, 5.0].map(Predictive::Point);
    let found = weighted_quantile_loss(&values, &points).unwrap().unwrap();
    close(found, (1.0 + 2.0) / (1.0 + 3.0));
    let nothing = observed(&[0.0, 0.0, 0.0]);
    assert!(weighted_quantile_loss(&nothing, &points).unwrap().is_none());
    // Quantiles from 0.1 to 0.9 that are right: level by level, 2 q (1 - q) in the mean of many.
    let levels: Vec<f64> = (1..=9).map(|tenth| f64::from(tenth) / 10.0).collect();
    let told = Predictive::Quantiles {
        values: levels.clone(),
        levels,
    };
    let found = weighted_quantile_loss(&observed(&[0.5]), &[told]).unwrap();
    // At 0.5 the distances are 0.4, 0.3, .. 0.4, each times its level on the near side.
    let distances = [0.04, 0.06, 0.06, 0.04, 0.0, 0.04, 0.06, 0.06, 0.04];
    let expected = 2.0 * distances.iter().sum::<f64>() / 9.0 / 0.5;
    close(found.unwrap(), expected);
}

#[test]
fn samples_are_a_distribution() {
    let samples = [4.0, 1.0, 2.0, 9.0];
    let told = Predictive::of_samples(samples.to_vec());
    close(told.mean(), 4.0);
    for (level, expected) in [(0.0, 1.0), (0.5, 3.0), (0.75, 5.25), (1.0, 9.0)] {
        close(told.quantile(level), expected);
    }
    for value in [-3.0, 2.5, 30.0] {
        close(crps(&told, value), crps_of_samples(&samples, value));
    }
    // E|x - 2| - E|x - x'| / 2, written out: (2 + 1 + 0 + 7) / 4 - (3 + 2 + 5 + 1 + 8 + 7) / 16.
    close(crps(&told, 2.0), 2.5 - 26.0 / 16.0);
    close(told.rescaled(1.0, 2.0).quantile(1.0), 19.0);
    assert!(Predictive::Samples(Vec::new()).quantile(0.5).is_nan());
}

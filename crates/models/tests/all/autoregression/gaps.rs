//! What is missing, against conditioning on what is not.

use backdraft_models::baselines::{Autoregression, AutoregressionConfig};

use super::*;

#[test]
fn steps_with_a_gap_before_them_are_no_rows() {
    let model = Autoregression::new(1.0, [1, 3], [0.5, 0.2], 1.0).unwrap();
    let start = [Some(3.0); 3];
    let paths = model.sample(&start, 60, 2, 4).unwrap().paths;
    let pooled = [observed(&paths[0]), observed(&paths[1][..40])];
    let config = AutoregressionConfig::of_lags([1, 3]);
    let expected = config.fit(&pooled).unwrap();
    assert_eq!(expected.rows, 57 + 37);
    // Series that are one with nothing between them but what is missing; and the order of lags is free.
    let one = [pooled[0].clone(), vec![None; 3], pooled[1].clone()].concat();
    let found = AutoregressionConfig::of_lags([3, 1]).fit(&[one]).unwrap();
    assert_eq!(found.rows, expected.rows);
    let [c, first, third] = coefficients(&expected.model)[..] else {
        panic!()
    };
    assert_near(&coefficients(&found.model), &[c, third, first], 1e-11);
    assert_near(&[found.log_likelihood], &[expected.log_likelihood], 1e-11);
    // A gap of one step costs itself and one row for each lag.
    let mut gap = pooled[0].clone();
    gap[30] = None;
    assert_eq!(config.fit(&[gap]).unwrap().rows, 57 - 3);
}

/// The mean and variance of value `at`, given the observed ones before it and after the first `p`, from
/// the joint distribution of all values after those.
fn conditioned(model: &Autoregression, series: &[Option<f64>], at: usize) -> [f64; 2] {
    let p = model.largest_lag();
    let psi = model.psi_weights(series.len());
    let mut means: Vec<f64> = series[..p].iter().map(|value| value.unwrap()).collect();
    for t in p..=at {
        let terms = model.lags().iter().zip(model.coefficients());
        let sum: f64 = terms.map(|(lag, phi)| phi * means[t - lag]).sum();
        means.push(model.intercept() + sum);
    }
    let covariance = |i: usize, j: usize| -> f64 {
        let shared = p..=i.min(j);
        model.variance() * shared.map(|s| psi[i - s] * psi[j - s]).sum::<f64>()
    };
    let known: Vec<usize> = (p..at).filter(|t| series[*t].is_some()).collect();
    let gram = known
        .iter()
        .map(|i| known.iter().map(|j| covariance(*i, *j)).collect());
    let with: Vec<f64> = known.iter().map(|t| covariance(*t, at)).collect();
    let weights = solve(gram.collect(), with.clone());
    let told = weights.iter().zip(&known);
    let mean: f64 = told
        .map(|(w, t)| w * (series[*t].unwrap() - means[*t]))
        .sum();
    let taken: f64 = weights.iter().zip(&with).map(|(w, c)| w * c).sum();
    [means[at] + mean, covariance(at, at) - taken]
}

#[test]
fn what_is_missing_is_conditioned_on_all_that_is_not() {
    let models = [
        Autoregression::new(0.5, [1], [0.9], 2.0).unwrap(),
        Autoregression::new(-1.0, [1, 2, 3], [0.4, -0.6, 0.3], 0.5).unwrap(),
        Autoregression::new(2.0, [2, 5], [0.5, 0.45], 1.0).unwrap(),
    ];
    for model in models {
        let p = model.largest_lag();
        let start = vec![Some(1.0); p];
        let drawn = &model.sample(&start, 30, 1, 9).unwrap().paths[0];
        let mut series = observed(drawn);
        for missing in [5, 7, 8, 9, 15, 16, 17, 18, 19, 20, 21, 22, 27] {
            series[missing] = None;
        }
        let foreseen = model.predictives(&[], &series).unwrap();
        assert!(foreseen[..p].iter().all(Option::is_none));
        for (at, found) in foreseen.iter().enumerate().skip(p) {
            let found = gaussian(found.as_ref().unwrap());
            assert_near(&found, &conditioned(&model, &series, at), 1e-10);
        }
        // In parts, it is the same.
        for cut in [p, 6, 16, 25] {
            let rest = model.predictives(&series[..cut], &series[cut..]).unwrap();
            assert_eq!(rest, foreseen[cut..]);
        }
        // Far ahead of a history without gaps, variances are of the weights of the errors.
        let forecast = model.forecast(&observed(drawn), 40).unwrap();
        let mut variance = 0.0;
        for (next, psi) in forecast.iter().zip(model.psi_weights(40)) {
            variance += model.variance() * psi * psi;
            assert_near(&[gaussian(next)[1]], &[variance], 1e-12);
        }
    }
}

//! The model by hand, what it finds again, what it is written as and what it refuses.

use std::f64::consts::TAU;

use backdraft_models::baselines::{
    Autoregression, AutoregressionConfig, AutoregressionFit, Criterion,
};

use super::*;

#[test]
fn three_rows_by_hand() {
    // 1 -> 2, 2 -> 2, 2 -> 3: means 5/3 and 7/3, sums of squares 2/3, of products 1/3, so phi = 1/2,
    // c = 7/3 - 5/6 = 3/2; the errors are 0, -1/2, 1/2.
    let series = [1.0, 2.0, 2.0, 3.0].map(Some);
    let AutoregressionFit {
        model,
        rows,
        log_likelihood,
    } = AutoregressionConfig::new(1).fit(&[series]).unwrap();
    assert_near(&coefficients(&model), &[1.5, 0.5], 1e-14);
    assert_near(&[model.variance()], &[1.0 / 6.0], 1e-14);
    assert_eq!((rows, model.parameters()), (3, 3));
    assert_near(&[log_likelihood], &[-1.5 * ((TAU / 6.0).ln() + 1.0)], 1e-14);
    let forecast = model.forecast(&series, 2).unwrap();
    assert_near(&gaussian(&forecast[0]), &[3.0, 1.0 / 6.0], 1e-14);
    assert_near(&gaussian(&forecast[1]), &[3.0, 5.0 / 24.0], 1e-14);
    assert_near(&model.psi_weights(4), &[1.0, 0.5, 0.25, 0.125], 1e-15);
    // The mean of -ln p over the rows of the fit is -ln L / n.
    let nats = model.nats(&[], &series).unwrap();
    assert_eq!(nats[0], None);
    let sum: f64 = nats.iter().flatten().sum();
    assert_near(&[sum], &[-log_likelihood], 1e-14);
}

#[test]
fn what_made_a_long_series_is_found_again() {
    let truth = Autoregression::new(0.3, [1, 2], [1.2, -0.5], 0.04).unwrap();
    let start = [Some(1.0), Some(1.0)];
    let paths = truth.sample(&start, 10_000, 1, 11).unwrap().paths;
    let series = observed(&paths[0]);
    let fit = AutoregressionConfig::new(2).fit(&[&series]).unwrap();
    // Standard errors are 0.009 of phi, at most.
    assert_near(&coefficients(&fit.model), &[0.3, 1.2, -0.5], 0.03);
    assert_near(&[fit.model.variance()], &[0.04], 0.003);
    // lambda^2 - 1.2 lambda + 0.5 = 0 has |lambda|^2 = 0.5.
    assert_near(&[truth.radius().unwrap()], &[0.5_f64.sqrt()], 1e-12);
    let (chosen, _) = AutoregressionConfig::choose(&[&series], 8, Criterion::Bic).unwrap();
    assert_eq!(chosen.model.lags(), [1, 2]);

    // Rows by the thousand are reduced in blocks: the normal equations have them all at once.
    let mut gram = vec![vec![0.0; 3]; 3];
    let mut moments = vec![0.0; 3];
    for t in 2..10_000 {
        let row = [1.0, paths[0][t - 1], paths[0][t - 2]];
        for (i, left) in row.iter().enumerate() {
            moments[i] += left * paths[0][t];
            for (j, right) in row.iter().enumerate() {
                gram[i][j] += left * right;
            }
        }
    }
    assert_near(&coefficients(&fit.model), &solve(gram, moments), 1e-11);
}

#[test]
fn paths_are_drawn_as_forecast() {
    let model = Autoregression::new(0.5, [1, 3], [0.7, -0.4], 1.5).unwrap();
    let whole = observed(&[1.0, -2.0, 0.5, 3.0, 1.5]);
    let mut gaps = whole.clone();
    (gaps[3], gaps[4]) = (None, None);
    for history in [whole, gaps] {
        let samples = 20_000;
        let drawn = model.sample(&history, 4, samples, 7).unwrap();
        assert_eq!(drawn, model.sample(&history, 4, samples, 7).unwrap());
        assert_ne!(drawn, model.sample(&history, 4, samples, 8).unwrap());
        let forecast = model.forecast(&history, 4).unwrap();
        for (step, next) in forecast.iter().enumerate() {
            let [mean, variance] = gaussian(next);
            let values = drawn.paths.iter().map(|path| path[step]);
            let found = values.clone().sum::<f64>() / samples as f64;
            let spread = values.map(|x| (x - found).powi(2)).sum::<f64>() / samples as f64;
            // Five standard errors.
            let error = 5.0 * (variance / samples as f64).sqrt();
            assert!((found - mean).abs() < error, "{found} against {mean}");
            let error = 5.0 * variance * (2.0 / samples as f64).sqrt();
            assert!(
                (spread - variance).abs() < error,
                "{spread} against {variance}"
            );
        }
    }
}

#[test]
fn radius_tells_what_stays_from_what_explodes() {
    let radius = |lags: &[usize], phi: &[f64]| {
        Autoregression::new(0.0, lags, phi, 1.0)
            .unwrap()
            .radius()
            .unwrap()
    };
    assert_eq!(radius(&[], &[]), 0.0);
    assert_near(&[radius(&[1], &[-0.8])], &[0.8], 1e-14);
    // lambda^12 = 0.5; (lambda - 1) (lambda - 0.5); (lambda - 1.1) (lambda - 0.5)
    assert_near(&[radius(&[12], &[0.5])], &[0.5_f64.powf(1.0 / 12.0)], 1e-12);
    assert_near(&[radius(&[1, 2], &[1.5, -0.5])], &[1.0], 1e-12);
    assert_near(&[radius(&[2, 1], &[-0.55, 1.6])], &[1.1], 1e-12);
}

#[test]
fn without_lags_it_is_the_mean() {
    let series = [Some(1.0), None, Some(2.0), Some(6.0)];
    let fit = AutoregressionConfig::new(0).fit(&[series]).unwrap();
    assert_near(
        &[fit.model.intercept(), fit.model.variance()],
        &[3.0, 14.0 / 3.0],
        1e-14,
    );
    let forecast = fit.model.forecast(&[], 2).unwrap();
    assert_near(&gaussian(&forecast[1]), &[3.0, 14.0 / 3.0], 1e-14);
    let foreseen = fit.model.predictives(&[], &series).unwrap();
    assert!(foreseen.iter().all(Option::is_some));
    assert_eq!(fit.model.nats(&[], &series).unwrap()[1], None);
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let refused = |lags: &[usize], series: &[Option<f64>]| {
        let error = AutoregressionConfig::of_lags(lags)
            .fit(&[series])
            .unwrap_err();
        error.to_string()
    };
    let series = observed(&[1.0, 3.0, 2.0, 5.0, 4.0, 4.5]);
    assert_eq!(
        refused(&[1, 2], &series[..5]),
        "Autoregression: series: expected at least 4 steps that are observed and all their lags, \
         too, found 3"
    );
    assert!(AutoregressionConfig::new(2).fit(&[&series]).is_ok());
    assert!(refused(&[1], &[]).contains("series"));
    assert!(refused(&[], &[None; 9]).contains("series"));
    assert!(refused(&[usize::MAX], &series).contains("series"));
    let none: [&[Option<f64>]; 0] = [];
    assert!(AutoregressionConfig::new(0).fit(&none).is_err());
    assert!(refused(&[0], &series).contains("lag: expected at least 1"));
    assert!(refused(&[1, 2, 1], &series).contains("1 twice"));
    for bad in [f64::NAN, f64::INFINITY] {
        let series = [series.clone(), vec![Some(bad)]].concat();
        assert!(refused(&[1], &series).contains("value of step 7: expected a finite number"));
    }
    // The lag is the ones, times 7; the third lag of a line is told by the others.
    assert!(refused(&[1], &[Some(7.1); 20]).contains("lag 1"));
    let line: Vec<f64> = (0..30).map(f64::from).collect();
    assert!(refused(&[1, 2], &observed(&line)).contains("lag 2"));
    assert!(refused(&[1], &observed(&line)).contains("residual variance"));
    assert!(refused(&[], &[Some(0.1); 20]).contains("residual variance"));
    let back = AutoregressionConfig::new(2)
        .with_hold_back(Some(1))
        .fit(&[&series]);
    assert!(back.unwrap_err().to_string().contains("steps held back"));
    assert!(AutoregressionConfig::choose(&[&series], 4, Criterion::Aic).is_err());

    let model = AutoregressionConfig::new(2).fit(&[&series]).unwrap().model;
    let gaps = [Some(1.0), None, Some(1.0), None];
    assert!(model.forecast(&gaps, 1).is_err());
    assert!(model.forecast(&series, 0).is_err());
    assert!(model.sample(&series, 1, 0, 1).is_err());
    assert!(model.predictives(&series, &[Some(f64::NAN)]).is_err());
    assert!(Autoregression::new(0.0, [1], [], 1.0).is_err());
    assert!(Autoregression::new(f64::NAN, [1], [0.5], 1.0).is_err());
    assert!(Autoregression::new(0.0, [1], [0.5], 0.0).is_err());
}

#[test]
fn a_model_that_was_written_is_read_again() {
    let model = Autoregression::new(0.1, [1, 7], [0.3, 1.0 / 3.0], 2.5).unwrap();
    let written = serde_json::to_string(&model).unwrap();
    assert_eq!(
        serde_json::from_str::<Autoregression>(&written).unwrap(),
        model
    );
    let twice = written.replace("[1,7]", "[7,7]");
    let refused = serde_json::from_str::<Autoregression>(&twice).unwrap_err();
    assert!(refused.to_string().contains("7 twice"), "{refused}");
    let unknown = serde_json::from_str::<AutoregressionConfig>(r#"{"lags": [1], "trend": true}"#);
    assert!(unknown.is_err());
}

//! Fits, orders and forecasts against statsmodels.

use backdraft_models::baselines::{AutoregressionConfig, Criterion};
use serde_json::Value;

use super::*;

fn recorded() -> Vec<Value> {
    let found: Value = serde_json::from_str(include_str!("autoregression.json")).unwrap();
    found["cases"].as_array().unwrap().clone()
}

#[test]
fn fits_and_forecasts_are_those_of_statsmodels() {
    for case in recorded() {
        let series = observed(&numbers(&case["series"]));
        for expected in case["fits"].as_array().unwrap() {
            let lags: Vec<usize> = numbers(&expected["lags"])
                .iter()
                .map(|lag| *lag as usize)
                .collect();
            let hold_back = expected["hold_back"].as_u64().map(|steps| steps as usize);
            let config = AutoregressionConfig::of_lags(lags).with_hold_back(hold_back);
            let fit = config.fit(&[&series]).unwrap();
            let model = &fit.model;
            assert_near(&coefficients(model), &numbers(&expected["params"]), 1e-8);
            assert_eq!(fit.rows as u64, expected["rows"].as_u64().unwrap());
            let found = [
                model.variance(),
                fit.log_likelihood,
                fit.criterion(Criterion::Aic),
                fit.criterion(Criterion::Bic),
                model.radius().unwrap(),
            ];
            let keys = ["sigma2", "llf", "aic", "bic", "radius"];
            let keys = keys.map(|key| expected[key].as_f64().unwrap());
            assert_near(&found, &keys, 1e-8);

            let [mean, variance] = ["mean", "variance"].map(|key| numbers(&expected[key]));
            let forecast = model.forecast(&series, mean.len()).unwrap();
            let found: Vec<f64> = forecast.iter().map(|next| gaussian(next)[0]).collect();
            assert_near(&found, &mean, 1e-8);
            let found: Vec<f64> = forecast.iter().map(|next| gaussian(next)[1]).collect();
            assert_near(&found, &variance, 1e-8);
            for (level, key) in [(0.05, "lower"), (0.95, "upper")] {
                let found: Vec<f64> = forecast.iter().map(|next| next.quantile(level)).collect();
                assert_near(&found, &numbers(&expected[key]), 1e-8);
            }
            let (history, last) = series.split_at(series.len() - 5);
            let foreseen = model.predictives(history, last).unwrap();
            let residual = |(next, value): (&Option<Predictive>, &Option<f64>)| {
                value.unwrap() - gaussian(next.as_ref().unwrap())[0]
            };
            let found: Vec<f64> = foreseen.iter().zip(last).map(residual).collect();
            assert_near(&found, &numbers(&expected["residuals"]), 1e-8);
        }
        for expected in case["chosen"].as_array().unwrap() {
            let criterion: Criterion =
                serde_json::from_value(expected["criterion"].clone()).unwrap();
            let criteria = numbers(&expected["criteria"]);
            let largest = criteria.len() - 1;
            let (fit, found) =
                AutoregressionConfig::choose(&[&series], largest, criterion).unwrap();
            // What selects orders there counts a parameter less, of each, than the fit's own criteria.
            let price = match criterion {
                Criterion::Aic => 2.0,
                Criterion::Bic => ((series.len() - largest) as f64).ln(),
            };
            let found: Vec<f64> = found.iter().map(|value| value - price).collect();
            assert_near(&found, &criteria, 1e-8);
            assert_eq!(
                fit.model.lags().len() as u64,
                expected["order"].as_u64().unwrap()
            );
            assert_near(
                &coefficients(&fit.model),
                &numbers(&expected["params"]),
                1e-8,
            );
            assert_near(
                &[fit.log_likelihood],
                &[expected["llf"].as_f64().unwrap()],
                1e-8,
            );
        }
    }
}

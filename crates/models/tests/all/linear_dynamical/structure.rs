//! Levels, slopes and seasons of one series.

use std::f64::consts::FRAC_PI_6;

use backdraft_models::Predictive;
use backdraft_models::baselines::linear_dynamical::{
    EmHistory, Gaussian, LinearDynamicalConfig, LinearDynamicalSystem, LinearDynamics, Matrix,
    Observations, Structure,
};
use rand::{SeedableRng, rngs::StdRng};

use super::{close, matrix};

#[test]
fn a_level_and_a_season_go_on_as_they_were() {
    // Monthly: a slope, a season of 12, a value missing now and then; no noise.
    let value = |t: i32| 50.0 + 0.3 * f64::from(t) + 8.0 * (f64::from(t) * FRAC_PI_6).sin();
    let series: Vec<Option<f64>> = (0..120).map(|t| (t % 17 != 4).then(|| value(t))).collect();
    let observations = Observations::univariate(series);
    let structure = Structure::local_linear_trend().with_season(12);
    assert_eq!(structure.latent(), 13);
    let config = LinearDynamicalConfig::structural(structure);
    let (found, history) = config.fit(std::slice::from_ref(&observations)).unwrap();
    assert!(history.log_likelihoods.last() > history.log_likelihoods.first());
    // The variances of level, slope, season and noise.
    assert_eq!(history.parameters, 4);

    let belief = found.log_likelihood(&observations).unwrap();
    let forecasts = found.forecast(&belief, 24, &[]).unwrap();
    let means: Vec<f64> = forecasts.iter().map(|x| x.mean[0]).collect();
    let expected: Vec<f64> = (120..144).map(value).collect();
    close(&means, &expected, 0.01, "forecast");
    // What is further off is less sure.
    let variances: Vec<f64> = forecasts.iter().map(|x| x.variances()[0]).collect();
    assert!(variances[23] > variances[0]);
    // The same machine, only the variances have changed; where there was no noise there is none.
    let start = structure.system(&observations.values.iter().map(|x| x[0]).collect::<Vec<_>>());
    let start = start.unwrap();
    let (start, found) = (start.dynamics(), found.dynamics());
    assert_eq!(
        (&found.transition, &found.emission),
        (&start.transition, &start.emission)
    );
    let noise = found.transition_noise.diagonal_values();
    assert!(noise[..3].iter().all(|q| *q > 0.0) && noise[3..].iter().all(|q| *q == 0.0));
    assert_eq!(found.transition_noise, Matrix::diagonal(&noise));
}

/// A level that wanders with variance 1, seen with noise of variance 1, from N(0, 1): 1, nothing, 3.
///
/// ```text
/// K_1 = 1 / 2       m = 1 / 2              P = 1 / 2
/// nothing seen      m = 1 / 2              P = 1 / 2 + 1
/// K_3 = 2.5 / 3.5   m = 0.5 + K_3 2.5      P = 2.5 (1 - K_3)
/// ln p = ln N(1; 0, 2) + ln N(3; 0.5, 3.5)
/// ```
#[test]
fn three_steps_by_hand() {
    let one = || matrix([[1.0]]);
    let dynamics = LinearDynamics::new(one(), one(), one(), one());
    let system = LinearDynamicalSystem::new(dynamics).unwrap();
    let observations = Observations::univariate([Some(1.0), None, Some(3.0)]);
    let found = system.filter(&observations).unwrap();
    let all = |of: &dyn Fn(&Gaussian) -> f64| found.filtered.iter().map(of).collect::<Vec<f64>>();
    let means = all(&|state| state.mean[0]);
    close(&means, &[0.5, 0.5, 2.285_714_285_714_286], 1e-12, "means");
    let variances = all(&|state| state.covariance[(0, 0)]);
    close(
        &variances,
        &[0.5, 1.5, 0.714_285_714_285_714_3],
        1e-12,
        "variances",
    );
    close(
        &[found.belief.log_likelihood],
        &[-3.953_689_3],
        1e-7,
        "log-likelihood",
    );
}

/// EM by itself leaves the slope so much noise, after so few steps, that nothing is known of the year after next.
#[test]
fn a_slope_that_never_changes_is_found_in_a_few_steps() {
    let mut random = StdRng::seed_from_u64(8);
    let noise = Predictive::Gaussian {
        mean: 0.0,
        deviation: 1.0,
    };
    let value = |t: i32| 50.0 + 0.3 * f64::from(t) + 8.0 * (f64::from(t) * FRAC_PI_6).sin();
    let series: Vec<Option<f64>> = (0..240)
        .map(|t| Some(value(t) + noise.sample(&mut random)))
        .collect();
    let observations = [Observations::univariate(series)];
    let structure = Structure::local_linear_trend().with_season(12);
    let config = LinearDynamicalConfig::structural(structure).with_iterations(3);
    let (found, history) = config.fit(&observations).unwrap();
    let plain = config
        .learn(
            &structure
                .system(
                    &observations[0]
                        .values
                        .iter()
                        .map(|x| x[0])
                        .collect::<Vec<_>>(),
                )
                .unwrap(),
            &observations,
        )
        .unwrap()
        .1;
    let reached = |history: &EmHistory| *history.log_likelihoods.last().unwrap();
    assert!(
        reached(&history) > reached(&plain) + 5.0,
        "{history:?} {plain:?}"
    );
    let belief = found.log_likelihood(&observations[0]).unwrap();
    let forecasts = found.forecast(&belief, 36, &[]).unwrap();
    for (forecast, t) in forecasts.iter().zip(240..) {
        assert!((forecast.mean[0] - value(t)).abs() < 2.0, "step {t}");
    }
    let width = |step: usize| forecasts[step].variances()[0].sqrt();
    assert!((0.8..1.6).contains(&width(0)), "{}", width(0));
    assert!(width(35) < 2.0 * width(0), "{}", width(35));
}

#[test]
fn a_local_level_is_exponential_smoothing() {
    // In the steady state m_t = m_{t-1} + a (x_t - m_{t-1}), a from q = Q / R (Muth 1960).
    let values: Vec<f64> = (0..400)
        .map(|t| (f64::from(t) * 1.7).sin() * 2.0 + 5.0)
        .collect();
    let series: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
    let dynamics = LinearDynamics {
        transition_noise: Matrix::diagonal(&[0.5]),
        emission_noise: Matrix::diagonal(&[2.0]),
        ..Structure::local_level().system(&series).unwrap().into()
    };
    let system = LinearDynamicalSystem::new(dynamics).unwrap();
    let found = system
        .log_likelihood(&Observations::univariate(series))
        .unwrap();
    let q: f64 = 0.25;
    let weight = (-q + (q * q + 4.0 * q).sqrt()) / 2.0;
    let smoothed = values[1..]
        .iter()
        .fold(values[0], |m, x| m + weight * (x - m));
    close(&found.latent.mean, &[smoothed], 1e-9, "level");
}

#[test]
fn variances_are_found_again() {
    // Q = 0.2, R = 1, of 2000 steps: by maximum likelihood both within some standard errors.
    let series = vec![Some(0.0); 2];
    let dynamics = LinearDynamics {
        transition_noise: Matrix::diagonal(&[0.2]),
        emission_noise: Matrix::diagonal(&[1.0]),
        ..Structure::local_level().system(&series).unwrap().into()
    };
    let truth = LinearDynamicalSystem::new(dynamics).unwrap();
    let (_, drawn) = truth.sample(&truth.begin(), 2000, &[], 4).unwrap();
    let config = LinearDynamicalConfig::structural(Structure::local_level());
    let config = config.with_iterations(500).with_tolerance(1e-9);
    let (found, _) = config.fit(&[drawn]).unwrap();
    let found = found.dynamics();
    let (q, r) = (found.transition_noise[(0, 0)], found.emission_noise[(0, 0)]);
    assert!((q - 0.2).abs() < 0.06 && (r - 1.0).abs() < 0.15, "{q} {r}");
}

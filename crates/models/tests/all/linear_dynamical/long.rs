//! Thousands of steps.

use backdraft_models::Series;
use backdraft_models::baselines::linear_dynamical::{
    Belief, Gaussian, LinearDynamicalSystem, LinearDynamics, Matrix, Observations, Structure,
};

use super::{close, matrix, observed, system};

/// Symmetric to the last bit, and `L L'` of real numbers with pivots above 0.
fn is_definite(state: &Gaussian) -> bool {
    let p = &state.covariance;
    let [n, _] = p.shape();
    let mut lower = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            if p[(i, j)] != p[(j, i)] {
                return false;
            }
            let rest: f64 = p[(i, j)] - (0..j).map(|k| lower[i][k] * lower[j][k]).sum::<f64>();
            lower[i][j] = if i == j {
                rest.sqrt()
            } else {
                rest / lower[j][j]
            };
        }
        if lower[i][i].is_nan() || lower[i][i] <= 0.0 {
            return false;
        }
    }
    true
}

#[test]
fn covariances_stay_covariances_over_ten_thousand_steps() {
    let season = Structure::local_linear_trend().with_season(7);
    let series: Vec<Option<f64>> = (0..10_000)
        .map(|t| (t % 13 != 5).then(|| f64::from(t % 7) + 0.01 * f64::from(t)))
        .collect();
    let seasonal = season.system(&series).unwrap();
    for tiny in [1.0, 1e-12] {
        let noise = Matrix::diagonal(&[0.4 * tiny, 0.6 * tiny, 0.5 * tiny]);
        let sharp = |system: LinearDynamicalSystem, noise: Matrix| {
            let dynamics = LinearDynamics {
                emission_noise: noise,
                ..system.into()
            };
            LinearDynamicalSystem::new(dynamics).unwrap()
        };
        let general = sharp(system(), noise);
        let seasonal = sharp(seasonal.clone(), Matrix::diagonal(&[tiny]));
        let drawn = observed(&general, 10_000, 1);
        for (system, observations) in [
            (general, drawn),
            (seasonal, Observations::univariate(series.clone())),
        ] {
            let filtered = system.filter(&observations).unwrap();
            assert!(
                filtered.filtered.iter().all(is_definite),
                "filtered, {tiny}"
            );
            assert!(
                filtered.predicted.iter().all(is_definite),
                "predicted, {tiny}"
            );
            assert!(filtered.belief.log_likelihood.is_finite());
            let smoothed = system.smooth(&observations).unwrap();
            assert!(smoothed.states.iter().all(is_definite), "smoothed, {tiny}");
        }
    }
}

#[test]
fn a_sequence_read_in_parts_is_the_same_sequence() {
    let system = system();
    let observations = observed(&system, 50, 2);
    let whole = system.filter(&observations).unwrap();
    let mut belief = system.begin();
    for t in 0..50 {
        let (x, u) = (&observations.values[t], &observations.controls[t]);
        let said = system.observe(&mut belief, x, u).unwrap();
        assert_eq!(said, whole.predictives[t]);
        assert_eq!(belief.latent, whole.filtered[t]);
    }
    assert_eq!(belief, whole.belief);
    // It can be put away and taken up again.
    let kept = serde_json::to_string(&belief).unwrap();
    let kept: Belief = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept.steps, 50);
    let (kept, belief) = (kept.latent, belief.latent);
    close(&kept.mean, &belief.mean, 1e-14, "mean");
    close(
        kept.covariance.values(),
        belief.covariance.values(),
        1e-14,
        "covariance",
    );
}

#[test]
fn states_without_noise_are_smoothed_as_what_they_are() {
    // A line of unknown level and slope, and a third state that is the sum of both: least squares.
    let transition = matrix([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 2.0, 0.0]]);
    let dynamics = LinearDynamics::new(
        transition,
        matrix([[1.0, 0.0, 0.0]]),
        Matrix::zeros(3, 3),
        matrix([[0.5]]),
    );
    let p = matrix([[1e6, 0.0, 1e6], [0.0, 1e6, 1e6], [1e6, 1e6, 2e6]]);
    let dynamics = dynamics.with_initial([0.0; 3], p);
    let system = LinearDynamicalSystem::new(dynamics).unwrap();
    let values = [1.0, 2.5, 2.0, 4.5, 5.5, 5.0, 8.0];
    let smoothed = system
        .smooth(&Observations::univariate(values.map(Some)))
        .unwrap();
    // The least squares line, by the normal equations.
    let n = values.len() as f64;
    let centre = (n - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / n;
    let by: f64 = values
        .iter()
        .enumerate()
        .map(|(t, x)| (t as f64 - centre) * x)
        .sum();
    let slope = by
        / (0..values.len())
            .map(|t| (t as f64 - centre).powi(2))
            .sum::<f64>();
    for (t, state) in smoothed.states.iter().enumerate() {
        let level = mean + slope * (t as f64 - centre);
        close(&state.mean, &[level, slope, level + slope], 1e-5, "state");
    }
}

#[test]
fn a_series_of_a_forecaster_is_read_with_its_covariates() {
    let series = Series::new([Some(1.0), None]).with_covariates([vec![0.5], vec![-1.0]]);
    let found = Observations::from(&series);
    let expected = Observations::univariate([Some(1.0), None]);
    assert_eq!(found, expected.with_controls([vec![0.5], vec![-1.0]]));
}

//! What is said of steps to come.

use backdraft_models::baselines::hidden_markov::{Categorical, Hmm, HmmState, NormalMixture};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::assert_close;
use super::models::{categorical, gaussian, sequences, thinned};

#[test]
fn a_series_is_as_likely_as_its_steps_one_after_the_other() {
    for is_full in [false, true] {
        let model = gaussian(4, is_full);
        let mut series = sequences(&model, &[50]).remove(0);
        thinned(&mut series, 0.2, 1);
        let steps = model.one_step_ahead(&series).unwrap();
        let densities = steps.iter().zip(&series);
        let densities: Vec<f64> = densities
            .map(|(mixture, x)| mixture.log_density(x).unwrap())
            .collect();
        let nats: Vec<f64> = model.step_nats(&series).unwrap();
        let negated: Vec<f64> = nats.iter().map(|nats| -nats).collect();
        assert_close(&densities, &negated, 1e-10, "ln p of each step");
        let sum = [densities.iter().sum()];
        assert_close(
            &sum,
            &[model.log_likelihood(&series).unwrap()],
            1e-10,
            "ln p",
        );
    }
}

#[test]
fn steps_further_ahead_near_the_distribution_that_stays() {
    let model = gaussian(4, true);
    let series = sequences(&model, &[30]).remove(0);
    let mut state = model.state();
    for step in &series {
        model.observe(&mut state, step).unwrap();
    }
    let ahead = model.forecast(&state, 200).unwrap();
    assert_eq!(ahead.len(), 200);
    assert_close(
        ahead[0].weights(),
        &state.predicted(),
        1e-15,
        "the step to come",
    );
    let next = |weights: &[f64]| -> Vec<f64> {
        let column = |j: usize| {
            let rows = weights.iter().zip(model.transitions());
            rows.map(|(w, row)| w * row[j]).sum()
        };
        (0..3).map(column).collect()
    };
    assert_close(
        ahead[1].weights(),
        &next(ahead[0].weights()),
        1e-12,
        "two steps",
    );
    let last = ahead[199].weights();
    assert_close(last, &next(last), 1e-12, "what stays");
}

#[test]
fn a_mixture_has_the_moments_of_its_samples() {
    let model = gaussian(9, true);
    let mixture = model.forecast(&model.state(), 1).unwrap().remove(0);
    let drawn: Vec<Vec<f64>> = (0..60_000)
        .map(|seed| {
            model.sample(1, seed).1[0]
                .iter()
                .flatten()
                .copied()
                .collect()
        })
        .collect();
    let mean = |f: &dyn Fn(&[f64]) -> f64| drawn.iter().map(|x| f(x)).sum::<f64>() / 60_000.0;
    let mu = mixture.mean();
    let covariance = mixture.covariance();
    for i in 0..3 {
        assert_close(&[mean(&|x| x[i])], &[mu[i]], 0.03, "mean");
        let one = mixture.feature(i);
        assert_close(&[one.mean()], &[mu[i]], 1e-12, "mean of a feature");
        assert_close(
            &[one.variance()],
            &[covariance[i][i]],
            1e-12,
            "its variance",
        );
        for j in 0..3 {
            let found = mean(&|x| (x[i] - mu[i]) * (x[j] - mu[j]));
            assert_close(&[found], &[covariance[i][j]], 0.06, "covariance");
        }
        let alone = |x: f64| {
            let mut observation = vec![None; 3];
            observation[i] = Some(x);
            mixture.log_density(&observation).unwrap()
        };
        for x in [-4.0, 0.0, 1.5] {
            assert_close(&[one.log_density(x)], &[alone(x)], 1e-12, "ln p");
        }
    }
}

fn mixture() -> NormalMixture {
    NormalMixture {
        weights: vec![0.2, 0.5, 0.3, 0.0],
        means: vec![-3.0, 0.5, 4.0, 1e6],
        deviations: vec![0.4, 1.0, 0.01, 1.0],
    }
}

#[test]
fn quantiles_are_where_the_distribution_is() {
    let mixture = mixture();
    for level in [1e-9, 0.01, 0.2, 0.5, 0.71, 0.99, 1.0 - 1e-9] {
        let q = mixture.quantile(level);
        assert_close(&[mixture.cumulative(q)], &[level], 1e-12, "F");
    }
    assert_eq!(mixture.quantile(0.0), f64::NEG_INFINITY);
    assert_eq!(mixture.quantile(1.0), f64::INFINITY);
    assert!(mixture.quantile(1.1).is_nan() && mixture.quantile(f64::NAN).is_nan());
    // Alone, a normal distribution's.
    let one = NormalMixture {
        weights: vec![1.0],
        means: vec![10.0],
        deviations: vec![2.0],
    };
    assert_close(
        &[one.quantile(0.975)],
        &[13.919_927_969_080_108],
        1e-12,
        "quantile",
    );
}

#[test]
fn scores_and_densities_are_the_integrals_that_they_stand_for() {
    let mixture = mixture();
    let (from, to, pieces) = (-20.0, 20.0, 400_000);
    let width = (to - from) / f64::from(pieces);
    let middle = |piece: i32| from + (f64::from(piece) + 0.5) * width;
    let integral =
        |f: &dyn Fn(f64) -> f64| -> f64 { (0..pieces).map(|piece| f(middle(piece)) * width).sum() };
    assert_close(
        &[integral(&|x| mixture.log_density(x).exp())],
        &[1.0],
        1e-9,
        "density",
    );
    for z in [-3.0, 0.0, 3.99, 12.0] {
        let crps = integral(&|x| (mixture.cumulative(x) - f64::from(u8::from(z <= x))).powi(2));
        assert_close(&[mixture.crps(z)], &[crps], 1e-4, "CRPS");
    }
    let mut random = StdRng::seed_from_u64(3);
    let mean: f64 = (0..40_000)
        .map(|_| mixture.sample(&mut random))
        .sum::<f64>()
        / 40_000.0;
    assert_close(&[mean], &[mixture.mean()], 0.05, "mean of samples");
}

#[test]
fn a_state_that_went_through_a_file_goes_on_alike() {
    let emission = Categorical::new(vec![vec![1.0, 0.0], vec![0.5, 0.5]]).unwrap();
    let transitions = vec![vec![0.5, 0.5], vec![0.0, 1.0]];
    let model = Hmm::new(vec![1.0, 0.0], transitions, emission).unwrap();
    let mut state = model.state();
    for symbol in [0, 0, 1] {
        let text = serde_json::to_string(&state).unwrap();
        let mut back: HmmState = serde_json::from_str(&text).unwrap();
        assert_eq!(back, state);
        let nats = model.observe(&mut state, &Some(symbol)).unwrap();
        assert_eq!(model.observe(&mut back, &Some(symbol)).unwrap(), nats);
    }
    let mut foreign = categorical(1).state();
    let error = model
        .observe(&mut foreign, &Some(0))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("Hmm: state: expected probabilities of 2 states, found"),
        "{error}"
    );
}

//! Sequences of thousands of steps, and models that went through a file.

use backdraft_models::baselines::hidden_markov::{
    Categorical, Gaussian, GaussianConfig, Hmm, HmmConfig,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::assert_close;
use super::learning::assert_rises;
use super::models::{FEATURES, STATES, categorical, gaussian, sequences};

#[test]
fn ten_thousand_steps_and_more_are_read_without_loss() {
    let truth = categorical(5);
    let (_, symbols) = truth.sample(10_000, 1);
    // Scaled at each step (Rabiner 1989, section V A), not in logarithms.
    let mut scaled = truth.start().to_vec();
    let mut expected = 0.0;
    for symbol in symbols.iter().flatten() {
        for (p, row) in scaled.iter_mut().zip(truth.emission().probabilities()) {
            *p *= row[*symbol as usize];
        }
        let sum: f64 = scaled.iter().sum();
        expected += sum.ln();
        let through = |j: usize| {
            let rows = scaled.iter().zip(truth.transitions());
            rows.map(|(p, row)| p / sum * row[j]).sum()
        };
        scaled = (0..STATES).map(through).collect();
    }
    let found = truth.posteriors(&symbols).unwrap();
    assert_close(&[found.log_likelihood], &[expected], 1e-12, "ln p");
    let sums: Vec<f64> = found.states.iter().map(|row| row.iter().sum()).collect();
    assert_close(&sums, &vec![1.0; 10_000], 1e-14, "gamma");
    let pairs: f64 = found.transitions.concat().iter().sum();
    assert_close(&[pairs], &[9_999.0], 1e-12, "xi");
    let nats: f64 = truth.step_nats(&symbols).unwrap().iter().sum();
    assert_close(&[nats], &[-expected], 1e-12, "nats");

    let mut random = StdRng::seed_from_u64(1);
    let far = |_| {
        vec![
            Some(1e8 + random.random_range(-1.0..1.0)),
            None,
            Some(-1e-8),
        ]
    };
    let series: Vec<Vec<Option<f64>>> = (0..10_000).map(far).collect();
    let config = HmmConfig::gaussian(2, FEATURES).with_iterations(3);
    let (model, history) = config.fit(std::slice::from_ref(&series)).unwrap();
    assert_rises(&history, 2);
    assert!(model.log_likelihood(&series).unwrap().is_finite());
    assert!(model.viterbi(&series).unwrap().log_p.is_finite());
}

#[test]
fn a_model_goes_to_a_file_and_back() {
    let model = gaussian(3, true);
    let text = serde_json::to_string(&model).unwrap();
    let back: Hmm<Gaussian> = serde_json::from_str(&text).unwrap();
    let data = sequences(&model, &[20]).remove(0);
    let [found, expected] = [&back, &model].map(|model| model.log_likelihood(&data).unwrap());
    assert_close(&[found], &[expected], 1e-14, "ln p");
    let model = categorical(3);
    let back: Hmm<Categorical> =
        serde_json::from_str(&serde_json::to_string(&model).unwrap()).unwrap();
    let [found, expected] = [&back, &model].map(|model| model.emission().probabilities().concat());
    assert_close(&found, &expected, 1e-15, "B");
    let [found, expected] = [&back, &model].map(|model| model.transitions().concat());
    assert_close(&found, &expected, 1e-15, "A");
    let config = HmmConfig::gaussian(2, 3);
    let text = serde_json::to_string(&config).unwrap();
    let back: HmmConfig<GaussianConfig> = serde_json::from_str(&text).unwrap();
    assert_eq!(back, config);
}

//! Distributions on every compiled backend: losses against closed forms, quantiles against the
//! distribution functions that they invert.

use backdraft_models::{Output, PointError, Predictive, ln_gamma};
use burn::tensor::{Device, Tensor, TensorData};
use rand::{SeedableRng, rngs::StdRng};

use crate::support::{cpus, devices};

fn vector(values: &[f64], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

fn matrix(values: &[f64], columns: usize, device: &Device) -> Tensor<2> {
    let shape = [values.len() / columns, columns];
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn floats<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter().collect()
}

fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let allowed = tolerance * expected.abs().max(1.0);
        assert!(
            (found - expected).abs() <= allowed,
            "{found} against {expected}"
        );
    }
}

/// ln(n!), by its definition.
fn ln_factorial(n: u32) -> f64 {
    (1..=n).map(|k| f64::from(k).ln()).sum()
}

/// p(z) of a negative binomial: the rising factorial r (r + 1) .. (r + z - 1) multiplied out.
fn negative_binomial(z: u32, mean: f64, dispersion: f64) -> f64 {
    let r = 1.0 / dispersion;
    let rising: f64 = (0..z).map(|k| (r + f64::from(k)).ln()).sum();
    let p = dispersion * mean / (1.0 + dispersion * mean);
    (rising - ln_factorial(z) + r * (1.0 - p).ln() + f64::from(z) * p.ln()).exp()
}

#[test]
fn the_logarithm_of_the_gamma_function_is_right() {
    let half = std::f64::consts::PI.sqrt().ln();
    // G(1/2) = sqrt(pi), G(3/2) = sqrt(pi) / 2, G(7/2) = 15 sqrt(pi) / 8, G(n + 1) = n!; the two small
    // ones by G(x) = G(1 + x) / x, with ln G(1 + x) = -0.5772.. x + pi^2 x^2 / 12 - ..
    let x = [0.5, 1.5, 3.5, 1.0, 2.0, 3.0, 7.0, 31.0, 171.0, 1e-6, 1e-3];
    let small = |x: f64| -0.577_215_664_901_532_9 * x + 0.822_467_033_424_113_2 * x * x - x.ln();
    let expected = [
        half,
        half - 2f64.ln(),
        half + 15f64.ln() - 8f64.ln(),
        0.0,
        0.0,
        2f64.ln(),
        ln_factorial(6),
        ln_factorial(30),
        ln_factorial(170),
        small(1e-6),
        small(1e-3),
    ];
    for device in cpus() {
        let found = floats(&ln_gamma(vector(&x, &device)));
        for ((x, found), expected) in x.iter().zip(&found).zip(expected) {
            let allowed = if expected == 0.0 {
                1e-6
            } else {
                1e-5 * f64::abs(expected)
            };
            assert!(
                (found - expected).abs() < allowed,
                "at {x}: {found} against {expected}"
            );
        }
    }
}

#[test]
fn the_gradient_of_ln_gamma_is_the_digamma_function() {
    for device in cpus() {
        let x = vector(&[1.0, 2.0, 0.5], &device.autodiff()).require_grad();
        let gradients = ln_gamma(x.clone()).sum().backward();
        let euler = 0.577_215_664_901_532_9;
        let expected = [-euler, 1.0 - euler, -euler - 2.0 * 2f64.ln()];
        close(&floats(&x.grad(&gradients).unwrap()), &expected, 2e-5);
    }
}

#[test]
fn losses_are_the_closed_forms() {
    let levels = [0.1, 0.5, 0.9];
    // WGSL has no log1p: at a dispersion of 1e-4 a GPU's loss of counts is off by 4e-4.
    for device in cpus() {
        let losses = |output: Output, parameters: &[f64], z: &[f64]| {
            let parameters = matrix(parameters, output.features(), &device);
            floats(&output.loss(parameters, vector(z, &device)))
        };
        let point = losses(
            Output::Point(PointError::Squared),
            &[1.0, -2.0],
            &[4.0, -2.5],
        );
        close(&point, &[9.0, 0.25], 1e-6);
        let point = losses(
            Output::Point(PointError::Absolute),
            &[1.0, -2.0],
            &[4.0, -2.5],
        );
        close(&point, &[3.0, 0.5], 1e-6);

        let gaussian = |z: f64, mean: f64, deviation: f64| {
            let x = (z - mean) / deviation;
            let p = (-x * x / 2.0).exp() / (deviation * std::f64::consts::TAU.sqrt());
            -p.ln()
        };
        let found = losses(
            Output::Gaussian,
            &[0.0, 1.0, 3.0, 0.2, -1.0, 7.0],
            &[0.5, 2.5, 9.0],
        );
        let expected = [
            gaussian(0.5, 0.0, 1.0),
            gaussian(2.5, 3.0, 0.2),
            gaussian(9.0, -1.0, 7.0),
        ];
        close(&found, &expected, 1e-5);

        // -scipy.stats.t.logpdf(z, n, mu, sigma)
        let found = losses(
            Output::StudentT,
            &[0.0, 1.0, 3.0, 3.0, 0.2, 2.5, -1.0, 7.0, 1e4],
            &[0.5, 2.5, 9.0],
        );
        let expected = [1.1609742649705825, 1.599536875893244, 3.885279766810889];
        close(&found, &expected, 1e-5);

        let cases = [
            (0, 0.3, 0.5),
            (3, 2.0, 1.7),
            (40, 25.0, 0.3),
            (5, 5.0, 1e-4),
            (200, 3.0, 4.0),
            // Where a term is a million times the result.
            (1_000_000, 9e5, 0.1),
            (50_000, 4e4, 0.02),
        ];
        let parameters: Vec<f64> = cases.iter().flat_map(|(_, mean, a)| [*mean, *a]).collect();
        let z = cases.map(|(z, _, _)| f64::from(z));
        let expected = cases.map(|(z, mean, a)| -negative_binomial(z, mean, a).ln());
        close(
            &losses(Output::NegativeBinomial, &parameters, &z),
            &expected,
            1e-4,
        );

        // Errors of 2 above 1, 0 and 4 below 6: 0.1 * 2, 0 and 0.1 * 3.
        let found = losses(Output::Quantiles(levels.to_vec()), &[1.0, 3.0, 6.0], &[3.0]);
        close(&found, &[(0.2 + 0.0 + 0.3) / 3.0], 1e-6);
    }
}

#[test]
fn features_become_possible_parameters() {
    for device in devices() {
        let features = [-200.0, -200.0, 0.0, 0.0, 50.0, 50.0];
        let of = |output: Output| floats(&output.parameters(matrix(&features, 2, &device)));
        let least = [1e-4, 2f64.ln() + 1e-4, 50.0 + 1e-4];
        let gaussian = of(Output::Gaussian);
        close(
            &gaussian,
            &[-200.0, least[0], 0.0, least[1], 50.0, least[2]],
            1e-6,
        );
        assert!((gaussian[1] - 1e-4).abs() < 1e-9);
        let expected = least.map(|value| [value, value]).concat();
        close(&of(Output::NegativeBinomial), &expected, 1e-6);
        assert_eq!(of(Output::Quantiles(vec![0.1, 0.9])), features);
    }
}

#[test]
fn losses_have_a_gradient_wherever_they_are() {
    // Features far out, and the place where |z - v| has a corner.
    let features = [-150.0, -150.0, 0.0, 0.0, 150.0, 150.0, 3.0, -90.0];
    for device in cpus().into_iter().map(Device::autodiff) {
        let outputs = [
            Output::Gaussian,
            Output::NegativeBinomial,
            Output::Quantiles(vec![0.1, 0.9]),
        ];
        for output in outputs {
            let x = matrix(&features, 2, &device).require_grad();
            let z = vector(&[0.0, 1.0, 150.0, 3.0], &device);
            let loss = output.loss(output.parameters(x.clone()), z);
            let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
            assert!(finite(&floats(&loss)), "{output:?}: {:?}", floats(&loss));
            let gradient = floats(&x.grad(&loss.sum().backward()).unwrap());
            assert!(finite(&gradient), "{output:?}: {gradient:?}");
        }
    }
}

#[test]
fn quantiles_of_a_gaussian_are_those_of_tables() {
    let normal = Predictive::Gaussian {
        mean: 0.0,
        deviation: 1.0,
    };
    let table = [
        (0.5, 0.0),
        (0.8, 0.841_621_233_572_914_2),
        (0.95, 1.644_853_626_951_472_2),
        (0.975, 1.959_963_984_540_054),
        (0.001, -3.090_232_306_167_813_5),
        (1e-15, -7.941_345_326_170_998),
    ];
    for (level, expected) in table {
        let found = normal.quantile(level);
        assert!(
            (found - expected).abs() < 1e-12,
            "{level}: {found} against {expected}"
        );
    }
    assert_eq!(normal.quantile(0.0), f64::NEG_INFINITY);
    assert_eq!(normal.quantile(1.0), f64::INFINITY);
    assert!(normal.quantile(1.5).is_nan() && normal.quantile(f64::NAN).is_nan());
    let moved = normal.rescaled(10.0, 2.0);
    assert!((moved.quantile(0.975) - 13.919_927_969_080_108).abs() < 1e-12);
}

#[test]
fn quantiles_of_counts_invert_the_sum_of_their_probabilities() {
    for (mean, dispersion) in [(0.2, 3.0), (4.0, 0.5), (30.0, 1e-4), (2000.0, 0.001)] {
        let counts = Predictive::NegativeBinomial { mean, dispersion };
        for level in [1e-6, 0.05, 0.5, 0.9, 0.999] {
            let quantile = counts.quantile(level) as u32;
            let up_to = |last: u32| -> f64 {
                (0..=last)
                    .map(|z| negative_binomial(z, mean, dispersion))
                    .sum()
            };
            assert!(
                up_to(quantile) >= level - 1e-9,
                "{mean} {dispersion} {level}: {quantile}"
            );
            let below = quantile.checked_sub(1).map_or(0.0, up_to);
            assert!(
                below < level + 1e-9,
                "{mean} {dispersion} {level}: {quantile}"
            );
        }
        assert_eq!(counts.mean(), mean);
    }
    let none = Predictive::NegativeBinomial {
        mean: f64::NAN,
        dispersion: 1.0,
    };
    assert!(none.quantile(0.5).is_nan());
    // However many there are, they are not counted one by one.
    for mean in [1e8, 1e39, 1e200] {
        let dispersion = 0.25;
        let counts = Predictive::NegativeBinomial { mean, dispersion };
        let median = counts.quantile(0.5);
        // That of the gamma distribution of shape 4.
        assert!((median / mean - 0.918_015).abs() < 1e-4, "{mean}: {median}");
    }
}

#[test]
fn quantiles_lie_on_straight_lines_between_those_that_are_told() {
    // Told in the wrong order, they are sorted.
    let told = Output::Quantiles(vec![0.2, 0.5, 0.9]).predictive(&[4.0, 1.0, 8.0]);
    for (level, expected) in [
        (0.0, 1.0),
        (0.2, 1.0),
        (0.3, 2.0),
        (0.5, 4.0),
        (0.7, 6.0),
        (1.0, 8.0),
    ] {
        let found = told.quantile(level);
        assert!(
            (found - expected).abs() < 1e-12,
            "{level}: {found} against {expected}"
        );
    }
    // 0.2 * 1, 0.3 * (1 + 4) / 2, 0.4 * (4 + 8) / 2 and 0.1 * 8.
    assert!((told.mean() - (0.2 + 0.75 + 2.4 + 0.8)).abs() < 1e-12);
    assert!(told.quantile(-0.1).is_nan());
}

#[test]
fn samples_have_the_mean_and_the_variance() {
    let mut random = StdRng::seed_from_u64(7);
    let mut moments = |predictive: &Predictive| {
        let draws: Vec<f64> = (0..40_000)
            .map(|_| predictive.sample(&mut random))
            .collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        [mean, variance]
    };
    // Within five standard deviations of the mean, and about as many of the variance.
    let gaussian = Predictive::Gaussian {
        mean: -3.0,
        deviation: 2.0,
    };
    let [mean, variance] = moments(&gaussian);
    assert!(
        (mean + 3.0).abs() < 0.05 && (variance - 4.0).abs() < 0.15,
        "{mean} {variance}"
    );
    let counts = Predictive::NegativeBinomial {
        mean: 6.0,
        dispersion: 0.5,
    };
    let [mean, variance] = moments(&counts);
    assert!(
        (mean - 6.0).abs() < 0.13 && (variance - 24.0).abs() < 1.5,
        "{mean} {variance}"
    );
    let told = Output::Quantiles(vec![0.2, 0.5, 0.9]).predictive(&[1.0, 4.0, 8.0]);
    let [mean, _] = moments(&told);
    assert!(
        (mean - told.mean()).abs() < 0.08,
        "{mean} against {}",
        told.mean()
    );
    assert_eq!(moments(&Predictive::Point(2.0)), [2.0, 0.0]);
}

#[test]
fn impossible_levels_are_refused() {
    for levels in [
        vec![],
        vec![0.0, 0.5],
        vec![0.5, 1.0],
        vec![0.5, 0.5],
        vec![f64::NAN],
    ] {
        let error = Output::Quantiles(levels)
            .check("model")
            .unwrap_err()
            .to_string();
        let expected = "model: levels of the quantiles: expected at least one, above 0, below 1 and \
                        ascending, found [";
        assert!(error.starts_with(expected), "{error}");
    }
}

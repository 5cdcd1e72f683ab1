//! Learning by EM.

use backdraft_models::baselines::linear_dynamical::{
    Covariance, Learned, LearningStart, LinearDynamicalConfig, LinearDynamicalSystem,
    LinearDynamics, Matrix, Observations,
};

use super::{close, matrix, observed, system};

/// Sequences of different lengths, one of which has nothing to say.
fn sequences() -> Vec<Observations> {
    let system = system();
    let lengths = [(40, 1), (1, 2), (17, 3), (0, 4), (25, 5)];
    lengths
        .map(|(steps, seed)| observed(&system, steps, seed))
        .to_vec()
}

fn likelihood(system: &LinearDynamicalSystem, sequences: &[Observations]) -> f64 {
    let of = |sequence| system.log_likelihood(sequence).unwrap().log_likelihood;
    sequences.iter().map(of).sum()
}

#[test]
fn no_step_lowers_the_likelihood_whatever_is_learned() {
    let all = Learned::all();
    let parts = [
        all,
        Learned::noises(),
        Learned {
            control: false,
            ..all
        },
        Learned {
            transition: false,
            ..all
        },
        Learned {
            feedthrough: false,
            initial_mean: false,
            ..all
        },
        Learned {
            emission: false,
            emission_noise: false,
            ..all
        },
    ];
    for learned in parts {
        for noise in [Covariance::Full, Covariance::Diagonal] {
            for start in [
                LearningStart::Delays { latent: 2 },
                LearningStart::Random { latent: 3, seed: 1 },
            ] {
                let config = LinearDynamicalConfig::new(2).with_start(start);
                let config = config.with_learned(learned).with_noises(noise, noise);
                let config = config.with_iterations(20).with_tolerance(0.0);
                let (found, history) = config.fit(&sequences()).unwrap();
                // It would have ended early: what is lower is not taken.
                let steps = &history.log_likelihoods;
                assert_eq!(steps.len(), 21, "{learned:?} {noise:?} {start:?} {steps:?}");
                assert!(steps.windows(2).all(|pair| pair[1] > pair[0]));
                close(
                    &[likelihood(&found, &sequences())],
                    &steps[20..],
                    1e-12,
                    "the last",
                );
            }
        }
    }
}

type Part = fn(&mut LinearDynamics) -> &mut Matrix;

/// The largest slope of the likelihood by any number of these; of a symmetric matrix, by both at once.
fn steepest(system: &LinearDynamicalSystem, parts: &[Part], sequences: &[Observations]) -> f64 {
    let mut most: f64 = 0.0;
    for part in parts {
        let begun = part(&mut system.dynamics().clone()).clone();
        let [rows, columns] = begun.shape();
        let is_symmetric = rows == columns && begun[(0, rows - 1)] == begun[(rows - 1, 0)];
        for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
            let at = |by: f64| {
                let mut moved = system.dynamics().clone();
                part(&mut moved)[(i, j)] += by;
                if is_symmetric && i != j {
                    part(&mut moved)[(j, i)] += by;
                }
                likelihood(&LinearDynamicalSystem::new(moved).unwrap(), sequences)
            };
            most = most.max(((at(1e-5) - at(-1e-5)) / 2e-5).abs());
        }
    }
    most
}

#[test]
fn where_em_ends_the_likelihood_has_no_slope() {
    // With some features missing, so that the slope is that of what is marginalised. How a state moves
    // and how it is seen are learned by themselves: together EM takes tens of thousands of steps.
    let none = Learned::none();
    let seen = Learned {
        emission: true,
        feedthrough: true,
        emission_noise: true,
        ..none
    };
    let moved = Learned {
        transition: true,
        control: true,
        transition_noise: true,
        ..none
    };
    let seen_parts: [Part; 3] = [
        |d| &mut d.emission,
        |d| &mut d.feedthrough,
        |d| &mut d.emission_noise,
    ];
    let moved_parts: [Part; 3] = [
        |d| &mut d.transition,
        |d| &mut d.control,
        |d| &mut d.transition_noise,
    ];
    let sequences = [observed(&system(), 150, 7), observed(&system(), 50, 8)];
    for (learned, parts) in [(seen, seen_parts), (moved, moved_parts)] {
        let config = LinearDynamicalConfig::new(2).with_learned(learned);
        let config = config.with_iterations(3000).with_tolerance(1e-11);
        let (found, history) = config.learn(&system(), &sequences).unwrap();
        let last = history.log_likelihoods.last_chunk::<2>();
        assert!(history.converged, "{last:?}");
        let before = steepest(&system(), &parts, &sequences);
        let after = steepest(&found, &parts, &sequences);
        assert!(before > 5.0 && after < 0.02, "{before} {after} {last:?}");
    }
}

#[test]
fn a_system_is_found_again_from_what_it_made() {
    let truth = system();
    let sequences: Vec<Observations> = (0..4).map(|seed| observed(&truth, 300, seed)).collect();
    let unseen = [observed(&truth, 500, 99)];
    let reached = likelihood(&truth, &sequences);
    let entropy = likelihood(&truth, &unseen);
    for start in [
        LearningStart::Delays { latent: 2 },
        LearningStart::Random { latent: 2, seed: 3 },
    ] {
        let config = LinearDynamicalConfig::new(2)
            .with_start(start)
            .with_iterations(300);
        let (found, history) = config.fit(&sequences).unwrap();
        assert_eq!(history.parameters, config.parameters(&found));
        // A 4, B 2, C 6, D 3, Q 3, R 6, m_1 2, P_1 3, less any basis of two states.
        assert_eq!(history.parameters, 29 - 4);
        // The best is above the truth, by about half its parameters in nats; and not far off elsewhere.
        let best = history.log_likelihoods.last().unwrap() - reached;
        assert!((0.0..40.0).contains(&best), "{start:?}: {best}");
        let lost = entropy - likelihood(&found, &unseen);
        assert!(lost < 12.0, "{start:?}: {lost} of {entropy}");
    }
}

#[test]
fn what_is_held_fixed_stays_as_it_is() {
    let learned = Learned {
        transition: true,
        ..Learned::none()
    };
    let config = LinearDynamicalConfig::new(2)
        .with_learned(learned)
        .with_iterations(3);
    let (found, history) = config.learn(&system(), &sequences()).unwrap();
    assert_ne!(found.dynamics().transition, system().dynamics().transition);
    let put_back = LinearDynamics {
        transition: system().dynamics().transition.clone(),
        ..found.into()
    };
    assert_eq!(&put_back, system().dynamics());
    assert_eq!(history.parameters, 4);

    let config = config.with_learned(Learned::none());
    let (found, history) = config.learn(&system(), &sequences()).unwrap();
    assert_eq!(found, system());
    assert!(history.converged);
    let config = LinearDynamicalConfig::new(2).with_iterations(0);
    let (found, history) = config.learn(&system(), &sequences()).unwrap();
    assert_eq!((found, history.log_likelihoods.len()), (system(), 1));
}

#[test]
fn noise_has_a_floor_and_a_structure() {
    // Two features that a state of one number tells exactly, and are the same.
    let wave = |t: i32| (f64::from(t) * 0.7).sin() + (f64::from(t) * 0.31).cos();
    let values: Vec<Vec<Option<f64>>> = (0..80).map(|t| vec![Some(wave(t)); 2]).collect();
    let sequences = [Observations::new(values)];
    for covariance in [Covariance::Full, Covariance::Diagonal] {
        let config = LinearDynamicalConfig::new(3).with_noises(covariance, covariance);
        let config = config
            .with_least_noise(1e-4)
            .with_iterations(400)
            .with_tolerance(0.0);
        let (found, history) = config.fit(&sequences).unwrap();
        assert!(
            history
                .log_likelihoods
                .windows(2)
                .all(|pair| pair[1] >= pair[0])
        );
        assert!(
            history.log_likelihoods.len() > 100,
            "{:?}",
            history.log_likelihoods.len()
        );
        let noise = &found.dynamics().emission_noise;
        let variance = {
            let mean = (0..80).map(wave).sum::<f64>() / 80.0;
            (0..80).map(|t| (wave(t) - mean).powi(2)).sum::<f64>() / 80.0
        };
        let (a, b, c) = (noise[(0, 0)], noise[(0, 1)], noise[(1, 1)]);
        // The least eigenvalue, in units of the variance.
        let least = (0.5 * (a + c) - (0.25 * (a - c).powi(2) + b * b).sqrt()) / variance;
        assert!((least / 1e-4 - 1.0).abs() < 1e-6, "{least}");
        assert!(b == 0.0 || covariance == Covariance::Full);
        let q = &found.dynamics().transition_noise;
        assert_eq!(q[(0, 1)] == 0.0, covariance == Covariance::Diagonal);
    }
}

#[test]
fn a_constant_control_is_an_offset() {
    let far = |sequence: Observations| {
        let values = sequence.values.iter();
        let far = |x: &Vec<Option<f64>>| x.iter().map(|x| x.map(|x| x + 1000.0)).collect();
        let values: Vec<Vec<Option<f64>>> = values.map(far).collect();
        Observations::new(values).with_controls(sequence.controls)
    };
    let sequences: Vec<Observations> = sequences().into_iter().map(far).collect();
    let offset: Vec<Observations> = sequences
        .iter()
        .map(|s| s.clone().with_constant())
        .collect();
    assert_eq!(offset[0].controls[3].len(), 2);
    let config = LinearDynamicalConfig::new(2).with_iterations(60);
    let (_, history) = config.fit(&offset).unwrap();
    let (_, without) = config.fit(&sequences).unwrap();
    let near: Vec<Observations> = self::sequences()
        .into_iter()
        .map(Observations::with_constant)
        .collect();
    let (_, expected) = config.fit(&near).unwrap();
    let last = |history: &[f64]| *history.last().unwrap();
    let (found, expected) = (
        last(&history.log_likelihoods),
        last(&expected.log_likelihoods),
    );
    close(&[found], &[expected], 1e-4, "the same but for where it is");
    assert!(last(&without.log_likelihoods) < found - 10.0);
}

#[test]
fn constant_and_single_values_are_learned_from() {
    let config = LinearDynamicalConfig::new(2).with_iterations(20);
    for values in [
        vec![Some(3.0); 10],
        vec![Some(-2.0)],
        vec![None, Some(0.0), None],
    ] {
        let sequence = Observations::univariate(values);
        let (found, history) = config.fit(std::slice::from_ref(&sequence)).unwrap();
        assert!(
            history
                .log_likelihoods
                .iter()
                .all(|value| value.is_finite())
        );
        let belief = found.log_likelihood(&sequence).unwrap();
        let next = found.forecast(&belief, 3, &[]).unwrap();
        assert!(
            next.iter()
                .all(|x| x.mean[0].is_finite() && x.variances()[0] > 0.0)
        );
    }
    let (found, _) = config
        .fit(&[Observations::univariate(vec![Some(3.0); 40])])
        .unwrap();
    let belief = found
        .log_likelihood(&Observations::univariate(vec![Some(3.0); 40]))
        .unwrap();
    close(
        &found.forecast(&belief, 1, &[]).unwrap()[0].mean,
        &[3.0],
        1e-2,
        "constant",
    );
}

#[test]
fn a_system_and_a_config_are_read_back_as_they_were_written() {
    let json = serde_json::to_string(&system()).unwrap();
    let read: LinearDynamicalSystem = serde_json::from_str(&json).unwrap();
    assert_eq!(read, system());
    let config =
        LinearDynamicalConfig::new(2).with_start(LearningStart::Random { latent: 4, seed: 9 });
    let json = serde_json::to_string(&config).unwrap();
    assert_eq!(
        serde_json::from_str::<LinearDynamicalConfig>(&json).unwrap(),
        config
    );

    // A file that tells no system is refused.
    let dynamics = LinearDynamics {
        transition_noise: matrix([[1.0, 2.0], [2.0, 1.0]]),
        ..system().into()
    };
    let json = serde_json::to_string(&dynamics).unwrap();
    let error = serde_json::from_str::<LinearDynamicalSystem>(&json).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("Q: expected symmetric and positive"),
        "{error}"
    );
    let ragged = json.replacen("[[0.8,-0.4],", "[[0.8],", 1);
    assert_ne!(ragged, json);
    let error = serde_json::from_str::<LinearDynamicalSystem>(&ragged).unwrap_err();
    assert!(error.to_string().contains("columns of row 1"), "{error}");
}

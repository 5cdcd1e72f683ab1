//! Against what pykalman computes, as recorded by `pykalman.py`.

use backdraft_models::baselines::linear_dynamical::{
    Gaussian, Learned, LinearDynamicalConfig, LinearDynamicalSystem, LinearDynamics, Observations,
};
use serde::Deserialize;

use super::close;

#[derive(Deserialize)]
struct Case {
    system: LinearDynamics,
    values: Vec<Option<Vec<f64>>>,
    controls: Vec<Vec<f64>>,
    filtered: Moments,
    smoothed: Moments,
    log_likelihood: f64,
    learned: Option<LinearDynamics>,
}

#[derive(Deserialize)]
struct Moments {
    means: Vec<Vec<f64>>,
    covariances: Vec<Vec<Vec<f64>>>,
}

impl Case {
    fn system(&self) -> LinearDynamicalSystem {
        LinearDynamicalSystem::new(self.system.clone()).unwrap()
    }

    fn observations(&self) -> Observations {
        let missing = vec![None; self.system.emission.shape()[0]];
        let step = |x: &Option<Vec<f64>>| match x {
            Some(x) => x.iter().copied().map(Some).collect(),
            None => missing.clone(),
        };
        let values: Vec<Vec<Option<f64>>> = self.values.iter().map(step).collect();
        Observations::new(values).with_controls(self.controls.clone())
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("pykalman.json")).unwrap()
}

fn same(found: &[Gaussian], expected: &Moments, what: &str) {
    let means: Vec<f64> = found.iter().flat_map(|g| g.mean.clone()).collect();
    close(&means, &expected.means.concat(), 1e-8, what);
    let values = |g: &Gaussian| g.covariance.values().to_vec();
    let covariances: Vec<f64> = found.iter().flat_map(values).collect();
    close(
        &covariances,
        &expected.covariances.concat().concat(),
        1e-8,
        what,
    );
}

#[test]
fn states_and_likelihoods_are_those_of_pykalman() {
    for case in cases() {
        let (system, observations) = (case.system(), case.observations());
        let found = system.filter(&observations).unwrap();
        same(&found.filtered, &case.filtered, "filtered");
        let likelihoods = [
            found.belief.log_likelihood,
            system.log_likelihood(&observations).unwrap().log_likelihood,
        ];
        close(&likelihoods, &[case.log_likelihood; 2], 1e-8, "likelihood");
        let found = system.smooth(&observations).unwrap();
        same(&found.states, &case.smoothed, "smoothed");
    }
}

#[test]
fn a_step_of_em_is_that_of_pykalman() {
    let mut compared = 0;
    for case in cases() {
        let Some(expected) = &case.learned else {
            continue;
        };
        // Offsets are held: pykalman learns them beside the old matrices, not with the new ones.
        let learned = Learned {
            control: false,
            feedthrough: false,
            ..Learned::all()
        };
        let config = LinearDynamicalConfig::new(1).with_learned(learned);
        let config = config.with_iterations(1).with_tolerance(0.0);
        let (found, history) = config
            .learn(&case.system(), &[case.observations()])
            .unwrap();
        assert_eq!(history.log_likelihoods.len(), 2);
        let found = found.dynamics();
        for (found, expected, what) in [
            (&found.transition, &expected.transition, "A"),
            (&found.control, &expected.control, "B"),
            (&found.emission, &expected.emission, "C"),
            (&found.feedthrough, &expected.feedthrough, "D"),
            (&found.transition_noise, &expected.transition_noise, "Q"),
            (&found.emission_noise, &expected.emission_noise, "R"),
            (
                &found.initial_covariance,
                &expected.initial_covariance,
                "P_1",
            ),
        ] {
            close(found.values(), expected.values(), 1e-8, what);
        }
        close(&found.initial_mean, &expected.initial_mean, 1e-8, "m_1");
        compared += 1;
    }
    assert_eq!(compared, 4);
}

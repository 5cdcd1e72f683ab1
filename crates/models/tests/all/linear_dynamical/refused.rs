//! What is refused, and in which words.

use backdraft_cells::Error;
use backdraft_models::baselines::linear_dynamical::{
    LearningStart, LinearDynamicalConfig, LinearDynamicalSystem, LinearDynamics, Matrix,
    Observations, Structure,
};

use super::{matrix, observed, system};

fn message<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn numbers_that_tell_no_system_are_refused() {
    let with = |change: &dyn Fn(&mut LinearDynamics)| {
        let mut dynamics = LinearDynamics::from(system());
        change(&mut dynamics);
        message(LinearDynamicalSystem::new(dynamics))
    };
    assert_eq!(
        with(&|d| d.transition = Matrix::zeros(2, 3)),
        "LinearDynamicalSystem: A: expected [2, 2], found [2, 3]"
    );
    assert_eq!(
        with(&|d| d.feedthrough = Matrix::zeros(3, 2)),
        "LinearDynamicalSystem: D: expected [3, 1], found [3, 2]"
    );
    assert_eq!(
        with(&|d| d.initial_mean = vec![0.0, f64::NAN]),
        "LinearDynamicalSystem: m_1: expected finite numbers, found NaN"
    );
    assert_eq!(
        with(&|d| d.initial_covariance = matrix([[1.0, 0.5], [0.4, 1.0]])),
        "LinearDynamicalSystem: P_1: expected symmetric and positive semidefinite, \
         found 0.4 at [1, 0], 0.5 at [0, 1]"
    );
    assert_eq!(
        with(&|d| d.transition_noise = Matrix::diagonal(&[1.0, -1.0])),
        "LinearDynamicalSystem: Q: expected symmetric and positive semidefinite, \
         found a direction of negative variance"
    );
    assert_eq!(
        with(&|d| d.emission_noise = Matrix::diagonal(&[1.0, 0.0, 1.0])),
        "LinearDynamicalSystem: R: expected positive definite: noise in every direction, \
         found one without"
    );
    assert_eq!(
        with(&|d| d.transition = Matrix::zeros(0, 0)),
        "LinearDynamicalSystem: latent size: expected at least 1, found 0"
    );
}

#[test]
fn sequences_that_do_not_fit_are_refused() {
    let system = system();
    let right = observed(&system, 3, 1);
    let with = |change: &dyn Fn(&mut Observations)| {
        let mut sequence = right.clone();
        change(&mut sequence);
        message(system.filter(&sequence))
    };
    assert_eq!(
        with(&|s| s.values[1] = vec![Some(1.0)]),
        "step 1: LinearDynamicalSystem: features: expected 3, found 1"
    );
    assert_eq!(
        with(&|s| s.values[2][0] = Some(f64::INFINITY)),
        "step 2: LinearDynamicalSystem: observation: expected a finite number, or none, found inf"
    );
    assert_eq!(
        with(&|s| s.controls = Vec::new()),
        "step 0: LinearDynamicalSystem: controls: expected 1, found 0"
    );
    assert_eq!(
        with(&|s| s.controls.truncate(2)),
        "LinearDynamicalSystem: steps of the controls: expected 3, one for each step, found 2"
    );
    let mut belief = system.begin();
    assert!(system.observe(&mut belief, &[None; 2], &[0.0]).is_err());
    assert!(
        system
            .observe(&mut belief, &[None; 3], &[f64::NAN])
            .is_err()
    );
    // Nothing was read of what was refused.
    assert_eq!(belief, system.begin());
    assert_eq!(
        message(system.forecast(&belief, 2, &[vec![1.0]])),
        "step 1 to come: LinearDynamicalSystem: controls: expected 1, found 0"
    );
    belief.latent.mean.push(0.0);
    assert_eq!(
        message(system.observe(&mut belief, &[None; 3], &[0.0])),
        "LinearDynamicalSystem: mean of the belief: expected [2, 1], found [3, 1]"
    );
    assert!(system.forecast(&belief, 1, &[vec![0.0]]).is_err());
    assert!(system.sample(&belief, 1, &[vec![0.0]], 1).is_err());

    // A state that grows a hundredfold each step is beyond all numbers some time.
    let dynamics = LinearDynamics::new(
        matrix([[100.0]]),
        matrix([[1.0]]),
        matrix([[1.0]]),
        matrix([[1.0]]),
    );
    let growing = LinearDynamicalSystem::new(dynamics).unwrap();
    let mut values = vec![None; 400];
    values.push(Some(1.0));
    let error = message(growing.filter(&Observations::univariate(values)));
    assert!(
        error.contains("variance of step 400: expected finite, and definite"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let config = LinearDynamicalConfig::new(2);
    let series = [Observations::univariate([Some(1.0), Some(2.0)])];
    assert_eq!(
        message(config.fit(&[])),
        "LinearDynamicalSystem: features: expected at least 1, found 0"
    );
    assert_eq!(
        message(config.fit(&[Observations::univariate([None, None])])),
        "LinearDynamicalSystem: observed values: expected at least 1, found 0"
    );
    assert_eq!(
        message(config.clone().with_tolerance(f64::NAN).fit(&series)),
        "LinearDynamicalSystem: tolerance: expected a finite number, at least 0, found NaN"
    );
    assert_eq!(
        message(config.clone().with_least_noise(0.0).fit(&series)),
        "LinearDynamicalSystem: least noise: expected above 0, at most 1, found 0"
    );
    let start = |start| message(config.clone().with_start(start).fit(&series));
    let expected = "LinearDynamicalSystem: latent size: expected at least 1, found 0";
    assert_eq!(start(LearningStart::Delays { latent: 0 }), expected);
    assert_eq!(
        start(LearningStart::Random { latent: 0, seed: 1 }),
        expected
    );
    assert_eq!(
        start(LearningStart::Structure(
            Structure::local_level().with_season(1)
        )),
        "LinearDynamicalSystem: steps of a season: expected at least 2, found 1"
    );
    let two = [Observations::new([vec![Some(1.0), Some(2.0)]])];
    assert_eq!(
        message(LinearDynamicalConfig::structural(Structure::local_level()).fit(&two)),
        "LinearDynamicalSystem: series of a structure: expected 1 feature and no controls, \
         found 2 and 0"
    );
    let mixed = [series[0].clone(), two[0].clone()];
    assert_eq!(
        message(config.fit(&mixed)),
        "sequence 1: step 0: LinearDynamicalSystem: features: expected 1, found 2"
    );
    assert_eq!(
        message(Matrix::from_rows([vec![1.0], vec![]])),
        "Matrix: columns of row 1: expected 1, as in the first row, found 0"
    );
}

//! Linear dynamical systems: against pykalman, against the joint distribution of all steps, and the
//! filter on every compiled backend against the one on the host.

mod gradient;
mod joint;
mod learning;
mod long;
mod pykalman;
mod refused;
mod structure;

use backdraft_models::baselines::linear_dynamical::{
    LinearDynamicalSystem, LinearDynamics, Matrix, Observations,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

fn matrix<const R: usize, const C: usize>(rows: [[f64; C]; R]) -> Matrix {
    Matrix::from_rows(rows.map(|row| row.to_vec())).unwrap()
}

fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let within = (found - expected).abs() <= tolerance * expected.abs().max(1.0);
        assert!(within, "{what}: {found} against {expected}");
    }
}

/// Two states, three features, one control; nothing of it is diagonal.
fn system() -> LinearDynamicalSystem {
    let dynamics = LinearDynamics::new(
        matrix([[0.8, -0.4], [0.3, 0.9]]),
        matrix([[1.0, 0.2], [-0.5, 1.0], [0.3, -0.7]]),
        matrix([[0.5, 0.1], [0.1, 0.3]]),
        matrix([[0.4, 0.1, -0.05], [0.1, 0.6, 0.2], [-0.05, 0.2, 0.5]]),
    );
    let dynamics = dynamics
        .with_initial([0.5, -1.0], matrix([[1.2, 0.4], [0.4, 0.9]]))
        .with_controls(matrix([[0.7], [-0.2]]), matrix([[0.1], [0.5], [-0.3]]));
    LinearDynamicalSystem::new(dynamics).unwrap()
}

/// A sequence of the system's, of which one feature in four is missing, and all of its step 2.
fn observed(system: &LinearDynamicalSystem, steps: usize, seed: u64) -> Observations {
    let mut random = StdRng::seed_from_u64(seed);
    let controls: Vec<Vec<f64>> = (0..steps)
        .map(|_| {
            (0..system.controls())
                .map(|_| random.random_range(-1.0..1.0))
                .collect()
        })
        .collect();
    let (_, mut drawn) = system
        .sample(&system.begin(), steps, &controls, seed)
        .unwrap();
    for (t, x) in drawn.values.iter_mut().enumerate() {
        for value in x {
            if t == 2 || random.random_range(0..4) == 0 {
                *value = None;
            }
        }
    }
    drawn
}

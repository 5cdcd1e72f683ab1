//! Autoregressions against statsmodels (`autoregression.json`, which `autoregression.py` wrote), against
//! hand values, and against what conditioning a Gaussian on what is observed gives.

mod equation;
mod gaps;
mod module;
mod statsmodels;

use backdraft_models::Predictive;
use backdraft_models::baselines::Autoregression;
use serde_json::Value;

type Series = Vec<Option<f64>>;

fn observed(values: &[f64]) -> Series {
    values.iter().copied().map(Some).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    let numbers = value.as_array().unwrap().iter();
    numbers.map(|number| number.as_f64().unwrap()).collect()
}

/// Close beside the size of what is expected.
#[track_caller]
fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        let near = (f - e).abs() <= tolerance * e.abs().max(1.0);
        assert!(near, "{found:?} against {expected:?}");
    }
}

fn gaussian(predictive: &Predictive) -> [f64; 2] {
    match predictive {
        Predictive::Gaussian { mean, deviation } => [*mean, deviation * deviation],
        other => panic!("{other:?}"),
    }
}

/// `c`, then `phi` of each lag.
fn coefficients(model: &Autoregression) -> Vec<f64> {
    [&[model.intercept()], model.coefficients()].concat()
}

/// The solution of a linear system by elimination.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for column in 0..n {
        let largest =
            (column..n).max_by(|i, j| a[*i][column].abs().total_cmp(&a[*j][column].abs()));
        a.swap(column, largest.unwrap());
        b.swap(column, largest.unwrap());
        for row in 0..n {
            if row != column {
                let factor = a[row][column] / a[column][column];
                let pivot = a[column].clone();
                for (entry, pivot) in a[row].iter_mut().zip(pivot) {
                    *entry -= factor * pivot;
                }
                b[row] -= factor * b[column];
            }
        }
    }
    (0..n).map(|row| b[row] / a[row][row]).collect()
}

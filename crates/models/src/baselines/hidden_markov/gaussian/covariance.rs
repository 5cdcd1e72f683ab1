//! Covariances, and what is computed of their Cholesky factors.
//!
//! ```text
//! S = L L'        ln det S = 2 sum ln L_dd        e' S^-1 e = |L^-1 e|^2
//!
//! of the features o that are observed, what the others, m, are like (e = x - mu):
//! E[e_m | x_o] = S_mo S_oo^-1 e_o = W' L_oo^-1 e_o              W = L_oo^-1 S_om
//! V[e_m | x_o] = S_mm - S_mo S_oo^-1 S_om = S_mm - W' W
//! ```

use backdraft_cells::Error;
use faer::{Mat, Side};
use serde::{Deserialize, Serialize};

use super::HMM;
use crate::baselines::cholesky::Cholesky;
use crate::baselines::matrix::{Matrix, dot};

/// The covariance of each state, in squares of the observations' units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covariances {
    /// Variances: `[states][features]`.
    Diagonal(Vec<Vec<f64>>),
    /// Matrices: `[states][features][features]`.
    Full(Vec<Vec<Vec<f64>>>),
}

impl Covariances {
    /// That of `state`, as a matrix.
    pub fn matrix(&self, state: usize) -> Vec<Vec<f64>> {
        match self {
            Self::Diagonal(variances) => diagonal(&variances[state]),
            Self::Full(matrices) => matrices[state].clone(),
        }
    }

    /// The variance of one feature.
    pub(in super::super) fn variance(&self, state: usize, feature: usize) -> f64 {
        match self {
            Self::Diagonal(variances) => variances[state][feature],
            Self::Full(matrices) => matrices[state][feature][feature],
        }
    }

    /// Refuses what is of other sizes, not finite, not above 0 or not symmetric.
    pub(super) fn check(&self, [states, features]: [usize; 2]) -> Result<(), Error> {
        let refuse = |what: String, expected: &str, found: String| {
            Err(Error::new(HMM, what, expected, found))
        };
        let count = match self {
            Self::Diagonal(variances) => variances.len(),
            Self::Full(matrices) => matrices.len(),
        };
        if count != states {
            return Err(Error::count(HMM, "covariances", states, count));
        }
        for state in 0..states {
            let what = format!("covariance of state {state}");
            let matrix = match self {
                Self::Diagonal(variances) => {
                    let row = &variances[state];
                    if row.len() != features || !row.iter().all(|v| v.is_finite() && *v > 0.0) {
                        let expected = format!("{features} finite variances above 0");
                        return refuse(what, &expected, format!("{row:?}"));
                    }
                    continue;
                }
                Self::Full(matrices) => &matrices[state],
            };
            let is_square = matrix.len() == features;
            if !is_square || matrix.iter().any(|row| row.len() != features) {
                let expected = format!("{features} x {features}");
                return refuse(what, &expected, format!("{matrix:?}"));
            }
            for (i, row) in matrix.iter().enumerate() {
                for (j, value) in row.iter().enumerate() {
                    let scale = (matrix[i][i] * matrix[j][j]).sqrt();
                    // So too where it is not a number.
                    let is_symmetric = (value - matrix[j][i]).abs() <= 1e-8 * scale;
                    if !is_symmetric || !value.is_finite() {
                        return refuse(what, "a symmetric matrix", format!("{matrix:?}"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// A matrix with these on its diagonal.
pub(super) fn diagonal(values: &[f64]) -> Vec<Vec<f64>> {
    let row = |(i, value): (usize, &f64)| {
        let mut row = vec![0.0; values.len()];
        row[i] = *value;
        row
    };
    values.iter().enumerate().map(row).collect()
}

/// The factor of a covariance; nothing if it is not positive-definite.
pub(super) fn factor(matrix: &[Vec<f64>]) -> Option<Cholesky> {
    Cholesky::definite(&Matrix::from_rows(matrix).ok()?)
}

/// The factor of a part of a covariance: that of the features `observed`.
pub(in super::super) fn part(matrix: &[Vec<f64>], observed: &[usize]) -> Cholesky {
    let row = |&i: &usize| observed.iter().map(|&j| matrix[i][j]).collect();
    let part: Vec<Vec<f64>> = observed.iter().map(row).collect();
    factor(&part).expect("a part of a positive-definite matrix is one")
}

/// What the features `missing` are like, given that those `observed` are `errors` from their mean: their
/// mean error and their covariance.
pub(super) fn conditional(
    matrix: &[Vec<f64>],
    [missing, observed]: [&[usize]; 2],
    errors: Vec<f64>,
) -> (Vec<f64>, Vec<Vec<f64>>) {
    let factor = part(matrix, observed);
    let column = |&m: &usize| {
        let column: Vec<f64> = observed.iter().map(|&o| matrix[o][m]).collect();
        factor.whiten(&column)
    };
    let w: Vec<Vec<f64>> = missing.iter().map(column).collect();
    let z = factor.whiten(&errors);
    let mean = w.iter().map(|w| dot(w, &z)).collect();
    let row = |(i, w_i): (&usize, &Vec<f64>)| {
        let columns = missing.iter().zip(&w);
        columns
            .map(|(j, w_j)| matrix[*i][*j] - dot(w_i, w_j))
            .collect()
    };
    (mean, missing.iter().zip(&w).map(row).collect())
}

/// The likeliest covariance where the likeliest of all is `matrix` and none may be below `floor`, one
/// variance a feature, in any direction; `matrix` itself if a floor is 0.
///
/// ```text
/// max -ln det S - tr(S^-1 M)   where S - F is positive-semidefinite
/// S = F^1/2 U max(1, l) U' F^1/2      U l U' = F^-1/2 M F^-1/2
/// ```
///
/// For eigenvectors that are not those of M make the trace larger (von Neumann), and alone each
/// eigenvalue is best at `max(1, l)`.
pub(super) fn floored(matrix: Vec<Vec<f64>>, floor: &[f64]) -> Vec<Vec<f64>> {
    if floor.iter().any(|floor| *floor <= 0.0) {
        return matrix;
    }
    let size = floor.len();
    let scale: Vec<f64> = floor.iter().map(|floor| floor.sqrt()).collect();
    let scaled = Mat::from_fn(size, size, |i, j| matrix[i][j] / (scale[i] * scale[j]));
    let Ok(found) = scaled.self_adjoint_eigen(Side::Lower) else {
        return matrix;
    };
    let (vectors, values) = (found.U(), found.S().column_vector());
    if values.iter().all(|value| *value >= 1.0) {
        return matrix;
    }
    let at = |i: usize, j: usize| {
        let of = |k: usize| vectors[(i, k)] * values[k].max(1.0) * vectors[(j, k)];
        scale[i] * scale[j] * (0..size).map(of).sum::<f64>()
    };
    let row = |i: usize| (0..size).map(|j| at(i.max(j), i.min(j))).collect();
    (0..size).map(row).collect()
}

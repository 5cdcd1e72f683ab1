//! The Cholesky factor of a covariance.
//!
//! ```text
//! S = L L'              L lower triangular
//! S^-1 b = L'^-1 (L^-1 b)         ln |S| = 2 sum_i ln L_ii
//! ```
//!
//! Of a covariance that is singular, as where a state has no noise, a row that hangs on those before
//! it has a pivot of 0. It is left out of both substitutions: what is solved for lies in the range of
//! `S`, and any solution serves.

use std::f64::consts::TAU;

use super::matrix::{Matrix, dot};

/// A lower triangular factor.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cholesky(Matrix);

/// A pivot below this part of what stood on the diagonal is rounding.
const ROUNDING: f64 = 8.0 * f64::EPSILON;
/// The largest correlation with what is left out as rounding: its root, and some room.
const SLACK: f64 = 1e-6;

impl Cholesky {
    /// Of a positive definite matrix; nothing of any other.
    pub fn definite(matrix: &Matrix) -> Option<Self> {
        Self::new(matrix).filter(|factor| factor.0.diagonal_values().iter().all(|p| *p > 0.0))
    }

    /// Of a positive semidefinite matrix; nothing of one that has a negative direction.
    pub fn new(matrix: &Matrix) -> Option<Self> {
        let [size, _] = matrix.shape();
        let mut factor = Matrix::zeros(size, size);
        for i in 0..size {
            for j in 0..i {
                let rest = matrix[(i, j)] - dot(&factor.row(i)[..j], &factor.row(j)[..j]);
                let pivot = factor[(j, j)];
                // Nothing varies with what does not vary.
                let most = SLACK * (matrix[(i, i)] * matrix[(j, j)]).sqrt();
                if pivot == 0.0 && (rest.is_nan() || rest.abs() > most) {
                    return None;
                }
                factor[(i, j)] = if pivot > 0.0 { rest / pivot } else { 0.0 };
            }
            let on = matrix[(i, i)];
            let pivot = on - dot(&factor.row(i)[..i], &factor.row(i)[..i]);
            let rounding = size as f64 * ROUNDING * on.abs();
            // Not a number is not above either.
            if !(pivot.is_finite() && on >= 0.0 && pivot >= -SLACK * SLACK * on) {
                return None;
            }
            factor[(i, i)] = if pivot > rounding { pivot.sqrt() } else { 0.0 };
        }
        Some(Self(factor))
    }

    /// `L`.
    pub fn lower(&self) -> &Matrix {
        &self.0
    }

    /// `ln |S|`.
    pub fn log_determinant(&self) -> f64 {
        let pivots = self.0.diagonal_values().into_iter();
        2.0 * pivots.map(f64::ln).sum::<f64>()
    }

    /// `ln N(e; 0, S)`.
    pub fn log_density(&self, e: &[f64]) -> f64 {
        let white = self.whiten(e);
        let constant = e.len() as f64 * TAU.ln();
        -0.5 * (constant + self.log_determinant() + dot(&white, &white))
    }

    /// `S^-1 b`.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x = self.whiten(b);
        for i in (0..x.len()).rev() {
            let pivot = self.0[(i, i)];
            let rest = x[i] - (i + 1..x.len()).map(|k| self.0[(k, i)] * x[k]).sum::<f64>();
            x[i] = if pivot > 0.0 { rest / pivot } else { 0.0 };
        }
        x
    }

    /// `L^-1 b`.
    pub fn whiten(&self, b: &[f64]) -> Vec<f64> {
        let mut x = b.to_vec();
        for i in 0..x.len() {
            let pivot = self.0[(i, i)];
            let rest = x[i] - dot(&self.0.row(i)[..i], &x[..i]);
            x[i] = if pivot > 0.0 { rest / pivot } else { 0.0 };
        }
        x
    }

    /// `B S^-1`, row by row.
    pub fn solve_rows(&self, b: &Matrix) -> Matrix {
        let [rows, columns] = b.shape();
        let solved: Vec<Vec<f64>> = (0..rows).map(|i| self.solve(b.row(i))).collect();
        Matrix::from_fn([rows, columns], |i, j| solved[i][j])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solutions_are_those_of_the_system_and_the_determinant_is_right() {
        let rows = [[4.0, 2.0, 0.6], [2.0, 5.0, -1.0], [0.6, -1.0, 3.0]];
        let s = Matrix::from_rows(rows.map(|row| row.to_vec())).unwrap();
        let factor = Cholesky::definite(&s).unwrap();
        let x = factor.solve(&s.apply(&[1.0, -2.0, 0.5]));
        for (found, expected) in x.iter().zip([1.0, -2.0, 0.5]) {
            assert!((found - expected).abs() < 1e-14, "{found}");
        }
        let determinant: f64 = 4.0 * (15.0 - 1.0) - 2.0 * (6.0 + 0.6) + 0.6 * (-2.0 - 3.0);
        assert!((factor.log_determinant() - determinant.ln()).abs() < 1e-14);
    }

    #[test]
    fn a_singular_matrix_is_solved_within_its_range_and_is_not_definite() {
        // The third is the sum of the two before, the last has no variance.
        let b = Matrix::from_rows([
            vec![1.0, 0.3],
            vec![-0.2, 2.0],
            vec![0.8, 2.3],
            vec![0.0, 0.0],
        ]);
        let b = b.unwrap();
        let s = b.times_transposed(&b);
        assert!(Cholesky::definite(&s).is_none());
        let factor = Cholesky::new(&s).unwrap();
        let right = s.apply(&[0.5, -1.0, 2.0, 7.0]);
        for (found, expected) in s.apply(&factor.solve(&right)).iter().zip(&right) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn what_is_no_covariance_has_no_factor() {
        let of = |rows: [[f64; 2]; 2]| Matrix::from_rows(rows.map(|row| row.to_vec())).unwrap();
        assert!(Cholesky::new(&of([[1.0, 2.0], [2.0, 1.0]])).is_none());
        assert!(Cholesky::new(&of([[-1.0, 0.0], [0.0, 1.0]])).is_none());
        assert!(Cholesky::new(&of([[0.0, 1.0], [1.0, 1.0]])).is_none());
        assert!(Cholesky::new(&of([[f64::NAN, 0.0], [0.0, 1.0]])).is_none());
    }
}

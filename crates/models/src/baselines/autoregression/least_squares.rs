//! Least squares of as many rows as there are, in the memory of a few.
//!
//! ```text
//! [X y] = Q R        R = [R_x  q]      beta = R_x^-1 q        |y - X beta|^2 = r^2
//!                        [ 0   r]
//! ```
//!
//! Rows are gathered; when there are enough, the QR of the last `R` and of them gives the next `R`.
//! The residuals of the first `m` columns alone are there, too: the sum of the squares of what stands
//! below row `m` in the last column.

use faer::Mat;

/// Rows that are gathered, at least.
const BLOCK: usize = 512;

pub(super) struct LeastSquares {
    /// Columns of `[X y]`.
    columns: usize,
    /// `R` and the rows since, one after the other.
    rows: Vec<f64>,
    count: usize,
}

impl LeastSquares {
    /// Of `regressors` columns of `X`.
    pub fn new(regressors: usize) -> Self {
        Self {
            columns: regressors + 1,
            rows: Vec::new(),
            count: 0,
        }
    }

    /// Adds a row of `[X y]`.
    pub fn push(&mut self, row: impl IntoIterator<Item = f64>) {
        self.rows.extend(row);
        self.count += 1;
        if self.rows.len() >= self.columns * (BLOCK + 4 * self.columns) {
            self.reduce();
        }
    }

    /// How many rows were added.
    pub fn count(&self) -> usize {
        self.count
    }

    fn reduce(&mut self) {
        let columns = self.columns;
        // At least as many rows as columns, so that `R` is square.
        let height = (self.rows.len() / columns).max(columns);
        let at = |row: usize, column: usize| row * columns + column;
        let stacked = Mat::from_fn(height, columns, |row, column| {
            self.rows.get(at(row, column)).copied().unwrap_or(0.0)
        });
        let qr = stacked.qr();
        let r = qr.thin_R();
        let mut rows = vec![0.0; columns * columns];
        for column in 0..columns {
            for row in 0..=column {
                rows[at(row, column)] = r[(row, column)];
            }
        }
        self.rows = rows;
    }

    /// `R`, row by row.
    fn r(&mut self) -> &[f64] {
        self.reduce();
        &self.rows
    }

    /// `|y - X beta|^2` of the first 0, 1 .. columns of `X` alone.
    pub fn residuals(&mut self) -> Vec<f64> {
        let columns = self.columns;
        let last = self.r().iter().skip(columns - 1).step_by(columns);
        let squares: Vec<f64> = last.map(|q| q * q).collect();
        let mut sums: Vec<f64> = squares
            .iter()
            .rev()
            .scan(0.0, |sum, square| {
                *sum += square;
                Some(*sum)
            })
            .collect();
        sums.reverse();
        sums
    }

    /// `beta`; or the first column of `X` that is a sum of those before, as far as can be told.
    pub fn solve(&mut self) -> Result<Vec<f64>, usize> {
        let columns = self.columns;
        let r = self.r();
        let at = |row: usize, column: usize| r[row * columns + column];
        let mut beta = vec![0.0; columns - 1];
        for column in 0..columns - 1 {
            let length = (0..=column)
                .map(|row| at(row, column).powi(2))
                .sum::<f64>()
                .sqrt();
            let own = at(column, column).abs();
            if own.is_nan() || own <= 1e-12 * length {
                return Err(column);
            }
        }
        for row in (0..columns - 1).rev() {
            let known: f64 = (row + 1..columns - 1)
                .map(|column| at(row, column) * beta[column])
                .sum();
            beta[row] = (at(row, columns - 1) - known) / at(row, row);
        }
        Ok(beta)
    }
}

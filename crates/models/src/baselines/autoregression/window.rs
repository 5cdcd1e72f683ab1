//! What is known of the last `p` values when some are missing.
//!
//! ```text
//! s = [x_{t-1} .. x_{t-p}] ~ N(m, P)          P = 0 while all are observed
//!
//! x_t ~ N(c + phi' m, v)                       v = sigma^2 + phi' P phi
//! Cov(x_t, s) = P phi                          both go into the next window, the oldest goes out
//! m += P phi / v (x_t - mean)                  when x_t is observed
//! P -= P phi phi' P / v
//! ```
//!
//! Kalman 1960; `phi` has a place for each step back, 0 where that is no lag.

use std::collections::VecDeque;

use super::Autoregression;

/// The last values of a series, as far as they are known.
#[derive(Debug, Clone)]
pub(super) struct LagWindow<'a> {
    model: &'a Autoregression,
    /// `p`.
    length: usize,
    /// `m`, the newest first; fewer than `p` until so many were observed in a row.
    means: VecDeque<f64>,
    /// `P`, row by row; nothing where it is 0.
    covariance: Option<Vec<f64>>,
    /// How many of the newest were observed.
    observed: usize,
}

/// What is foreseen of the next value.
pub(super) struct Next {
    pub mean: f64,
    /// `v`.
    pub variance: f64,
    /// `P phi`; nothing where it is 0.
    with: Option<Vec<f64>>,
}

impl<'a> LagWindow<'a> {
    /// Of a series of which nothing was read.
    pub fn new(model: &'a Autoregression) -> Self {
        Self {
            model,
            length: model.largest_lag(),
            means: VecDeque::new(),
            covariance: None,
            observed: 0,
        }
    }

    /// The same, having read these.
    pub fn after(mut self, values: &[Option<f64>]) -> Self {
        for value in values {
            self.read(*value);
        }
        self
    }

    /// The next value; nothing as long as there were never `p` values in a row.
    pub fn next(&self) -> Option<Next> {
        if self.means.len() < self.length {
            return None;
        }
        let model = self.model;
        let sum = |at: &dyn Fn(usize) -> f64| -> f64 {
            model.terms().map(|(lag, phi)| phi * at(lag - 1)).sum()
        };
        let with: Option<Vec<f64>> = self.covariance.as_ref().map(|p| {
            let rows = p.chunks(self.length);
            rows.map(|row| sum(&|at| row[at])).collect()
        });
        let uncertain = with.as_ref().map_or(0.0, |with| sum(&|at| with[at]));
        Some(Next {
            mean: model.intercept + sum(&|at| self.means[at]),
            variance: model.variance + uncertain,
            with,
        })
    }

    /// Goes on by a value, which may be missing.
    pub fn read(&mut self, value: Option<f64>) {
        let Some(next) = self.next() else {
            match value {
                Some(value) => self.means.push_front(value),
                None => self.means.clear(),
            }
            self.observed = self.means.len();
            return;
        };
        if let (Some(value), Some(with)) = (value, &next.with) {
            for (mean, with) in self.means.iter_mut().zip(with) {
                *mean += with / next.variance * (value - next.mean);
            }
        }
        self.observed = value.map_or(0, |_| self.observed + 1);
        if self.observed >= self.length {
            self.covariance = None;
        } else if self.covariance.is_some() || value.is_none() {
            self.covariance = Some(self.moved(&next, value.is_some()));
        }
        self.means.push_front(value.unwrap_or(next.mean));
        self.means.truncate(self.length);
    }

    /// `P` of the next window.
    fn moved(&self, next: &Next, observed: bool) -> Vec<f64> {
        let p = self.length;
        let mut moved = vec![0.0; p * p];
        let with = |at: usize| next.with.as_ref().map_or(0.0, |with| with[at]);
        if !observed {
            moved[0] = next.variance;
            for at in 1..p {
                moved[at] = with(at - 1);
                moved[at * p] = with(at - 1);
            }
        }
        let before = |row: usize, column: usize| {
            self.covariance
                .as_ref()
                .map_or(0.0, |old| old[row * p + column])
        };
        for row in 1..p {
            for column in 1..p {
                let told = match observed {
                    true => with(row - 1) * with(column - 1) / next.variance,
                    false => 0.0,
                };
                moved[row * p + column] = before(row - 1, column - 1) - told;
            }
        }
        moved
    }

    /// `m`, the newest first, and `L` with `L L' = P`, row by row; nothing for that where it is 0.
    pub fn moments(&self) -> (Vec<f64>, Option<Vec<f64>>) {
        let root = self.covariance.as_ref().map(|p| root(p, self.length));
        (self.means.iter().copied().collect(), root)
    }
}

/// The Cholesky factor of a matrix some of whose rows may be 0, as those of what was observed are.
fn root(matrix: &[f64], size: usize) -> Vec<f64> {
    let mut root = vec![0.0; size * size];
    for column in 0..size {
        for row in column..size {
            let known: f64 = (0..column)
                .map(|at| root[row * size + at] * root[column * size + at])
                .sum();
            let left = matrix[row * size + column] - known;
            let own = root[column * size + column];
            root[row * size + column] = match row == column {
                // What rounding leaves of 0 is no variance.
                true if left > 1e-14 * matrix[row * size + row] => left.sqrt(),
                false if own > 0.0 => left / own,
                _ => 0.0,
            };
        }
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_times_itself_is_the_matrix() {
        // The second is known, the fourth is twice the first.
        let p = [
            4.0, 0.0, 1.0, 8.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 3.0, 2.0, 8.0, 0.0, 2.0, 16.0,
        ];
        let l = root(&p, 4);
        for row in 0..4 {
            for column in 0..4 {
                let product: f64 = (0..4).map(|at| l[row * 4 + at] * l[column * 4 + at]).sum();
                assert!((product - p[row * 4 + column]).abs() < 1e-12, "{l:?}");
            }
        }
    }
}

//! Small dense matrices in f64.
//!
//! A filter multiplies matrices of 2 x 2 or so, some twenty times a step. By plain loops a product of
//! that size takes 30 ns, by faer 180; of 12 x 12 faer takes a fifth of the loops' time.

use std::ops::{Index, IndexMut};

use backdraft_cells::Error;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use serde::{Deserialize, Serialize};

/// Multiplications of a product from which on faer is faster.
const FEW: usize = 200;

/// A matrix, `[rows, columns]`; in files, the list of its rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Vec<Vec<f64>>", try_from = "Vec<Vec<f64>>")]
pub struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

impl Matrix {
    /// The matrix of these rows.
    ///
    /// # Errors
    ///
    /// When they are not of one length.
    pub fn from_rows(rows: impl Into<Vec<Vec<f64>>>) -> Result<Self, Error> {
        let rows = rows.into();
        let columns = rows.first().map_or(0, Vec::len);
        if let Some((row, other)) = (rows.iter().enumerate()).find(|(_, r)| r.len() != columns) {
            let what = format!("columns of row {row}");
            let expected = format!("{columns}, as in the first row");
            return Err(Error::new("Matrix", what, expected, other.len()));
        }
        Ok(Self {
            rows: rows.len(),
            columns,
            values: rows.concat(),
        })
    }

    /// A matrix of zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            columns,
            values: vec![0.0; rows * columns],
        }
    }

    /// A square matrix with `values` on its diagonal and zeros beside it.
    pub fn diagonal(values: &[f64]) -> Self {
        let mut matrix = Self::zeros(values.len(), values.len());
        for (i, value) in values.iter().enumerate() {
            matrix[(i, i)] = *value;
        }
        matrix
    }

    /// The identity matrix.
    pub fn identity(size: usize) -> Self {
        Self::diagonal(&vec![1.0; size])
    }

    /// `[rows, columns]`.
    pub fn shape(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    /// Its values, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// One row.
    ///
    /// # Panics
    ///
    /// When there is no such row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..][..self.columns]
    }

    /// The diagonal.
    pub fn diagonal_values(&self) -> Vec<f64> {
        let size = self.rows.min(self.columns);
        (0..size).map(|i| self[(i, i)]).collect()
    }

    pub(super) fn from_fn(shape: [usize; 2], of: impl Fn(usize, usize) -> f64) -> Self {
        let [rows, columns] = shape;
        let indices = (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j)));
        Self {
            rows,
            columns,
            values: indices.map(|(i, j)| of(i, j)).collect(),
        }
    }

    /// `a b'`.
    pub(super) fn outer(a: &[f64], b: &[f64]) -> Self {
        Self::from_fn([a.len(), b.len()], |i, j| a[i] * b[j])
    }

    /// These rows and columns, in this order.
    pub(super) fn select(&self, rows: &[usize], columns: &[usize]) -> Self {
        Self::from_fn([rows.len(), columns.len()], |i, j| {
            self[(rows[i], columns[j])]
        })
    }

    /// `self other`.
    pub(super) fn times(&self, other: &Self) -> Self {
        debug_assert_eq!(self.columns, other.rows);
        let mut product = Self::zeros(self.rows, other.columns);
        if self.values.len() * other.columns > FEW {
            product.multiply(self.view(), other.view());
            return product;
        }
        for i in 0..self.rows {
            for (k, weight) in self.row(i).iter().enumerate() {
                let sums = &mut product.values[i * other.columns..][..other.columns];
                for (sum, value) in sums.iter_mut().zip(other.row(k)) {
                    *sum += weight * value;
                }
            }
        }
        product
    }

    /// `self other'`.
    pub(super) fn times_transposed(&self, other: &Self) -> Self {
        debug_assert_eq!(self.columns, other.columns);
        if self.values.len() * other.rows > FEW {
            let mut product = Self::zeros(self.rows, other.rows);
            product.multiply(self.view(), other.view().transpose());
            return product;
        }
        Self::from_fn([self.rows, other.rows], |i, j| {
            dot(self.row(i), other.row(j))
        })
    }

    pub(super) fn view(&self) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.values, self.rows, self.columns)
    }

    /// `self = a b`.
    fn multiply(&mut self, a: MatRef<'_, f64>, b: MatRef<'_, f64>) {
        let product = MatMut::from_row_major_slice_mut(&mut self.values, self.rows, self.columns);
        matmul(product, Accum::Replace, a, b, 1.0, Par::Seq);
    }

    /// `self v`.
    pub(super) fn apply(&self, v: &[f64]) -> Vec<f64> {
        (0..self.rows).map(|i| dot(self.row(i), v)).collect()
    }

    /// `self P self'` of a symmetric `P`: symmetric to the last bit.
    pub(super) fn quadratic(&self, p: &Self) -> Self {
        self.times(p).times_transposed(self).symmetric()
    }

    /// `(self + self') / 2`.
    pub(super) fn symmetric(&self) -> Self {
        Self::from_fn([self.rows, self.columns], |i, j| {
            0.5 * (self[(i, j)] + self[(j, i)])
        })
    }

    pub(super) fn plus(mut self, other: &Self) -> Self {
        self.add_scaled(1.0, other);
        self
    }

    pub(super) fn minus(mut self, other: &Self) -> Self {
        self.add_scaled(-1.0, other);
        self
    }

    pub(super) fn add_scaled(&mut self, scale: f64, other: &Self) {
        debug_assert_eq!(self.shape(), other.shape());
        for (value, other) in self.values.iter_mut().zip(&other.values) {
            *value += scale * other;
        }
    }

    pub(super) fn scaled(mut self, scale: f64) -> Self {
        self.values.iter_mut().for_each(|value| *value *= scale);
        self
    }

    /// Refuses numbers that are infinite or none, and another shape.
    pub(super) fn check(&self, layer: &str, what: &str, shape: [usize; 2]) -> Result<(), Error> {
        if self.shape() != shape {
            return Err(Error::shape(layer, what, shape, self.shape()));
        }
        match self.values.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(Error::new(layer, what, "finite numbers", value)),
            None => Ok(()),
        }
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(super) fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

pub(super) fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

impl Index<(usize, usize)> for Matrix {
    type Output = f64;

    fn index(&self, (row, column): (usize, usize)) -> &f64 {
        &self.values[row * self.columns + column]
    }
}

impl IndexMut<(usize, usize)> for Matrix {
    fn index_mut(&mut self, (row, column): (usize, usize)) -> &mut f64 {
        &mut self.values[row * self.columns + column]
    }
}

impl From<Matrix> for Vec<Vec<f64>> {
    fn from(matrix: Matrix) -> Self {
        (0..matrix.rows).map(|i| matrix.row(i).to_vec()).collect()
    }
}

impl TryFrom<Vec<Vec<f64>>> for Matrix {
    type Error = Error;

    fn try_from(rows: Vec<Vec<f64>>) -> Result<Self, Error> {
        Self::from_rows(rows)
    }
}

//! What the equations of a cell are written in: the values of one step, one row a sequence.

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Sub};

use burn::tensor::{Tensor, activation};

/// A value of one step: `[rows, width]`, or one row that stands for all of them.
///
/// Equations that are generic over this run on tensors ([`Tensor<2>`] is one), where Burn's
/// autodiff differentiates them, and can be recorded as a [`Program`](crate::Program), which runs
/// and differentiates them over a whole sequence at once.
pub trait Expression:
    Clone + Debug + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// A matrix of weights, `[out, in]`.
    type Matrix;

    /// Numbers a row.
    fn width(&self) -> usize;

    /// `W v`.
    #[must_use]
    fn linear(&self, weight: &Self::Matrix) -> Self;

    /// `width` numbers of each row from `start` on.
    #[must_use]
    fn narrow(&self, start: usize, width: usize) -> Self;

    /// Rows side by side.
    #[must_use]
    fn concat(parts: &[Self]) -> Self;

    /// `1 / (1 + exp(-x))`.
    #[must_use]
    fn sigmoid(self) -> Self;

    /// The hyperbolic tangent.
    #[must_use]
    fn tanh(self) -> Self;

    /// `max(0, x)`.
    #[must_use]
    fn relu(self) -> Self;

    /// `exp(x)`.
    #[must_use]
    fn exp(self) -> Self;

    /// The natural logarithm, of what is above 0.
    #[must_use]
    fn log(self) -> Self;

    /// `scale x + shift`.
    #[must_use]
    fn affine(self, scale: f64, shift: f64) -> Self;

    /// `x` between two bounds; outside, no gradient comes back.
    #[must_use]
    fn clamp(self, low: f64, high: f64) -> Self;

    /// The larger of two, of which the gradient goes to the larger; to the first of equal ones.
    #[must_use]
    fn maximum(self, other: Self) -> Self;

    /// `(x - mean) / sqrt(variance + epsilon)`, over each row; the variance is that of the row
    /// itself, not an estimate from it (Ba, Kiros and Hinton 2016, arXiv 1607.06450).
    #[must_use]
    fn normalize(self, epsilon: f64) -> Self;

    /// `1 - x`.
    #[must_use]
    fn complement(self) -> Self {
        self.affine(-1.0, 1.0)
    }

    /// `N` equal parts of each row.
    #[must_use]
    fn split<const N: usize>(&self) -> [Self; N] {
        let width = self.width() / N;
        assert_eq!(width * N, self.width(), "{N} equal parts");
        std::array::from_fn(|part| self.narrow(part * width, width))
    }

    /// `|x|`.
    #[must_use]
    fn abs(self) -> Self {
        self.clone().maximum(self.affine(-1.0, 0.0))
    }

    /// `log(1 + exp(x))`, without overflow.
    #[must_use]
    fn softplus(self) -> Self {
        let below = self.clone().abs().affine(-1.0, 0.0).exp();
        self.relu() + below.affine(1.0, 1.0).log()
    }

    /// `log(sigmoid(x))`, without overflow.
    #[must_use]
    fn log_sigmoid(self) -> Self {
        self.affine(-1.0, 0.0).softplus().affine(-1.0, 0.0)
    }
}

impl Expression for Tensor<2> {
    type Matrix = Tensor<2>;

    fn width(&self) -> usize {
        self.dims()[1]
    }

    fn linear(&self, weight: &Tensor<2>) -> Self {
        self.clone().matmul(weight.clone().transpose())
    }

    fn narrow(&self, start: usize, width: usize) -> Self {
        match (start, width == self.dims()[1]) {
            (0, true) => self.clone(),
            _ => self.clone().slice_dim(1, start..start + width),
        }
    }

    fn concat(parts: &[Self]) -> Self {
        Tensor::cat(parts.to_vec(), 1)
    }

    fn sigmoid(self) -> Self {
        activation::sigmoid(self)
    }

    fn tanh(self) -> Self {
        Tensor::tanh(self)
    }

    fn relu(self) -> Self {
        activation::relu(self)
    }

    fn exp(self) -> Self {
        Tensor::exp(self)
    }

    fn log(self) -> Self {
        Tensor::log(self)
    }

    fn affine(self, scale: f64, shift: f64) -> Self {
        let scaled = if scale == 1.0 { self } else { self * scale };
        if shift == 0.0 { scaled } else { scaled + shift }
    }

    fn clamp(self, low: f64, high: f64) -> Self {
        Tensor::clamp(self, low, high)
    }

    fn maximum(self, other: Self) -> Self {
        let smaller = self.clone().lower(other.clone());
        self.mask_where(smaller, other)
    }

    fn normalize(self, epsilon: f64) -> Self {
        // Burn's own variance divides by a number whose reciprocal is an f32 in backward.
        let mean = self.clone().mean_dim(1);
        let centred = self - mean;
        let variance = (centred.clone() * centred.clone()).mean_dim(1);
        centred / (variance + epsilon).sqrt()
    }
}

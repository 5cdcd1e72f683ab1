//! The power of each frequency in a piece of sound.
//!
//! ```text
//! X_k = sum_n x_n e^{-2 pi i k n / K}           P_k = |X_k|^2 / K,   k = 0 .. K/2
//!
//! X_k = E_k + w_k O_k,   X_{k+K/2} = E_k - w_k O_k,   w_k = e^{-2 pi i k / K}
//! ```
//!
//! `E` and `O` are the transforms of the samples at even and at odd places: Cooley and Tukey 1965,
//! "An algorithm for the machine calculation of complex Fourier series". `K` is a power of two.

use std::f64::consts::TAU;

/// A complex number: real part, imaginary part.
type Complex = [f64; 2];

/// Transforms of `K` samples.
#[derive(Debug, Clone)]
pub(crate) struct Fourier {
    size: usize,
    /// `w_k`, `k = 0 .. K/2`.
    w: Vec<Complex>,
}

impl Fourier {
    /// For at least so many samples.
    pub(crate) fn of_at_least(samples: usize) -> Self {
        let size = samples.max(2).next_power_of_two();
        let angles = (0..size / 2).map(|k| -TAU * k as f64 / size as f64);
        let w = angles.map(|angle| [angle.cos(), angle.sin()]).collect();
        Self { size, w }
    }

    /// `K`.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// `P_0 .. P_{K/2}` of at most `K` samples; those that miss are 0.
    pub(crate) fn power(&self, samples: &[f64]) -> Vec<f64> {
        let bits = self.size.trailing_zeros();
        let reversed = |n: usize| n.reverse_bits() >> (usize::BITS - bits);
        // Even places before odd ones, at all depths: the places with their bits reversed.
        let at = |n: usize| samples.get(reversed(n)).copied().unwrap_or(0.0);
        let mut x: Vec<Complex> = (0..self.size).map(|n| [at(n), 0.0]).collect();
        let mut half = 1;
        while half < self.size {
            let stride = self.size / (2 * half);
            for part in x.chunks_mut(2 * half) {
                let (even, odd) = part.split_at_mut(half);
                for (k, (even, odd)) in even.iter_mut().zip(odd).enumerate() {
                    let [c, s] = self.w[k * stride];
                    let turned = [c * odd[0] - s * odd[1], c * odd[1] + s * odd[0]];
                    *odd = [even[0] - turned[0], even[1] - turned[1]];
                    *even = [even[0] + turned[0], even[1] + turned[1]];
                }
            }
            half *= 2;
        }
        let power = |[re, im]: &Complex| (re * re + im * im) / self.size as f64;
        x[..=self.size / 2].iter().map(power).collect()
    }
}

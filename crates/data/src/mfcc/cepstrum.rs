//! The shape of a spectrum in few numbers.
//!
//! ```text
//! c_i = l_i s_i sum_m E_m cos(pi i (m + 1/2) / M)        DCT-II, orthonormal
//! s_0 = sqrt(1 / M), else s_i = sqrt(2 / M)
//! l_i = 1 + L/2 sin(pi (i + 1) / L)                      lifter; 1 if L = 0
//! ```
//!
//! HTK, whose coefficients begin with `c_1`, lifters them with `sin(pi i / L)`.

use std::f64::consts::PI;

use super::dot;

/// The first coefficients of `M` filters.
#[derive(Debug, Clone)]
pub(super) struct Cepstrum {
    /// `l_i s_i cos(..)`, coefficient after coefficient.
    rows: Vec<Vec<f64>>,
}

impl Cepstrum {
    pub(super) fn new(coefficients: usize, filters: usize, lifter: f64) -> Self {
        let row = |i: usize| {
            let scale = (if i == 0 { 1.0 } else { 2.0 } / filters as f64).sqrt();
            let lift = match lifter {
                0.0 => 1.0,
                lifter => 1.0 + lifter / 2.0 * (PI * (i + 1) as f64 / lifter).sin(),
            };
            let cosine = |m: usize| (PI * i as f64 * (m as f64 + 0.5) / filters as f64).cos();
            (0..filters).map(|m| lift * scale * cosine(m)).collect()
        };
        Self {
            rows: (0..coefficients).map(row).collect(),
        }
    }

    /// The number of coefficients.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// `c` of a frame, whose energies these are.
    pub(super) fn of(&self, energies: &[f64]) -> Vec<f64> {
        self.rows.iter().map(|row| dot(row, energies)).collect()
    }
}

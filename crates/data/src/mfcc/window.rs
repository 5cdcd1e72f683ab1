//! What each sample of a frame is multiplied by, so that its ends do not jump.
//!
//! ```text
//! w_n = 0.54 - 0.46 cos(2 pi n / (N - 1))         Hamming, symmetric
//! w_n = 0.5 - 0.5 cos(2 pi n / N)                 Hann, periodic
//! ```

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

/// What a frame of `N` samples is multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WindowFunction {
    /// `0.54 - 0.46 cos(2 pi n / (N - 1))`: symmetric, as HTK and Kaldi have it.
    #[default]
    Hamming,
    /// `0.5 - 0.5 cos(2 pi n / N)`: periodic, as librosa and torchaudio have it.
    #[doc(alias = "hann_window")]
    Hann,
}

impl WindowFunction {
    /// `w_n`, `n = 0 .. N - 1`; `N` is at least 2.
    pub(super) fn weights(self, frame: usize) -> Vec<f64> {
        let (mean, swing, period) = match self {
            Self::Hamming => (0.54, 0.46, frame - 1),
            Self::Hann => (0.5, 0.5, frame),
        };
        let weight = |n: usize| mean - swing * (TAU * n as f64 / period as f64).cos();
        (0..frame).map(weight).collect()
    }
}
